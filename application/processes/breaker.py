"""The breaker of the day's loss: it trips, what rests is cancelled, and it stays tripped."""

from collections.abc import Iterator

from application.book import Book
from application.journal import Recorded
from domain.message import Command


def react(_: Book, __: Recorded) -> Iterator[Command]:
    """Nothing yet."""
    yield from ()
