"""What an offset's sales realized: each counted once, whenever its fill or its fee is known."""

from collections.abc import Iterator
from decimal import Decimal

from application.book import Book
from domain.dca_leg import LegExitFilled, LegFeeValued
from domain.holdings import FeeValued
from domain.identity import group_of
from domain.message import Command
from domain.money import ZERO
from domain.offset import (
    CountRealized,
    Offset,
    OffsetLoserStarted,
    OffsetRealized,
    OffsetWinnerStarted,
)
from domain.order import Order
from domain.position_group import PositionGroup


def realized_of(book: Book, group: PositionGroup) -> Decimal:
    """All that a trade's legs ever realized, funding apart, in the capital currency."""
    return sum((leg.realized for leg in book.legs_of(group)), ZERO)


def sales_since(book: Book, started: OffsetWinnerStarted | OffsetLoserStarted) -> tuple[Order, ...]:
    """The sales of a step so far; of a loser those that kept a bound, by client id."""
    group_id = started.group_id
    group = book.group(group_id)
    is_loser = isinstance(started, OffsetLoserStarted)
    bounded = group.bounded_sales if group is not None else ()
    return tuple(
        order
        for order in book.orders()
        if order.request.group_id == group_id
        and order.request.purpose == "reduce"
        and order.request.requested_at >= started.started_at
        and (not is_loser or order.request.client_order_id in bounded)
    )


def unvalued_fees(book: Book, group: PositionGroup) -> tuple[str, ...]:
    """The trades of a group whose fees wait for a mark, as `<leg>|<trade>`."""
    return tuple(
        _part(leg.plan.leg_id, trade_id)
        for leg in book.legs_of(group)
        for trade_id in sorted(leg.unvalued)
    )


def waits_for_fee(book: Book, offset: Offset) -> bool:
    """Whether a fee of the loser, or of a winner that sold, has no value yet.

    Until it has, and is counted, nobody knows what was earned, nor what the loser costs.
    """
    loser = book.group(offset.planned.loser.group_id)
    return bool(offset.fees_due) or (loser is not None and bool(unvalued_fees(book, loser)))


def counted(
    book: Book, offset: Offset, event: LegExitFilled | LegFeeValued | FeeValued
) -> Iterator[Command]:
    """The part of the offset that a fill, or a fee that got its value, is; nothing if none."""
    match event:
        case LegExitFilled(leg_id=leg_id, trade_id=trade_id, fee_value=fee):
            if _is_sale(book, offset, event):
                part = _part(leg_id, trade_id)
                yield _realized(offset, leg_id, part, event.realized, fee_due=fee is None)
        case LegFeeValued(leg_id=leg_id, trade_id=trade_id, realized=realized):
            if _is_fee(offset, leg_id, trade_id):
                yield _realized(offset, leg_id, f"{_part(leg_id, trade_id)}|fee", realized)
        case FeeValued(pending=pending, fee_value=value):
            leg_id, trade_id = pending.leg_id, pending.trade_id
            # A leg that left the books with its group is told nothing any more: the day pays.
            if book.leg(leg_id) is None and _is_fee(offset, leg_id, trade_id):
                yield _realized(offset, leg_id, f"{_part(leg_id, trade_id)}|fee", -value)


def _is_sale(book: Book, offset: Offset, filled: LegExitFilled) -> bool:
    """A sale of the loser at a bound, or one of a winner that its own step did not know of.

    What is sold of a winner on another's wish, be it in the same instant, is not the offset's.
    """
    group_id = group_of(filled.leg_id)
    group = book.group(group_id)
    is_bounded = group is not None and filled.client_order_id in group.bounded_sales
    if group_id == offset.planned.loser.group_id:
        return is_bounded
    done, order = offset.winner_of(group_id), book.order(filled.client_order_id)
    if done is None or order is None or filled.trade_id in done.ended.trades:
        return False
    requested_at = order.request.requested_at
    was_of_it = done.started.started_at <= requested_at <= done.ended.ended_at
    is_own = is_bounded or group is None or done.started.bound is None
    return order.request.purpose == "reduce" and was_of_it and is_own


def _is_fee(offset: Offset, leg_id: str, trade_id: str) -> bool:
    """A fee of a sale that was counted without it."""
    part, done = _part(leg_id, trade_id), offset.winner_of(group_of(leg_id))
    return part in offset.counted or (done is not None and part in done.ended.unvalued)


def _realized(
    offset: Offset, leg_id: str, part: str, amount: Decimal, *, fee_due: bool = False
) -> CountRealized:
    counted = OffsetRealized(
        offset_id=offset.planned.offset_id,
        group_id=group_of(leg_id),
        part=part,
        amount=amount,
        fee_due=fee_due,
    )
    return CountRealized(offset_id=counted.offset_id, counted=counted)


def _part(leg_id: str, trade_id: str) -> str:
    return f"{leg_id}|{trade_id}"
