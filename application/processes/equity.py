"""What the account is worth by its own books: what it began with, earned and holds now."""

from decimal import Decimal

from application.book import Book
from domain.money import ZERO
from domain.pnl import combined, unrealized
from domain.position_group import PositionGroup


def equity_of(book: Book) -> Decimal | None:
    """Starting balance + realized + unrealized of our groups, in the capital currency.

    None while the mark of an open lot is not known: an unknown price is never guessed. A live
    account begins with `capital.allocation`, where one is set.
    """
    floating = ZERO
    for group in book.open_groups():
        gain = unrealized_of(book, group)
        if gain is None:
            return None
        floating += gain
    return _start(book) + book.risk.realized_total + floating


def unrealized_of(book: Book, group: PositionGroup) -> Decimal | None:
    """What a group's open lots gain at the mark, less their entry fees; None without a mark."""
    legs = book.legs_of(group)
    lot = combined([leg.lot for leg in legs])
    if lot.quantity == ZERO:
        return ZERO
    mark = book.marks.get(group.opened.symbol)
    if mark is None or mark.price <= ZERO:
        return None
    return unrealized(lot, mark.price, group.opened.side, legs[0].plan.contract_size)


def _start(book: Book) -> Decimal:
    opened, allocation = book.account.opened, book.account.settings.capital.allocation
    return opened.starting_balance if opened.paper or allocation is None else allocation
