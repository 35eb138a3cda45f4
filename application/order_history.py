"""Orders as rows: what each was for, and how it stood at the end of the range."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from application.fills import leg_index, pyramid_index
from application.journal import Recorded
from domain.account import AccountOpened
from domain.instrument import Side
from domain.order import Order, OrderEnded, OrderEvent, OrderRejected, OrderRequested, evolve


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One order. `status` and `filled` are those at the end of the events that were folded.

    `at` is when it was requested; `changed_at` when anything last became known of it. One with
    a `trigger_price` waits for that price, then trades at market. `position_side` is `both`
    unless the account keeps longs and shorts apart. What sells of several legs names no leg.
    """

    at: datetime
    changed_at: datetime
    account: str
    venue: str
    client_order_id: str
    venue_order_id: str
    purpose: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    time_in_force: str
    reduce_only: bool
    position_side: str
    status: str
    filled: Decimal
    detail: str
    attempt: int
    signal_id: str
    group: str
    pyramid: int | None
    leg: int | None
    event_id: str


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """An order, the event that asked for it, and the newest that told of it."""

    asked: Recorded
    newest: Recorded
    order: Order
    detail: str = ""


def orders_between(
    events: Iterable[Recorded], start: datetime, end: datetime
) -> Iterator[OrderRow]:
    """Orders requested within [start, end), as they stood at `end`, in the order of the log.

    Give a whole log, from its start. What became known at or after `end` does not count, so
    that a past range gives the same rows for ever.
    """
    venues: dict[str, str] = {}
    known: dict[tuple[str, str], _Known] = {}
    for recorded in events:
        if recorded.at >= end:
            continue
        event = recorded.event
        if isinstance(event, AccountOpened):
            venues[recorded.account] = event.venue
        elif isinstance(event, OrderEvent):
            key = (recorded.account, event.client_order_id)
            known[key] = _told(known.get(key), recorded, event)
    for order in known.values():
        if order.asked.at >= start:
            yield _row(order, venues.get(order.asked.account, ""))


def _told(before: _Known | None, recorded: Recorded, event: OrderEvent) -> _Known:
    if before is None:
        if not isinstance(event, OrderRequested):
            raise ValueError(
                f"event {recorded.event_id} tells of order {event.client_order_id}, which was"
                " never requested within these events; fold the log from its start"
            )
        order = evolve(None, event)
        return _Known(asked=recorded, newest=recorded, order=order)
    return msgspec.structs.replace(
        before,
        newest=recorded,
        order=evolve(before.order, event),
        detail=_detail(event) or before.detail,
    )


def _detail(event: OrderEvent) -> str:
    match event:
        case OrderRejected():
            return f"{event.code}: {event.message}"
        case OrderEnded():
            return event.status
        case _:
            return ""


def _row(known: _Known, venue: str) -> OrderRow:
    order, request = known.order, known.order.request
    return OrderRow(
        at=known.asked.at,
        changed_at=known.newest.at,
        account=known.asked.account,
        venue=venue,
        client_order_id=request.client_order_id,
        venue_order_id=order.venue_order_id,
        purpose=request.purpose,
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        price=request.price,
        trigger_price=request.trigger_price,
        time_in_force=request.time_in_force,
        reduce_only=request.reduce_only,
        position_side=request.position_side,
        status=order.status.value,
        filled=order.filled,
        detail=known.detail,
        attempt=request.attempt,
        signal_id=request.signal_id,
        group=request.group_id,
        pyramid=pyramid_index(request.pyramid_id),
        leg=leg_index(request.leg_id),
        event_id=known.asked.event_id,
    )
