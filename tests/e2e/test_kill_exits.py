"""kill -9 amid each way out of a trade: stops, reductions, joint exits, reversals, both sides."""

import pytest

from tests.e2e.prepared import Case, Prepared, all_of
from tests.e2e.ways import (
    AGGREGATE,
    BOTH_SIDES,
    HYBRID,
    REDUCE,
    RESTING_STOP,
    REVERSE,
    STOPPED_WHILE_DEAD,
    WATCHED_STOP,
    Way,
)

# The steps between which a death could lose or double something, one way at a time. Before a
# placing the order is in the log and nowhere else; after it, at the venue and not yet known.
DEATHS: dict[str, tuple[Way, tuple[str, ...]]] = {
    "aggregate": (
        AGGREGATE,
        (
            "before:commit-entry-filled-1",
            "after:cancel-1",
            "before:place-exit-1",
            "after:place-exit-1",
        ),
    ),
    "watched-stop": (
        WATCHED_STOP,
        (
            "before:commit-exit-touched-1",
            "after:commit-exit-touched-1",
            "before:place-close-1",
            "after:place-close-1",
        ),
    ),
    "resting-stop": (
        RESTING_STOP,
        (
            "before:place-stop-1",
            "after:place-stop-1",
            "before:commit-exit-filled-1",
            "after:commit-exit-filled-1",
        ),
    ),
    "reduce": (
        REDUCE,
        (
            "after:commit-reduction-started-1",
            "after:cancel-1",
            "before:place-close-1",
            "after:place-close-1",
            "before:commit-reduction-ended-1",
            "before:place-exit-1",
        ),
    ),
    "hybrid": (HYBRID, ("after:commit-exit-touched-1", "after:place-close-1")),
    "reverse": (
        REVERSE,
        (
            "before:commit-signal-1",
            "after:commit-signal-1",
            "after:place-close-1",
            "before:commit-group-closed-1",
            "after:commit-group-closed-1",
            "after:place-entry-1",
        ),
    ),
    "both-sides": (BOTH_SIDES, ("after:place-exit-1", "after:place-close-1")),
}
CASES = [
    *(
        Case(name=f"{name}-{number}", way=way, kill=point)
        for name, (way, points) in DEATHS.items()
        for number, point in enumerate(points)
    ),
    Case(name="stopped-while-dead", way=STOPPED_WHILE_DEAD),
]


@pytest.mark.timeout(420)
async def test_a_house_killed_on_its_way_out_of_a_trade_sells_each_lot_once(
    prepared: Prepared,
) -> None:
    deaths = await all_of(prepared, CASES)
    assert deaths == [1] * len(CASES), dict(zip((c.name for c in CASES), deaths, strict=True))
