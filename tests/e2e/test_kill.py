"""kill -9 at every step of a signal's journey: nothing is lost, nothing is doubled."""

from collections.abc import Sequence

import pytest

from tests.e2e.prepared import Case, Prepared, all_of
from tests.e2e.ways import EXIT_SIGNAL, TAKE_PROFIT

WAYS = {"take-profit": TAKE_PROFIT, "exit-signal": EXIT_SIGNAL}


@pytest.mark.timeout(420)
@pytest.mark.parametrize("way", WAYS)
async def test_a_house_killed_at_any_step_loses_nothing_and_doubles_nothing(
    prepared: Prepared, way: str
) -> None:
    undisturbed, deaths = await prepared.run(Case(name="undisturbed", way=WAYS[way]))
    assert deaths == 0
    points = kill_points(undisturbed)
    assert REQUIRED[way] <= {kind(point) for point in points}, undisturbed

    cases = [
        Case(name=f"case-{number}", way=WAYS[way], kill=point)
        for number, point in enumerate(points)
    ]
    ended = await all_of(prepared, cases)
    # Commits that are joined by chance leave a later one of their kind unreached, and what
    # only ticks along (`other`) may come in one run and not in the next.
    missed = [
        point
        for point, deaths in zip(points, ended, strict=True)
        if not deaths and kind(point) != "commit-other"
    ]
    assert not [point for point in missed if point.endswith("-1")], missed
    assert len(missed) <= len(points) // 5, missed


# Before and after each of these a death must have been tried.
REQUIRED: dict[str, set[str]] = {
    "take-profit": {
        "commit-signal",
        "commit-accepted",
        "commit-entry-filled",
        "commit-exit-filled",
        "commit-order-ended",
        "commit-group-closed",
        "place-entry",
        "place-exit",
        "cancel",
    },
    "exit-signal": {
        "commit-signal",
        "commit-close-requested",
        "commit-group-closed",
        "place-close",
        "cancel",
    },
}


def kill_points(lines: Sequence[str]) -> list[str]:
    """One point a step, and of a commit with several facts one for each first of its kind."""
    points: list[str] = []
    for line in lines:
        names = line.split(" ")
        firsts = [name for name in names if name.endswith("-1") and "other" not in name]
        points.extend(firsts or names[:1])
    return list(dict.fromkeys(points))


def kind(point: str) -> str:
    """`before:place-entry-2` is about placing an entry."""
    return point.split(":")[1].rsplit("-", 1)[0]
