"""When a loser may be paid down: its timer, and what an operator blocks or passes over."""

from collections.abc import Iterator

from application.book import Book
from application.journal import Recorded
from domain.message import Command


def react(_: Book, __: Recorded) -> Iterator[Command]:
    """Nothing yet."""
    yield from ()
