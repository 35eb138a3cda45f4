"""A day that an earlier release opened lacks the books that this one keeps."""

from datetime import timedelta

import pytest

from application.book import Book
from application.engine import AccountEngine
from domain.identity import aggregate_of
from tests.application.desk import ACCOUNT, MORNING, Desk

YOUNGER = ("brakes", "equity", "offset_watch")


@pytest.mark.parametrize("hours", [1, 17])
def test_a_start_opens_what_is_lacking_in_the_open_day_or_the_next(hours: int) -> None:
    desk = Desk()
    desk.signal()
    book = Book(ACCOUNT)
    for recorded in desk.recorded:
        if aggregate_of(recorded.stream) not in YOUNGER:
            book.apply(recorded)

    AccountEngine(book).start("1", "hash", MORNING + timedelta(hours=hours))

    assert all(book.state(book.stream_of(name, "")) is not None for name in YOUNGER)
    assert book.risk.slots == desk.book.risk.slots
