"""What a venue refuses of an entry: without funds the pyramid stops, a maker is tried once more."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from application.book import Book
from application.journal import Recorded
from application.processes.entry import (
    entry_of,
    entry_order,
    may_still_enter,
    request_entry,
)
from domain.dca_leg import DCALeg, RecordLegEntryEnded
from domain.instrument import entry_side, is_undersized, round_quantity
from domain.message import Command
from domain.money import ZERO
from domain.order import Order, OrderMissed, OrderRejected, OrderRequested, RequestOrderCancel
from domain.order_terms import OrderStatus
from domain.pyramid import HaltPyramidEntries, PyramidEntriesHalted
from domain.touch import resting_price
from domain.trading_day import AlertRaised, RaiseAlert

INSUFFICIENT_FUNDS = "insufficient_funds"


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Answer a refusal before the leg is told that its entry ended."""
    match recorded.event:
        case OrderRejected(kind="insufficient_funds") as refused:
            yield from _without_funds(book, refused)
        case OrderRejected(kind="post_only") as refused:
            yield from _as_taker(book, refused, recorded.at)
        case PyramidEntriesHalted(reason="insufficient_funds", pyramid_id=pyramid_id):
            yield from _call_off_unsent(book, pyramid_id)
        case OrderMissed(client_order_id=client_order_id):
            yield from _not_sent_again(book, client_order_id)
        case _:
            return


def _without_funds(book: Book, refused: OrderRejected) -> Iterator[Command]:
    """Spec §3: the rest of the pyramid isn't placed, and the operator is told."""
    order = _entry(book, refused)
    if order is None:
        return
    request = order.request
    yield HaltPyramidEntries(pyramid_id=request.pyramid_id, reason=INSUFFICIENT_FUNDS)
    yield RecordLegEntryEnded(leg_id=request.leg_id, reason=INSUFFICIENT_FUNDS)
    alert = AlertRaised(
        kind="insufficient_funds",
        severity="warning",
        subject=request.pyramid_id,
        text=(
            f"the venue refused an entry in {request.symbol} for want of funds: the rest of"
            f" pyramid {request.pyramid_id} is not placed"
        ),
    )
    yield RaiseAlert(alert=alert)


def _call_off_unsent(book: Book, pyramid_id: str) -> Iterator[Command]:
    """What is not known at the venue yet is called off; what rests there goes on."""
    for order in book.working_orders():
        is_own = order.request.pyramid_id == pyramid_id and order.request.purpose == "entry"
        was_missed = order.status is OrderStatus.UNKNOWN and order.missed > 0
        if is_own and (order.status is OrderStatus.REQUESTED or was_missed):
            yield RequestOrderCancel(
                client_order_id=order.request.client_order_id, reason=INSUFFICIENT_FUNDS
            )


def _not_sent_again(book: Book, client_order_id: str) -> Iterator[Command]:
    """Once proven absent an order is sent anew, but not into a halted pyramid or a bad day."""
    order = book.order(client_order_id)
    if order is None or order.request.purpose != "entry":
        return
    pyramid = book.pyramid(order.request.pyramid_id)
    if pyramid is not None and pyramid.halted:
        yield RequestOrderCancel(client_order_id=client_order_id, reason=pyramid.halted)
    elif book.brakes.is_tripped:
        yield RequestOrderCancel(client_order_id=client_order_id, reason="the breaker tripped")


def _as_taker(book: Book, refused: OrderRejected, now: datetime) -> Iterator[Command]:
    """Spec §3: once more at the own-side touch, never worse than the leg price, then skipped."""
    order = _entry(book, refused)
    if order is None:
        return
    leg = book.leg(order.request.leg_id)
    assert leg is not None, f"order {refused.client_order_id} serves an unknown leg"
    again = _at_touch(book, leg, order, now)
    if again is not None:
        yield request_entry(again)
    else:
        yield RecordLegEntryEnded(leg_id=leg.plan.leg_id, reason="skipped: it would have taken")


def _at_touch(book: Book, leg: DCALeg, order: Order, now: datetime) -> OrderRequested | None:
    """The second try, if this was the first and nothing speaks against it.

    Where a short's touch lies above the price that was reserved at, it sells so much less.
    """
    plan, attempt = leg.plan, order.request.attempt
    instrument, mark = book.instrument(plan.symbol), book.marks.get(plan.symbol)
    if instrument is None or mark is None or _was_refused_before(book, order):
        return None
    if order.cancel_requested or not may_still_enter(book, order.request):
        return None
    price = resting_price(instrument, mark, entry_side(plan.side), plan.price)
    quantity = plan.quantity
    if price > plan.reserve_price:
        quantity = round_quantity(instrument, quantity * plan.reserve_price / price)
    if price <= ZERO or is_undersized(instrument, price, quantity):
        return None
    wanted = entry_order(book, plan, attempt + 1, now)
    return msgspec.structs.replace(wanted, price=price, quantity=quantity)


def _was_refused_before(book: Book, order: Order) -> bool:
    """Only a refused maker is tried again after a refusal, so any earlier refusal was one."""
    request = order.request
    before = (entry_of(book, request.leg_id, attempt) for attempt in range(1, request.attempt))
    return any(one is not None and one.status is OrderStatus.REJECTED for one in before)


def _entry(book: Book, refused: OrderRejected) -> Order | None:
    order = book.order(refused.client_order_id)
    return order if order is not None and order.request.purpose == "entry" else None
