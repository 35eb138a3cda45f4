"""A part of a trade is closed: its exits make way, it is sold, and the rest is protected again."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from application.book import Book
from application.inputs import ClockTicked
from application.journal import Recorded
from application.processes.exit_plan import stops_count
from application.processes.positions import closable
from application.processes.selling import BOUNDED_ATTEMPTS, Sale, next_attempt
from domain.exit import ExitEnded
from domain.identity import group_of
from domain.instrument import is_undersized, round_quantity
from domain.message import Command
from domain.money import ZERO
from domain.order import OrderEnded, OrderExpired, OrderFilled, OrderRejected, RequestOrderCancel
from domain.position_group import AttemptClose, EndReduction, PositionGroup, ReductionStarted


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Begin a reduction, and carry it on with every fact about it: spec §4, closing sequence."""
    match recorded.event:
        case ReductionStarted(group_id=group_id):
            yield from _make_way(book, group_id)
            yield from _advance(book, group_id, recorded.at)
        case (
            OrderFilled(client_order_id=identity)
            | OrderEnded(client_order_id=identity)
            | OrderRejected(client_order_id=identity)
            | OrderExpired(client_order_id=identity)
        ):
            order = book.order(identity)
            if order is not None and order.is_final:
                yield from _advance(book, order.request.group_id, recorded.at)
        case ExitEnded(exit_id=exit_id):
            yield from _advance(book, group_of(exit_id), recorded.at)
        case ClockTicked():
            for group in book.open_groups():
                yield from _advance(book, group.opened.group_id, recorded.at)
        case _:
            return


def _make_way(book: Book, group_id: str) -> Iterator[Command]:
    """The exits that hold the quantity are cancelled; the stop goes on guarding the whole."""
    group = book.group(group_id)
    assert group is not None, f"group {group_id} reduces without being open"
    for exit_id in _in_the_way(book, group):
        working = book.exit(exit_id).working
        assert working is not None, f"exit {exit_id} is in the way without working"
        yield RequestOrderCancel(
            client_order_id=working.client_order_id, reason="its lots are being reduced"
        )


def _in_the_way(book: Book, group: PositionGroup) -> tuple[str, ...]:
    being_sold = {part.leg_id for part in group.reducing}
    instrument = book.instrument(group.opened.symbol)
    stops_too = instrument is not None and stops_count(instrument)
    return tuple(
        exit_id
        for exit_id, known in book.exits_of(group)
        if known.working is not None
        and (known.working.aim == "take_profit" or stops_too)
        and not being_sold.isdisjoint(known.working.covers)
    )


def _advance(book: Book, group_id: str, now: datetime) -> Iterator[Command]:
    """One step further, once nothing else offers these lots and no sale is under way."""
    group = book.group(group_id)
    if group is None or not group.is_open or not group.reducing:
        return
    if _in_the_way(book, group) or _is_selling(book, group_id):
        return
    left = _left(book, group)
    quantity = min(sum((left[leg_id] for leg_id in left), ZERO), closable(book, group))
    if _is_given_up(group) or _is_done(book, group, quantity):
        yield EndReduction(group_id=group_id, now=now)
        return
    sale = Sale(group=group, quantity=quantity, covers=tuple(left))
    attempted = next_attempt(book, sale, now)
    if attempted is not None:
        yield AttemptClose(group_id=group_id, attempted=attempted)


def _is_selling(book: Book, group_id: str) -> bool:
    return any(
        order.request.group_id == group_id and order.request.purpose == "reduce"
        for order in book.working_orders()
    )


def _left(book: Book, group: PositionGroup) -> dict[str, Decimal]:
    """What is still to be sold of each leg, in the order of the parts."""
    left: dict[str, Decimal] = {}
    for part in group.reducing:
        leg = book.leg(part.leg_id)
        assert leg is not None, f"leg {part.leg_id} is reduced without being planned"
        rest = min(part.quantity - (leg.sold - part.sold_before), leg.lot.quantity)
        if rest > ZERO:
            left[part.leg_id] = rest
    return left


def _is_given_up(group: PositionGroup) -> bool:
    """Nobody paid its bound, as often as it was offered: what is left stays with the trade."""
    made = group.close_attempts - group.attempts_before
    return group.bound is not None and made >= BOUNDED_ATTEMPTS


def _is_done(book: Book, group: PositionGroup, quantity: Decimal) -> bool:
    """Nothing is left, or too little for the venue: it then stays with the trade."""
    instrument = book.instrument(group.opened.symbol)
    assert instrument is not None, f"group {group.opened.group_id} trades an unknown market"
    mark = book.marks.get(group.opened.symbol)
    price = mark.price if mark is not None else book.legs_of(group)[0].plan.price
    rounded = round_quantity(instrument, quantity)
    return is_undersized(instrument, price, rounded, reduce_only=True)
