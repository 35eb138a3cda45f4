"""The one exit of a leg, a pyramid or a group: it works at the venue, or its price is watched."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Literal, assert_never

import msgspec

from domain.message import Command, Event

# What an exit is for. A group has up to one stop beside what takes its profits.
Aim = Literal["take_profit", "stop"]

CANCELLED_BY_US = "cancelled by us"
FILLED = "filled"

# Spec §4: three exits that failed within this span are enough, the price is watched instead.
FAILURES_MAX = 3
FAILURE_SPAN = timedelta(seconds=60)


# Events
# Stored for ever: add fields with defaults, never change a NAME.


class ExitFact(Event, frozen=True, kw_only=True):
    """What every event of an exit begins with: the id of the leg, pyramid, group or stop.

    `covers` are the ids of the legs whose lots it is about, in the order they are sold.
    """

    exit_id: str
    covers: tuple[str, ...]


class ExitTerms(ExitFact, frozen=True, kw_only=True):
    """Which lots are to be sold, and at which price."""

    group_id: str
    aim: Aim
    price: Decimal
    quantity: Decimal


class ExitRequested(ExitTerms, frozen=True, kw_only=True):
    """An order of its own is to wait at the venue at this price."""

    NAME: ClassVar[str] = "exit.requested.v1"
    client_order_id: str
    attempt: int
    requested_at: datetime


class ExitWatched(ExitTerms, frozen=True, kw_only=True):
    """We watch the mark ourselves and sell once it touches this price."""

    NAME: ClassVar[str] = "exit.watched.v1"
    reason: str
    watched_at: datetime


class ExitTouched(ExitFact, frozen=True, kw_only=True):
    """The mark reached the watched price."""

    NAME: ClassVar[str] = "exit.touched.v1"
    mark: Decimal
    touched_at: datetime


class ExitUnwatched(ExitFact, frozen=True, kw_only=True):
    """There is nothing left to watch for: its lots are gone, or another exit has them."""

    NAME: ClassVar[str] = "exit.unwatched.v1"


class ExitEnded(ExitFact, frozen=True, kw_only=True):
    """The working order is final; what it did not sell needs another."""

    NAME: ClassVar[str] = "exit.ended.v1"
    client_order_id: str
    reason: str
    ended_at: datetime


ExitEvent = ExitRequested | ExitWatched | ExitTouched | ExitUnwatched | ExitEnded


# Commands


class ExitCommand(Command, frozen=True, kw_only=True):
    """A command to one exit."""

    AGGREGATE: ClassVar[str] = "exit"
    exit_id: str

    @property
    def key(self) -> str:
        """An exit's stream is named after the leg, pyramid or group it serves."""
        return self.exit_id


class RequestExit(ExitCommand, frozen=True, kw_only=True):
    """Let an order wait at the venue, if none does."""

    requested: ExitRequested


class WatchExit(ExitCommand, frozen=True, kw_only=True):
    """Watch a price instead, if no order works."""

    watched: ExitWatched


class TouchExit(ExitCommand, frozen=True, kw_only=True):
    """The watched price was reached."""

    mark: Decimal
    now: datetime


class UnwatchExit(ExitCommand, frozen=True, kw_only=True):
    """Watch no more."""


class RecordExitEnded(ExitCommand, frozen=True, kw_only=True):
    """The working order is final."""

    ended: ExitEnded


ExitCommands = RequestExit | WatchExit | TouchExit | UnwatchExit | RecordExitEnded


# State


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """At most one of `working` and `watched` is set. `failed_at`: its latest failures."""

    working: ExitRequested | None = None
    watched: ExitWatched | None = None
    attempts: int = 0
    failed_at: tuple[datetime, ...] = ()

    @property
    def covers(self) -> tuple[str, ...]:
        """The legs whose lots it offers, or would once its price is touched."""
        terms = self.working or self.watched
        return terms.covers if terms is not None else ()

    def is_failing(self, now: datetime) -> bool:
        """Whether the last three orders failed so recently that a fourth would too."""
        failures = self.failed_at
        return len(failures) >= FAILURES_MAX and now - failures[0] < FAILURE_SPAN


NO_EXIT = Exit()


def evolve(state: Exit | None, event: ExitEvent) -> Exit:
    """Fold one event into the state."""
    known = state or NO_EXIT
    change = msgspec.structs.replace
    match event:
        case ExitRequested():
            return change(known, working=event, watched=None, attempts=event.attempt)
        case ExitWatched():
            return change(known, watched=event)
        case ExitTouched() | ExitUnwatched():
            return change(known, watched=None)
        case ExitEnded():
            return change(known, working=None, failed_at=_failures(known, event))
        case _:
            assert_never(event)


def decide(state: Exit | None, command: ExitCommands) -> tuple[ExitEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    known = state or NO_EXIT
    working, watched = known.working, known.watched
    match command:
        case RequestExit(requested=requested):
            return (requested,) if working is None else ()
        case WatchExit(watched=wanted):
            return () if working is not None or _is_same(watched, wanted) else (wanted,)
        case TouchExit(exit_id=exit_id, mark=mark, now=now):
            covers = known.covers
            touched = ExitTouched(exit_id=exit_id, covers=covers, mark=mark, touched_at=now)
            return () if watched is None else (touched,)
        case UnwatchExit(exit_id=exit_id):
            unwatched = ExitUnwatched(exit_id=exit_id, covers=known.covers)
            return () if watched is None else (unwatched,)
        case RecordExitEnded(ended=ended):
            works = working is not None and working.client_order_id == ended.client_order_id
            return (ended,) if works else ()
        case _:
            assert_never(command)


def is_touched(watched: ExitWatched, mark: Decimal, *, is_long: bool) -> bool:
    """Whether the mark is at the watched price or beyond it; equality counts."""
    rises = is_long == (watched.aim == "take_profit")
    return mark >= watched.price if rises else mark <= watched.price


def _is_same(watched: ExitWatched | None, wanted: ExitWatched) -> bool:
    """When it was watched anew is no difference."""
    if watched is None:
        return False
    return msgspec.structs.replace(wanted, watched_at=watched.watched_at) == watched


def _failures(state: Exit, event: ExitEnded) -> tuple[datetime, ...]:
    """A fill and our own cancel are no failures; the latest three others are remembered."""
    if event.reason in (FILLED, CANCELLED_BY_US):
        return state.failed_at
    return (*state.failed_at, event.ended_at)[-FAILURES_MAX:]
