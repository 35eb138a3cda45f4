"""When a loser may be paid down: its timer, and that its turn comes with fills and the clock."""

from collections.abc import Iterator
from datetime import datetime

from application.book import Book
from application.inputs import ClockTicked, OperatorActed
from application.journal import Recorded
from application.processes.offset_choosing import by_rule, not_at_once, restarted
from application.processes.offset_criteria import gain_of, is_ready
from application.processes.offset_orders import ordered
from domain.dca_leg import LegEntryFilled, LegExitFilled
from domain.identity import group_of
from domain.message import Command
from domain.money import ZERO
from domain.offset import OffsetSettled
from domain.offset_watch import (
    ForgetOffsetGroup,
    OffsetTimerReset,
    OffsetTimerStarted,
    ResetOffsetTimer,
    StartOffsetTimer,
)
from domain.position_group import PositionGroup, PositionGroupClosed, PyramidAdmitted
from domain.settings import OffsetSettings
from domain.trading_day import SignalJudged

_STARTED = {
    "pyramids_full": "its pyramids are full and it is not in profit",
    "all_legs_submitted": "its legs are all at the venue and it is not in profit",
    "all_legs_filled": "its legs are all filled and it is not in profit",
}


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Keep the timers, and let the next loser have its turn when something may have changed."""
    if not book.is_opened:
        return
    match recorded.event:
        case PyramidAdmitted(group_id=group_id):
            yield from _timed(book, group_id, recorded.at)
        case LegEntryFilled(leg_id=leg_id) | LegExitFilled(leg_id=leg_id):
            yield from _timed(book, group_of(leg_id), recorded.at)
            yield from by_rule(book, recorded.at)
        case ClockTicked(offset=True):
            for group in book.open_groups():
                yield from _timed(book, group.opened.group_id, recorded.at)
            yield from by_rule(book, recorded.at)
        case SignalJudged(outcome="refused", reason="max_pyramids", group_id=group_id):
            yield from _refused(book, group_id, recorded.at)
        case OffsetSettled() as settled:
            yield from _in_vain(book, settled, recorded.at)
        case PositionGroupClosed(group_id=group_id):
            yield ForgetOffsetGroup(group_id=group_id)
        case OperatorActed() as acted:
            yield from ordered(book, acted, recorded.at)
        case _:
            return


def _timed(book: Book, group_id: str, now: datetime) -> Iterator[Command]:
    """The wait runs while the trade is ready and not in profit; exactly level is not in profit.

    While its result is not known nothing changes: neither a start nor an end is guessed.
    """
    group = book.group(group_id)
    if group is None or not group.is_open:
        return
    runs, rules = group_id in book.offset_watch.timers, book.account.settings.risk.offset
    stopped = _stopped(book, group, rules)
    if stopped:
        if runs:
            yield ResetOffsetTimer(reset=OffsetTimerReset(group_id=group_id, reason=stopped))
        return
    gain = gain_of(book, group, now)
    if gain is None:
        return
    if gain > ZERO and runs:
        reset = OffsetTimerReset(group_id=group_id, reason="it is in profit again")
        yield ResetOffsetTimer(reset=reset)
    elif gain <= ZERO and not runs:
        started = OffsetTimerStarted(
            group_id=group_id, started_at=now, reason=_STARTED[rules.timer_start]
        )
        yield StartOffsetTimer(started=started)


def _stopped(book: Book, group: PositionGroup, rules: OffsetSettings) -> str:
    """Why no wait may run, whatever the result."""
    if not rules.enabled:
        return "risk.offset.enabled is false"
    return "" if is_ready(book, group) else "it is not full by the settings of now"


def _in_vain(book: Book, settled: OffsetSettled, now: datetime) -> Iterator[Command]:
    """Winners were sold for nothing: they are not sold again for it before another wait."""
    group_id = group_of(settled.offset_id)
    if group_id not in book.offset_watch.timers or not _is_left_over(book, settled):
        return
    reason = "an offset closed nothing of it"
    if settled.outcome != "nothing_closed":
        reason = "an offset left profit over that it could not use"
    begins = not_at_once(book, now) if settled.earned != ZERO else now
    yield from restarted(group_id, reason, begins)


def _is_left_over(book: Book, settled: OffsetSettled) -> bool:
    """Whether the loser was not sold as far as what was earned for it would have paid."""
    match settled.outcome:
        case "covered":
            return False
        case "nothing_closed":
            return True
        case "stopped":
            return settled.earned != ZERO
        case "reduced":
            last = book.offset.last_loser if book.offset is not None else None
            return last is not None and last.outcome != "sold"


def _refused(book: Book, group_id: str, now: datetime) -> Iterator[Command]:
    """Spec §3: a further entry refused since the pyramids are full restarts the wait."""
    watch, rules = book.offset_watch, book.account.settings.risk.offset
    if rules.reset_timer_on_replacement and group_id in watch.timers:
        yield from restarted(group_id, "a further entry was refused, it has all its pyramids", now)
