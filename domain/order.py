"""One order at a venue, from the wish to its final state; unknown is a state, never a guess."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Literal, assert_never

import msgspec

from domain.instrument import Side
from domain.message import Command, Event
from domain.money import ZERO

Purpose = Literal["entry", "take_profit", "close"]
TimeInForce = Literal["gtc", "ioc", "post_only"]
Liquidity = Literal["maker", "taker"]
EndedStatus = Literal["filled", "cancelled", "expired", "rejected", "lost"]

# Spec §4: absent only after three empty answers spread over at least this long.
ABSENCE_ANSWERS = 3
ABSENCE_SPAN = timedelta(seconds=30)


# Events
# Stored for ever: add fields with defaults, never change a NAME.


class OrderRequested(Event, frozen=True, kw_only=True):
    """We want this order. In the log before it is sent; `price` none = plain market."""

    NAME: ClassVar[str] = "order.requested.v1"
    client_order_id: str
    purpose: Purpose
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal | None
    time_in_force: TimeInForce
    reduce_only: bool
    group_id: str
    pyramid_id: str
    leg_id: str
    signal_id: str
    attempt: int
    requested_at: datetime
    send_before: datetime | None


class OrderAccepted(Event, frozen=True, kw_only=True):
    """The venue has it under its own id."""

    NAME: ClassVar[str] = "order.accepted.v1"
    client_order_id: str
    venue_order_id: str


class OrderRejected(Event, frozen=True, kw_only=True):
    """The venue said no, definitely."""

    NAME: ClassVar[str] = "order.rejected.v1"
    client_order_id: str
    code: str
    message: str


class OrderUnknown(Event, frozen=True, kw_only=True):
    """Whether the venue has it, or what became of it, is not known: ask."""

    NAME: ClassVar[str] = "order.unknown.v1"
    client_order_id: str
    detail: str
    since: datetime


class OrderMissed(Event, frozen=True, kw_only=True):
    """Asked everywhere and found nowhere, for the `count`-th time."""

    NAME: ClassVar[str] = "order.missed.v1"
    client_order_id: str
    asked_at: datetime
    count: int


class OrderResent(Event, frozen=True, kw_only=True):
    """Proven absent, so the same order may be sent again under the same id."""

    NAME: ClassVar[str] = "order.resent.v1"
    client_order_id: str
    sending: int


class OrderFilled(Event, frozen=True, kw_only=True):
    """One fill. `filled` is the order's cumulative quantity after it; fee in `fee_asset`."""

    NAME: ClassVar[str] = "order.filled.v1"
    client_order_id: str
    trade_id: str
    price: Decimal
    quantity: Decimal
    filled: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Liquidity
    traded_at: datetime


class OrderTradesMissing(Event, frozen=True, kw_only=True):
    """The venue ended it with a larger fill than the trades we know: ask for the trades."""

    NAME: ClassVar[str] = "order.trades_missing.v1"
    client_order_id: str
    filled: Decimal
    status: EndedStatus


class OrderCancelRequested(Event, frozen=True, kw_only=True):
    """We want it gone."""

    NAME: ClassVar[str] = "order.cancel_requested.v1"
    client_order_id: str
    reason: str


class OrderEnded(Event, frozen=True, kw_only=True):
    """Final at the venue without a full fill: `filled` stays what it is."""

    NAME: ClassVar[str] = "order.ended.v1"
    client_order_id: str
    status: EndedStatus
    filled: Decimal


class OrderExpired(Event, frozen=True, kw_only=True):
    """Never sent: its time had passed, or it was called off before its turn came."""

    NAME: ClassVar[str] = "order.expired.v1"
    client_order_id: str


OrderEvent = (
    OrderRequested
    | OrderAccepted
    | OrderRejected
    | OrderUnknown
    | OrderMissed
    | OrderResent
    | OrderFilled
    | OrderTradesMissing
    | OrderCancelRequested
    | OrderEnded
    | OrderExpired
)


# Commands


class OrderCommand(Command, frozen=True, kw_only=True):
    """A command to one order, found by its client id."""

    AGGREGATE: ClassVar[str] = "order"
    client_order_id: str = ""

    @property
    def key(self) -> str:
        """An order's stream is named after its client id."""
        return self.client_order_id


class RequestOrder(OrderCommand, frozen=True, kw_only=True):
    """Put the wish for an order into the log."""

    requested: OrderRequested

    @property
    def key(self) -> str:
        """An order's stream is named after its client id."""
        return self.requested.client_order_id


class RecordOrderAccepted(OrderCommand, frozen=True, kw_only=True):
    """The venue has it (or was found to have it)."""

    venue_order_id: str


class RecordOrderRejected(OrderCommand, frozen=True, kw_only=True):
    """The venue refused it."""

    code: str
    message: str


class RecordOrderUnknown(OrderCommand, frozen=True, kw_only=True):
    """Its fate is not known."""

    detail: str
    now: datetime


class RecordOrderNotFound(OrderCommand, frozen=True, kw_only=True):
    """Asked everywhere, found nowhere."""

    asked_at: datetime
    now: datetime


class RecordOrderFill(OrderCommand, frozen=True, kw_only=True):
    """A trade of this order."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Liquidity
    traded_at: datetime


class RecordOrderEnded(OrderCommand, frozen=True, kw_only=True):
    """Final at the venue with this cumulative fill."""

    status: EndedStatus
    filled: Decimal


class RequestOrderCancel(OrderCommand, frozen=True, kw_only=True):
    """Take it back."""

    reason: str


class RecordOrderNotSent(OrderCommand, frozen=True, kw_only=True):
    """The sender never sent it and never will."""


OrderCommands = (
    RequestOrder
    | RecordOrderAccepted
    | RecordOrderRejected
    | RecordOrderUnknown
    | RecordOrderNotFound
    | RecordOrderFill
    | RecordOrderEnded
    | RequestOrderCancel
    | RecordOrderNotSent
)


# State


class OrderStatus(StrEnum):
    """Where an order stands."""

    REQUESTED = "requested"
    UNKNOWN = "unknown"
    OPEN = "open"
    FILLED = "filled"
    ENDED = "ended"
    REJECTED = "rejected"
    EXPIRED = "expired"


FINAL = (OrderStatus.FILLED, OrderStatus.ENDED, OrderStatus.REJECTED, OrderStatus.EXPIRED)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as far as it is known. Quantities in contracts."""

    request: OrderRequested
    status: OrderStatus = OrderStatus.REQUESTED
    venue_order_id: str = ""
    filled: Decimal = ZERO
    trade_ids: tuple[str, ...] = ()
    cancel_requested: bool = False
    trades_missing: OrderTradesMissing | None = None
    last_traded_at: datetime | None = None
    unknown_since: datetime | None = None
    first_missed_at: datetime | None = None
    missed: int = 0
    sending: int = 0

    @property
    def is_final(self) -> bool:
        """Whether the venue can do nothing more with it."""
        return self.status in FINAL

    @property
    def remaining(self) -> Decimal:
        """What may still fill."""
        return ZERO if self.is_final else max(ZERO, self.request.quantity - self.filled)


def evolve(state: Order | None, event: OrderEvent) -> Order:
    """Fold one event into the state."""
    if isinstance(event, OrderRequested):
        return Order(request=event)
    assert state is not None, "an order's first event is OrderRequested"
    match event:
        case OrderAccepted():
            return _known(state, venue_order_id=event.venue_order_id)
        case OrderRejected():
            return msgspec.structs.replace(state, status=OrderStatus.REJECTED)
        case OrderUnknown():
            return msgspec.structs.replace(
                state,
                status=OrderStatus.UNKNOWN,
                unknown_since=event.since,
                first_missed_at=None,
                missed=0,
            )
        case OrderMissed():
            first = state.first_missed_at or event.asked_at
            return msgspec.structs.replace(state, missed=event.count, first_missed_at=first)
        case OrderResent():
            return msgspec.structs.replace(
                state,
                status=OrderStatus.REQUESTED,
                sending=event.sending,
                unknown_since=None,
                first_missed_at=None,
                missed=0,
            )
        case OrderFilled():
            return _filled(state, event)
        case OrderTradesMissing():
            return msgspec.structs.replace(state, trades_missing=event)
        case OrderCancelRequested():
            return msgspec.structs.replace(state, cancel_requested=True)
        case OrderEnded():
            return msgspec.structs.replace(state, status=OrderStatus.ENDED, trades_missing=None)
        case OrderExpired():
            return msgspec.structs.replace(state, status=OrderStatus.EXPIRED)
        case _:
            assert_never(event)


def decide(state: Order | None, command: OrderCommands) -> tuple[OrderEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, RequestOrder):
        return () if state is not None else (command.requested,)
    assert state is not None, f"order {command.client_order_id} was never requested"
    match command:
        case RecordOrderAccepted():
            return _accept(state, command)
        case RecordOrderRejected():
            return _reject(state, command)
        case RecordOrderUnknown():
            return _lose_sight(state, command)
        case RecordOrderNotFound():
            return _miss(state, command)
        case RecordOrderFill():
            return _fill(state, command)
        case RecordOrderEnded():
            return _end(state, command)
        case RequestOrderCancel():
            return _cancel(state, command)
        case RecordOrderNotSent():
            if state.status is not OrderStatus.REQUESTED:
                return ()
            return (OrderExpired(client_order_id=command.client_order_id),)
        case _:
            assert_never(command)


def _accept(state: Order, command: RecordOrderAccepted) -> tuple[OrderEvent, ...]:
    if state.status not in (OrderStatus.REQUESTED, OrderStatus.UNKNOWN):
        return ()
    return (
        OrderAccepted(
            client_order_id=command.client_order_id, venue_order_id=command.venue_order_id
        ),
    )


def _reject(state: Order, command: RecordOrderRejected) -> tuple[OrderEvent, ...]:
    """A refusal of something the venue already showed to exist is a contradiction: ask."""
    if state.is_final or state.status is OrderStatus.OPEN:
        return ()
    return (
        OrderRejected(
            client_order_id=command.client_order_id, code=command.code, message=command.message
        ),
    )


def _lose_sight(state: Order, command: RecordOrderUnknown) -> tuple[OrderEvent, ...]:
    if state.is_final or state.status is OrderStatus.UNKNOWN:
        return ()
    return (
        OrderUnknown(
            client_order_id=command.client_order_id, detail=command.detail, since=command.now
        ),
    )


def _miss(state: Order, command: RecordOrderNotFound) -> tuple[OrderEvent, ...]:
    """Count an empty answer; enough of them prove absence, and only absence allows a resend."""
    if state.status is not OrderStatus.UNKNOWN:
        return ()
    identity = command.client_order_id
    missed = OrderMissed(
        client_order_id=identity, asked_at=command.asked_at, count=state.missed + 1
    )
    first = state.first_missed_at or command.asked_at
    if missed.count < ABSENCE_ANSWERS or command.asked_at - first < ABSENCE_SPAN:
        return (missed,)
    if state.venue_order_id or state.filled:
        return (missed, OrderEnded(client_order_id=identity, status="lost", filled=state.filled))
    late = state.request.send_before is not None and command.now >= state.request.send_before
    if late or state.cancel_requested:
        return (missed, OrderExpired(client_order_id=identity))
    return (missed, OrderResent(client_order_id=identity, sending=state.sending + 1))


def _fill(state: Order, command: RecordOrderFill) -> tuple[OrderEvent, ...]:
    """A trade counts once, in whatever state it arrives: a late fill is a fact."""
    if command.trade_id in state.trade_ids:
        return ()
    filled = OrderFilled(
        client_order_id=command.client_order_id,
        trade_id=command.trade_id,
        price=command.price,
        quantity=command.quantity,
        filled=state.filled + command.quantity,
        fee=command.fee,
        fee_asset=command.fee_asset,
        liquidity=command.liquidity,
        traded_at=command.traded_at,
    )
    missing = state.trades_missing
    if missing is None or filled.filled < missing.filled or missing.status == "filled":
        return (filled,)
    ended = OrderEnded(
        client_order_id=command.client_order_id, status=missing.status, filled=filled.filled
    )
    return (filled, ended)


def _end(state: Order, command: RecordOrderEnded) -> tuple[OrderEvent, ...]:
    if state.is_final:
        return ()
    if command.filled > state.filled:
        missing = OrderTradesMissing(
            client_order_id=command.client_order_id, filled=command.filled, status=command.status
        )
        return () if state.trades_missing == missing else (missing,)
    return (
        OrderEnded(
            client_order_id=command.client_order_id, status=command.status, filled=state.filled
        ),
    )


def _cancel(state: Order, command: RequestOrderCancel) -> tuple[OrderEvent, ...]:
    if state.is_final or state.cancel_requested:
        return ()
    return (OrderCancelRequested(client_order_id=command.client_order_id, reason=command.reason),)


def _known(state: Order, *, venue_order_id: str) -> Order:
    return msgspec.structs.replace(
        state,
        status=OrderStatus.OPEN,
        venue_order_id=venue_order_id,
        unknown_since=None,
        first_missed_at=None,
        missed=0,
    )


def _filled(state: Order, event: OrderFilled) -> Order:
    seen = msgspec.structs.replace(
        state,
        filled=event.filled,
        trade_ids=(*state.trade_ids, event.trade_id),
        last_traded_at=event.traded_at,
    )
    if event.filled >= state.request.quantity:
        return msgspec.structs.replace(seen, status=OrderStatus.FILLED, trades_missing=None)
    if state.is_final:
        return seen
    return _known(seen, venue_order_id=state.venue_order_id)
