"""Without contact to the venue, or without any fresh mark, nothing new is entered."""

from collections.abc import Iterator

from application.book import Book
from application.journal import Recorded
from domain.message import Command


def react(_: Book, __: Recorded) -> Iterator[Command]:
    """Nothing yet."""
    yield from ()
