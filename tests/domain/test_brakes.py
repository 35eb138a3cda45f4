"""The brakes: holds by cause, the tightest rules; the breaker latches until its day is over."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any, get_args

import pytest

from domain import brakes
from domain.brakes import (
    Brakes,
    BrakesDayBegun,
    BrakesOpened,
    BreakerReset,
    BreakerTripped,
    HoldLifted,
    HoldPlaced,
    LiftHold,
    OpenBrakes,
    PlaceHold,
    ResetBreaker,
    TripBreaker,
)
from domain.holds import RESUMABLE, Hold, HoldCause, TradingState, ruling, state_of
from domain.message import Event
from tests.domain.given import fold, given

D = Decimal
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
OPENED = BrakesOpened(state=Brakes())


def hold(cause: HoldCause, state: TradingState = "reducing", minute: int = 0) -> Hold:
    return Hold(
        cause=cause, state=state, reason="so", actor="ann", since=NOON + timedelta(minutes=minute)
    )


def trip(**changes: Any) -> BreakerTripped:
    fields: dict[str, Any] = {
        "loss": D("512.50"),
        "limit": D(500),
        "realized": D("-512.50"),
        "open_loss": D(0),
        "reference": D(0),
        "tripped_at": NOON,
        **changes,
    }
    return BreakerTripped(**fields)


LATCH = Hold(
    cause="breaker",
    state="reducing",
    reason="the day's loss of 512.5 reached 500",
    actor="engine",
    since=NOON,
)
TRIPPED: tuple[Event, ...] = (OPENED, trip(), HoldPlaced(hold=LATCH))


def test_without_a_hold_trading_is_active() -> None:
    assert (state_of({}), ruling({})) == ("active", None)
    assert Brakes().trading_state == "active"
    assert not Brakes().is_tripped


def test_the_tightest_hold_rules_and_of_equals_the_longest_standing() -> None:
    holds = (hold("operator", "reducing"), hold("dead_man", "reducing", 1))
    halted = hold("emergency_stop", "halted", 2)

    for order in permutations((*holds, halted)):
        assert ruling({each.cause: each for each in order}) == halted
    for order in permutations(holds):
        assert ruling({each.cause: each for each in order}) == holds[0]


def test_a_cause_holds_once_until_it_holds_more_tightly() -> None:
    paused, again = hold("operator"), hold("operator", minute=5)
    halted = hold("operator", "halted", 6)

    given(brakes, OPENED).when(PlaceHold(hold=paused)).then(HoldPlaced(hold=paused))
    given(brakes, OPENED, HoldPlaced(hold=paused)).when(PlaceHold(hold=again)).then_nothing()
    state = (
        given(brakes, OPENED, HoldPlaced(hold=paused))
        .when(PlaceHold(hold=halted))
        .then(HoldPlaced(hold=halted))
    )
    assert (state.trading_state, len(state.holds)) == ("halted", 1)


def test_a_pause_after_a_halt_loosens_nothing() -> None:
    halted = HoldPlaced(hold=hold("operator", "halted"))

    given(brakes, OPENED, halted).when(PlaceHold(hold=hold("operator", "reducing"))).then_nothing()


def test_lifting_one_cause_leaves_the_others_in_force() -> None:
    past = (
        OPENED,
        HoldPlaced(hold=hold("operator", "halted")),
        HoldPlaced(hold=hold("dead_man", minute=1)),
    )
    lifted = HoldLifted(cause="operator", reason="clear", actor="ann")

    state = (
        given(brakes, *past)
        .when(LiftHold(cause="operator", reason="clear", actor="ann"))
        .then(lifted)
    )

    assert state.trading_state == "reducing"
    assert state.ruling.cause == "dead_man"
    nothing = LiftHold(cause="emergency_stop", reason="clear", actor="ann")
    given(brakes, *past).when(nothing).then_nothing()


def test_a_resume_ends_neither_the_breaker_nor_lost_contact() -> None:
    assert set(get_args(HoldCause)) - set(RESUMABLE) == {"breaker", "dead_man"}


def test_the_breaker_trips_with_every_figure_and_holds_as_reducing() -> None:
    tripped = trip()

    state = (
        given(brakes, OPENED)
        .when(TripBreaker(tripped=tripped))
        .then(tripped, HoldPlaced(hold=LATCH))
    )

    assert state.is_tripped
    assert state.trading_state == "reducing"


def test_a_tripped_breaker_trips_no_second_time_whatever_the_loss_does() -> None:
    worse = trip(loss=D(900), realized=D(-900), tripped_at=NOON + timedelta(hours=1))

    given(brakes, *TRIPPED).when(TripBreaker(tripped=worse)).then_nothing()


def test_a_reset_lifts_the_latch_and_moves_the_reference() -> None:
    reset = BreakerReset(reference=D("-512.50"), reason="a bad print", actor="ann")

    state = (
        given(brakes, *TRIPPED)
        .when(ResetBreaker(reset=reset))
        .then(reset, HoldLifted(cause="breaker", reason="a bad print", actor="ann"))
    )

    assert not state.is_tripped
    assert state.loss_reference == D("-512.50")
    second = trip(reference=D("-512.50"), loss=D(500), realized=D("-1012.50"))
    assert given(brakes, *TRIPPED, reset, HoldLifted(cause="breaker", reason="", actor="")).when(
        TripBreaker(tripped=second)
    ).happened[:1] == (second,)


def test_a_breaker_that_is_not_tripped_is_not_reset() -> None:
    reset = BreakerReset(reference=D(-5), reason="because", actor="ann")

    given(brakes, OPENED).when(ResetBreaker(reset=reset)).then_nothing()


@pytest.mark.parametrize("others", [(), ("operator",), ("dead_man", "emergency_stop")])
def test_a_new_day_ends_the_breaker_and_nothing_else(others: tuple[HoldCause, ...]) -> None:
    held = fold(
        brakes,
        (*TRIPPED, *(HoldPlaced(hold=hold(cause)) for cause in others)),
    )
    reset = fold(brakes, (BreakerReset(reference=D(-40), reason="", actor=""),), held)

    state = (
        given(brakes)
        .when(OpenBrakes(state=reset, date="2026-01-06"))
        .then(
            BrakesOpened(state=reset),
            BrakesDayBegun(date="2026-01-06"),
            HoldLifted(cause="breaker", reason="a new trading day", actor="engine"),
        )
    )

    assert sorted(state.holds) == sorted(others)
    assert state.loss_reference == D(0)


def test_a_day_without_a_trip_opens_with_what_it_found() -> None:
    paused = fold(brakes, (OPENED, HoldPlaced(hold=hold("operator"))))

    state = (
        given(brakes)
        .when(OpenBrakes(state=paused, date="2026-01-06"))
        .then(BrakesOpened(state=paused), BrakesDayBegun(date="2026-01-06"))
    )

    assert state.trading_state == "reducing"
