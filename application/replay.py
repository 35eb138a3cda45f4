"""A day run again from its recorded inputs, and compared byte for byte with what was recorded."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import msgspec
from eventsourcing.persistence import StoredEvent

from application.book import Book
from application.engine import AccountEngine, Failure, Handled
from application.journal import EventLog, JournalMapper, Recorded
from application.loading import book_before_day, stored_since_opening
from application.seal import digest_of, seal
from domain.identity import stream_name
from domain.message import Input, MarkSeen
from domain.trading_day import EngineStarted, InputFailed


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first event that came out otherwise, both sides as stored; empty = was not there."""

    event_id: str
    recorded: str
    replayed: str


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """What replaying one day of one account showed. `digest` is the chain head at its end."""

    account: str
    date: str
    inputs: int
    events: int
    digest: str
    identical: bool
    recorded_versions: tuple[str, ...]
    difference: Difference | None = None


class _Root(msgspec.Struct, frozen=True, kw_only=True):
    """One cause from outside with all that followed it, as read and as stored.

    What closed the day before and opened the new one stands before an input that turned it.
    """

    cause: Recorded
    recorded: tuple[Recorded, ...]
    stored: tuple[StoredEvent, ...]


def replay_day(log: EventLog, account: str, date: str) -> ReplayReport:
    """Run a day again. The turn into the next day is part of it, if it was recorded.

    Raises LookupError if the account has no such day.
    """
    day_stream = stream_name("trading_day", account, date)
    book = book_before_day(log, day_stream)
    run = _Replay(book, date)
    for root in _roots(stored_since_opening(log, day_stream)):
        if not run.goes_on(root):
            break
    return run.report()


class _Replay:
    """Compares root by root; the Book follows the replayed events."""

    def __init__(self, book: Book, date: str) -> None:
        self._engine = AccountEngine(book)
        self._mapper = JournalMapper()
        self._date = date
        self._inputs = 0
        self._events = 0
        self._versions: list[str] = []
        self._difference: Difference | None = None
        self._opened = False
        self._digest = book.head

    def goes_on(self, root: _Root) -> bool:
        """Replay one cause. False once the day is over, or something came out otherwise."""
        is_opening, expected = not self._opened, root.stored
        if is_opening:
            expected = self._open_as_recorded(root)
        replayed = self._run_again(root, has_turned=is_opening)
        self._compare(expected, replayed.stored)
        if self._engine.book.date == self._date:
            self._count(root, replayed)
        else:
            self._count_closing(replayed)
        return self._difference is None and self._engine.book.date == self._date

    def report(self) -> ReplayReport:
        book = self._engine.book
        return ReplayReport(
            account=book.account_name,
            date=self._date,
            inputs=self._inputs,
            events=self._events,
            digest=self._digest,
            identical=self._difference is None,
            recorded_versions=tuple(dict.fromkeys(self._versions)),
            difference=self._difference,
        )

    def _count(self, root: _Root, replayed: Handled) -> None:
        self._inputs += isinstance(root.cause.event, Input)
        self._events += len(replayed.stored)
        self._digest = self._engine.book.head
        if isinstance(root.cause.event, EngineStarted):
            self._versions.append(root.cause.event.version)

    def _count_closing(self, replayed: Handled) -> None:
        """The turn's first event closes the day; all that follows belongs to the next one."""
        self._events += 1
        self._digest = digest_of(replayed.stored[0])

    def _open_as_recorded(self, root: _Root) -> tuple[StoredEvent, ...]:
        """The opening hands over yesterday's state: it is taken, not derived.

        That it is what yesterday ended with is shown by yesterday's own replay, which
        derives these very events.
        """
        book = self._engine.book
        count = root.recorded.index(root.cause)
        opening = root.recorded[:count]
        for each in opening:
            book.apply(each)
        sealed, book.head = seal(book.head, [self._mapper.to_stored_event(e) for e in opening])
        self._compare(root.stored[:count], sealed)
        self._opened = True
        self._events += count
        return root.stored[count:]

    def _run_again(self, root: _Root, *, has_turned: bool) -> Handled:
        cause = root.cause
        match cause.event:
            case EngineStarted() as started:
                return self._engine.start(started.version, started.settings_hash, cause.at)
            case Input() as received:
                marks = self._marks(received)
                failed = _failure(root)
                plain = msgspec.structs.replace(received, marks=())
                if failed is not None:
                    return self._engine.set_aside(plain, cause.at, failed)
                return self._engine.handle(plain, cause.at, marks, has_turned=has_turned)
            case _:
                raise AssertionError(f"{cause.event_id} has no cause and is no input")

    def _marks(self, received: Input) -> dict[str, MarkSeen]:
        return {mark.symbol: mark for mark in received.marks}

    def _compare(self, expected: Sequence[StoredEvent], replayed: Sequence[StoredEvent]) -> None:
        """Remember the first event whose stored bytes are not those decided now."""
        if self._difference is not None:
            return
        for theirs, ours in zip_longest(expected, replayed):
            known = theirs or ours
            if known is not None and _written(ours) != _written(theirs):
                self._difference = Difference(
                    event_id=f"{known.originator_id}@{known.originator_version}",
                    recorded=_shown(theirs),
                    replayed=_shown(ours),
                )
                return


def _roots(stored: Iterator[StoredEvent]) -> Iterator[_Root]:
    """Cut the log into causes: the turn of a day belongs to the input that caused it."""
    mapper = JournalMapper()
    pending: list[tuple[Recorded, StoredEvent]] = []
    cause: Recorded | None = None
    for each in stored:
        recorded = mapper.to_domain_event(each)
        starts = not recorded.causation_id
        if starts and cause is not None:
            yield _root(cause, pending)
            pending, cause = [], None
        pending.append((recorded, each))
        if starts and isinstance(recorded.event, Input | EngineStarted):
            cause = recorded
    if cause is not None:
        yield _root(cause, pending)


def _root(cause: Recorded, pending: Sequence[tuple[Recorded, StoredEvent]]) -> _Root:
    recorded, stored = zip(*pending, strict=True)
    return _Root(cause=cause, recorded=recorded, stored=stored)


def _failure(root: _Root) -> Failure | None:
    for each in root.recorded:
        if isinstance(each.event, InputFailed) and each.causation_id == root.cause.event_id:
            return Failure(error=each.event.error, fingerprint=each.event.fingerprint)
    return None


def _written(stored: StoredEvent | None) -> tuple[object, ...]:
    """Every column of an event, whichever of the library's types carries them."""
    if stored is None:
        return ()
    return (stored.originator_id, stored.originator_version, stored.topic, stored.state)


def _shown(stored: StoredEvent | None) -> str:
    if stored is None:
        return ""
    return f"{stored.topic} {stored.state.decode()}"
