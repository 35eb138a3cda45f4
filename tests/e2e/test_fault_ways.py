"""Whatever goes wrong on the way out of a trade: each lot is sold once, and never left bare."""

import pytest

from tests.e2e.prepared import Case, Prepared, all_of
from tests.e2e.troubles import cutting_the_order_stream, failing
from tests.e2e.ways import (
    AGGREGATE,
    BOTH_SIDES,
    CLOSED_BY_HAND,
    ENDED_EXIT,
    NO_FUNDS,
    POST_ONLY,
    REDUCE,
    RESTING_STOP,
    STRANGER,
)

STOP_ORDER = "POST /fapi/v1/algoOrder"
CASES = [
    Case(name="take-profit lost", way=AGGREGATE, trouble=failing("drop_after", count=1)),
    # The sale, and the exit of what it left.
    Case(name="reduction lost", way=REDUCE, trouble=failing("html_after", count=2)),
    Case(name="reduction never came", way=REDUCE, trouble=failing("drop_before", count=1)),
    Case(name="stop lost", way=RESTING_STOP, trouble=failing("drop_after", call=STOP_ORDER)),
    Case(
        name="stop never came",
        way=RESTING_STOP,
        trouble=failing("drop_before", count=1, call=STOP_ORDER),
    ),
    Case(name="exit ended by the venue", way=ENDED_EXIT),
    Case(name="post-only refused", way=POST_ONLY),
    Case(name="funds run out", way=NO_FUNDS),
    Case(name="both sides", way=BOTH_SIDES),
    Case(name="both sides unheard", way=BOTH_SIDES, trouble=cutting_the_order_stream),
    Case(name="closed by hand", way=CLOSED_BY_HAND),
    Case(name="a stranger's surplus", way=STRANGER),
]


@pytest.mark.timeout(400)
async def test_whatever_goes_wrong_on_the_way_out_each_lot_is_sold_once(
    prepared: Prepared,
) -> None:
    assert await all_of(prepared, CASES) == [0] * len(CASES)
