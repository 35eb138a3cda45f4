"""What new orders may use at the venue: its own word, reckoned on by our books until the next."""

from decimal import Decimal

import msgspec

from application.book import Book
from domain.gate import Commitment
from domain.money import ZERO, percent_of
from domain.order_terms import OrderStatus

# The venue may not have these yet: they are not deducted from what it says is free.
_ON_THE_WAY = (OrderStatus.REQUESTED, OrderStatus.UNKNOWN)


def free_now(book: Book) -> Decimal | None:
    """The capital currency's free balance as estimated now; None if no venue's word is known."""
    balance = book.holdings.balances.get(book.account.opened.currency)
    if balance is None:
        return None
    return balance.free_at(margin_held(book), book.risk.realized_total)


def margin_held(book: Book) -> Decimal:
    """What our entries and lots hold at the venue, at most: cost ÷ leverage, and their fees.

    On spot the whole cost is spent. A resting entry may pay its fee as taker; a lot has paid its
    own, which realized profit counts only as the lot is sold.
    """
    return sum(
        (_lot(book, each) + _resting(book, each, with_fee=True) for each in _all(book)), ZERO
    )


def margin_seen(book: Book) -> Decimal:
    """The same at the least, as a venue may know it that is asked now.

    Not every venue keeps a resting entry's fee back, and an entry on its way is kept nothing
    for. Too little here only makes the estimate too low: what is counted here is taken for
    deducted from the venue's answer.
    """
    on_their_way = _on_their_way(book)
    margin = ZERO
    for each in _all(book):
        margin += _lot(book, each)
        if each.name not in on_their_way:
            margin += _resting(book, each, with_fee=False)
    return margin


class _Committed(msgspec.Struct, frozen=True, kw_only=True):
    """A leg's commitment, or that of a pyramid that waits for its market's rules."""

    name: str
    commitment: Commitment


def _all(book: Book) -> list[_Committed]:
    every = sorted(book.risk.commitments.items())
    return [_Committed(name=name, commitment=commitment) for name, commitment in every]


def _on_their_way(book: Book) -> set[str]:
    """The legs whose entries the venue may not have yet."""
    orders = [order for order in book.working_orders() if order.status in _ON_THE_WAY]
    return {order.request.leg_id for order in orders if order.request.purpose == "entry"}


def _lot(book: Book, committed: _Committed) -> Decimal:
    leg, commitment = book.leg(committed.name), committed.commitment
    paid = leg.lot.entry_fee if leg is not None else ZERO
    return commitment.open_cost / leverage_of(book, commitment.group_id) + paid


def _resting(book: Book, committed: _Committed, *, with_fee: bool) -> Decimal:
    commitment = committed.commitment
    instrument = book.instrument(commitment.symbol)
    rate = instrument.taker_fee_percent if instrument is not None and with_fee else ZERO
    resting = commitment.resting
    return resting / leverage_of(book, commitment.group_id) + percent_of(resting, rate)


def leverage_of(book: Book, group_id: str) -> int:
    """What a group's positions stand at, as it was bound when it opened; spot has none: 1."""
    group = book.group(group_id)
    if group is None or book.account.opened.market_kind == "spot":
        return 1
    return max(1, group.opened.capital.leverage)
