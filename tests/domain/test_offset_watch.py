"""The watch over losers: timers run once, bars are lifted once, one offset at a time."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain import offset_watch
from domain.offset_watch import (
    AllowOffset,
    BarOffset,
    BeginOffset,
    DeclineOffset,
    EndOffset,
    ForgetOffsetGroup,
    OffsetAllowed,
    OffsetBarred,
    OffsetBegun,
    OffsetDeclined,
    OffsetGroupForgotten,
    OffsetOver,
    OffsetTimerReset,
    OffsetTimerStarted,
    OffsetWatch,
    OffsetWatchEvent,
    OffsetWatchOpened,
    OpenOffsetWatch,
    ResetOffsetTimer,
    StartOffsetTimer,
)
from tests.domain.given import given

D = Decimal
MORNING = datetime(2026, 1, 5, 8, tzinfo=UTC)
OPENED = OffsetWatchOpened(state=OffsetWatch())
STARTED = OffsetTimerStarted(group_id="g1", started_at=MORNING, reason="full")
RESET = OffsetTimerReset(group_id="g1", reason="in profit")
BLOCKED = OffsetBarred(group_id="g1", how="blocked", reason="mine", actor="ann")
SKIPPED = OffsetBarred(group_id="g1", how="skip_once", reason="later", actor="ann")
ALLOWED = OffsetAllowed(group_id="g1", reason="again", actor="ann")
DECLINED = OffsetDeclined(group_id="g1", reason="no winners", needed=D(5), available=D(0))
BEGUN = OffsetBegun(offset_id="g1-o1", number=1)
OVER = OffsetOver(offset_id="g1-o1")
FORGOTTEN = OffsetGroupForgotten(group_id="g1")


def watched(*events: OffsetWatchEvent) -> OffsetWatch:
    state = given(offset_watch, OPENED, *events).state
    assert isinstance(state, OffsetWatch)
    return state


def test_a_day_begins_with_the_watch_of_the_day_before() -> None:
    state = OffsetWatch(timers={"g1": MORNING}, barred={"g2": "blocked"}, count=3)
    opening = OpenOffsetWatch(state=state)
    assert given(offset_watch).when(opening).then(OffsetWatchOpened(state=state)) == state


def test_a_timer_starts_once() -> None:
    state = given(offset_watch, OPENED).when(StartOffsetTimer(started=STARTED)).then(STARTED)
    assert state.timers == {"g1": MORNING}


def test_a_timer_that_runs_is_reset_once() -> None:
    state = given(offset_watch, OPENED, STARTED).when(ResetOffsetTimer(reset=RESET)).then(RESET)
    assert state.timers == {}


def test_a_timer_that_does_not_run_is_not_reset() -> None:
    given(offset_watch, OPENED).when(ResetOffsetTimer(reset=RESET)).then_nothing()


def test_a_block_takes_the_place_of_a_skip() -> None:
    state = given(offset_watch, OPENED, SKIPPED).when(BarOffset(barred=BLOCKED)).then(BLOCKED)
    assert state.barred == {"g1": "blocked"}


def test_what_is_barred_is_allowed_once() -> None:
    state = given(offset_watch, OPENED, BLOCKED).when(AllowOffset(allowed=ALLOWED)).then(ALLOWED)
    assert state.barred == {}


def test_what_is_not_barred_needs_no_allowance() -> None:
    given(offset_watch, OPENED).when(AllowOffset(allowed=ALLOWED)).then_nothing()


def test_the_same_reason_is_told_once_whatever_the_figures() -> None:
    again = OffsetDeclined(group_id="g1", reason="no winners", needed=D(9), available=D(1))
    given(offset_watch, OPENED, DECLINED).when(DeclineOffset(declined=again)).then_nothing()


def test_another_reason_is_told() -> None:
    other = OffsetDeclined(group_id="g1", reason="not covered", needed=D(9), available=D(1))
    given(offset_watch, OPENED, DECLINED).when(DeclineOffset(declined=other)).then(other)


def test_one_offset_is_under_way_at_a_time() -> None:
    first = BeginOffset(offset_id="g1-o1", number=1)
    state = given(offset_watch, OPENED, DECLINED).when(first).then(BEGUN)
    assert (state.current, state.count, state.declined) == ("g1-o1", 1, {})
    second = BeginOffset(offset_id="g2-o2", number=2)
    given(offset_watch, OPENED, BEGUN).when(second).then_nothing()


@pytest.mark.parametrize("number", [1, 3])
def test_an_offset_has_the_next_number_or_does_not_begin(number: int) -> None:
    begin = BeginOffset(offset_id=f"g2-o{number}", number=number)
    given(offset_watch, OPENED, BEGUN, OVER).when(begin).then_nothing()


def test_only_the_offset_under_way_ends() -> None:
    given(offset_watch, OPENED, BEGUN).when(EndOffset(offset_id="g9-o9")).then_nothing()
    state = given(offset_watch, OPENED, BEGUN).when(EndOffset(offset_id="g1-o1")).then(OVER)
    assert (state.current, state.count) == ("", 1)


@pytest.mark.parametrize("known", [STARTED, BLOCKED, DECLINED])
def test_a_closed_trade_is_forgotten_with_all_that_was_kept_of_it(
    known: OffsetWatchEvent,
) -> None:
    forget = ForgetOffsetGroup(group_id="g1")
    state = given(offset_watch, OPENED, known).when(forget).then(FORGOTTEN)
    assert not state.knows("g1")


def test_what_was_never_known_is_not_forgotten() -> None:
    given(offset_watch, OPENED).when(ForgetOffsetGroup(group_id="g1")).then_nothing()


def test_another_trade_keeps_what_is_its_own() -> None:
    other = OffsetTimerStarted(group_id="g2", started_at=MORNING, reason="full")
    state = watched(STARTED, other, BLOCKED, FORGOTTEN)
    assert state == OffsetWatch(timers={"g2": MORNING})
