"""One trade: account, symbol, timeframe and side, from its first signal to the flat position."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, assert_never

import msgspec

from domain.instrument import PositionSide
from domain.message import Command, Event
from domain.settings import CapitalSettings, ExitSettings, GridSettings

# Events
# Stored for ever: add fields with defaults, never change a NAME.


class PositionGroupOpened(Event, frozen=True, kw_only=True):
    """A trade began, with the settings that will rule it to its end."""

    NAME: ClassVar[str] = "position_group.opened.v1"
    group_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    signal_id: str
    grid: GridSettings
    exits: ExitSettings
    capital: CapitalSettings
    settings_version: int
    opened_at: datetime


class PyramidAdmitted(Event, frozen=True, kw_only=True):
    """A further entry joined the trade; index 0 opened it."""

    NAME: ClassVar[str] = "position_group.pyramid_admitted.v1"
    group_id: str
    pyramid_id: str
    index: int
    signal_id: str


class PositionGroupClosing(Event, frozen=True, kw_only=True):
    """The one-way road out: cancel everything, sell what is left, close."""

    NAME: ClassVar[str] = "position_group.closing.v1"
    group_id: str
    reason: str
    signal_id: str
    closing_at: datetime


class CloseAttempted(Event, frozen=True, kw_only=True):
    """One order is to sell all that is left. `price` bounds it; none = plain market."""

    NAME: ClassVar[str] = "position_group.close_attempted.v1"
    group_id: str
    client_order_id: str
    attempt: int
    quantity: Decimal
    price: Decimal | None
    attempted_at: datetime


class PositionGroupClosed(Event, frozen=True, kw_only=True):
    """Flat, every order final. `realized` and `fees` in the capital currency."""

    NAME: ClassVar[str] = "position_group.closed.v1"
    group_id: str
    reason: str
    realized: Decimal
    fees: Decimal
    closed_at: datetime


PositionGroupEvent = (
    PositionGroupOpened
    | PyramidAdmitted
    | PositionGroupClosing
    | CloseAttempted
    | PositionGroupClosed
)


# Commands


class PositionGroupCommand(Command, frozen=True, kw_only=True):
    """A command to one group."""

    AGGREGATE: ClassVar[str] = "position_group"
    group_id: str

    @property
    def key(self) -> str:
        """A group's stream is named after its id."""
        return self.group_id


class OpenPositionGroup(PositionGroupCommand, frozen=True, kw_only=True):
    """Begin an approved trade."""

    symbol: str
    timeframe: str
    side: PositionSide
    signal_id: str
    grid: GridSettings
    exits: ExitSettings
    capital: CapitalSettings
    settings_version: int
    now: datetime


class AdmitPyramid(PositionGroupCommand, frozen=True, kw_only=True):
    """Let an approved entry join."""

    pyramid_id: str
    index: int
    signal_id: str


class ClosePositionGroup(PositionGroupCommand, frozen=True, kw_only=True):
    """Start the closing sequence. The first trigger wins."""

    reason: str
    signal_id: str
    now: datetime


class AttemptClose(PositionGroupCommand, frozen=True, kw_only=True):
    """Sell what is left with one order."""

    client_order_id: str
    quantity: Decimal
    price: Decimal | None
    now: datetime


class FinishPositionGroup(PositionGroupCommand, frozen=True, kw_only=True):
    """Every order is final and the lots are zero."""

    realized: Decimal
    fees: Decimal
    now: datetime


PositionGroupCommands = (
    OpenPositionGroup | AdmitPyramid | ClosePositionGroup | AttemptClose | FinishPositionGroup
)


# State


class PositionGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A trade's own facts; legs and orders tell the rest."""

    opened: PositionGroupOpened
    pyramid_ids: tuple[str, ...] = ()
    closing: PositionGroupClosing | None = None
    close_attempts: int = 0
    last_attempt: CloseAttempted | None = None
    closed: PositionGroupClosed | None = None

    @property
    def is_open(self) -> bool:
        """Whether it takes further entries."""
        return self.closing is None

    @property
    def holds_slot(self) -> bool:
        """Whether it still occupies the execution pool."""
        return self.closed is None


def evolve(state: PositionGroup | None, event: PositionGroupEvent) -> PositionGroup:
    """Fold one event into the state."""
    if isinstance(event, PositionGroupOpened):
        return PositionGroup(opened=event)
    assert state is not None, "a group's first event is PositionGroupOpened"
    match event:
        case PyramidAdmitted():
            return msgspec.structs.replace(
                state, pyramid_ids=(*state.pyramid_ids, event.pyramid_id)
            )
        case PositionGroupClosing():
            return msgspec.structs.replace(state, closing=event)
        case CloseAttempted():
            return msgspec.structs.replace(state, close_attempts=event.attempt, last_attempt=event)
        case PositionGroupClosed():
            return msgspec.structs.replace(state, closed=event)
        case _:
            assert_never(event)


def decide(
    state: PositionGroup | None, command: PositionGroupCommands
) -> tuple[PositionGroupEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, OpenPositionGroup):
        return () if state is not None else (_opened(command),)
    assert state is not None, f"group {command.group_id} was never opened"
    match command:
        case AdmitPyramid():
            return _admit(state, command)
        case ClosePositionGroup():
            return _close(state, command)
        case AttemptClose():
            return _attempt(state, command)
        case FinishPositionGroup():
            return _finish(state, command)
        case _:
            assert_never(command)


def _opened(command: OpenPositionGroup) -> PositionGroupOpened:
    return PositionGroupOpened(
        group_id=command.group_id,
        symbol=command.symbol,
        timeframe=command.timeframe,
        side=command.side,
        signal_id=command.signal_id,
        grid=command.grid,
        exits=command.exits,
        capital=command.capital,
        settings_version=command.settings_version,
        opened_at=command.now,
    )


def _admit(state: PositionGroup, command: AdmitPyramid) -> tuple[PositionGroupEvent, ...]:
    if command.pyramid_id in state.pyramid_ids or not state.is_open:
        return ()
    admitted = PyramidAdmitted(
        group_id=command.group_id,
        pyramid_id=command.pyramid_id,
        index=command.index,
        signal_id=command.signal_id,
    )
    return (admitted,)


def _close(state: PositionGroup, command: ClosePositionGroup) -> tuple[PositionGroupEvent, ...]:
    if not state.is_open:
        return ()
    closing = PositionGroupClosing(
        group_id=command.group_id,
        reason=command.reason,
        signal_id=command.signal_id,
        closing_at=command.now,
    )
    return (closing,)


def _attempt(state: PositionGroup, command: AttemptClose) -> tuple[PositionGroupEvent, ...]:
    repeated = state.last_attempt is not None and (
        state.last_attempt.client_order_id == command.client_order_id
    )
    if state.is_open or state.closed is not None or repeated:
        return ()
    attempted = CloseAttempted(
        group_id=command.group_id,
        client_order_id=command.client_order_id,
        attempt=state.close_attempts + 1,
        quantity=command.quantity,
        price=command.price,
        attempted_at=command.now,
    )
    return (attempted,)


def _finish(state: PositionGroup, command: FinishPositionGroup) -> tuple[PositionGroupEvent, ...]:
    if state.closing is None or state.closed is not None:
        return ()
    closed = PositionGroupClosed(
        group_id=command.group_id,
        reason=state.closing.reason,
        realized=command.realized,
        fees=command.fees,
        closed_at=command.now,
    )
    return (closed,)
