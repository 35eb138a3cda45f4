"""Which losers may be paid down: their timers, what an operator blocks or skips, and whose turn."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal, TypeVar, assert_never

import msgspec

from domain.message import Command, Event

Bar = Literal["blocked", "skip_once"]
V = TypeVar("V")


# Events
# Stored for ever: add fields with defaults, never change a NAME.


class OffsetWatchOpened(Event, frozen=True, kw_only=True):
    """A day's watch begins with the whole state of the day before."""

    NAME: ClassVar[str] = "offset_watch.opened.v1"
    state: "OffsetWatch"


class OffsetTimerStarted(Event, frozen=True, kw_only=True):
    """A trade is full and not in profit: after the wait it may be paid down by winners."""

    NAME: ClassVar[str] = "offset_watch.timer_started.v1"
    group_id: str
    started_at: datetime
    reason: str


class OffsetTimerReset(Event, frozen=True, kw_only=True):
    """The trade is in profit again, or no longer full: its wait begins anew another time."""

    NAME: ClassVar[str] = "offset_watch.timer_reset.v1"
    group_id: str
    reason: str


class OffsetBarred(Event, frozen=True, kw_only=True):
    """An operator keeps a trade out of every offset, or passes a loser over the next time.

    What is blocked neither pays nor is paid for; a skip concerns its turn as a loser alone.
    """

    NAME: ClassVar[str] = "offset_watch.barred.v1"
    group_id: str
    how: Bar
    reason: str
    actor: str


class OffsetAllowed(Event, frozen=True, kw_only=True):
    """The trade may take part again: an operator said so, or its turn was passed over."""

    NAME: ClassVar[str] = "offset_watch.allowed.v1"
    group_id: str
    reason: str
    actor: str


class OffsetDeclined(Event, frozen=True, kw_only=True):
    """A loser's turn came and nothing could be done for it: told when the reason changes.

    `needed` is what it would cost to close, `available` what all winners could give.
    """

    NAME: ClassVar[str] = "offset_watch.declined.v1"
    group_id: str
    reason: str
    needed: Decimal
    available: Decimal


class OffsetBegun(Event, frozen=True, kw_only=True):
    """One offset is under way, the account's only one; the `number`th of its life."""

    NAME: ClassVar[str] = "offset_watch.begun.v1"
    offset_id: str
    number: int


class OffsetOver(Event, frozen=True, kw_only=True):
    """The offset is settled: another may begin."""

    NAME: ClassVar[str] = "offset_watch.over.v1"
    offset_id: str


class OffsetGroupForgotten(Event, frozen=True, kw_only=True):
    """The trade is closed: nothing of it is watched any more."""

    NAME: ClassVar[str] = "offset_watch.group_forgotten.v1"
    group_id: str


OffsetWatchEvent = (
    OffsetWatchOpened
    | OffsetTimerStarted
    | OffsetTimerReset
    | OffsetBarred
    | OffsetAllowed
    | OffsetDeclined
    | OffsetBegun
    | OffsetOver
    | OffsetGroupForgotten
)


# Commands


class OffsetWatchCommand(Command, frozen=True, kw_only=True):
    """A command to the day's watch."""

    AGGREGATE: ClassVar[str] = "offset_watch"


class OpenOffsetWatch(OffsetWatchCommand, frozen=True, kw_only=True):
    """Begin a day with this state."""

    state: "OffsetWatch"


class StartOffsetTimer(OffsetWatchCommand, frozen=True, kw_only=True):
    """Let a trade's wait begin, if it has not."""

    started: OffsetTimerStarted


class ResetOffsetTimer(OffsetWatchCommand, frozen=True, kw_only=True):
    """Stop a trade's wait."""

    reset: OffsetTimerReset


class BarOffset(OffsetWatchCommand, frozen=True, kw_only=True):
    """Keep a trade out, or pass it over once."""

    barred: OffsetBarred


class AllowOffset(OffsetWatchCommand, frozen=True, kw_only=True):
    """Let it take part again."""

    allowed: OffsetAllowed


class DeclineOffset(OffsetWatchCommand, frozen=True, kw_only=True):
    """Say why nothing was done for a loser."""

    declined: OffsetDeclined


class BeginOffset(OffsetWatchCommand, frozen=True, kw_only=True):
    """Take the account's one place for an offset."""

    offset_id: str
    number: int


class EndOffset(OffsetWatchCommand, frozen=True, kw_only=True):
    """Give the place back."""

    offset_id: str


class ForgetOffsetGroup(OffsetWatchCommand, frozen=True, kw_only=True):
    """The trade is closed."""

    group_id: str


OffsetWatchCommands = (
    OpenOffsetWatch
    | StartOffsetTimer
    | ResetOffsetTimer
    | BarOffset
    | AllowOffset
    | DeclineOffset
    | BeginOffset
    | EndOffset
    | ForgetOffsetGroup
)


# State


class OffsetWatch(msgspec.Struct, frozen=True, kw_only=True):
    """By group: when its wait began, how it is kept out, why it was declined.

    `current` is the offset under way, empty for none; `count` numbers them all.
    """

    timers: dict[str, datetime] = {}
    barred: dict[str, Bar] = {}
    declined: dict[str, str] = {}
    current: str = ""
    count: int = 0

    def knows(self, group_id: str) -> bool:
        """Whether anything of a trade is kept here."""
        return any(group_id in table for table in (self.timers, self.barred, self.declined))


def evolve(state: OffsetWatch | None, event: OffsetWatchEvent) -> OffsetWatch:
    """Fold one event into the state."""
    if isinstance(event, OffsetWatchOpened):
        return event.state
    assert state is not None, "the watch's first event is OffsetWatchOpened"
    change = msgspec.structs.replace
    match event:
        case OffsetTimerStarted(group_id=group_id, started_at=at):
            return change(state, timers={**state.timers, group_id: at})
        case OffsetTimerReset(group_id=group_id):
            return change(state, timers=_without(state.timers, group_id))
        case OffsetBarred(group_id=group_id, how=how):
            return change(state, barred={**state.barred, group_id: how})
        case OffsetAllowed(group_id=group_id):
            return change(state, barred=_without(state.barred, group_id))
        case OffsetDeclined(group_id=group_id, reason=reason):
            return change(state, declined={**state.declined, group_id: reason})
        case OffsetBegun(offset_id=offset_id, number=number):
            return change(state, current=offset_id, count=number, declined={})
        case OffsetOver():
            return change(state, current="")
        case OffsetGroupForgotten(group_id=group_id):
            return _forgotten(state, group_id)
        case _:
            assert_never(event)


def decide(state: OffsetWatch | None, command: OffsetWatchCommands) -> tuple[OffsetWatchEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, OpenOffsetWatch):
        return () if state is not None else (OffsetWatchOpened(state=command.state),)
    assert state is not None, "the day's watch was never opened"
    match command:
        case StartOffsetTimer(started=started):
            return () if started.group_id in state.timers else (started,)
        case ResetOffsetTimer(reset=reset):
            return (reset,) if reset.group_id in state.timers else ()
        case BarOffset(barred=barred):
            return () if state.barred.get(barred.group_id) == barred.how else (barred,)
        case AllowOffset(allowed=allowed):
            return (allowed,) if allowed.group_id in state.barred else ()
        case DeclineOffset(declined=declined):
            is_told = state.declined.get(declined.group_id) == declined.reason
            return () if is_told else (declined,)
        case BeginOffset(offset_id=offset_id, number=number):
            is_free = not state.current and number == state.count + 1
            return (OffsetBegun(offset_id=offset_id, number=number),) if is_free else ()
        case EndOffset(offset_id=offset_id):
            return (OffsetOver(offset_id=offset_id),) if state.current == offset_id else ()
        case ForgetOffsetGroup(group_id=group_id):
            return (OffsetGroupForgotten(group_id=group_id),) if state.knows(group_id) else ()
        case _:
            assert_never(command)


def _forgotten(state: OffsetWatch, group_id: str) -> OffsetWatch:
    return msgspec.structs.replace(
        state,
        timers=_without(state.timers, group_id),
        barred=_without(state.barred, group_id),
        declined=_without(state.declined, group_id),
    )


def _without(table: dict[str, V], key: str) -> dict[str, V]:
    return {name: value for name, value in sorted(table.items()) if name != key}
