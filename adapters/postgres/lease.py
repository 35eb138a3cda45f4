"""The lease: the one connection that may commit for an account, while it lives."""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Self

import psycopg

from adapters.postgres.connection import connect

# A dead network is noticed after 5 + 3 x 2 s of silence, on both ends: libpq's settings serve
# us, the server's serve whoever waits for the lease of a machine that vanished.
KEEPALIVE_IDLE_SECONDS = 5
KEEPALIVE_INTERVAL_SECONDS = 2
KEEPALIVE_PROBES = 3
SILENCE_SECONDS_MAX = KEEPALIVE_IDLE_SECONDS + KEEPALIVE_INTERVAL_SECONDS * KEEPALIVE_PROBES
SERVER_KEEPALIVES = (
    ("tcp_keepalives_idle", KEEPALIVE_IDLE_SECONDS),
    ("tcp_keepalives_interval", KEEPALIVE_INTERVAL_SECONDS),
    ("tcp_keepalives_count", KEEPALIVE_PROBES),
)
LOCK_SECONDS_MAX = 10
STATEMENT_SECONDS_MAX = 30
POOLER_PROBES = 3

_HELD = (
    "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks"
    " WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pid = pg_backend_pid()"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


class LeaseError(Exception):
    """The lease could not be taken or is no longer held."""


class LeaseTakenError(LeaseError):
    """Another engine works for this account."""


class LeaseLostError(LeaseError):
    """The connection or one of its locks is gone: stop calling venues, load again."""


class PoolerFoundError(LeaseError):
    """A connection pooler stands between us and the server, where locks mean nothing."""


class Lease:
    """A dedicated connection and the accounts it holds. Commits run on `connection`."""

    def __init__(
        self, connection: psycopg.Connection, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.connection = connection
        self._monotonic = monotonic
        self._keys: dict[str, int] = {}
        self._confirmed_at = monotonic()

    @classmethod
    def open(cls, url: str, monotonic: Callable[[], float] = time.monotonic) -> Self:
        """Connect, without an account yet.

        Raises PoolerFoundError, or LeaseLostError if the server cannot be reached.
        """
        try:
            connection = connect(
                url,
                keepalives=1,
                keepalives_idle=KEEPALIVE_IDLE_SECONDS,
                keepalives_interval=KEEPALIVE_INTERVAL_SECONDS,
                keepalives_count=KEEPALIVE_PROBES,
                tcp_user_timeout=SILENCE_SECONDS_MAX * 1000,
            )
        except psycopg.Error as error:
            raise LeaseLostError(f"the database could not be reached: {error}") from error
        try:
            _refuse_pooler(connection)
            _bound_waiting(connection)
        except BaseException:
            connection.close()
            raise
        return cls(connection, monotonic)

    @property
    def accounts(self) -> Sequence[str]:
        """The accounts held, sorted."""
        return sorted(self._keys)

    def holds(self, account: str) -> bool:
        """Whether this account was taken and not released; `confirm` asks the server."""
        return account in self._keys

    def take(self, account: str) -> None:
        """Become the only writer of the account. Never waits.

        Raises LeaseTakenError if another engine is, LeaseLostError if the connection is gone.
        """
        key = lock_key(account)
        if not self.holds(account) and not self._ask("SELECT pg_try_advisory_lock(%s)", key):
            raise LeaseTakenError(
                f"account {account!r} is worked by another engine; stop that one, or wait"
                f" {SILENCE_SECONDS_MAX} s if its machine is dead"
            )
        self._keys[account] = key
        self.note_confirmed()

    def release(self, account: str) -> None:
        """Let another engine take the account."""
        key = self._keys.pop(account)
        if not self._ask("SELECT pg_advisory_unlock(%s)", key):
            raise LeaseLostError(f"the lock of account {account!r} was already gone; load again")

    def confirm(self) -> float:
        """Ask the server whether every lock is still held; returns the time of the question.

        An answer may be long on its way, and the lock gone by then. Raises LeaseLostError if
        one is not held, or if there is no answer.
        """
        asked_at = self._monotonic()
        try:
            held = {row[0] for row in self.connection.execute(_HELD, prepare=True)}
        except psycopg.Error as error:
            raise LeaseLostError(f"the lease connection failed: {error}; load again") from error
        lost = [account for account, key in self._keys.items() if key not in held]
        if lost:
            raise LeaseLostError(f"the locks of {sorted(lost)} were no longer held; load again")
        self._confirmed_at = asked_at
        return asked_at

    def note_confirmed(self) -> float:
        """A commit on this connection is as good a proof as `confirm`."""
        self._confirmed_at = self._monotonic()
        return self._confirmed_at

    def confirmed_within(self, seconds: float) -> bool:
        """Whether the lease was known to be held at most `seconds` ago. Never blocks."""
        return bool(self._keys) and self._monotonic() - self._confirmed_at <= seconds

    def close(self) -> None:
        """Give up everything; the server drops the locks with the connection."""
        self._keys.clear()
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _ask(self, question: str, key: int) -> bool:
        try:
            row = self.connection.execute(question, (key,)).fetchone()
        except psycopg.Error as error:
            raise LeaseLostError(f"the lease connection failed: {error}; load again") from error
        return row is not None and row[0] is True


def lock_key(account: str) -> int:
    """The 64-bit advisory lock of an account."""
    digest = hashlib.sha256(f"plimsoll lease {account}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _bound_waiting(connection: psycopg.Connection) -> None:
    """No statement of the writer waits for ever. `SET` outside a transaction lasts."""
    for name, value in (
        *SERVER_KEEPALIVES,
        ("lock_timeout", LOCK_SECONDS_MAX * 1000),
        ("statement_timeout", STATEMENT_SECONDS_MAX * 1000),
    ):
        connection.execute("SELECT set_config(%s, %s, false)", (name, str(value)))


def _refuse_pooler(connection: psycopg.Connection) -> None:
    """A pooler gives its own process id at log-in, or changes backends between statements.

    One that forwards the server's id and stays on one backend is not told apart, and harmless.
    """
    announced = connection.info.backend_pid
    for _ in range(POOLER_PROBES):
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        if row is None or row[0] != announced:
            raise PoolerFoundError(
                f"the database announced process {announced} but process {row and row[0]} answered:"
                " a pooler (PgBouncer or alike) is in between; give the engine a direct address"
            )
