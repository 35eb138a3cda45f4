"""One trade: account, symbol, timeframe and side, from its first signal to the flat position."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, assert_never

import msgspec

from domain.instrument import PositionSide
from domain.message import Command, Event
from domain.money import ZERO
from domain.settings import CapitalSettings, ExitSettings, GridSettings

# Events
# Stored for ever: add fields with defaults, never change a NAME.


class PositionGroupOpened(Event, frozen=True, kw_only=True):
    """A trade began, with the settings that will rule it to its end.

    `stop_loss` is the signal's own stop price, where the settings allow one.
    """

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
    stop_loss: Decimal | None = None


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


class ReductionPart(msgspec.Struct, frozen=True, kw_only=True):
    """What of a leg's lot is to be sold. `sold_before` is all the leg had sold at that time."""

    leg_id: str
    quantity: Decimal
    sold_before: Decimal


class ReductionStarted(Event, frozen=True, kw_only=True):
    """A part of the trade is to be closed, its structure kept. Parts in the order of selling.

    What the legs' own exits sell meanwhile counts. A further one adds to the one under way.
    `bound`: no sale at a worse price, and given up when nobody pays it; none = sold whatever
    comes.
    """

    NAME: ClassVar[str] = "position_group.reduction_started.v1"
    group_id: str
    reason: str
    signal_id: str
    parts: tuple[ReductionPart, ...]
    started_at: datetime
    bound: Decimal | None = None


class ReductionEnded(Event, frozen=True, kw_only=True):
    """Nothing of the parts is left to sell, or what no venue would buy, or nobody at its bound."""

    NAME: ClassVar[str] = "position_group.reduction_ended.v1"
    group_id: str
    ended_at: datetime


class StopTrailed(Event, frozen=True, kw_only=True):
    """The best price since the first fill moved by at least a step: the stop follows it."""

    NAME: ClassVar[str] = "position_group.stop_trailed.v1"
    group_id: str
    best: Decimal
    trailed_at: datetime


class FundingShared(Event, frozen=True, kw_only=True):
    """The trade's share of a funding settlement, in the capital currency; below zero: paid."""

    NAME: ClassVar[str] = "position_group.funding_shared.v1"
    group_id: str
    funding_id: str
    amount: Decimal
    settled_at: datetime


class CloseAttempted(Event, frozen=True, kw_only=True):
    """One order is to sell what is left of the trade, or of the part to be closed.

    `price` bounds it; none = plain market. `covers`: leg ids, in the order they are sold.
    """

    NAME: ClassVar[str] = "position_group.close_attempted.v1"
    group_id: str
    client_order_id: str
    attempt: int
    quantity: Decimal
    price: Decimal | None
    attempted_at: datetime
    covers: tuple[str, ...] = ()


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
    | ReductionStarted
    | ReductionEnded
    | StopTrailed
    | FundingShared
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

    opened: PositionGroupOpened


class AdmitPyramid(PositionGroupCommand, frozen=True, kw_only=True):
    """Let an approved entry join."""

    admitted: PyramidAdmitted


class ClosePositionGroup(PositionGroupCommand, frozen=True, kw_only=True):
    """Start the closing sequence. The first trigger wins."""

    reason: str
    signal_id: str
    now: datetime


class StartReduction(PositionGroupCommand, frozen=True, kw_only=True):
    """Close a part; while closing there is nothing to reduce any more.

    A bounded one waits its turn; one without a bound ends the bounded one that is under way.
    """

    started: ReductionStarted


class EndReduction(PositionGroupCommand, frozen=True, kw_only=True):
    """The part is closed."""

    now: datetime


class TrailStop(PositionGroupCommand, frozen=True, kw_only=True):
    """Let the stop follow a better price."""

    best: Decimal
    now: datetime


class ShareFunding(PositionGroupCommand, frozen=True, kw_only=True):
    """Give the trade its share of a funding settlement, once."""

    shared: FundingShared


class AttemptClose(PositionGroupCommand, frozen=True, kw_only=True):
    """Sell what is left, of the trade or of the part to be closed, with one order."""

    attempted: CloseAttempted


class FinishPositionGroup(PositionGroupCommand, frozen=True, kw_only=True):
    """Every order is final and the lots are zero."""

    realized: Decimal
    fees: Decimal
    now: datetime


PositionGroupCommands = (
    OpenPositionGroup
    | AdmitPyramid
    | StartReduction
    | EndReduction
    | TrailStop
    | ShareFunding
    | ClosePositionGroup
    | AttemptClose
    | FinishPositionGroup
)


# State


class PositionGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A trade's own facts; legs and orders tell the rest.

    `reducing` holds the parts still to be sold, at `bound` or better if there is one; the ids of
    all orders that ever kept a bound are `bounded_sales`. `attempts_before` counts the sales of
    earlier sequences, so that each begins with its narrowest limit. `best` trails the market.
    """

    opened: PositionGroupOpened
    pyramid_ids: tuple[str, ...] = ()
    reducing: tuple[ReductionPart, ...] = ()
    bound: Decimal | None = None
    bounded_sales: tuple[str, ...] = ()
    best: Decimal | None = None
    funding: Decimal = ZERO
    funding_ids: tuple[str, ...] = ()
    closing: PositionGroupClosing | None = None
    close_attempts: int = 0
    attempts_before: int = 0
    last_attempt: CloseAttempted | None = None
    last_reduction: ReductionStarted | None = None
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
    change = msgspec.structs.replace
    match event:
        case PyramidAdmitted(pyramid_id=pyramid_id):
            return change(state, pyramid_ids=(*state.pyramid_ids, pyramid_id))
        case ReductionStarted():
            return _reducing(state, event)
        case ReductionEnded():
            return change(state, reducing=(), bound=None)
        case StopTrailed(best=best):
            return change(state, best=best)
        case FundingShared(funding_id=funding_id):
            funding, known = state.funding + event.amount, (*state.funding_ids, funding_id)
            return change(state, funding=funding, funding_ids=known)
        case PositionGroupClosing():
            before = state.close_attempts
            return change(state, closing=event, reducing=(), bound=None, attempts_before=before)
        case CloseAttempted(client_order_id=identity, attempt=attempt):
            sales = state.bounded_sales if state.bound is None else (*state.bounded_sales, identity)
            return change(state, close_attempts=attempt, last_attempt=event, bounded_sales=sales)
        case PositionGroupClosed():
            return change(state, closed=event)
        case _:
            assert_never(event)


def decide(
    state: PositionGroup | None, command: PositionGroupCommands
) -> tuple[PositionGroupEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, OpenPositionGroup):
        return () if state is not None else (command.opened,)
    assert state is not None, f"group {command.group_id} was never opened"
    match command:
        case AdmitPyramid(admitted=admitted):
            is_known = admitted.pyramid_id in state.pyramid_ids
            return (admitted,) if state.is_open and not is_known else ()
        case StartReduction(started=started):
            return _reduce(state, started)
        case EndReduction():
            ended = ReductionEnded(group_id=command.group_id, ended_at=command.now)
            return (ended,) if state.reducing else ()
        case TrailStop():
            return _trail(state, command)
        case ShareFunding(shared=shared):
            is_known = state.closed is not None or shared.funding_id in state.funding_ids
            return () if is_known else (shared,)
        case ClosePositionGroup():
            return _close(state, command)
        case AttemptClose(attempted=attempted):
            is_wanted = not state.is_open or bool(state.reducing)
            is_next = attempted.attempt == state.close_attempts + 1
            return (attempted,) if is_wanted and is_next and state.closed is None else ()
        case FinishPositionGroup():
            return _finish(state, command)
        case _:
            assert_never(command)


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


def _reduce(state: PositionGroup, started: ReductionStarted) -> tuple[PositionGroupEvent, ...]:
    """What must be sold does not wait for what may be: a bound would keep it from ending."""
    if not state.is_open or not started.parts or started == state.last_reduction:
        return ()
    if started.bound is not None:
        return () if state.reducing else (started,)
    if state.bound is None:
        return (started,)
    ended = ReductionEnded(group_id=started.group_id, ended_at=started.started_at)
    return (ended, started)


def _reducing(state: PositionGroup, event: ReductionStarted) -> PositionGroup:
    """What is added to a leg's part keeps the count of what the leg had sold at first."""
    parts = {part.leg_id: part for part in state.reducing}
    for part in event.parts:
        known = parts.get(part.leg_id)
        total = part.quantity + (known.quantity if known is not None else ZERO)
        parts[part.leg_id] = msgspec.structs.replace(known or part, quantity=total)
    before = state.attempts_before if state.reducing else state.close_attempts
    return msgspec.structs.replace(
        state,
        reducing=tuple(parts[leg_id] for leg_id in parts),
        bound=event.bound,
        last_reduction=event,
        attempts_before=before,
    )


def _trail(state: PositionGroup, command: TrailStop) -> tuple[PositionGroupEvent, ...]:
    """Only ever towards profit."""
    is_long = state.opened.side == "long"
    best = state.best
    is_better = best is None or (command.best > best if is_long else command.best < best)
    trailed = StopTrailed(group_id=command.group_id, best=command.best, trailed_at=command.now)
    return (trailed,) if state.is_open and is_better else ()


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
