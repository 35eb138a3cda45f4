"""The way out of a trade: cancel everything, know what is left, sell it, close the books."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from application.book import Book
from application.inputs import ClockTicked, OperatorActed
from application.journal import Recorded
from application.processes.positions import closable
from application.processes.selling import Sale, next_attempt, sale_order
from domain.dca_leg import DCALeg, LegDustWrittenOff, LegEntryEnded, LegExitFilled, WriteOffLegDust
from domain.exit import ExitEnded
from domain.identity import group_of
from domain.instrument import is_undersized, round_quantity
from domain.message import Command
from domain.money import ZERO
from domain.order import (
    Order,
    OrderEnded,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    RequestOrder,
    RequestOrderCancel,
)
from domain.position_group import (
    AttemptClose,
    CloseAttempted,
    ClosePositionGroup,
    FinishPositionGroup,
    PositionGroup,
    PositionGroupClosing,
    ReductionEnded,
)
from domain.pyramid import ClosePyramid


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Begin a closing when its trigger comes, and carry it on with every fact about it."""
    match recorded.event:
        case PositionGroupClosing(group_id=group_id):
            yield from _cancel_all(book, group_id)
            yield from _advance(book, group_id, recorded.at)
        case CloseAttempted() as attempted:
            requested = sale_order(book, attempted)
            yield RequestOrder(client_order_id=requested.client_order_id, requested=requested)
        case (
            OrderFilled(client_order_id=identity)
            | OrderEnded(client_order_id=identity)
            | OrderRejected(client_order_id=identity)
            | OrderExpired(client_order_id=identity)
        ):
            yield from _close_if_stopped(book, identity, recorded.at)
            yield from _advance_after(book, identity, recorded.at)
        case (
            LegExitFilled(leg_id=part)
            | LegEntryEnded(leg_id=part)
            | ExitEnded(exit_id=part)
            | ReductionEnded(group_id=part)
        ):
            yield from _close_if_done(book, group_of(part), recorded.at)
        case LegDustWrittenOff(leg_id=leg_id):
            yield from _advance(book, group_of(leg_id), recorded.at)
        case OperatorActed(action="close_group") as acted if book.group(acted.subject) is not None:
            yield ClosePositionGroup(
                group_id=acted.subject,
                reason=f"operator: {acted.reason}",
                signal_id="",
                now=recorded.at,
            )
        case ClockTicked():
            yield from _on_tick(book, recorded.at)
        case _:
            return


def _close_if_stopped(book: Book, client_order_id: str, now: datetime) -> Iterator[Command]:
    """A stop that sold something closes the trade: what it left is sold at market."""
    order = book.order(client_order_id)
    if order is not None and order.request.purpose == "stop" and order.filled > ZERO:
        yield ClosePositionGroup(
            group_id=order.request.group_id, reason="stop loss", signal_id="", now=now
        )


def _advance_after(book: Book, client_order_id: str, now: datetime) -> Iterator[Command]:
    order = book.order(client_order_id)
    if order is not None and order.is_final:
        yield from _advance(book, order.request.group_id, now)


def _on_tick(book: Book, now: datetime) -> Iterator[Command]:
    for group in book.open_groups():
        if not group.is_open:
            yield from _advance(book, group.opened.group_id, now)
        elif _is_stale(book, group, now):
            yield ClosePositionGroup(
                group_id=group.opened.group_id,
                reason="nothing filled in time",
                signal_id="",
                now=now,
            )


def _is_stale(book: Book, group: PositionGroup, now: datetime) -> bool:
    """Whether `unfilled_minutes` passed without any fill."""
    minutes = group.opened.grid.unfilled_minutes
    if minutes is None or now - group.opened.opened_at < timedelta(minutes=minutes):
        return False
    return all(leg.entry_filled == ZERO for leg in book.legs_of(group))


def _close_if_done(book: Book, group_id: str, now: datetime) -> Iterator[Command]:
    """A group that went flat, or can never fill, is done; so is one whose last order left dust."""
    group = book.group(group_id)
    if group is None or not group.is_open:
        return
    legs = book.legs_of(group)
    has_filled = any(each.entry_filled > ZERO for each in legs)
    waits = any(each.entry_open for each in legs)
    if _holds_something(book, group, legs):
        return
    has_sold = any(each.entry_filled > each.lot.quantity for each in legs)
    if waits and not (has_sold and group.opened.exits.close_when_flat):
        return
    yield ClosePositionGroup(
        group_id=group.opened.group_id,
        reason=_way_out(legs) if has_filled else "no entry could fill",
        signal_id="",
        now=now,
    )


def _way_out(legs: tuple[DCALeg, ...]) -> str:
    """Reductions and offsets may have sold the lots at a loss."""
    has_gained = sum((leg.realized for leg in legs), ZERO) > ZERO
    return "took profit on every lot" if has_gained else "every lot was sold"


def _holds_something(book: Book, group: PositionGroup, legs: tuple[DCALeg, ...]) -> bool:
    """Whether there is anything left to sell; dust that its own entry won't add to is nothing."""
    lots = [leg for leg in legs if leg.lot.quantity > ZERO]
    instrument = book.instrument(legs[0].plan.symbol)
    is_worked = (
        any(leg.entry_open for leg in lots) or bool(group.reducing) or _is_offered(book, group)
    )
    if not lots or instrument is None or is_worked:
        return bool(lots)
    held = round_quantity(instrument, closable(book, group))
    return not is_undersized(instrument, _reference(book, legs), held, reduce_only=True)


def _is_offered(book: Book, group: PositionGroup) -> bool:
    """Whether an order of an exit may still sell of its lots."""
    return any(known.working is not None for _, known in book.exits_of(group))


def _reference(book: Book, legs: tuple[DCALeg, ...]) -> Decimal:
    """What the rest is worth a contract: the mark, else the first leg's own price."""
    mark = book.marks.get(legs[0].plan.symbol)
    return mark.price if mark is not None else legs[0].plan.price


def _cancel_all(book: Book, group_id: str) -> Iterator[Command]:
    for order in _working(book, group_id):
        yield RequestOrderCancel(
            client_order_id=order.request.client_order_id, reason="its group is closing"
        )


def _advance(book: Book, group_id: str, now: datetime) -> Iterator[Command]:
    """One step further, if every order of the group is final: only then is the rest known."""
    group = book.group(group_id)
    if group is None or group.is_open or group.closed is not None:
        return
    if any(True for _ in _working(book, group_id)):
        return
    legs = book.legs_of(group)
    quantity = sum((leg.lot.quantity for leg in legs), ZERO)
    if quantity == ZERO:
        yield from _finish(group, legs, now)
        return
    yield from _sell(book, group, legs, now)


def _sell(
    book: Book, group: PositionGroup, legs: tuple[DCALeg, ...], now: datetime
) -> Iterator[Command]:
    instrument = book.instrument(group.opened.symbol)
    assert instrument is not None, f"group {group.opened.group_id} trades an unknown market"
    quantity = round_quantity(instrument, closable(book, group))
    reference = _reference(book, legs)
    is_dust = is_undersized(instrument, reference, quantity, reduce_only=True)
    if is_dust:
        for leg in legs:
            if leg.lot.quantity > ZERO:
                yield WriteOffLegDust(leg_id=leg.plan.leg_id, price=reference)
        return
    attempted = next_attempt(book, Sale(group=group, quantity=quantity), now)
    if attempted is not None:
        yield AttemptClose(group_id=group.opened.group_id, attempted=attempted)


def _finish(group: PositionGroup, legs: tuple[DCALeg, ...], now: datetime) -> Iterator[Command]:
    for pyramid_id in group.pyramid_ids:
        own = [leg for leg in legs if leg.plan.pyramid_id == pyramid_id]
        yield ClosePyramid(
            pyramid_id=pyramid_id,
            realized=sum((leg.realized for leg in own), ZERO),
            fees=sum((leg.fees for leg in own), ZERO),
        )
    yield FinishPositionGroup(
        group_id=group.opened.group_id,
        realized=sum((leg.realized for leg in legs), group.funding),
        fees=sum((leg.fees for leg in legs), ZERO),
        now=now,
    )


def _working(book: Book, group_id: str) -> Iterator[Order]:
    for order in book.working_orders():
        if order.request.group_id == group_id:
            yield order
