"""How old the marks are that something is decided by; what is no positive price is no mark."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from application.book import Book
from domain.message import MarkSeen
from domain.money import ZERO


def mark_of(book: Book, symbol: str) -> MarkSeen | None:
    """A symbol's mark, if there is one that can be reckoned with."""
    mark = book.marks.get(symbol)
    return mark if mark is not None and mark.price.is_finite() and mark.price > ZERO else None


def mark_age(book: Book, symbol: str, now: datetime) -> timedelta | None:
    """How old a symbol's mark is; None if there is none."""
    mark = mark_of(book, symbol)
    return now - mark.at if mark is not None else None


def is_fresh(book: Book, symbol: str, now: datetime) -> bool:
    """Whether the mark is known and not older than `risk.max_mark_age_seconds`; null: any age."""
    age, limit = mark_age(book, symbol, now), book.account.settings.risk.max_mark_age_seconds
    return age is not None and (limit is None or age <= timedelta(seconds=limit))


def marks_are_fresh(book: Book, now: datetime) -> bool:
    """Whether that holds for every symbol with open lots."""
    return all(is_fresh(book, symbol, now) for symbol in _symbols_held(book))


def marks_are_since(book: Book, moment: datetime) -> bool:
    """Whether each of these marks was seen after a moment; without a limit of age, any will do."""
    if book.account.settings.risk.max_mark_age_seconds is None:
        return True
    marks = [mark_of(book, symbol) for symbol in _symbols_held(book)]
    return all(mark is not None and mark.at > moment for mark in marks)


def _symbols_held(book: Book) -> Iterator[str]:
    for group in book.open_groups():
        if any(leg.lot.quantity != ZERO for leg in book.legs_of(group)):
            yield group.opened.symbol
