"""One entry within a group: planned once, halted once, closed once."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain import pyramid
from domain.pyramid import (
    ClosePyramid,
    HaltPyramidEntries,
    PlanPyramid,
    PyramidClosed,
    PyramidEntriesHalted,
    PyramidPlanned,
)
from tests.domain.given import fold, given

D = Decimal
NAME = "g1-p0"
PLANNED = PyramidPlanned(
    pyramid_id=NAME,
    group_id="g1",
    index=0,
    signal_id="s1",
    symbol="BTC/USDT:USDT",
    side="long",
    entry_price=D(100),
    capital=D(1000),
    leg_ids=("g1-p0-l0",),
    skipped=(),
    planned_at=datetime(2026, 1, 5, tzinfo=UTC),
)
HALTED = PyramidEntriesHalted(pyramid_id=NAME, reason="insufficient funds")
CLOSED = PyramidClosed(pyramid_id=NAME, realized=D(5), fees=D(1))
HALT = HaltPyramidEntries(pyramid_id=NAME, reason="insufficient funds")
CLOSE = ClosePyramid(pyramid_id=NAME, realized=D(5), fees=D(1))


def test_a_pyramid_is_planned_once() -> None:
    state = given(pyramid).when(PlanPyramid(pyramid_id=NAME, plan=PLANNED)).then(PLANNED)

    assert (state.halted, state.closed) == ("", False)


def test_a_pyramid_never_planned_is_a_programmers_error() -> None:
    with pytest.raises(AssertionError, match="was never planned"):
        given(pyramid).when(HALT)
    with pytest.raises(AssertionError, match="first event is PyramidPlanned"):
        fold(pyramid, [HALTED])


def test_its_entries_can_be_halted_for_a_reason() -> None:
    state = given(pyramid, PLANNED).when(HALT).then(HALTED)

    assert state.halted == "insufficient funds"


def test_a_closed_pyramid_has_no_entries_to_halt() -> None:
    given(pyramid, PLANNED, CLOSED).when(HALT).then_nothing()


def test_it_closes_with_what_it_earned() -> None:
    state = given(pyramid, PLANNED, HALTED).when(CLOSE).then(CLOSED)

    assert state.closed


def test_one_that_waited_in_vain_has_no_books_to_close() -> None:
    given(pyramid).when(CLOSE).then_nothing()
