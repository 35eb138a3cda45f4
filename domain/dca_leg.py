"""One DCA leg: its plan, the lot it bought, and the exit that is to sell exactly that lot."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, assert_never

import msgspec

from domain.grid import take_profit_price
from domain.instrument import Instrument, PositionSide
from domain.message import Command, Event
from domain.money import ZERO
from domain.pnl import Lot, Realization, average_entry, sold, split_fee

# Events
# Stored for ever: add fields with defaults, never change a NAME.


class LegFact(Event, frozen=True, kw_only=True):
    """What every event of a leg begins with."""

    leg_id: str


class LegPlanned(LegFact, frozen=True, kw_only=True):
    """An entry order to be. `reserve_price` values what rests (shorts: max of limit and mark)."""

    NAME: ClassVar[str] = "dca_leg.planned.v1"
    group_id: str
    pyramid_id: str
    index: int
    signal_id: str
    symbol: str
    side: PositionSide
    price: Decimal
    quantity: Decimal
    gap_percent: Decimal
    weight_percent: Decimal
    take_profit_percent: Decimal
    contract_size: Decimal
    reserve_price: Decimal
    planned_at: datetime


class LegEntryFilled(LegFact, frozen=True, kw_only=True):
    """The leg's lot grew. `cost` in quote units; `fee_value` in the capital currency."""

    NAME: ClassVar[str] = "dca_leg.entry_filled.v1"
    client_order_id: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    cost: Decimal
    fee: Decimal
    fee_asset: str
    fee_value: Decimal | None
    traded_at: datetime


class LegEntryEnded(LegFact, frozen=True, kw_only=True):
    """No further entry fill will come: filled, cancelled, rejected or expired."""

    NAME: ClassVar[str] = "dca_leg.entry_ended.v1"
    reason: str


class LegExitRequested(LegFact, frozen=True, kw_only=True):
    """The one working exit of this leg, for its whole lot."""

    NAME: ClassVar[str] = "dca_leg.exit_requested.v1"
    client_order_id: str
    attempt: int
    price: Decimal
    quantity: Decimal
    requested_at: datetime


class LegExitEnded(LegFact, frozen=True, kw_only=True):
    """The working exit is final; what it did not sell needs another."""

    NAME: ClassVar[str] = "dca_leg.exit_ended.v1"
    client_order_id: str
    reason: str
    ended_at: datetime


class LegExitFilled(LegFact, frozen=True, kw_only=True):
    """Part of the lot was sold. `realized` = proceeds less cost and both fee shares."""

    NAME: ClassVar[str] = "dca_leg.exit_filled.v1"
    client_order_id: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    cost: Decimal
    entry_fee: Decimal
    fee: Decimal
    fee_asset: str
    fee_value: Decimal | None
    realized: Decimal
    traded_at: datetime


class LegExcessSold(LegFact, frozen=True, kw_only=True):
    """A fill of ours sold more than the lot held: a discrepancy, never silently absorbed."""

    NAME: ClassVar[str] = "dca_leg.excess_sold.v1"
    symbol: str
    client_order_id: str
    trade_id: str
    price: Decimal
    quantity: Decimal


class LegDustWrittenOff(LegFact, frozen=True, kw_only=True):
    """A rest too small to be sold leaves the books at the mark, visibly."""

    NAME: ClassVar[str] = "dca_leg.dust_written_off.v1"
    quantity: Decimal
    price: Decimal
    cost: Decimal
    entry_fee: Decimal
    realized: Decimal


class LegFeeValued(LegFact, frozen=True, kw_only=True):
    """A fee in a foreign asset, pending until now, is worth `fee_value` in the capital currency.

    `entry_fee` of it still belongs to the lot; `realized` is what the rest took off the profit.
    """

    NAME: ClassVar[str] = "dca_leg.fee_valued.v1"
    trade_id: str
    fee_value: Decimal
    entry_fee: Decimal
    realized: Decimal


LegEvent = (
    LegPlanned
    | LegEntryFilled
    | LegEntryEnded
    | LegExitRequested
    | LegExitEnded
    | LegExitFilled
    | LegExcessSold
    | LegDustWrittenOff
    | LegFeeValued
)


# Commands


class LegCommand(Command, frozen=True, kw_only=True):
    """A command to one leg."""

    AGGREGATE: ClassVar[str] = "dca_leg"
    leg_id: str

    @property
    def key(self) -> str:
        """A leg's stream is named after its id."""
        return self.leg_id


class PlanLeg(LegCommand, frozen=True, kw_only=True):
    """Add a leg to a pyramid."""

    plan: LegPlanned


class LegTrade(LegCommand, frozen=True, kw_only=True):
    """A trade, or this leg's share of one. `fee_value` in the capital currency, if known."""

    client_order_id: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    fee_value: Decimal | None
    traded_at: datetime


class RecordLegEntryFill(LegTrade, frozen=True, kw_only=True):
    """A trade of the leg's entry order."""


class RecordLegEntryEnded(LegCommand, frozen=True, kw_only=True):
    """The leg's entry order is final."""

    reason: str


class ProtectLeg(LegCommand, frozen=True, kw_only=True):
    """Give the lot this working exit, if it has none."""

    requested: LegExitRequested


class RecordLegExitEnded(LegCommand, frozen=True, kw_only=True):
    """The leg's working exit is final."""

    ended: LegExitEnded


class RecordLegExitFill(LegTrade, frozen=True, kw_only=True):
    """A trade that sold from the lot."""


class WriteOffLegDust(LegCommand, frozen=True, kw_only=True):
    """Take an unsellable rest off the books at `price`."""

    price: Decimal


class ValueLegFee(LegCommand, frozen=True, kw_only=True):
    """Say what a pending fee is worth, in the capital currency."""

    trade_id: str
    fee_value: Decimal


LegCommands = (
    PlanLeg
    | RecordLegEntryFill
    | RecordLegEntryEnded
    | ProtectLeg
    | RecordLegExitEnded
    | RecordLegExitFill
    | WriteOffLegDust
    | ValueLegFee
)


# State


class UnvaluedFee(msgspec.Struct, frozen=True, kw_only=True):
    """A fee in an asset whose worth was not known when it was paid."""

    asset: str
    fee: Decimal
    is_entry: bool


class DCALeg(msgspec.Struct, frozen=True, kw_only=True):
    """A leg's plan and what came of it. `exit.quantity` is what the exit still may sell."""

    plan: LegPlanned
    lot: Lot = Lot()
    entry_open: bool = True
    entry_filled: Decimal = ZERO
    exit: LegExitRequested | None = None
    exit_attempts: int = 0
    exit_failed_at: tuple[datetime, ...] = ()
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    trade_ids: tuple[str, ...] = ()
    unvalued: dict[str, UnvaluedFee] = {}

    @property
    def resting_quantity(self) -> Decimal:
        """What the entry order may still buy."""
        return self.plan.quantity - self.entry_filled if self.entry_open else ZERO

    @property
    def is_unprotected(self) -> bool:
        """Lots without a working exit: must not last."""
        return self.lot.quantity > ZERO and self.exit is None


def evolve(state: DCALeg | None, event: LegEvent) -> DCALeg:
    """Fold one event into the state."""
    if isinstance(event, LegPlanned):
        return DCALeg(plan=event)
    assert state is not None, "a leg's first event is LegPlanned"
    match event:
        case LegEntryFilled():
            return _bought(state, event)
        case LegEntryEnded():
            return msgspec.structs.replace(state, entry_open=False)
        case LegExitRequested():
            return msgspec.structs.replace(state, exit=event, exit_attempts=event.attempt)
        case LegExitEnded():
            return _exit_ended(state, event)
        case LegExitFilled():
            return _sold(state, event)
        case LegExcessSold():
            return msgspec.structs.replace(state, trade_ids=(*state.trade_ids, event.trade_id))
        case LegFeeValued():
            return _valued(state, event)
        case LegDustWrittenOff():
            realized = state.realized + event.realized
            return msgspec.structs.replace(state, lot=Lot(), realized=realized)
        case _:
            assert_never(event)


def decide(state: DCALeg | None, command: LegCommands) -> tuple[LegEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, PlanLeg):
        return () if state is not None else (command.plan,)
    assert state is not None, f"leg {command.leg_id} was never planned"
    match command:
        case RecordLegEntryFill():
            return _record_entry_fill(state, command)
        case RecordLegEntryEnded():
            if not state.entry_open:
                return ()
            return (LegEntryEnded(leg_id=command.leg_id, reason=command.reason),)
        case ProtectLeg(requested=requested):
            return (requested,) if state.is_unprotected else ()
        case RecordLegExitEnded(ended=ended):
            works = state.exit is not None and state.exit.client_order_id == ended.client_order_id
            return (ended,) if works else ()
        case RecordLegExitFill():
            return _record_exit_fill(state, command)
        case ValueLegFee():
            return _value(state, command)
        case WriteOffLegDust():
            return _write_off(state, command)
        case _:
            assert_never(command)


def target_price(state: DCALeg, instrument: Instrument) -> Decimal:
    """Spec §4: the take-profit from the leg's average *fill* price, rounded, never worse."""
    average = average_entry(state.lot, state.plan.contract_size)
    return take_profit_price(instrument, state.plan.side, average, state.plan.take_profit_percent)


def _record_entry_fill(state: DCALeg, command: RecordLegEntryFill) -> tuple[LegEvent, ...]:
    """The command names every field of the trade; what it cost follows."""
    if command.trade_id in state.trade_ids:
        return ()
    cost = command.price * command.quantity * state.plan.contract_size
    return (LegEntryFilled(**msgspec.structs.asdict(command), cost=cost),)


def _record_exit_fill(state: DCALeg, command: RecordLegExitFill) -> tuple[LegEvent, ...]:
    """Sell from the lot; what the lot does not hold is told apart as excess."""
    if command.trade_id in state.trade_ids:
        return ()
    quantity = min(command.quantity, state.lot.quantity)
    filled = (_exit_filled(state, command, quantity),) if quantity > ZERO else ()
    if quantity == command.quantity:
        return filled
    excess = LegExcessSold(
        leg_id=command.leg_id,
        symbol=state.plan.symbol,
        client_order_id=command.client_order_id,
        trade_id=command.trade_id,
        price=command.price,
        quantity=command.quantity - quantity,
    )
    return (*filled, excess)


def _exit_filled(state: DCALeg, command: RecordLegExitFill, quantity: Decimal) -> LegExitFilled:
    result = _sale(state, command.price, quantity, command.fee_value or ZERO)
    trade = {**msgspec.structs.asdict(command), "quantity": quantity}
    return LegExitFilled(
        **trade, cost=result.cost, entry_fee=result.entry_fee_share, realized=result.realized
    )


def _write_off(state: DCALeg, command: WriteOffLegDust) -> tuple[LegEvent, ...]:
    if state.lot.quantity <= ZERO:
        return ()
    result = _sale(state, command.price, state.lot.quantity, ZERO)
    written_off = LegDustWrittenOff(
        **msgspec.structs.asdict(command),
        quantity=state.lot.quantity,
        cost=result.cost,
        entry_fee=result.entry_fee_share,
        realized=result.realized,
    )
    return (written_off,)


def _sale(state: DCALeg, price: Decimal, quantity: Decimal, exit_fee: Decimal) -> Realization:
    """What selling a part of the lot at this price realizes."""
    return sold(
        state.lot,
        price=price,
        quantity=quantity,
        exit_fee=exit_fee,
        side=state.plan.side,
        contract_size=state.plan.contract_size,
    )


def _bought(state: DCALeg, event: LegEntryFilled) -> DCALeg:
    """The event's own cost counts, so that old streams never change their meaning."""
    lot = Lot(
        quantity=state.lot.quantity + event.quantity,
        cost=state.lot.cost + event.cost,
        entry_fee=state.lot.entry_fee + (event.fee_value or ZERO),
    )
    filled = state.entry_filled + event.quantity
    return msgspec.structs.replace(_traded(state, event), lot=lot, entry_filled=filled)


def _sold(state: DCALeg, event: LegExitFilled) -> DCALeg:
    working = state.exit
    if working is not None and working.client_order_id == event.client_order_id:
        working = msgspec.structs.replace(working, quantity=working.quantity - event.quantity)
    rest = Lot(
        quantity=state.lot.quantity - event.quantity,
        cost=state.lot.cost - event.cost,
        entry_fee=state.lot.entry_fee - event.entry_fee,
    )
    total = state.realized + event.realized
    return msgspec.structs.replace(_traded(state, event), lot=rest, exit=working, realized=total)


def _traded(state: DCALeg, event: LegEntryFilled | LegExitFilled) -> DCALeg:
    unvalued = state.unvalued
    if event.fee_value is None:
        is_entry = isinstance(event, LegEntryFilled)
        waiting = UnvaluedFee(asset=event.fee_asset, fee=event.fee, is_entry=is_entry)
        unvalued = {**unvalued, event.trade_id: waiting}
    return msgspec.structs.replace(
        state,
        fees=state.fees + (event.fee_value or ZERO),
        trade_ids=(*state.trade_ids, event.trade_id),
        unvalued=unvalued,
    )


def _value(state: DCALeg, command: ValueLegFee) -> tuple[LegEvent, ...]:
    """Of an entry's fee the part that was sold meanwhile is realized, as if it had been known."""
    waiting = state.unvalued.get(command.trade_id)
    if waiting is None:
        return ()
    held = state.lot.quantity if waiting.is_entry else ZERO
    entry_fee, realized = split_fee(command.fee_value, [held, state.entry_filled - held])
    valued = LegFeeValued(
        leg_id=command.leg_id,
        trade_id=command.trade_id,
        fee_value=command.fee_value,
        entry_fee=entry_fee,
        realized=-realized,
    )
    return (valued,)


def _valued(state: DCALeg, event: LegFeeValued) -> DCALeg:
    entry_fee = state.lot.entry_fee + event.entry_fee
    rest = sorted(state.unvalued.items())
    return msgspec.structs.replace(
        state,
        lot=msgspec.structs.replace(state.lot, entry_fee=entry_fee),
        fees=state.fees + event.fee_value,
        realized=state.realized + event.realized,
        unvalued={trade: waiting for trade, waiting in rest if trade != event.trade_id},
    )


def _exit_ended(state: DCALeg, event: LegExitEnded) -> DCALeg:
    """Our own cancels are no failures; the last three others are remembered for the back-off."""
    failures = state.exit_failed_at
    if event.reason not in ("filled", "cancelled by us"):
        failures = (*failures, event.ended_at)[-3:]
    return msgspec.structs.replace(state, exit=None, exit_failed_at=failures)
