"""Bounded market sales of what must go: narrow at first, then wider, at last at any price."""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from application.book import Book
from application.processes.entry import order_prefix
from application.processes.order_sides import is_reduce_only, position_side_of
from application.processes.targets import pyramid_of
from domain.identity import client_order_id
from domain.instrument import Instrument, Side, exit_side, round_price, round_quantity
from domain.message import MarkSeen
from domain.money import HUNDRED, ZERO, percent_of
from domain.order import Order, OrderRequested
from domain.order_terms import OrderStatus
from domain.position_group import CloseAttempted, PositionGroup

# Spec §4: slippage s, 2s, 4s, one second apart, then plain market, and that ever more slowly.
BOUNDED_ATTEMPTS = 3
ATTEMPT_INTERVAL = timedelta(seconds=1)
ATTEMPT_DOUBLINGS_MAX = 5


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """What of a group is to be sold now. `covers`: leg ids in their order; none = every leg."""

    group: PositionGroup
    quantity: Decimal
    covers: tuple[str, ...] = ()


def next_attempt(book: Book, sale: Sale, now: datetime) -> CloseAttempted | None:
    """The next order of a sale, or None while its last one is too recent.

    Over the maximum quantity it sells the maximum, and the rest with the attempts that follow.
    """
    group = sale.group
    instrument = book.instrument(group.opened.symbol)
    assert instrument is not None, f"group {group.opened.group_id} trades an unknown market"
    last = group.last_attempt
    if last is not None and book.order(last.client_order_id) is None:
        # It was decided a moment ago; its order follows within the same input.
        return None
    if last is not None and now - last.attempted_at < _patience(book, group):
        return None
    attempt = group.close_attempts + 1
    limit = instrument.max_quantity or sale.quantity
    mark = book.marks.get(group.opened.symbol)
    return CloseAttempted(
        group_id=group.opened.group_id,
        client_order_id=client_order_id(
            order_prefix(book), group.opened.group_id, "close", attempt
        ),
        attempt=attempt,
        quantity=round_quantity(instrument, min(sale.quantity, limit)),
        price=_limit(group, instrument, mark, attempt - group.attempts_before),
        attempted_at=now,
        covers=sale.covers,
    )


def last_sale(book: Book, group: PositionGroup) -> Order | None:
    """The latest order of the sequence under way."""
    last = group.last_attempt
    if last is None or last.attempt <= group.attempts_before:
        return None
    return book.order(last.client_order_id)


def sale_order(book: Book, attempted: CloseAttempted) -> OrderRequested:
    """The order of an attempt: immediate or cancelled, and never more than is held."""
    group = book.group(attempted.group_id)
    assert group is not None, f"group {attempted.group_id} sells without being open"
    return OrderRequested(
        client_order_id=attempted.client_order_id,
        purpose="reduce" if attempted.covers else "close",
        symbol=group.opened.symbol,
        side=exit_side(group.opened.side),
        quantity=attempted.quantity,
        price=attempted.price,
        time_in_force="ioc",
        reduce_only=is_reduce_only(book, group),
        group_id=attempted.group_id,
        pyramid_id=pyramid_of(book, attempted.covers),
        leg_id=attempted.covers[0] if len(attempted.covers) == 1 else "",
        signal_id=group.opened.signal_id,
        attempt=attempted.attempt,
        requested_at=attempted.attempted_at,
        send_before=None,
        position_side=position_side_of(group),
        covers=attempted.covers,
    )


def _patience(book: Book, group: PositionGroup) -> timedelta:
    """A second; ever more once even plain market orders sell nothing, but never for ever.

    An order that sold all it was asked to sell leaves nothing to wait for.
    """
    last = last_sale(book, group)
    if last is None or last.status is OrderStatus.FILLED:
        return timedelta(0)
    vain = max(0, group.close_attempts - group.attempts_before - BOUNDED_ATTEMPTS - 1)
    doublings = 0 if last.filled > ZERO else min(vain, ATTEMPT_DOUBLINGS_MAX)
    return ATTEMPT_INTERVAL * (1 << doublings)


def _limit(
    group: PositionGroup, instrument: Instrument, mark: MarkSeen | None, step: int
) -> Decimal | None:
    """The worst price an attempt accepts, never beyond the bound of a bounded reduction."""
    limit = _slipped(group, instrument, mark, step)
    if group.bound is None:
        return limit
    side = exit_side(group.opened.side)
    bound = round_price(instrument, group.bound, side)
    if limit is None:
        return bound
    return max(limit, bound) if side == "sell" else min(limit, bound)


def _slipped(
    group: PositionGroup, instrument: Instrument, mark: MarkSeen | None, step: int
) -> Decimal | None:
    """So much worse than the touch it sells to; None is plain market.

    Within the venue's band around the mark, beyond which it would refuse the order.
    """
    if mark is None or step > BOUNDED_ATTEMPTS:
        return None
    side = exit_side(group.opened.side)
    slippage = group.opened.exits.max_slippage_percent * 2 ** (step - 1)
    touch = (mark.bid if side == "sell" else mark.ask) or mark.price
    price = _worse(touch, slippage, side)
    if instrument.band_percent is not None:
        edge = _worse(mark.price, instrument.band_percent, side)
        price = max(price, edge) if side == "sell" else min(price, edge)
    return max(round_price(instrument, price, side), instrument.tick)


def _worse(price: Decimal, percent: Decimal, side: Side) -> Decimal:
    return percent_of(price, HUNDRED - percent if side == "sell" else HUNDRED + percent)
