"""Fills and ends of orders reach the legs they belong to; a full close feeds every leg."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from application.book import Book
from application.journal import Recorded
from application.processes.entry import is_wanted_again
from application.processes.targets import closing_order
from application.processes.valuation import fee_value
from domain.dca_leg import (
    DCALeg,
    RecordLegEntryEnded,
    RecordLegEntryFill,
    RecordLegExitFill,
)
from domain.exit import CANCELLED_BY_US, ExitEnded, RecordExitEnded
from domain.identity import stop_id
from domain.message import Command
from domain.money import ZERO
from domain.order import (
    Order,
    OrderEnded,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderRequested,
)
from domain.order_terms import OrderStatus
from domain.pnl import Allocation, Lot, allocate, combined
from domain.position_group import PositionGroup, ReductionPart


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
    if order.request.purpose != "entry":
        yield from _over_legs(book, order, fill)
        return
    yield RecordLegEntryFill(
        leg_id=order.request.leg_id,
        client_order_id=fill.client_order_id,
        trade_id=fill.trade_id,
        price=fill.price,
        quantity=_received(book, order, fill),
        fee=fill.fee,
        fee_asset=fill.fee_asset,
        fee_value=_worth(book, order, fill, fill.fee),
        traded_at=fill.traded_at,
    )


def _received(book: Book, order: Order, fill: OrderFilled) -> Decimal:
    """On spot the venue keeps a fee in the base asset: that much less can be sold."""
    instrument = book.instrument(order.request.symbol)
    if instrument is None or instrument.kind != "spot" or fill.fee_asset != instrument.base:
        return fill.quantity
    return fill.quantity - fill.fee / instrument.contract_size


def _over_legs(book: Book, order: Order, fill: OrderFilled) -> Iterator[Command]:
    """A sale feeds the legs it covers in their order, then any other lot of the group.

    One command a leg, since a leg counts a trade once; the last one is told what none of them
    holds, and tells it apart itself.
    """
    group = book.group(order.request.group_id)
    assert group is not None, f"order {fill.client_order_id} sells of a group that is not open"
    legs = _sold_from(book, order, group)
    if not any(leg.lot.quantity > ZERO for leg in legs):
        whole = Allocation(index=0, quantity=fill.quantity, fee=fill.fee)
        yield _leg_exit(book, order, fill, legs[-1], whole)
        return
    lots = _offered(group, order, legs)
    if combined(lots).quantity < fill.quantity:
        lots = [leg.lot for leg in legs]
    sellable = min(fill.quantity, combined(lots).quantity)
    *parts, last = allocate(sellable, fill.fee, lots)
    for part in parts:
        yield _leg_exit(book, order, fill, legs[part.index], part)
    rest = last.quantity + fill.quantity - sellable
    with_excess = msgspec.structs.replace(last, quantity=rest)
    yield _leg_exit(book, order, fill, legs[last.index], with_excess)


def _sold_from(book: Book, order: Order, group: PositionGroup) -> tuple[DCALeg, ...]:
    """The legs an order covers, in their order, then every other lot, nearest target first.

    What it sold beyond the lots it covers the venue has sold all the same.
    """
    covered = [leg for leg in map(book.leg, order.request.covers) if leg is not None]
    others = [
        leg for leg in closing_order(book, group) if leg.plan.leg_id not in order.request.covers
    ]
    return (*covered, *others) or book.legs_of(group)[-1:]


def _offered(group: PositionGroup, order: Order, legs: tuple[DCALeg, ...]) -> list[Lot]:
    """What of each lot is for sale: of one that is reduced no more than its part.

    A leg may buy on while its part is sold. Were that sold in place of the parts behind it,
    those would be sold once more.
    """
    if order.request.purpose != "reduce":
        return [leg.lot for leg in legs]
    parts = {part.leg_id: part for part in group.reducing}
    change = msgspec.structs.replace
    return [change(leg.lot, quantity=_for_sale(leg, parts)) for leg in legs]


def _for_sale(leg: DCALeg, parts: Mapping[str, ReductionPart]) -> Decimal:
    part = parts.get(leg.plan.leg_id)
    if part is None:
        return leg.lot.quantity
    rest = part.quantity - (leg.sold - part.sold_before)
    return max(ZERO, min(rest, leg.lot.quantity))


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
        fee_value=_worth(book, order, fill, part.fee),
        traded_at=fill.traded_at,
    )


def _worth(book: Book, order: Order, fill: OrderFilled, fee: Decimal) -> Decimal | None:
    """In the capital currency, or none while it cannot be valued: pending, visibly."""
    return fee_value(book, order.request.symbol, fill.fee_asset, fee, fill.price)


def _ended(book: Book, order: Order, recorded: Recorded) -> Iterator[Command]:
    request = order.request
    reason = _reason(order)
    if request.purpose == "entry":
        if not is_wanted_again(book, order):
            yield RecordLegEntryEnded(leg_id=request.leg_id, reason=reason)
    elif request.purpose in ("take_profit", "stop"):
        ended = ExitEnded(
            exit_id=_exit_id(request),
            covers=request.covers,
            client_order_id=request.client_order_id,
            reason=reason,
            ended_at=recorded.at,
        )
        yield RecordExitEnded(exit_id=ended.exit_id, ended=ended)


def _exit_id(request: OrderRequested) -> str:
    """The exit an order serves: the narrowest thing it names, or the group's stop."""
    if request.purpose == "stop":
        return stop_id(request.group_id)
    return request.leg_id or request.pyramid_id or request.group_id


def _reason(order: Order) -> str:
    if order.status is OrderStatus.ENDED and order.cancel_requested:
        return CANCELLED_BY_US
    return order.status.value
