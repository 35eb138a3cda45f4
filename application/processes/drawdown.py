"""Equity is sampled each minute, and compared with its peak then and after each fill."""

from collections.abc import Iterator

from application.book import Book
from application.journal import Recorded
from domain.message import Command


def react(_: Book, __: Recorded) -> Iterator[Command]:
    """Nothing yet."""
    yield from ()
