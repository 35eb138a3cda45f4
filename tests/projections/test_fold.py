"""Row changes, applied: one version a position, and nothing changes that did not begin."""

import pytest

from projections.fold import Fold, ProjectionError
from projections.rows import Change, Put, Remove, Table, count, number, text
from tests.projections.story import D

SHIPS = Table(
    name="ships",
    kind="current",
    key=("account", "name"),
    columns=(text("account"), text("name"), number("load", D(0)), count("masts", 1)),
)
KEY = ("alpha", "vega")


@pytest.fixture
def fold() -> Fold:
    return Fold({"ships": SHIPS})


def test_a_put_row_holds_its_values_and_the_defaults(fold: Fold) -> None:
    fold.apply(1, Put(table="ships", key=KEY, values={"load": D(3)}))
    ((_, _, version),) = fold.current()
    assert version.values == {"account": "alpha", "name": "vega", "load": D(3), "masts": 1}
    assert (version.since, version.until) == (1, None)


def test_a_change_ends_the_version_before_and_begins_another(fold: Fold) -> None:
    fold.apply(1, Put(table="ships", key=KEY, values={}))
    fold.apply(4, Change(table="ships", key=KEY, assign={"masts": 2}, add={"load": D("0.1")}))
    ((_, _, ended),) = fold.ended
    ((_, _, version),) = fold.current()
    assert (ended.since, ended.until, ended.values["load"]) == (1, 4, D(0))
    assert (version.since, version.values["load"], version.values["masts"]) == (4, D("0.1"), 2)


def test_two_changes_at_one_position_are_one_version(fold: Fold) -> None:
    fold.apply(1, Put(table="ships", key=KEY, values={}))
    fold.apply(2, Change(table="ships", key=KEY, add={"load": D(1)}))
    fold.apply(2, Change(table="ships", key=KEY, add={"load": D(1)}))
    assert len(fold.ended) == 1
    assert [version.values["load"] for _, _, version in fold.current()] == [D(2)]


def test_a_row_that_comes_and_goes_at_one_position_never_was(fold: Fold) -> None:
    fold.apply(3, Put(table="ships", key=KEY, values={}))
    fold.apply(3, Remove(table="ships", key=KEY))
    assert (list(fold.current()), fold.ended) == ([], [])


def test_a_change_that_changes_nothing_begins_no_version(fold: Fold) -> None:
    fold.apply(1, Put(table="ships", key=KEY, values={}))
    fold.apply(2, Change(table="ships", key=KEY, assign={"masts": 1}))
    assert [version.since for _, _, version in fold.current()] == [1]


def test_a_condition_that_does_not_hold_changes_nothing(fold: Fold) -> None:
    fold.apply(1, Put(table="ships", key=KEY, values={}))
    fold.apply(2, Change(table="ships", key=KEY, assign={"masts": 3}, when={"masts": 2}))
    assert [version.values["masts"] for _, _, version in fold.current()] == [1]


def test_a_missing_row_is_refused_ignored_or_created_as_the_change_says(fold: Fold) -> None:
    with pytest.raises(ProjectionError, match="position 5 table ships had no row"):
        fold.apply(5, Change(table="ships", key=KEY, assign={"masts": 3}))
    fold.apply(5, Change(table="ships", key=KEY, assign={"masts": 3}, absent="ignore"))
    assert list(fold.current()) == []
    fold.apply(5, Change(table="ships", key=KEY, add={"masts": 1}, absent="create"))
    assert [version.values["masts"] for _, _, version in fold.current()] == [2]


def test_an_unknown_column_is_named(fold: Fold) -> None:
    with pytest.raises(KeyError, match="no columns \\['sails'\\]"):
        fold.apply(1, Put(table="ships", key=KEY, values={"sails": 3}))
