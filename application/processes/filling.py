"""Fills and ends of orders reach the legs they belong to; a full close feeds every leg."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from application.book import Book
from application.journal import Recorded
from application.processes.entry import is_wanted_again
from domain.dca_leg import (
    DCALeg,
    LegExitEnded,
    RecordLegEntryEnded,
    RecordLegEntryFill,
    RecordLegExitEnded,
    RecordLegExitFill,
    target_price,
)
from domain.instrument import Instrument
from domain.message import Command
from domain.money import ZERO
from domain.order import Order, OrderEnded, OrderExpired, OrderFilled, OrderRejected
from domain.order_terms import OrderStatus
from domain.pnl import Allocation, allocate, combined
from domain.position_group import PositionGroup

CANCELLED_BY_US = "cancelled by us"


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Share out what an order bought or sold, and say when it can do no more."""
    event = recorded.event
    if not isinstance(event, OrderFilled | OrderEnded | OrderRejected | OrderExpired):
        return
    order = book.order(event.client_order_id)
    assert order is not None, f"order {event.client_order_id} spoke without being requested"
    if isinstance(event, OrderFilled):
        yield from _shared_out(book, order, event)
    if order.is_final:
        yield from _ended(book, order, recorded)


def _shared_out(book: Book, order: Order, fill: OrderFilled) -> Iterator[Command]:
    if order.request.purpose == "close":
        yield from _over_legs(book, order, fill)
        return
    is_entry = order.request.purpose == "entry"
    kind = RecordLegEntryFill if is_entry else RecordLegExitFill
    yield kind(
        leg_id=order.request.leg_id,
        client_order_id=fill.client_order_id,
        trade_id=fill.trade_id,
        price=fill.price,
        quantity=_received(book, order, fill) if is_entry else fill.quantity,
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        fee_value=_fee_value(book, order, fill, fill.fee),
        traded_at=fill.traded_at,
    )


def _received(book: Book, order: Order, fill: OrderFilled) -> Decimal:
    """On spot the venue keeps a fee in the base asset: that much less can be sold."""
    instrument = book.instrument(order.request.symbol)
    if instrument is None or instrument.kind != "spot" or fill.fee_asset != instrument.base:
        return fill.quantity
    return fill.quantity - fill.fee / instrument.contract_size


def _over_legs(book: Book, order: Order, fill: OrderFilled) -> Iterator[Command]:
    """A full close feeds the legs in closing order; the last one is told what none of them holds.

    One command a leg, since a leg counts a trade once: the leg itself tells excess apart.
    """
    group = book.group(order.request.group_id)
    assert group is not None, f"order {fill.client_order_id} closes a group that is not open"
    legs = closing_order(book, group)
    if not legs:
        whole = Allocation(index=0, quantity=fill.quantity, fee=fill.fee)
        yield _leg_exit(book, order, fill, book.legs_of(group)[-1], whole)
        return
    lots = [leg.lot for leg in legs]
    sellable = min(fill.quantity, combined(lots).quantity)
    *parts, last = allocate(sellable, fill.fee, lots)
    for part in parts:
        yield _leg_exit(book, order, fill, legs[part.index], part)
    rest = last.quantity + fill.quantity - sellable
    with_excess = msgspec.structs.replace(last, quantity=rest)
    yield _leg_exit(book, order, fill, legs[last.index], with_excess)


def closing_order(book: Book, group: PositionGroup) -> tuple[DCALeg, ...]:
    """Legs with lots, nearest take-profit first: spec §4, the order of a partial close."""
    instrument = book.instrument(group.opened.symbol)
    assert instrument is not None, f"group {group.opened.group_id} trades an unknown market"
    holding = [leg for leg in book.legs_of(group) if leg.lot.quantity > ZERO]
    return tuple(sorted(holding, key=lambda leg: _distance(leg, instrument)))


def _leg_exit(
    book: Book, order: Order, fill: OrderFilled, leg: DCALeg, part: Allocation
) -> RecordLegExitFill:
    return RecordLegExitFill(
        leg_id=leg.plan.leg_id,
        client_order_id=fill.client_order_id,
        trade_id=fill.trade_id,
        price=fill.price,
        quantity=part.quantity,
        fee=part.fee,
        fee_asset=fill.fee_asset,
        fee_value=_fee_value(book, order, fill, part.fee),
        traded_at=fill.traded_at,
    )


def _distance(leg: DCALeg, instrument: Instrument) -> tuple[Decimal, str]:
    """For a long the lowest target is nearest, for a short the highest."""
    target = target_price(leg, instrument)
    return (target if leg.plan.side == "long" else -target, leg.plan.leg_id)


def _fee_value(book: Book, order: Order, fill: OrderFilled, fee: Decimal) -> Decimal | None:
    """In the capital currency, or none while it cannot be valued: pending, visibly."""
    currency = book.account.opened.currency
    instrument = book.instrument(order.request.symbol)
    if fee == ZERO or fill.fee_asset == currency:
        return fee
    if (
        instrument is not None
        and fill.fee_asset == instrument.base
        and (instrument.quote == currency)
    ):
        return fee * fill.price
    return None


def _ended(book: Book, order: Order, recorded: Recorded) -> Iterator[Command]:
    request = order.request
    reason = _reason(order)
    if request.purpose == "entry":
        if not is_wanted_again(book, order):
            yield RecordLegEntryEnded(leg_id=request.leg_id, reason=reason)
    elif request.purpose == "take_profit":
        ended = LegExitEnded(
            leg_id=request.leg_id,
            client_order_id=request.client_order_id,
            reason=reason,
            ended_at=recorded.at,
        )
        yield RecordLegExitEnded(leg_id=request.leg_id, ended=ended)


def _reason(order: Order) -> str:
    if order.status is OrderStatus.ENDED and order.cancel_requested:
        return CANCELLED_BY_US
    return order.status.value
