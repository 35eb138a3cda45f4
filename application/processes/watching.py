"""Prices that are watched by us rather than resting at the venue, and what their touch does."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from application.book import Book


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A price that something waits for: it fires at a mark that has risen, or fallen, to it."""

    price: Decimal
    rises: bool


def levels(book: Book, symbol: str) -> Iterator[Level]:
    """Every watched price of a symbol, groups in the order of their opening."""
    for group in book.open_groups():
        if group.opened.symbol != symbol or not group.is_open:
            continue
        is_long = group.opened.side == "long"
        for _, known in book.exits_of(group):
            if known.watched is not None:
                rises = is_long == (known.watched.aim == "take_profit")
                yield Level(price=known.watched.price, rises=rises)
