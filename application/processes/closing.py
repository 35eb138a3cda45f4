"""The way out of a trade: cancel everything, know what is left, sell it, close the books."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from application.book import Book
from application.inputs import ClockTicked, OperatorActed
from application.journal import Recorded
from application.processes.entry import order_prefix
from application.processes.protection import is_reduce_only
from domain.dca_leg import DCALeg, LegDustWrittenOff, LegEntryEnded, LegExitFilled, WriteOffLegDust
from domain.identity import client_order_id, group_of
from domain.instrument import (
    Instrument,
    exit_side,
    is_undersized,
    round_price,
    round_quantity,
)
from domain.message import Command
from domain.money import HUNDRED, ZERO
from domain.order import (
    Order,
    OrderEnded,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderRequested,
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
)
from domain.pyramid import ClosePyramid

# Spec §4: slippage s, 2s, 4s, one second apart, then plain market, and that ever more slowly.
BOUNDED_ATTEMPTS = 3
ATTEMPT_INTERVAL = timedelta(seconds=1)
ATTEMPT_DOUBLINGS_MAX = 5


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Begin a closing when its trigger comes, and carry it on with every fact about it."""
    match recorded.event:
        case PositionGroupClosing(group_id=group_id):
            yield from _cancel_all(book, group_id)
            yield from _advance(book, group_id, recorded.at)
        case CloseAttempted() as attempted:
            requested = _close_order(book, attempted)
            yield RequestOrder(client_order_id=requested.client_order_id, requested=requested)
        case (
            OrderFilled(client_order_id=identity)
            | OrderEnded(client_order_id=identity)
            | OrderRejected(client_order_id=identity)
            | OrderExpired(client_order_id=identity)
        ):
            yield from _advance_after(book, identity, recorded.at)
        case LegExitFilled(leg_id=leg_id) | LegEntryEnded(leg_id=leg_id):
            yield from _close_if_done(book, leg_id, recorded.at)
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


def _close_if_done(book: Book, leg_id: str, now: datetime) -> Iterator[Command]:
    """A group that went flat, or can never fill, is done."""
    leg = book.leg(leg_id)
    group = book.group(leg.plan.group_id) if leg is not None else None
    if group is None or not group.is_open:
        return
    legs = book.legs_of(group)
    has_filled = any(each.entry_filled > ZERO for each in legs)
    waits = any(each.entry_open for each in legs)
    if _holds_something(book, legs):
        return
    has_sold = any(each.entry_filled > each.lot.quantity for each in legs)
    if waits and not (has_sold and group.opened.exits.close_when_flat):
        return
    yield ClosePositionGroup(
        group_id=group.opened.group_id,
        reason="took profit on every lot" if has_filled else "no entry could fill",
        signal_id="",
        now=now,
    )


def _holds_something(book: Book, legs: tuple[DCALeg, ...]) -> bool:
    """Whether there is anything left to sell; dust that its own entry won't add to is nothing."""
    lots = [leg for leg in legs if leg.lot.quantity > ZERO]
    instrument = book.instrument(legs[0].plan.symbol)
    if not lots or instrument is None or any(leg.entry_open or leg.exit for leg in lots):
        return bool(lots)
    held = round_quantity(instrument, sum((leg.lot.quantity for leg in lots), ZERO))
    return not is_undersized(instrument, _reference(book, legs), held, reduce_only=True)


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
    held = sum((leg.lot.quantity for leg in legs), ZERO)
    quantity = round_quantity(instrument, min(held, instrument.max_quantity or held))
    mark, reference = book.marks.get(group.opened.symbol), _reference(book, legs)
    is_dust = is_undersized(instrument, reference, quantity, reduce_only=True)
    if is_dust:
        for leg in legs:
            if leg.lot.quantity > ZERO:
                yield WriteOffLegDust(leg_id=leg.plan.leg_id, price=reference)
        return
    last = group.last_attempt
    if last is not None and now - last.attempted_at < _patience(book, group):
        return
    attempt = group.close_attempts + 1
    attempted = CloseAttempted(
        group_id=group.opened.group_id,
        client_order_id=client_order_id(
            order_prefix(book), group.opened.group_id, "close", attempt
        ),
        attempt=attempt,
        quantity=quantity,
        price=_bound(group, instrument, mark.price if mark is not None else None, attempt),
        attempted_at=now,
    )
    yield AttemptClose(group_id=group.opened.group_id, attempted=attempted)


def _patience(book: Book, group: PositionGroup) -> timedelta:
    """A second; ever more once even plain market orders sell nothing, but never for ever."""
    last = _last_close(book, group)
    if last is None or last.filled > ZERO:
        return ATTEMPT_INTERVAL
    vain = max(0, group.close_attempts - BOUNDED_ATTEMPTS - 1)
    doublings = min(vain, ATTEMPT_DOUBLINGS_MAX)
    return ATTEMPT_INTERVAL * (1 << doublings)


def _last_close(book: Book, group: PositionGroup) -> Order | None:
    last = group.last_attempt
    return book.order(last.client_order_id) if last is not None else None


def _bound(
    group: PositionGroup, instrument: Instrument, mark: Decimal | None, attempt: int
) -> Decimal | None:
    """The worst price an attempt accepts; none is plain market, so that it never gives up."""
    if mark is None or attempt > BOUNDED_ATTEMPTS:
        return None
    side = exit_side(group.opened.side)
    slippage = group.opened.exits.max_slippage_percent * 2 ** (attempt - 1)
    factor = HUNDRED - slippage if side == "sell" else HUNDRED + slippage
    return round_price(instrument, mark * factor / HUNDRED, side)


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
        realized=sum((leg.realized for leg in legs), ZERO),
        fees=sum((leg.fees for leg in legs), ZERO),
        now=now,
    )


def _working(book: Book, group_id: str) -> Iterator[Order]:
    for order in book.working_orders():
        if order.request.group_id == group_id:
            yield order


def _close_order(book: Book, attempted: CloseAttempted) -> OrderRequested:
    group = book.group(attempted.group_id)
    assert group is not None, f"group {attempted.group_id} closes without being open"
    return OrderRequested(
        client_order_id=attempted.client_order_id,
        purpose="close",
        symbol=group.opened.symbol,
        side=exit_side(group.opened.side),
        quantity=attempted.quantity,
        price=attempted.price,
        time_in_force="ioc",
        reduce_only=is_reduce_only(book, group.opened.symbol),
        group_id=attempted.group_id,
        pyramid_id="",
        leg_id="",
        signal_id=group.opened.signal_id,
        attempt=attempted.attempt,
        requested_at=attempted.attempted_at,
        send_before=None,
    )
