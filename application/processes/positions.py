"""What the books say is held, to be laid beside what a venue says."""

from decimal import Decimal

from application.book import Book
from domain.instrument import is_undersized
from domain.money import ZERO


def expected_positions(book: Book) -> dict[str, Decimal]:
    """Signed lots of all groups by symbol: positive long, negative short."""
    totals: dict[str, Decimal] = {}
    for group in book.open_groups():
        sign = 1 if group.opened.side == "long" else -1
        for leg in book.legs_of(group):
            symbol = group.opened.symbol
            totals[symbol] = totals.get(symbol, ZERO) + sign * leg.lot.quantity
    return totals


def is_dust(book: Book, symbol: str, difference: Decimal) -> bool:
    """What was written off because it could not be sold stays at the venue, and is no news."""
    instrument = book.instrument(symbol)
    if difference == ZERO or instrument is None:
        return difference == ZERO
    mark = book.marks.get(symbol)
    price = mark.price if mark is not None else ZERO
    is_small = abs(difference) < instrument.min_quantity
    return is_small or (
        price > ZERO and is_undersized(instrument, price, abs(difference), reduce_only=True)
    )


def agrees(book: Book, symbol: str, held: Decimal) -> bool:
    """Whether a venue's position is the sum of our lots, but for dust."""
    return is_dust(book, symbol, expected_positions(book).get(symbol, ZERO) - held)
