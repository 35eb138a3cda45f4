"""What an account holds beside its groups' lots: dust, foreign positions, differences, balances."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, assert_never

import msgspec

from domain.holding_terms import (
    AdoptedPart,
    AdoptedTrade,
    Balance,
    Discrepancy,
    Dust,
    FundingShare,
    HeldPosition,
    PendingFee,
    PriceSource,
    position_key,
    with_parts,
    with_value,
)
from domain.instrument import PositionMode
from domain.message import Command, Event
from domain.money import ZERO

# What was counted before is recognised among this many; the venues tell only of the newest.
FUNDING_IDS_MAX = 1_000
ADOPTED_TRADES_MAX = 500


# Events
# Stored for ever: add fields with defaults, never change a NAME.


class HoldingsOpened(Event, frozen=True, kw_only=True):
    """A day's holdings begin with the whole state of the day before."""

    NAME: ClassVar[str] = "holdings.opened.v1"
    state: "Holdings"


class BaselineTaken(Event, frozen=True, kw_only=True):
    """What the account held when the venue was first asked: foreign, and never traded by us."""

    NAME: ClassVar[str] = "holdings.baseline_taken.v1"
    positions: tuple[HeldPosition, ...]
    taken_at: datetime


class BaselineChanged(Event, frozen=True, kw_only=True):
    """The foreign part of a position is `total` from now on."""

    NAME: ClassVar[str] = "holdings.baseline_changed.v1"
    symbol: str
    side: PositionMode
    amount: Decimal
    total: Decimal
    reason: str
    actor: str


class DustChanged(Event, frozen=True, kw_only=True):
    """The written-off part of a position is `total` from now on, worth `value` when it was."""

    NAME: ClassVar[str] = "holdings.dust_changed.v1"
    symbol: str
    side: PositionMode
    amount: Decimal
    total: Decimal
    value: Decimal
    reason: str


class DiscrepancyFound(Event, frozen=True, kw_only=True):
    """The venue holds other than the books say."""

    NAME: ClassVar[str] = "holdings.discrepancy_found.v1"
    discrepancy: Discrepancy


class DiscrepancyCleared(Event, frozen=True, kw_only=True):
    """They agree again, or an operator said so."""

    NAME: ClassVar[str] = "holdings.discrepancy_cleared.v1"
    symbol: str
    reason: str
    actor: str
    side: PositionMode = "both"


class PositionAdopted(Event, frozen=True, kw_only=True):
    """Lots were closed outside: by hand, by liquidation, by ADL. The books follow the venue.

    `priced_by`: the venue's own trades, or the mark where they do not cover it.
    """

    NAME: ClassVar[str] = "holdings.position_adopted.v1"
    symbol: str
    side: PositionMode
    quantity: Decimal
    priced_by: PriceSource
    parts: tuple[AdoptedPart, ...]
    adopted_at: datetime


class BalanceRecorded(Event, frozen=True, kw_only=True):
    """The venue's balance of a currency changed; `margin` and `realized` as in `Balance`."""

    NAME: ClassVar[str] = "holdings.balance_recorded.v1"
    currency: str
    total: Decimal
    free: Decimal
    margin: Decimal | None = None
    realized: Decimal | None = None

    @property
    def balance(self) -> Balance:
        """As the books keep it."""
        return Balance(total=self.total, free=self.free, margin=self.margin, realized=self.realized)


class FundingRecorded(Event, frozen=True, kw_only=True):
    """Funding was settled. `value` in the capital currency; no shares: it concerns no trade."""

    NAME: ClassVar[str] = "holdings.funding_recorded.v1"
    funding_id: str
    symbol: str
    side: PositionMode
    amount: Decimal
    asset: str
    value: Decimal | None
    shares: tuple[FundingShare, ...]
    reason: str
    settled_at: datetime


class FeeDeferred(Event, frozen=True, kw_only=True):
    """A fee cannot be valued yet: profits are too high by it until it is."""

    NAME: ClassVar[str] = "holdings.fee_deferred.v1"
    pending: PendingFee


class FeeValued(Event, frozen=True, kw_only=True):
    """A fee that waited is worth `fee_value` in the capital currency."""

    NAME: ClassVar[str] = "holdings.fee_valued.v1"
    pending: PendingFee
    fee_value: Decimal


HoldingsEvent = (
    HoldingsOpened
    | BaselineTaken
    | BaselineChanged
    | DustChanged
    | DiscrepancyFound
    | DiscrepancyCleared
    | PositionAdopted
    | BalanceRecorded
    | FundingRecorded
    | FeeDeferred
    | FeeValued
)


# Commands


class HoldingsCommand(Command, frozen=True, kw_only=True):
    """A command to the day's holdings."""

    AGGREGATE: ClassVar[str] = "holdings"


class OpenHoldings(HoldingsCommand, frozen=True, kw_only=True):
    """Begin a day with this state."""

    state: "Holdings"


class TakeBaseline(HoldingsCommand, frozen=True, kw_only=True):
    """Say what was there before us, once in an account's life."""

    taken: BaselineTaken


class MoveBaseline(HoldingsCommand, frozen=True, kw_only=True):
    """Say what of a position is foreign now, signed."""

    symbol: str
    side: PositionMode
    total: Decimal
    reason: str
    actor: str


class RecordDust(HoldingsCommand, frozen=True, kw_only=True):
    """Say what of a position is dust now, signed, and what it was worth when written off."""

    symbol: str
    side: PositionMode
    total: Decimal
    value: Decimal
    reason: str


class RecordDiscrepancy(HoldingsCommand, frozen=True, kw_only=True):
    """Say that venue and books disagree."""

    discrepancy: Discrepancy


class ClearDiscrepancy(HoldingsCommand, frozen=True, kw_only=True):
    """Say that they agree, or that it is accepted."""

    cleared: DiscrepancyCleared


class AdoptPosition(HoldingsCommand, frozen=True, kw_only=True):
    """Settle a discrepancy by what was closed outside."""

    adopted: PositionAdopted


class RecordBalance(HoldingsCommand, frozen=True, kw_only=True):
    """Say what the venue holds for us."""

    recorded: BalanceRecorded


class RecordFunding(HoldingsCommand, frozen=True, kw_only=True):
    """Count a funding settlement, once."""

    recorded: FundingRecorded


class DeferFee(HoldingsCommand, frozen=True, kw_only=True):
    """Remember a fee until it can be valued."""

    pending: PendingFee


class ValueFee(HoldingsCommand, frozen=True, kw_only=True):
    """Say what a remembered fee is worth."""

    pending: PendingFee
    fee_value: Decimal


HoldingsCommands = (
    OpenHoldings
    | TakeBaseline
    | MoveBaseline
    | RecordDust
    | RecordDiscrepancy
    | ClearDiscrepancy
    | AdoptPosition
    | RecordBalance
    | RecordFunding
    | DeferFee
    | ValueFee
)


# State


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """Σ lots + dust + baseline = the account's position. By `position_key`, signed contracts."""

    baseline_at: datetime | None = None
    baseline: dict[str, Decimal] = {}
    dust: dict[str, Dust] = {}
    discrepancies: dict[str, Discrepancy] = {}
    balances: dict[str, Balance] = {}
    funding_ids: tuple[str, ...] = ()
    adopted_trades: tuple[AdoptedTrade, ...] = ()
    pending_fees: dict[str, PendingFee] = {}

    def disputes(self, symbol: str) -> tuple[Discrepancy, ...]:
        """What venue and books disagree about in a symbol, by side."""
        every = (found for _, found in sorted(self.discrepancies.items()))
        return tuple(found for found in every if found.symbol == symbol)

    def foreign(self, symbol: str) -> Decimal:
        """How many contracts of a symbol are not ours, long and short ones alike."""
        sides: tuple[PositionMode, ...] = ("both", "long", "short")
        keys = (position_key(symbol, side) for side in sides)
        return sum((abs(self.baseline.get(key, ZERO)) for key in keys), ZERO)


def evolve(state: Holdings | None, event: HoldingsEvent) -> Holdings:
    """Fold one event into the state."""
    if isinstance(event, HoldingsOpened):
        return event.state
    assert state is not None, "an account's holdings begin with HoldingsOpened"
    change = msgspec.structs.replace
    match event:
        case BaselineTaken():
            held = {position_key(p.symbol, p.side): p.quantity for p in event.positions}
            return change(state, baseline_at=event.taken_at, baseline=held)
        case BaselineChanged() | DustChanged():
            return _apart(state, event)
        case DiscrepancyFound() | DiscrepancyCleared() | PositionAdopted():
            return _judged(state, event)
        case BalanceRecorded():
            return change(state, balances=with_value(state.balances, event.currency, event.balance))
        case FundingRecorded():
            ids = (*state.funding_ids, event.funding_id)[-FUNDING_IDS_MAX:]
            return change(state, funding_ids=ids)
        case FeeDeferred(pending=pending):
            return change(state, pending_fees=with_value(state.pending_fees, pending.key, pending))
        case FeeValued(pending=pending):
            return change(state, pending_fees=with_value(state.pending_fees, pending.key, None))
        case _:
            assert_never(event)


def decide(state: Holdings | None, command: HoldingsCommands) -> tuple[HoldingsEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, OpenHoldings):
        return () if state is not None else (HoldingsOpened(state=command.state),)
    assert state is not None, "the day's holdings were never opened"
    match command:
        case TakeBaseline(taken=taken):
            return (taken,) if state.baseline_at is None else ()
        case MoveBaseline() | RecordDust():
            return _moved(state, command)
        case RecordDiscrepancy() | ClearDiscrepancy() | AdoptPosition():
            return _disputed(state, command)
        case RecordBalance(recorded=recorded):
            known = state.balances.get(recorded.currency)
            return () if known == recorded.balance else (recorded,)
        case RecordFunding(recorded=settled):
            return () if settled.funding_id in state.funding_ids else (settled,)
        case DeferFee(pending=pending):
            return () if pending.key in state.pending_fees else (FeeDeferred(pending=pending),)
        case ValueFee(pending=pending):
            valued = FeeValued(pending=pending, fee_value=command.fee_value)
            return (valued,) if pending.key in state.pending_fees else ()
        case _:
            assert_never(command)


def _moved(state: Holdings, command: MoveBaseline | RecordDust) -> tuple[HoldingsEvent, ...]:
    """The command says what is there in all; what changed follows."""
    key = position_key(command.symbol, command.side)
    fields = msgspec.structs.asdict(command)
    if isinstance(command, MoveBaseline):
        amount = command.total - state.baseline.get(key, ZERO)
        return (BaselineChanged(**fields, amount=amount),) if amount else ()
    amount = command.total - state.dust.get(key, Dust()).quantity
    return (DustChanged(**fields, amount=amount),) if amount else ()


def _disputed(
    state: Holdings, command: RecordDiscrepancy | ClearDiscrepancy | AdoptPosition
) -> tuple[HoldingsEvent, ...]:
    match command:
        case RecordDiscrepancy(discrepancy=found):
            is_known = state.discrepancies.get(position_key(*found.held)) == found
            return () if is_known else (DiscrepancyFound(discrepancy=found),)
        case ClearDiscrepancy(cleared=cleared):
            is_open = position_key(cleared.symbol, cleared.side) in state.discrepancies
            return (cleared,) if is_open else ()
        case AdoptPosition(adopted=adopted):
            is_open = position_key(adopted.symbol, adopted.side) in state.discrepancies
            return (adopted,) if is_open else ()


def _apart(state: Holdings, event: BaselineChanged | DustChanged) -> Holdings:
    """What is nothing any more leaves the books."""
    change, key = msgspec.structs.replace, position_key(event.symbol, event.side)
    if isinstance(event, BaselineChanged):
        return change(state, baseline=with_value(state.baseline, key, event.total or None))
    dust = Dust(quantity=event.total, value=event.value) if event.total else None
    return change(state, dust=with_value(state.dust, key, dust))


def _judged(
    state: Holdings, event: DiscrepancyFound | DiscrepancyCleared | PositionAdopted
) -> Holdings:
    change = msgspec.structs.replace
    if isinstance(event, DiscrepancyFound):
        found = event.discrepancy
        known = with_value(state.discrepancies, position_key(*found.held), found)
        return change(state, discrepancies=known)
    rest = with_value(state.discrepancies, position_key(event.symbol, event.side), None)
    if isinstance(event, DiscrepancyCleared):
        return change(state, discrepancies=rest)
    if event.priced_by == "mark":
        return change(state, discrepancies=rest)
    used = with_parts(state.adopted_trades, event.symbol, event.parts)
    return change(state, discrepancies=rest, adopted_trades=used[-ADOPTED_TRADES_MAX:])
