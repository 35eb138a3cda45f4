"""The one writer: takes what waits, lets the engines decide, commits, and only then tells."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
import structlog
from eventsourcing.persistence import StoredEvent

from application.engine import AccountEngine, Handled
from application.inbox import Inbox
from application.inputs import AccountRegistered, ClockTicked
from application.journal import EventLog, JournalError
from application.loading import load_book
from application.ports import Clock
from domain.identity import HOUSE
from domain.message import Input, MarkSeen
from domain.settings_document import settings_hash

# A batch is cut at whichever comes first, so that no input waits long for another's commit.
INPUTS_MAX = 256
EVENTS_MAX = 2_000
HANDLING_SECONDS_MAX = 0.010
WAITING_MAX = 10_000
POLL_SECONDS = 1.0
RECOVERY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)

_log = structlog.get_logger()


class Session(Protocol):
    """A live hold on the database: the lease, the log that commits on it, and the inbox."""

    @property
    def log(self) -> EventLog:
        """The log; its appends run on the lease's connection."""
        ...

    @property
    def inbox(self) -> Inbox:
        """What was made durable and waits."""
        ...

    def take(self, account: str) -> None:
        """Become the only writer of an account. Raises if another engine is."""
        ...

    def confirm(self) -> float:
        """Prove that the lease is still held; returns the monotonic time of the proof."""
        ...

    def close(self) -> None:
        """Give everything up."""
        ...


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """What one commit made true, by account and in order."""

    handled: tuple[tuple[str, Handled], ...]
    inbox_ids: tuple[int, ...]


class _Batch:
    """Handled, but not yet true."""

    def __init__(self) -> None:
        self.handled: list[tuple[str, Handled]] = []
        self.stored: list[StoredEvent] = []
        self.inbox_ids: list[int] = []
        self.inputs = 0
        self.began = time.monotonic()

    @property
    def is_full(self) -> bool:
        return (
            self.inputs >= INPUTS_MAX
            or len(self.stored) >= EVENTS_MAX
            or time.monotonic() - self.began >= HANDLING_SECONDS_MAX
        )


class WriterDeps(msgspec.Struct, frozen=True, kw_only=True):
    """What the writer works with; `marks` gives an account's newest marks without blocking.

    `committed` and `lost` are called on the writer's thread: hand over, and return at once.
    """

    connect: Callable[[], Session]
    clock: Clock
    marks: Callable[[str], Mapping[str, MarkSeen]]
    version: str
    committed: Callable[[Committed], None]
    restarted: Callable[[str, AccountEngine], None]
    lost: Callable[[str], None]


class Writer:
    """Owns every engine. All else submits inputs and hears of commits."""

    def __init__(self, deps: WriterDeps, accounts: Sequence[str]) -> None:
        self._deps = deps
        self._accounts = list(accounts)
        self._engines: dict[str, AccountEngine] = {}
        self._session: Session | None = None
        self._waiting: deque[tuple[str, Input]] = deque()
        # Accounts whose submitted inputs were taken out and are not known to be committed.
        self._in_hand: set[str] = set()
        self._lock = threading.Condition()
        self._awake = True
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="plimsoll-writer", daemon=False)
        self.confirmed_at = 0.0
        self.is_working = False
        # Why there is no session just now, empty if there is one.
        self.trouble = ""

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def submit(self, account: str, received: Input) -> None:
        """Hand over an input. When too much waits it is dropped and the account told lost.

        Only the newest tick of an account waits: an older one has nothing to add.
        """
        with self._lock:
            if isinstance(received, ClockTicked):
                self._drop_older_tick(account, received)
                return
            if len(self._waiting) >= WAITING_MAX:
                overflow = True
            else:
                overflow = False
                self._waiting.append((account, received))
            self._wake_up()
        if overflow:
            self._deps.lost(account)

    def wake(self) -> None:
        """The inbox may hold something new."""
        with self._lock:
            self._wake_up()

    def stop(self, *, seconds: float = 15.0) -> None:
        """Handle what waits, commit it, and end."""
        with self._lock:
            self._stopping = True
            self._wake_up()
        self._thread.join(seconds)

    def _run(self) -> None:
        failures = 0
        while not self._stopping or self._waiting:
            try:
                if self._session is None:
                    self._begin_session()
                    failures = 0
                self._work_once()
            except Exception as error:  # noqa: BLE001 - the reason stands below
                # Whatever failed, the outcome of the last commit is not known to be good:
                # never interpret or repeat it, but load what is true and go on from there.
                _log.error("writer.recovering", error=f"{type(error).__name__}: {error}")
                _log.debug("writer.recovering_from", exc_info=error)
                self.trouble = str(error)
                self._end_session()
                if self._stopping:
                    break
                self._pause(RECOVERY_SECONDS[min(failures, len(RECOVERY_SECONDS) - 1)])
                failures += 1
        self._end_session()

    def _begin_session(self) -> None:
        session = self._deps.connect()
        self._session = session
        for account in sorted({*self._accounts, *session.log.accounts()} - {HOUSE}):
            self._take(account)
        # Not before every account is held: a venue call for one is no business of another's lock.
        self.confirmed_at = session.confirm()
        self.is_working = True
        self.trouble = ""
        self._tell_lost()

    def _tell_lost(self) -> None:
        """What was submitted and not committed is gone, unlike the inbox: venues must be asked."""
        for account in sorted(self._in_hand):
            self._deps.lost(account)
        self._in_hand.clear()

    def _take(self, account: str) -> AccountEngine:
        session = self._require_session()
        session.take(account)
        engine = AccountEngine(load_book(session.log, account))
        self._engines[account] = engine
        if account not in self._accounts:
            self._accounts.append(account)
        if engine.book.is_opened:
            batch = _Batch()
            self._add(batch, account, self._started(engine))
            self._append(batch)
        # Told of this engine before of any commit: whoever still knows the one before it
        # would take its Book, which may hold orders that never got into the log, for true.
        self._deps.restarted(account, engine)
        return engine

    def _work_once(self) -> None:
        session = self._require_session()
        self._sleep()
        batch = _Batch()
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
            self._in_hand = {account for account, _ in waiting}
        for account, received in waiting:
            self._handle(batch, account, received)
            batch = self._cut(batch)
        rows = session.inbox.waiting(INPUTS_MAX)
        for row in rows:
            self._handle(batch, row.account, row.input)
            batch.inbox_ids.append(row.id)
            batch = self._cut(batch)
        self._commit(batch)
        self._in_hand.clear()
        if len(rows) == INPUTS_MAX:
            self.wake()
        if not batch.stored:
            self.confirmed_at = session.confirm()

    def _handle(self, batch: _Batch, account: str, received: Input) -> None:
        engine = self._engines.get(account) or self._take(account)
        now = self._deps.clock.now()
        handled = engine.handle(received, now, self._deps.marks(account))
        if handled.failure:
            _log.error("input.set_aside", account=account, error=handled.failure)
        batch.inputs += 1
        self._add(batch, account, handled)
        if isinstance(received, AccountRegistered) and engine.book.is_opened:
            self._add(batch, account, self._started(engine))

    def _started(self, engine: AccountEngine) -> Handled:
        """The account's own record of who decides from here on."""
        settings = settings_hash(engine.book.account.settings)
        return engine.start(self._deps.version, settings, self._deps.clock.now())

    def _add(self, batch: _Batch, account: str, handled: Handled) -> None:
        if handled.stored:
            batch.handled.append((account, handled))
            batch.stored.extend(handled.stored)

    def _cut(self, batch: _Batch) -> _Batch:
        if not batch.is_full:
            return batch
        self._commit(batch)
        return _Batch()

    def _commit(self, batch: _Batch) -> None:
        if not batch.stored and not batch.inbox_ids:
            return
        self._append(batch)
        self._deps.committed(
            Committed(handled=tuple(batch.handled), inbox_ids=tuple(batch.inbox_ids))
        )

    def _append(self, batch: _Batch) -> None:
        """The lease is proven as of the question: the answer may have been long on its way."""
        asked_at = time.monotonic()
        self._require_session().log.append(batch.stored, batch.inbox_ids)
        if self.is_working:
            self.confirmed_at = asked_at

    def _end_session(self) -> None:
        """The Books go too: they hold what may never have become true."""
        self.is_working = False
        self.confirmed_at = 0.0
        self._engines.clear()
        if self._session is not None:
            session, self._session = self._session, None
            try:
                session.close()
            except Exception as error:  # noqa: BLE001 - it is being given up anyway
                _log.warning("writer.session_close_failed", error=str(error))

    def _require_session(self) -> Session:
        if self._session is None:
            raise JournalError("the writer has no session; it takes one before it works")
        return self._session

    def _drop_older_tick(self, account: str, tick: ClockTicked) -> None:
        """What a tick tells of came after all that waits: contact that is back, above all."""
        for position, (owner, waiting) in enumerate(self._waiting):
            if owner == account and isinstance(waiting, ClockTicked):
                del self._waiting[position]
                self._waiting.append((account, _joined(waiting, tick)))
                return
        self._waiting.append((account, tick))
        self._wake_up()

    def _sleep(self) -> None:
        with self._lock:
            if not self._awake and not self._waiting and not self._stopping:
                self._lock.wait(POLL_SECONDS)
            self._awake = False

    def _pause(self, seconds: float) -> None:
        with self._lock:
            if not self._stopping:
                self._lock.wait(seconds)

    def _wake_up(self) -> None:
        self._awake = True
        self._lock.notify_all()


def _joined(older: ClockTicked, newer: ClockTicked) -> ClockTicked:
    """What fell due once is due once, however late it is handled."""
    return msgspec.structs.replace(
        newer,
        promotion=older.promotion or newer.promotion,
        minute=older.minute or newer.minute,
        offset=older.offset or newer.offset,
    )
