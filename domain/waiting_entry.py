"""An entry let in before its market's rules are known: it holds slot and capital and waits."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, assert_never

import msgspec

from domain.instrument import PositionSide
from domain.message import Command, Event

# Events
# Stored for ever: add fields with defaults, never change a NAME.


class EntryAwaited(Event, frozen=True, kw_only=True):
    """The gate passed it with its whole `capital` reserved; nothing can be laid out yet.

    `entry_price` is unrounded, `capital` notional in the capital currency.
    """

    NAME: ClassVar[str] = "waiting_entry.awaited.v1"
    pyramid_id: str
    group_id: str
    index: int
    signal_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    entry_price: Decimal
    capital: Decimal
    max_slippage_percent: Decimal | None
    waiting_since: datetime


class EntryAwaitEnded(Event, frozen=True, kw_only=True):
    """It waits no more: it was `laid_out`, or gave up its capital for this reason."""

    NAME: ClassVar[str] = "waiting_entry.await_ended.v1"
    pyramid_id: str
    group_id: str
    symbol: str
    laid_out: bool
    reason: str


WaitingEntryEvent = EntryAwaited | EntryAwaitEnded


# Commands


class WaitingEntryCommand(Command, frozen=True, kw_only=True):
    """A command to one waiting entry."""

    AGGREGATE: ClassVar[str] = "waiting_entry"
    pyramid_id: str

    @property
    def key(self) -> str:
        """It is named after the pyramid it is to become."""
        return self.pyramid_id


class AwaitEntry(WaitingEntryCommand, frozen=True, kw_only=True):
    """Let an approved entry wait for its market's rules."""

    awaited: EntryAwaited


class EndAwait(WaitingEntryCommand, frozen=True, kw_only=True):
    """Let it wait no more."""

    laid_out: bool
    reason: str


WaitingEntryCommands = AwaitEntry | EndAwait


# State


class WaitingEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry and whether it still waits."""

    awaited: EntryAwaited
    waits: bool = True


def evolve(state: WaitingEntry | None, event: WaitingEntryEvent) -> WaitingEntry:
    """Fold one event into the state."""
    if isinstance(event, EntryAwaited):
        return WaitingEntry(awaited=event)
    assert state is not None, "a waiting entry's first event is EntryAwaited"
    match event:
        case EntryAwaitEnded():
            return msgspec.structs.replace(state, waits=False)
        case _:
            assert_never(event)


def decide(
    state: WaitingEntry | None, command: WaitingEntryCommands
) -> tuple[WaitingEntryEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, AwaitEntry):
        return () if state is not None else (command.awaited,)
    assert state is not None, f"pyramid {command.pyramid_id} never waited"
    match command:
        case EndAwait(laid_out=laid_out, reason=reason):
            ended = EntryAwaitEnded(
                pyramid_id=command.pyramid_id,
                group_id=state.awaited.group_id,
                symbol=state.awaited.symbol,
                laid_out=laid_out,
                reason=reason,
            )
            return (ended,) if state.waits else ()
        case _:
            assert_never(command)
