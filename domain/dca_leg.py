"""One DCA leg: its plan, the lot it bought, and the exit that is to sell exactly that lot."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, assert_never

import msgspec

from domain.grid import take_profit_price
from domain.instrument import Instrument, PositionSide, round_quantity
from domain.message import Command, Event
from domain.money import ZERO
from domain.pnl import Lot, average_entry, sold

# Events
# Stored for ever: add fields with defaults, never change a NAME.


class LegPlanned(Event, frozen=True, kw_only=True):
    """An entry order to be. `reserve_price` values what rests (shorts: max of limit and mark)."""

    NAME: ClassVar[str] = "dca_leg.planned.v1"
    leg_id: str
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


class LegEntryFilled(Event, frozen=True, kw_only=True):
    """The leg's lot grew. `cost` in quote units; `fee_value` in the capital currency."""

    NAME: ClassVar[str] = "dca_leg.entry_filled.v1"
    leg_id: str
    client_order_id: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    cost: Decimal
    fee: Decimal
    fee_asset: str
    fee_value: Decimal | None
    traded_at: datetime


class LegEntryEnded(Event, frozen=True, kw_only=True):
    """No further entry fill will come: filled, cancelled, rejected or expired."""

    NAME: ClassVar[str] = "dca_leg.entry_ended.v1"
    leg_id: str
    reason: str


class LegExitRequested(Event, frozen=True, kw_only=True):
    """The one working exit of this leg, for its whole lot."""

    NAME: ClassVar[str] = "dca_leg.exit_requested.v1"
    leg_id: str
    client_order_id: str
    attempt: int
    price: Decimal
    quantity: Decimal
    requested_at: datetime


class LegExitEnded(Event, frozen=True, kw_only=True):
    """The working exit is final; what it did not sell needs another."""

    NAME: ClassVar[str] = "dca_leg.exit_ended.v1"
    leg_id: str
    client_order_id: str
    reason: str
    ended_at: datetime


class LegExitFilled(Event, frozen=True, kw_only=True):
    """Part of the lot was sold. `realized` = proceeds less cost and both fee shares."""

    NAME: ClassVar[str] = "dca_leg.exit_filled.v1"
    leg_id: str
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


class LegExcessSold(Event, frozen=True, kw_only=True):
    """A fill of ours sold more than the lot held: a discrepancy, never silently absorbed."""

    NAME: ClassVar[str] = "dca_leg.excess_sold.v1"
    leg_id: str
    symbol: str
    client_order_id: str
    trade_id: str
    price: Decimal
    quantity: Decimal


class LegDustWrittenOff(Event, frozen=True, kw_only=True):
    """A rest too small to be sold leaves the books at the mark, visibly."""

    NAME: ClassVar[str] = "dca_leg.dust_written_off.v1"
    leg_id: str
    quantity: Decimal
    price: Decimal
    cost: Decimal
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


class RecordLegEntryFill(LegCommand, frozen=True, kw_only=True):
    """A trade of the leg's entry order."""

    client_order_id: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    fee_value: Decimal | None
    traded_at: datetime


class RecordLegEntryEnded(LegCommand, frozen=True, kw_only=True):
    """The leg's entry order is final."""

    reason: str


class ProtectLeg(LegCommand, frozen=True, kw_only=True):
    """Give the whole lot one working exit at its target, if it has none."""

    instrument: Instrument
    client_order_id: str
    now: datetime


class RecordLegExitEnded(LegCommand, frozen=True, kw_only=True):
    """The leg's working exit is final."""

    client_order_id: str
    reason: str
    now: datetime


class RecordLegExitFill(LegCommand, frozen=True, kw_only=True):
    """A trade, or this leg's share of a trade, that sold from the lot."""

    client_order_id: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    fee_value: Decimal | None
    traded_at: datetime


class WriteOffLegDust(LegCommand, frozen=True, kw_only=True):
    """Take an unsellable rest off the books at `price`."""

    price: Decimal


LegCommands = (
    PlanLeg
    | RecordLegEntryFill
    | RecordLegEntryEnded
    | ProtectLeg
    | RecordLegExitEnded
    | RecordLegExitFill
    | WriteOffLegDust
)


# State


class WorkingExit(msgspec.Struct, frozen=True, kw_only=True):
    """The exit order that holds the lot; `quantity` is what it still may sell."""

    client_order_id: str
    price: Decimal
    quantity: Decimal
    requested_at: datetime


class DCALeg(msgspec.Struct, frozen=True, kw_only=True):
    """A leg's plan and what came of it. Realized and fees in the capital currency."""

    plan: LegPlanned
    lot: Lot = Lot()
    entry_open: bool = True
    entry_filled: Decimal = ZERO
    entry_cost: Decimal = ZERO
    exit: WorkingExit | None = None
    exit_attempts: int = 0
    exit_failed_at: tuple[datetime, ...] = ()
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    fees_pending: int = 0
    trade_ids: tuple[str, ...] = ()

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
            working = WorkingExit(
                client_order_id=event.client_order_id,
                price=event.price,
                quantity=event.quantity,
                requested_at=event.requested_at,
            )
            return msgspec.structs.replace(state, exit=working, exit_attempts=event.attempt)
        case LegExitEnded():
            return _exit_ended(state, event)
        case LegExitFilled():
            return _sold(state, event)
        case LegExcessSold():
            return msgspec.structs.replace(state, trade_ids=(*state.trade_ids, event.trade_id))
        case LegDustWrittenOff():
            return msgspec.structs.replace(
                state, lot=Lot(), realized=state.realized + event.realized
            )
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
        case ProtectLeg():
            return _protect(state, command)
        case RecordLegExitEnded():
            return _record_exit_ended(state, command)
        case RecordLegExitFill():
            return _record_exit_fill(state, command)
        case WriteOffLegDust():
            return _write_off(state, command)
        case _:
            assert_never(command)


def target_price(state: DCALeg, instrument: Instrument) -> Decimal:
    """Spec §4: the take-profit from the leg's average *fill* price, rounded, never worse."""
    average = average_entry(state.lot, state.plan.contract_size)
    return take_profit_price(instrument, state.plan.side, average, state.plan.take_profit_percent)


def _record_entry_fill(state: DCALeg, command: RecordLegEntryFill) -> tuple[LegEvent, ...]:
    if command.trade_id in state.trade_ids:
        return ()
    filled = LegEntryFilled(
        leg_id=command.leg_id,
        client_order_id=command.client_order_id,
        trade_id=command.trade_id,
        price=command.price,
        quantity=command.quantity,
        cost=command.price * command.quantity * state.plan.contract_size,
        fee=command.fee,
        fee_asset=command.fee_asset,
        fee_value=command.fee_value,
        traded_at=command.traded_at,
    )
    return (filled,)


def _protect(state: DCALeg, command: ProtectLeg) -> tuple[LegEvent, ...]:
    quantity = round_quantity(command.instrument, state.lot.quantity)
    if state.exit is not None or quantity <= ZERO:
        return ()
    requested = LegExitRequested(
        leg_id=command.leg_id,
        client_order_id=command.client_order_id,
        attempt=state.exit_attempts + 1,
        price=target_price(state, command.instrument),
        quantity=quantity,
        requested_at=command.now,
    )
    return (requested,)


def _record_exit_ended(state: DCALeg, command: RecordLegExitEnded) -> tuple[LegEvent, ...]:
    if state.exit is None or state.exit.client_order_id != command.client_order_id:
        return ()
    ended = LegExitEnded(
        leg_id=command.leg_id,
        client_order_id=command.client_order_id,
        reason=command.reason,
        ended_at=command.now,
    )
    return (ended,)


def _record_exit_fill(state: DCALeg, command: RecordLegExitFill) -> tuple[LegEvent, ...]:
    """Sell from the lot; what the lot does not hold is told apart as excess."""
    if command.trade_id in state.trade_ids:
        return ()
    quantity = min(command.quantity, state.lot.quantity)
    excess = command.quantity - quantity
    events: tuple[LegEvent, ...] = ()
    if quantity > ZERO:
        events = (_exit_filled(state, command, quantity),)
    if excess > ZERO:
        over = LegExcessSold(
            leg_id=command.leg_id,
            symbol=state.plan.symbol,
            client_order_id=command.client_order_id,
            trade_id=command.trade_id,
            price=command.price,
            quantity=excess,
        )
        events = (*events, over)
    return events


def _exit_filled(state: DCALeg, command: RecordLegExitFill, quantity: Decimal) -> LegExitFilled:
    result = sold(
        state.lot,
        price=command.price,
        quantity=quantity,
        exit_fee=command.fee_value or ZERO,
        side=state.plan.side,
        contract_size=state.plan.contract_size,
    )
    return LegExitFilled(
        leg_id=command.leg_id,
        client_order_id=command.client_order_id,
        trade_id=command.trade_id,
        price=command.price,
        quantity=quantity,
        cost=result.cost,
        entry_fee=result.entry_fee_share,
        fee=command.fee,
        fee_asset=command.fee_asset,
        fee_value=command.fee_value,
        realized=result.realized,
        traded_at=command.traded_at,
    )


def _write_off(state: DCALeg, command: WriteOffLegDust) -> tuple[LegEvent, ...]:
    if state.lot.quantity <= ZERO:
        return ()
    result = sold(
        state.lot,
        price=command.price,
        quantity=state.lot.quantity,
        exit_fee=ZERO,
        side=state.plan.side,
        contract_size=state.plan.contract_size,
    )
    written_off = LegDustWrittenOff(
        leg_id=command.leg_id,
        quantity=state.lot.quantity,
        price=command.price,
        cost=result.cost,
        entry_fee=result.entry_fee_share,
        realized=result.realized,
    )
    return (written_off,)


def _bought(state: DCALeg, event: LegEntryFilled) -> DCALeg:
    """The event's own cost counts, so that old streams never change their meaning."""
    lot = Lot(
        quantity=state.lot.quantity + event.quantity,
        cost=state.lot.cost + event.cost,
        entry_fee=state.lot.entry_fee + (event.fee_value or ZERO),
    )
    return msgspec.structs.replace(
        state,
        lot=lot,
        entry_filled=state.entry_filled + event.quantity,
        entry_cost=state.entry_cost + event.cost,
        fees=state.fees + (event.fee_value or ZERO),
        fees_pending=state.fees_pending + (event.fee_value is None),
        trade_ids=(*state.trade_ids, event.trade_id),
    )


def _sold(state: DCALeg, event: LegExitFilled) -> DCALeg:
    lot = Lot(
        quantity=state.lot.quantity - event.quantity,
        cost=state.lot.cost - event.cost,
        entry_fee=state.lot.entry_fee - event.entry_fee,
    )
    working = state.exit
    if working is not None and working.client_order_id == event.client_order_id:
        working = msgspec.structs.replace(working, quantity=working.quantity - event.quantity)
    return msgspec.structs.replace(
        state,
        lot=lot,
        exit=working,
        realized=state.realized + event.realized,
        fees=state.fees + (event.fee_value or ZERO),
        fees_pending=state.fees_pending + (event.fee_value is None),
        trade_ids=(*state.trade_ids, event.trade_id),
    )


def _exit_ended(state: DCALeg, event: LegExitEnded) -> DCALeg:
    """Our own cancels are no failures; the last three others are remembered for the back-off."""
    failures = state.exit_failed_at
    if event.reason not in ("filled", "cancelled by us"):
        failures = (*failures, event.ended_at)[-3:]
    return msgspec.structs.replace(state, exit=None, exit_failed_at=failures)
