"""What the account is worth by its own books: what it began with, earned and holds now."""

from decimal import Decimal

from application.book import Book
from domain.equity import Worth
from domain.money import ZERO
from domain.pnl import combined, unrealized
from domain.position_group import PositionGroup


def worth_of(book: Book) -> Worth | None:
    """What the account began with, was transferred, has realized and holds; spec §6.

    None while the mark of an open lot is not known: an unknown price is never guessed. A live
    account begins with `capital.allocation`, where one is set.
    """
    floating = ZERO
    for group in book.open_groups():
        gain = unrealized_of(book, group)
        if gain is None:
            return None
        floating += gain
    return Worth(
        capital=_start(book) + book.equity.transfers,
        realized=book.risk.realized_total,
        unrealized=floating,
        committed=book.risk.committed(),
    )


def equity_of(book: Book) -> Decimal | None:
    """Capital + realized + unrealized of our groups, in the capital currency; None if unknown."""
    worth = worth_of(book)
    return worth.equity if worth is not None else None


def open_loss(book: Book) -> Decimal | None:
    """What the losing groups would still lose at their marks, zero or more; None if unknown."""
    total = ZERO
    for group in book.open_groups():
        gain = unrealized_of(book, group)
        if gain is None:
            return None
        total += max(ZERO, -gain)
    return total


def unrealized_of(book: Book, group: PositionGroup) -> Decimal | None:
    """What a group's open lots gain at the mark, less their entry fees; None without a mark."""
    legs = book.legs_of(group)
    lot = combined([leg.lot for leg in legs])
    if lot.quantity == ZERO:
        return ZERO
    mark = book.marks.get(group.opened.symbol)
    if mark is None or not mark.price.is_finite() or mark.price <= ZERO:
        return None
    return unrealized(lot, mark.price, group.opened.side, legs[0].plan.contract_size)


def _start(book: Book) -> Decimal:
    opened, allocation = book.account.opened, book.account.settings.capital.allocation
    return opened.starting_balance if opened.paper or allocation is None else allocation
