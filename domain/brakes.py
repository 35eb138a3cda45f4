"""The brakes: every cause that holds new exposure back, and the breaker of the day's loss."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, assert_never

import msgspec

from domain.holds import TIGHTNESS, Hold, HoldCause, TradingState, ruling, state_of
from domain.message import Command, Event
from domain.money import ZERO, plain

# Events
# Stored for ever: add fields with defaults, never change a NAME.


class BrakesOpened(Event, frozen=True, kw_only=True):
    """A day's brakes begin with the whole state of the day before."""

    NAME: ClassVar[str] = "brakes.opened.v1"
    state: "Brakes"


class BrakesDayBegun(Event, frozen=True, kw_only=True):
    """The day's loss is counted from nothing again."""

    NAME: ClassVar[str] = "brakes.day_begun.v1"
    date: str


class HoldPlaced(Event, frozen=True, kw_only=True):
    """One cause keeps new exposure away from now on."""

    NAME: ClassVar[str] = "brakes.hold_placed.v1"
    hold: Hold


class HoldLifted(Event, frozen=True, kw_only=True):
    """One cause is gone; others may still hold."""

    NAME: ClassVar[str] = "brakes.hold_lifted.v1"
    cause: HoldCause
    reason: str
    actor: str


class BreakerTripped(Event, frozen=True, kw_only=True):
    """The day's loss reached its limit: no new entries until the day ends or it is reset.

    `loss` = what `realized` and `open_loss` make of the day, counted from `reference`.
    """

    NAME: ClassVar[str] = "brakes.breaker_tripped.v1"
    loss: Decimal
    limit: Decimal
    realized: Decimal
    open_loss: Decimal
    reference: Decimal
    tripped_at: datetime


class BreakerReset(Event, frozen=True, kw_only=True):
    """An operator let the day's loss be counted anew, from the result `reference` on."""

    NAME: ClassVar[str] = "brakes.breaker_reset.v1"
    reference: Decimal
    reason: str
    actor: str


BrakesEvent = (
    BrakesOpened | BrakesDayBegun | HoldPlaced | HoldLifted | BreakerTripped | BreakerReset
)


# Commands


class BrakesCommand(Command, frozen=True, kw_only=True):
    """A command to the day's brakes."""

    AGGREGATE: ClassVar[str] = "brakes"


class OpenBrakes(BrakesCommand, frozen=True, kw_only=True):
    """Begin a day with this state."""

    state: "Brakes"
    date: str


class PlaceHold(BrakesCommand, frozen=True, kw_only=True):
    """Keep new exposure away for one cause."""

    hold: Hold


class LiftHold(BrakesCommand, frozen=True, kw_only=True):
    """One cause is gone."""

    cause: HoldCause
    reason: str
    actor: str


class TripBreaker(BrakesCommand, frozen=True, kw_only=True):
    """The day's loss reached its limit."""

    tripped: BreakerTripped


class ResetBreaker(BrakesCommand, frozen=True, kw_only=True):
    """Let the day's loss be counted anew."""

    reset: BreakerReset


BrakesCommands = OpenBrakes | PlaceHold | LiftHold | TripBreaker | ResetBreaker


# State


class Brakes(msgspec.Struct, frozen=True, kw_only=True):
    """The holds that stand, by cause, and the result from which the day's loss counts."""

    holds: dict[str, Hold] = {}
    loss_reference: Decimal = ZERO

    @property
    def trading_state(self) -> TradingState:
        """What all holds together make of trading."""
        return state_of(self.holds)

    @property
    def ruling(self) -> Hold | None:
        """The tightest hold; none if nothing is held back."""
        return ruling(self.holds)

    @property
    def is_tripped(self) -> bool:
        """Whether the breaker of the day's loss is latched."""
        return "breaker" in self.holds


def evolve(state: Brakes | None, event: BrakesEvent) -> Brakes:
    """Fold one event into the state."""
    if isinstance(event, BrakesOpened):
        return event.state
    assert state is not None, "the brakes' first event is BrakesOpened"
    match event:
        case BrakesDayBegun():
            return msgspec.structs.replace(state, loss_reference=ZERO)
        case HoldPlaced(hold=hold):
            return msgspec.structs.replace(state, holds={**state.holds, hold.cause: hold})
        case HoldLifted(cause=cause):
            rest = {name: hold for name, hold in sorted(state.holds.items()) if name != cause}
            return msgspec.structs.replace(state, holds=rest)
        case BreakerTripped():
            # The hold that is placed with it is the latch.
            return state
        case BreakerReset(reference=reference):
            return msgspec.structs.replace(state, loss_reference=reference)
        case _:
            assert_never(event)


def decide(state: Brakes | None, command: BrakesCommands) -> tuple[BrakesEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, OpenBrakes):
        return () if state is not None else _open(command)
    assert state is not None, "the day's brakes were never opened"
    match command:
        case PlaceHold(hold=hold):
            return _place(state, hold)
        case LiftHold():
            return _lift(state, command)
        case TripBreaker(tripped=tripped):
            return _trip(state, tripped)
        case ResetBreaker(reset=reset):
            lift = LiftHold(cause="breaker", reason=reset.reason, actor=reset.actor)
            return (reset, *_lift(state, lift)) if state.is_tripped else ()
        case _:
            assert_never(command)


def _open(command: OpenBrakes) -> tuple[BrakesEvent, ...]:
    """Spec §6: the breaker ends with the UTC day; every other hold goes on."""
    lift = LiftHold(cause="breaker", reason="a new trading day", actor="engine")
    opened = BrakesOpened(state=command.state)
    return (opened, BrakesDayBegun(date=command.date), *_lift(command.state, lift))


def _place(state: Brakes, hold: Hold) -> tuple[BrakesEvent, ...]:
    """One cause holds once, until it holds more tightly; only lifting it loosens."""
    known = state.holds.get(hold.cause)
    if known is not None and TIGHTNESS.index(known.state) >= TIGHTNESS.index(hold.state):
        return ()
    return (HoldPlaced(hold=hold),)


def _lift(state: Brakes, command: LiftHold) -> tuple[BrakesEvent, ...]:
    lifted = HoldLifted(cause=command.cause, reason=command.reason, actor=command.actor)
    return (lifted,) if command.cause in state.holds else ()


def _trip(state: Brakes, tripped: BreakerTripped) -> tuple[BrakesEvent, ...]:
    """Latched: it trips once, whatever the loss does then."""
    if state.is_tripped:
        return ()
    hold = Hold(
        cause="breaker",
        state="reducing",
        reason=f"the day's loss of {plain(tripped.loss)} reached {plain(tripped.limit)}",
        actor="engine",
        since=tripped.tripped_at,
    )
    return (tripped, HoldPlaced(hold=hold))
