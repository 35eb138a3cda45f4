"""A lot is shown with what guards it, and as unprotected when nothing does."""

from typing import Any

import msgspec
import pytest

from projections.position_views import GroupView, LegView
from projections.standing import Mark, Parts, group_view
from tests.projections.rows import GROUP, HELD, exit_row, leg
from tests.projections.story import MORNING, D

HOLDING = leg(**HELD)
WATCHED: dict[str, Any] = {"client_order_id": "", "order_status": None}


def held(*exits: object) -> LegView:
    return group(exits=list(exits)).legs[0]


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"order_status": "open"}, "RESTING"),
        ({"order_status": "requested"}, "REQUESTED"),
        ({"order_status": "unknown"}, "UNKNOWN"),
        ({"order_status": "rejected"}, "ENDED"),
        (WATCHED, "WATCHED"),
    ],
)
def test_an_exit_says_whether_it_rests_or_is_watched(changes: dict, state: str) -> None:
    seen = held(exit_row(**changes))
    assert seen.exit is not None
    assert (seen.exit.state, seen.target, seen.unprotected) == (state, D(101), False)


def test_an_exit_offers_what_its_order_has_not_sold() -> None:
    seen = held(exit_row(order_filled=D("0.5")))
    assert seen.exit is not None
    assert seen.exit.quantity == D("1.5")


def test_an_order_goes_before_a_watched_price_and_the_legs_own_before_the_groups() -> None:
    own, whole = exit_row(price=D(103)), exit_row("g", price=D(102), **WATCHED)
    assert held(whole, own).target == D(103)
    assert held(exit_row(price=D(103), **WATCHED), whole).target == D(103)
    assert held(exit_row(**WATCHED), exit_row("g", price=D(102))).target == D(102)
    assert held(whole).target == D(102)


def test_a_leg_whose_lot_another_exit_sells_too_is_protected_by_that() -> None:
    seen = held(exit_row("g-p0-l1", covers="g-p0-l1 g-p0-l0", price=D(104)))
    assert (seen.target, seen.unprotected) == (D(104), False)
    assert seen.exit is not None
    assert seen.exit.covers == 2


@pytest.mark.parametrize(
    "exits",
    [
        (),
        (exit_row("g-p0-l1", covers="g-p0-l1"),),
        (exit_row("g-p0-l00", covers="g-p0-l00"),),
        (exit_row("g-stop", aim="stop", price=D(90)),),
    ],
)
def test_a_lot_that_no_take_profit_is_about_is_unprotected(exits: tuple) -> None:
    seen = held(*exits)
    assert (seen.unprotected, seen.exit, seen.target) == (True, None, D(101))


def test_a_leg_that_holds_nothing_needs_no_exit() -> None:
    seen = group(legs=[leg()], exits=[exit_row()]).legs[0]
    assert (seen.unprotected, seen.exit) == (False, None)


def test_a_stop_guards_the_legs_it_covers_and_is_no_take_profit() -> None:
    stop = exit_row("g-stop", aim="stop", price=D(90), **WATCHED)
    seen = held(exit_row(), stop)
    assert seen.stop is not None
    assert (seen.stop.price, seen.stop.state, seen.target) == (D(90), "WATCHED", D(101))
    shown = group(exits=[exit_row(), stop])
    assert shown.stop == seen.stop
    assert shown.exit is None


def test_the_exit_of_the_whole_group_is_told_with_the_group() -> None:
    shown = group(exits=[exit_row("g", price=D(105), reason="exits.mode is hybrid", **WATCHED)])
    assert shown.exit is not None
    assert (shown.exit.price, shown.exit.reason) == (D(105), "exits.mode is hybrid")
    assert shown.unprotected_legs == 0


def test_what_is_being_sold_is_not_called_unprotected() -> None:
    closing = group(closing_at=MORNING)
    assert (closing.legs[0].being_sold, closing.unprotected_legs) == (True, 0)
    reduced = leg(**HELD, reduced_from=7)
    reducing = group(legs=[reduced, HOLDING], reducing_from=7, reducing_reason="half")
    assert [leg.being_sold for leg in reducing.legs] == [True, False]
    assert (reducing.reducing, reducing.unprotected_legs) == (True, 1)
    over = group(legs=[reduced])
    assert (over.reducing, over.unprotected_legs) == (False, 1)
    later = group(legs=[reduced], reducing_from=9)
    assert (later.legs[0].being_sold, later.unprotected_legs) == (False, 1)


def test_nothing_is_watched_any_more_once_a_trade_closes() -> None:
    watched = exit_row("g", **WATCHED)
    shown = group(exits=[watched, exit_row("g-stop", aim="stop", **WATCHED)], closing_at=MORNING)
    assert (shown.exit, shown.stop, shown.legs[0].exit) == (None, None, None)


def test_funding_is_part_of_what_a_trade_realized() -> None:
    shown = group(legs=[leg(realized=D(3))], funding=D("-0.4"))
    assert (shown.realized, shown.funding, shown.pnl) == (D("2.6"), D("-0.4"), D("2.6"))


def group(legs: list | None = None, exits: list | None = None, **changes: object) -> GroupView:
    row = msgspec.structs.replace(GROUP, **changes)
    parts = Parts(legs=[HOLDING] if legs is None else legs, exits=exits or [])
    return group_view(row, parts, None)


def test_a_leg_without_a_target_of_its_own_has_that_of_its_exit_or_none() -> None:
    entry = leg(leg_id="g-p0-l1", take_profit_percent=D(6))
    for mode, target in (("per_leg", D(106)), ("hybrid", D(106)), ("aggregate", None)):
        waits = group(legs=[leg(**HELD), entry], exits=[exit_row()], mode=mode).legs[1]
        assert (waits.exit, waits.target) == (None, target), mode


def test_progress_is_measured_from_all_that_the_exit_sells_together() -> None:
    other = leg(leg_id="g-p0-l1", **{**HELD, "entry_cost": D(180), "open_cost": D(180)})
    whole = exit_row("g", covers="g-p0-l0 g-p0-l1", price=D(97), quantity=D(4))
    row = msgspec.structs.replace(GROUP, mode="aggregate")
    parts = Parts(legs=[leg(**HELD), other], exits=[whole])
    shown = group_view(row, parts, Mark(price=D(96), at=MORNING))
    # Two lots, at 100 and at 90: half of the way from 95 to 97.
    assert [each.progress_percent for each in shown.legs] == [D(50), D(50)]
    assert [each.target for each in shown.legs] == [D(97), D(97)]
