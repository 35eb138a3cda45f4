"""One account's engine: a deterministic machine from an input to the events it causes."""

import hashlib
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import localcontext

import msgspec
from eventsourcing.persistence import StoredEvent

from application.book import AGGREGATES, Book
from application.inputs import OBSERVATIONS, ClockTicked, OrderReported, SignalReceived
from application.journal import JournalMapper, Recorded, seal
from application.processes.braking import ruling_state, unsent_called_off
from application.processes.day_turn import turning_commands
from application.processes.dead_man import is_silent
from application.processes.roster import PROCESSES, symbols_in_use
from domain.brakes import HoldLifted, PlaceHold
from domain.holds import Hold
from domain.message import Command, Event, Input, MarkSeen
from domain.money import DECISION_CONTEXT
from domain.trading_day import JudgeSignal, SetInputAside, SignalJudged, StartEngine

# More events than this from one input are a loop between processes, not trading.
EVENTS_PER_INPUT_MAX = 20_000

Marks = Mapping[str, MarkSeen]


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """What one input made happen: the events, and the same sealed for the log."""

    recorded: tuple[Recorded, ...] = ()
    stored: tuple[StoredEvent, ...] = ()
    failure: str = ""


NOTHING = Handled()


class AccountEngine:
    """Handles the inputs of one account, one after the other, against its Book."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._mapper = JournalMapper()
        self._recorded: list[Recorded] = []

    def handle(
        self, received: Input, now: datetime, marks: Marks, *, has_turned: bool = False
    ) -> Handled:
        """Decide everything that follows from an input. The Book moves on; nothing else does.

        An input whose handling raises is set aside: recorded, and the account goes reducing.
        An observation that changes nothing leaves no trace at all; the turning of a day is a
        change. Where the Book holds the turn already (`has_turned`, in replay), the input that
        turned it is recorded, whatever it was.
        """
        if not has_turned and self._is_idle_tick(received):
            return NOTHING
        self._begin()
        try:
            with localcontext(DECISION_CONTEXT):
                turned = self._turn_day(self._at(now))
                self._take_in(received, self._at(now), marks)
        except Exception as error:  # noqa: BLE001 - whatever was wrong, the rest must go on
            self.book.undo()
            return self.set_aside(received, now, failure_of(error))
        matters = has_turned or self._has_consequences(turned=turned)
        if isinstance(received, OBSERVATIONS) and not matters:
            self.book.undo()
            return NOTHING
        return self._finish()

    def set_aside(self, received: Input, now: datetime, failure: "Failure") -> Handled:
        """Record an input that could not be handled, and take no new exposure from here on.

        It is not looked into again, its marks included: what failed once would fail twice.
        """
        self._begin()
        with localcontext(DECISION_CONTEXT):
            at = self._at(now)
            self._turn_day(at)
            stream = self.book.stream_of("trading_day", "")
            recorded = self._append(stream, msgspec.structs.replace(received, marks=()), None, at)
            for command in _consequences(self.book, received, failure, at):
                self._execute(command, recorded)
        return msgspec.structs.replace(self._finish(), failure=failure.error)

    def start(self, version: str, settings_hash: str, now: datetime) -> Handled:
        """Take the account over: a fact of its own, and the end of every certainty in flight."""
        self._begin()
        with localcontext(DECISION_CONTEXT):
            at = self._at(now)
            self._turn_day(at)
            command = StartEngine(version=version, settings_hash=settings_hash, now=at)
            started = self._execute(command, None, at)
            self._drain(started)
        return self._finish()

    def _take_in(self, received: Input, at: datetime, marks: Marks) -> None:
        recorded = self._record_input(received, at, marks)
        self._drain([recorded])

    def _record_input(self, received: Input, at: datetime, marks: Marks) -> Recorded:
        """An input carries the marks that changed since the last recorded one.

        What is not a number is no mark: the old one ages until nothing is decided by it.
        """
        changed = tuple(
            marks[symbol]
            for symbol in symbols_in_use(self.book, received)
            if symbol in marks
            and marks[symbol].price.is_finite()
            and marks[symbol] != self.book.marks.get(symbol)
        )
        stream = self.book.stream_of("trading_day", "")
        return self._append(stream, msgspec.structs.replace(received, marks=changed), None, at)

    def _drain(self, first: Iterable[Recorded]) -> None:
        """Each event goes to every process in their order, until nothing new comes."""
        waiting = deque(first)
        while waiting:
            recorded = waiting.popleft()
            for react in PROCESSES:
                for command in tuple(react(self.book, recorded)):
                    waiting.extend(self._execute(command, recorded))
            assert len(self._recorded) <= EVENTS_PER_INPUT_MAX, (
                f"one input caused more than {EVENTS_PER_INPUT_MAX} events; the last was"
                f" {recorded.event.NAME}"
            )

    def _execute(
        self, command: Command, cause: Recorded | None, at: datetime | None = None
    ) -> list[Recorded]:
        """Let the aggregate decide, and fold what it decided."""
        aggregate = AGGREGATES[command.AGGREGATE]
        stream = self.book.stream_of(command.AGGREGATE, command.key)
        happened: Iterable[Event] = aggregate.decide(self.book.state(stream), command)
        moment = cause.at if cause is not None else at
        assert moment is not None, f"{type(command).__name__} has neither a cause nor a time"
        appended: list[Recorded] = []
        for event in happened:
            recorded = self._append(stream, event, cause, moment)
            cause = cause or recorded
            appended.append(recorded)
        return appended

    def _append(self, stream: str, event: Event, cause: Recorded | None, at: datetime) -> Recorded:
        version = self.book.version(stream) + 1
        recorded = Recorded(
            stream=stream,
            version=version,
            event=event,
            at=at,
            causation_id=cause.event_id if cause is not None else "",
            correlation_id=(
                cause.correlation_id
                if cause is not None
                else self._story_of(event) or f"{stream}@{version}"
            ),
        )
        self.book.apply(recorded)
        self._recorded.append(recorded)
        return recorded

    def _story_of(self, event: Event) -> str:
        """The signal an input tells of, so that one query tells a signal's whole story."""
        if isinstance(event, SignalReceived):
            return event.signal_id
        if isinstance(event, OrderReported):
            order = self.book.order(event.client_order_id)
            return order.request.signal_id if order is not None else ""
        return ""

    def _turn_day(self, at: datetime) -> bool:
        """An input of a later day first closes the open day and opens its own."""
        date = at.date().isoformat()
        if self.book.date == date:
            return False
        cause: Recorded | None = None
        for command in turning_commands(self.book, date, at):
            happened = self._execute(command, cause, at)
            cause = cause or happened[0]
        return True

    def _has_consequences(self, *, turned: bool) -> bool:
        """Beyond the input itself, and beyond the turning of an idle account's day."""
        if not isinstance(self._recorded[-1].event, Input):
            return True
        if not turned:
            return False
        is_released = any(isinstance(each.event, HoldLifted) for each in self._recorded)
        return is_released or bool(self.book.risk.slots or self.book.queue.waiting)

    def _is_idle_tick(self, received: Input) -> bool:
        if not isinstance(received, ClockTicked):
            return False
        book = self.book
        if not book.date:
            return True
        held = book.risk.slots or book.risk.commitments or book.holdings.pending_fees
        # A breaker ends with its day, also where nothing else is open; a breach of the drawdown
        # waits for its second look.
        is_watched = book.brakes.is_tripped or book.equity.breached is not None
        is_busy = bool(held or book.queue.waiting or is_watched)
        return not (is_busy or self._is_about_contact(received))

    def _is_about_contact(self, tick: ClockTicked) -> bool:
        """An idle account is held before the next signal comes, and let go without waiting."""
        if tick.contact_at is None or not self.book.is_opened:
            return False
        stale_seconds = self.book.account.settings.risk.stale_seconds
        return is_silent(tick, stale_seconds) or "dead_man" in self.book.brakes.holds

    def _at(self, now: datetime) -> datetime:
        """Time never runs backwards within an account, whatever its clock does."""
        last = self.book.last_at
        return now if last is None else max(last, now)

    def _begin(self) -> None:
        self._recorded = []
        self.book.begin()

    def _finish(self) -> Handled:
        recorded = tuple(self._recorded)
        unsealed = [self._mapper.to_stored_event(event) for event in recorded]
        stored, self.book.head = seal(self.book.head, unsealed)
        self.book.keep()
        return Handled(recorded=recorded, stored=tuple(stored))


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an input could not be handled; the fingerprint groups like failures."""

    error: str
    fingerprint: str


def _consequences(
    book: Book, received: Input, failure: Failure, now: datetime
) -> Iterator[Command]:
    """The failure itself, an outcome for a signal so that the ledger balances, and caution."""
    yield SetInputAside(error=failure.error, fingerprint=failure.fingerprint)
    if isinstance(received, SignalReceived):
        reason = f"could not be handled: {failure.error}"
        yield JudgeSignal(
            judged=SignalJudged(signal_id=received.signal_id, outcome="rejected", reason=reason)
        )
    if book.is_opened:
        hold = Hold(
            cause="failed_input",
            state="reducing",
            reason="an input could not be handled",
            actor="engine",
            since=now,
        )
        yield PlaceHold(hold=hold)
        # Nothing is put before the processes here: what they would say is said at once.
        yield ruling_state(book, reason=hold.reason, actor=hold.actor)
        yield from unsent_called_off(book, hold)


def failure_of(error: Exception) -> Failure:
    """Name an exception by its type, its words and the place it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
    name = type(error).__name__
    fingerprint = hashlib.sha256(f"{name}|{place}".encode()).hexdigest()[:16]
    return Failure(error=f"{name}: {error} (in {place})", fingerprint=fingerprint)
