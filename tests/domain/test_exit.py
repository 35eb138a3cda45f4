"""One exit at a time: it works at the venue or its price is watched, and it counts its failures."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from domain import exit as exits
from domain.exit import (
    CANCELLED_BY_US,
    FILLED,
    Aim,
    Exit,
    ExitEnded,
    ExitRequested,
    ExitTouched,
    ExitUnwatched,
    ExitWatched,
    RecordExitEnded,
    RequestExit,
    TouchExit,
    UnwatchExit,
    WatchExit,
    is_touched,
)
from tests.domain.given import fold, given

D = Decimal
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LEG = "g1-p0-l0"


def requested(attempt: int = 1) -> ExitRequested:
    return ExitRequested(
        exit_id=LEG,
        covers=(LEG,),
        group_id="g1",
        aim="take_profit",
        price=D(101),
        quantity=D(2),
        client_order_id=f"x{attempt}",
        attempt=attempt,
        requested_at=NOON,
    )


def watched(price: str = "101", aim: Aim = "take_profit") -> ExitWatched:
    return ExitWatched(
        exit_id=LEG,
        covers=(LEG,),
        group_id="g1",
        aim=aim,
        price=D(price),
        quantity=D(2),
        reason="because",
        watched_at=NOON,
    )


def ended(reason: str, attempt: int = 1, after: int = 0) -> ExitEnded:
    return ExitEnded(
        exit_id=LEG,
        covers=(LEG,),
        client_order_id=f"x{attempt}",
        reason=reason,
        ended_at=NOON + timedelta(seconds=after),
    )


def watch(wanted: ExitWatched) -> WatchExit:
    return WatchExit(exit_id=LEG, watched=wanted)


def test_an_exit_is_requested_once() -> None:
    state = given(exits).when(RequestExit(exit_id=LEG, requested=requested())).then(requested())

    assert (state.working, state.attempts, state.covers) == (requested(), 1, (LEG,))


def test_a_second_order_is_not_requested_beside_a_working_one() -> None:
    second = RequestExit(exit_id=LEG, requested=requested(2))

    given(exits, requested()).when(second).then_nothing()


def test_a_price_is_watched_until_it_changes() -> None:
    given(exits).when(watch(watched())).then(watched())
    given(exits, watched()).when(watch(watched("102"))).then(watched("102"))


def test_watching_the_same_anew_is_no_news() -> None:
    later = msgspec.structs.replace(watched(), watched_at=NOON + timedelta(hours=1))

    given(exits, watched()).when(watch(later)).then_nothing()


def test_nothing_is_watched_while_an_order_works() -> None:
    given(exits, requested()).when(watch(watched())).then_nothing()


def test_an_order_takes_the_place_of_what_was_watched() -> None:
    state = fold(exits, [watched(), requested()])

    assert (state.working, state.watched) == (requested(), None)


def test_a_touch_ends_the_watch() -> None:
    touched = ExitTouched(exit_id=LEG, covers=(LEG,), mark=D(101), touched_at=NOON)

    state = (
        given(exits, watched()).when(TouchExit(exit_id=LEG, mark=D(101), now=NOON)).then(touched)
    )

    assert state.watched is None


def test_what_is_not_watched_is_not_touched() -> None:
    given(exits, requested()).when(TouchExit(exit_id=LEG, mark=D(101), now=NOON)).then_nothing()


def test_a_watch_that_has_lost_its_lots_ends() -> None:
    gone = ExitUnwatched(exit_id=LEG, covers=(LEG,))

    given(exits, watched()).when(UnwatchExit(exit_id=LEG)).then(gone)
    given(exits).when(UnwatchExit(exit_id=LEG)).then_nothing()


def test_only_the_working_order_can_end() -> None:
    past = (requested(), ended(CANCELLED_BY_US), requested(2))
    late = RecordExitEnded(exit_id=LEG, ended=ended("rejected"))

    given(exits, *past).when(late).then_nothing()


@pytest.mark.parametrize("reason", [FILLED, CANCELLED_BY_US])
def test_fills_and_our_own_cancels_are_no_failures(reason: str) -> None:
    end = RecordExitEnded(exit_id=LEG, ended=ended(reason))

    state = given(exits, requested()).when(end).then(ended(reason))

    assert (state.working, state.failed_at) == (None, ())


def failed(*seconds: int) -> Exit:
    events = [
        event
        for attempt, after in enumerate(seconds, 1)
        for event in (requested(attempt), ended("rejected", attempt, after))
    ]
    state: Exit = fold(exits, events)
    return state


def test_three_failures_within_a_minute_are_failing_and_stop_being_so() -> None:
    state = failed(0, 10, 20)

    assert state.is_failing(NOON + timedelta(seconds=59))
    assert not state.is_failing(NOON + timedelta(seconds=60))


def test_two_failures_are_not_yet_failing() -> None:
    assert not failed(0, 10).is_failing(NOON + timedelta(seconds=11))


def test_only_the_latest_three_failures_are_remembered() -> None:
    assert failed(0, 1, 2, 3).failed_at == tuple(NOON + timedelta(seconds=n) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("aim", "is_long", "below", "at", "above"),
    [
        ("take_profit", True, False, True, True),
        ("take_profit", False, True, True, False),
        ("stop", True, True, True, False),
        ("stop", False, False, True, True),
    ],
)
def test_a_price_is_touched_at_it_and_beyond(
    aim: Aim, *, is_long: bool, below: bool, at: bool, above: bool
) -> None:
    level = watched(aim=aim)

    answers = [is_touched(level, D(mark), is_long=is_long) for mark in ("100.9", "101", "101.1")]

    assert answers == [below, at, above]
