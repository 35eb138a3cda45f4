"""The Book from the log: one read of what is open, whatever the history behind it."""

from collections.abc import Iterator

from eventsourcing.persistence import StoredEvent

from application.book import Book
from application.journal import EventLog, JournalMapper, Recorded, seal
from domain.identity import HOUSE, account_of, stream_name
from domain.trading_day import TradingDayOpened


def trading_accounts(log: EventLog) -> list[str]:
    """Every account of the log that may trade, sorted: all but the house's own."""
    return [account for account in log.accounts() if account != HOUSE]


def load_book(log: EventLog, account: str) -> Book:
    """The Book as the log's newest event left it; empty for an account never seen.

    Raises LookupError if the newest day does not begin with its opening.
    """
    book = Book(account)
    newest = log.last_day(account)
    if newest is None:
        return book
    for recorded in events_from_day(log, newest):
        book.apply(recorded)
    book.head = log.head(account)
    return book


def book_before_day(log: EventLog, day_stream: str) -> Book:
    """The Book as a day found it, with the chain head the day was opened upon.

    Only what lives on into the day is in it: the day's own opening brings the rest.
    """
    opened = opening_of(log, day_stream)
    book = Book(account_of(day_stream))
    for recorded in log.streams(opened.streams):
        book.apply(recorded)
    book.head = _head_of_opening(log, book.account_name, opened)
    return book


def _head_of_opening(log: EventLog, account: str, opened: TradingDayOpened) -> str:
    """The opening names the head that the closing of the day before it was sealed upon."""
    yesterday = opened.state.date
    if not yesterday:
        return opened.head
    closed = list(log.stream(stream_name("trading_day", account, yesterday)))[-1]
    _, head = seal(opened.head, [JournalMapper().to_stored_event(closed)])
    return head


def events_from_day(log: EventLog, day_stream: str) -> Iterator[Recorded]:
    """What was open when a day began, then everything of the account since."""
    opened = opening_of(log, day_stream)
    yield from log.streams(opened.streams)
    for _, recorded in events_since_opening(log, day_stream):
        yield recorded


def events_since_opening(log: EventLog, day_stream: str) -> Iterator[tuple[int, Recorded]]:
    """The account's events from the day's opening on, with their positions."""
    return log.since(account_of(day_stream), _before(log, day_stream))


def stored_since_opening(log: EventLog, day_stream: str) -> Iterator[StoredEvent]:
    """The same events as they are stored, byte for byte."""
    following = log.stored_since(account_of(day_stream), _before(log, day_stream))
    return (stored for _, stored in following)


def _before(log: EventLog, day_stream: str) -> int:
    start = log.day_start(day_stream)
    if start is None:
        raise LookupError(f"the log has no {day_stream}: that account recorded nothing that day")
    return start - 1


def opening_of(log: EventLog, day_stream: str) -> TradingDayOpened:
    """The first event of a day. Raises LookupError if it is none, or not an opening."""
    first = next(iter(log.stream(day_stream)), None)
    if first is None:
        account, day = day_stream.split(":", 2)[1:]
        raise LookupError(f"day was {day}: account {account} recorded nothing then; choose another")
    if not isinstance(first.event, TradingDayOpened):
        raise LookupError(  # noqa: TRY004 - the log is wrong, not a type
            f"{day_stream} does not begin with its opening; run `plimsoll audit verify`"
        )
    return first.event
