"""One order at a venue, from the wish to its final state; unknown is a state, never a guess."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, assert_never

import msgspec

from domain.instrument import PositionMode, Side
from domain.message import Command, Event
from domain.money import ZERO
from domain.order_terms import (
    EndedStatus,
    Liquidity,
    OrderStatus,
    Purpose,
    RefusalKind,
    TimeInForce,
    proves_absence,
)

# Events
# Stored for ever: add fields with defaults, never change a NAME.


class OrderFact(Event, frozen=True, kw_only=True):
    """What every event of an order begins with."""

    client_order_id: str


class OrderRequested(OrderFact, frozen=True, kw_only=True):
    """We want this order. In the log before it is sent; `price` none = plain market.

    At its `trigger_price` it sells at market. `covers`: legs it sells from, in order; none = all.
    """

    NAME: ClassVar[str] = "order.requested.v1"
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
    position_side: PositionMode = "both"
    trigger_price: Decimal | None = None
    covers: tuple[str, ...] = ()


class OrderAccepted(OrderFact, frozen=True, kw_only=True):
    """The venue has it under its own id."""

    NAME: ClassVar[str] = "order.accepted.v1"
    venue_order_id: str


class OrderRejected(OrderFact, frozen=True, kw_only=True):
    """The venue said no, definitely."""

    NAME: ClassVar[str] = "order.rejected.v1"
    code: str
    message: str
    kind: RefusalKind = "other"


class OrderUnknown(OrderFact, frozen=True, kw_only=True):
    """Whether the venue has it, or what became of it, is not known: ask."""

    NAME: ClassVar[str] = "order.unknown.v1"
    detail: str
    since: datetime


class OrderMissed(OrderFact, frozen=True, kw_only=True):
    """Asked everywhere and found nowhere, for the `count`-th time."""

    NAME: ClassVar[str] = "order.missed.v1"
    asked_at: datetime
    count: int


class OrderResent(OrderFact, frozen=True, kw_only=True):
    """Proven absent, so the same order may be sent again under the same id."""

    NAME: ClassVar[str] = "order.resent.v1"
    sending: int


class OrderFilled(OrderFact, frozen=True, kw_only=True):
    """One fill. `filled` is the order's cumulative quantity after it; fee in `fee_asset`."""

    NAME: ClassVar[str] = "order.filled.v1"
    trade_id: str
    price: Decimal
    quantity: Decimal
    filled: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Liquidity
    traded_at: datetime


class OrderTradesMissing(OrderFact, frozen=True, kw_only=True):
    """The venue ended it with a larger fill than the trades we know: ask for the trades."""

    NAME: ClassVar[str] = "order.trades_missing.v1"
    filled: Decimal
    status: EndedStatus


class OrderCancelRequested(OrderFact, frozen=True, kw_only=True):
    """We want it gone."""

    NAME: ClassVar[str] = "order.cancel_requested.v1"
    reason: str


class OrderEnded(OrderFact, frozen=True, kw_only=True):
    """Final at the venue without a full fill: `filled` stays what it is."""

    NAME: ClassVar[str] = "order.ended.v1"
    status: EndedStatus
    filled: Decimal


class OrderExpired(OrderFact, frozen=True, kw_only=True):
    """Never sent: its time had passed, or it was called off before its turn came."""

    NAME: ClassVar[str] = "order.expired.v1"


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
    client_order_id: str

    @property
    def key(self) -> str:
        """An order's stream is named after its client id."""
        return self.client_order_id


class RequestOrder(OrderCommand, frozen=True, kw_only=True):
    """Put the wish for an order into the log."""

    requested: OrderRequested


class RecordOrderAccepted(OrderCommand, frozen=True, kw_only=True):
    """The venue has it (or was found to have it)."""

    venue_order_id: str


class RecordOrderRejected(OrderCommand, frozen=True, kw_only=True):
    """The venue refused it."""

    code: str
    message: str
    kind: RefusalKind = "other"


class RecordOrderUnknown(OrderCommand, frozen=True, kw_only=True):
    """Its fate is not known."""

    detail: str
    now: datetime


class RecordOrderNotFound(OrderCommand, frozen=True, kw_only=True):
    """Found nowhere: no proof unless the position `agreed`, sent again only if still `wanted`."""

    asked_at: datetime
    now: datetime
    agreed: bool = True
    wanted: bool = True


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
    last_missed_at: datetime | None = None
    missed: int = 0
    sending: int = 0

    @property
    def is_final(self) -> bool:
        """Whether the venue can do nothing more with it."""
        return self.status in ("filled", "ended", "rejected", "expired")

    @property
    def has_existed(self) -> bool:
        """Whether the venue ever showed to have it."""
        return bool(self.venue_order_id) or self.filled > ZERO


def evolve(state: Order | None, event: OrderEvent) -> Order:
    """Fold one event into the state."""
    if isinstance(event, OrderRequested):
        return Order(request=event)
    assert state is not None, "an order's first event is OrderRequested"
    change = msgspec.structs.replace
    match event:
        case OrderAccepted():
            return _seen(state, status=OrderStatus.OPEN, venue_order_id=event.venue_order_id)
        case OrderUnknown():
            return _seen(state, status=OrderStatus.UNKNOWN, unknown_since=event.since)
        case OrderMissed():
            first, last = state.first_missed_at or event.asked_at, event.asked_at
            return change(state, missed=event.count, first_missed_at=first, last_missed_at=last)
        case OrderResent():
            return _seen(state, status=OrderStatus.REQUESTED, sending=event.sending)
        case OrderFilled():
            return _filled(state, event)
        case OrderTradesMissing():
            return change(state, trades_missing=event)
        case OrderCancelRequested():
            return change(state, cancel_requested=True)
        case OrderRejected() | OrderEnded() | OrderExpired():
            # The final events are named as the states they lead to: `order.ended.v1`.
            return change(state, status=OrderStatus(event.NAME.split(".")[1]), trades_missing=None)
        case _:
            assert_never(event)


def decide(state: Order | None, command: OrderCommands) -> tuple[OrderEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, RequestOrder):
        return () if state is not None else (command.requested,)
    assert state is not None, f"order {command.client_order_id} was never requested"
    identity, is_news = command.client_order_id, state.status in _NEWS_IN[type(command)]
    happened: tuple[OrderEvent, ...]
    match command:
        case RecordOrderAccepted(venue_order_id=venue_id):
            happened = (OrderAccepted(client_order_id=identity, venue_order_id=venue_id),)
        case RecordOrderRejected():
            refused = OrderRejected(**msgspec.structs.asdict(command))
            happened = () if state.has_existed else (refused,)
        case RecordOrderUnknown(detail=detail, now=now):
            happened = (OrderUnknown(client_order_id=identity, detail=detail, since=now),)
        case RecordOrderNotFound():
            happened = _miss(state, command)
        case RecordOrderFill():
            happened = _fill(state, command)
        case RecordOrderEnded():
            happened = _end(state, command)
        case RequestOrderCancel(reason=reason):
            wanted = OrderCancelRequested(client_order_id=identity, reason=reason)
            happened = () if state.cancel_requested else (wanted,)
        case RecordOrderNotSent():
            happened = (OrderExpired(client_order_id=identity),)
        case _:
            assert_never(command)
    return happened if is_news else ()


# In which states a command is news; in any other it changes nothing.
_OPEN, _REQUESTED, _UNKNOWN = OrderStatus.OPEN, OrderStatus.REQUESTED, OrderStatus.UNKNOWN
_NEWS_IN: dict[type[OrderCommand], tuple[OrderStatus, ...]] = {
    RecordOrderAccepted: (_REQUESTED, _UNKNOWN),
    RecordOrderRejected: (_REQUESTED, _UNKNOWN),
    RecordOrderUnknown: (_REQUESTED, _OPEN),
    RecordOrderNotFound: (_UNKNOWN,),
    RecordOrderFill: tuple(OrderStatus),
    RecordOrderEnded: (_REQUESTED, _UNKNOWN, _OPEN),
    RequestOrderCancel: (_REQUESTED, _UNKNOWN, _OPEN),
    RecordOrderNotSent: (_REQUESTED,),
}


def _miss(state: Order, command: RecordOrderNotFound) -> tuple[OrderEvent, ...]:
    """Enough empty answers prove absence: sent again, but for what was to trade at once then."""
    identity, asked_at, request = command.client_order_id, command.asked_at, state.request
    if state.last_missed_at is not None and asked_at <= state.last_missed_at:
        return ()
    missed = OrderMissed(client_order_id=identity, asked_at=asked_at, count=state.missed + 1)
    first = state.first_missed_at or asked_at
    if not (command.agreed and proves_absence(missed.count, first, asked_at)):
        return (missed,)
    if state.has_existed:
        return (missed, OrderEnded(client_order_id=identity, status="lost", filled=state.filled))
    is_late = request.send_before is not None and command.now >= request.send_before
    if is_late or state.cancel_requested or request.time_in_force == "ioc" or not command.wanted:
        return (missed, OrderExpired(client_order_id=identity))
    return (missed, OrderResent(client_order_id=identity, sending=state.sending + 1))


def _fill(state: Order, command: RecordOrderFill) -> tuple[OrderEvent, ...]:
    """A trade counts once, in whatever state it arrives: a late fill is a fact."""
    if command.trade_id in state.trade_ids:
        return ()
    total = state.filled + command.quantity
    filled = OrderFilled(**msgspec.structs.asdict(command), filled=total)
    missing = state.trades_missing
    if missing is None or total < missing.filled or total >= state.request.quantity:
        return (filled,)
    return (filled, OrderEnded(client_order_id=command.key, status=missing.status, filled=total))


def _end(state: Order, command: RecordOrderEnded) -> tuple[OrderEvent, ...]:
    identity, status = command.client_order_id, command.status
    if command.filled <= state.filled:
        return (OrderEnded(client_order_id=identity, status=status, filled=state.filled),)
    missing = OrderTradesMissing(client_order_id=identity, filled=command.filled, status=status)
    return () if state.trades_missing == missing else (missing,)


def _seen(state: Order, **changes: object) -> Order:
    unasked = {"unknown_since": None, "first_missed_at": None, "last_missed_at": None, "missed": 0}
    return msgspec.structs.replace(state, **{**unasked, **changes})


def _filled(state: Order, event: OrderFilled) -> Order:
    trade_ids = (*state.trade_ids, event.trade_id)
    changes = {"filled": event.filled, "trade_ids": trade_ids, "last_traded_at": event.traded_at}
    if event.filled >= state.request.quantity:
        return _seen(state, **changes, status=OrderStatus.FILLED, trades_missing=None)
    return _seen(state, **changes, status=state.status if state.is_final else OrderStatus.OPEN)
