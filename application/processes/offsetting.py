"""A loser is paid down by winners: the saga, one step after another, resumable anywhere."""

from collections.abc import Iterator

from application.book import Book
from application.journal import Recorded
from domain.message import Command


def react(_: Book, __: Recorded) -> Iterator[Command]:
    """Nothing yet."""
    yield from ()
