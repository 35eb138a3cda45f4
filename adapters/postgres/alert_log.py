"""The alerts of the log for who passes them on, and how far each notifier came."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
import msgspec
import structlog
from eventsourcing.persistence import StoredEvent

from adapters.notifying.notifier import Alert, NotifierState
from adapters.postgres.connection import connect_async
from adapters.postgres.lease import SERVER_KEEPALIVES
from application.journal import JournalError, JournalMapper, LogUnavailable
from domain.identity import account_of
from domain.trading_day import AlertRaised

ALERTS_MAX = 500
CONNECT_SECONDS = 5.0
# The last is what a statement may end with whose connection is cut under it.
STATEMENT_FAILURES = (
    *(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError),
    asyncpg.InternalClientError,
)

# The name is written out: only so is the partial index of alerts used.
ALERTS_AFTER = """
    SELECT e.notification_id, e.originator_id, e.originator_version, e.topic, e.state
    FROM plimsoll.notifier_positions AS p
    JOIN plimsoll.events AS e ON e.notification_id > p.position
    WHERE p.name = $1 AND e.topic = 'trading_day.alert_raised.v1'
    ORDER BY e.notification_id LIMIT $2
"""
# Only what is not known yet begins at the head; what was added by hand is begun there anew.
_BEGIN = """
    INSERT INTO plimsoll.notifier_positions (name, position)
    SELECT name, (SELECT coalesce(max(notification_id), 0) FROM plimsoll.events)
    FROM unnest($1::text[]) AS name
    ON CONFLICT (name) DO NOTHING
"""
# A position never goes back: whoever was slower has sent it too, which is allowed.
_ADVANCE = """
    UPDATE plimsoll.notifier_positions SET
        position = greatest(position, $2),
        sent_at = CASE WHEN $3 THEN clock_timestamp() ELSE sent_at END,
        failures = 0, failing_since = NULL, trouble = ''
    WHERE name = $1
"""
_FAILED = """
    UPDATE plimsoll.notifier_positions SET
        failures = failures + 1,
        failing_since = coalesce(failing_since, clock_timestamp()),
        trouble = $2
    WHERE name = $1
"""
_STATES = """
    SELECT name, position, sent_at, failures, failing_since, trouble
    FROM plimsoll.notifier_positions ORDER BY name
"""

_log = structlog.get_logger(__name__)
_MAPPER = JournalMapper()


class PostgresAlertLog:
    """`adapters.notifying.courier.AlertSource` on one connection of its own.

    Every method raises LogUnavailable if the server does not answer; the next connects anew.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()
        self._working_for: set[str] = set()

    async def begin(self, names: Sequence[str]) -> None:
        """Those that are not known yet begin at the head of the log."""
        async with self._connected() as connection:
            await connection.execute(_BEGIN, list(names))

    async def begin_anew(self, name: str) -> None:
        """At the head of the log, whatever was before under this name."""
        async with self._connected() as connection, connection.transaction():
            await connection.execute(
                "DELETE FROM plimsoll.notifier_positions WHERE name = $1", name
            )
            await connection.execute(_BEGIN, [name])

    async def forget(self, name: str) -> None:
        """A notifier that was removed; one at work for it sends nothing more."""
        async with self._connected() as connection:
            await connection.execute(
                "DELETE FROM plimsoll.notifier_positions WHERE name = $1", name
            )

    async def waiting(self, name: str) -> list[Alert]:
        """The next alerts after a notifier's position.

        None while another process works for this notifier, or if it is not known.
        """
        async with self._connected() as connection:
            if not await self._is_ours(connection, name):
                return []
            return await _alerts_after(connection, name)

    async def after(self, name: str) -> list[Alert]:
        """The same, whoever works for this notifier: for those who only look."""
        async with self._connected() as connection:
            return await _alerts_after(connection, name)

    async def advance(self, name: str, position: int, *, sent: bool) -> None:
        """Everything up to there is done; `sent` if the last of it was a message."""
        async with self._connected() as connection:
            await connection.execute(_ADVANCE, name, position, sent)

    async def failed(self, name: str, trouble: str) -> None:
        """Another try failed."""
        async with self._connected() as connection:
            await connection.execute(_FAILED, name, trouble)

    async def states(self) -> list[NotifierState]:
        """How far each of them came, by name."""
        async with self._connected() as connection:
            rows = await connection.fetch(_STATES)
        return [msgspec.convert(dict(row), NotifierState) for row in rows]

    async def close(self) -> None:
        """Close the connection, politely if the server still answers."""
        connection, self._connection = self._connection, None
        self._working_for.clear()
        if connection is None:
            return
        try:
            await connection.close(timeout=CONNECT_SECONDS)
        except STATEMENT_FAILURES as error:
            _log.info("alert_log_ended_badly", error=repr(error))
        finally:
            # Also if we are cancelled here; nothing if it is closed.
            connection.terminate()

    async def _is_ours(self, connection: asyncpg.Connection, name: str) -> bool:
        """One process works for a notifier, the next one when its connection is gone."""
        if name not in self._working_for:
            if not await connection.fetchval(
                "SELECT pg_try_advisory_lock($1)", notifier_lock(name)
            ):
                return False
            self._working_for.add(name)
        return True

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        """One statement at a time. A connection that failed once is not used again."""
        async with self._turn:
            try:
                if self._connection is None or self._connection.is_closed():
                    await self.close()
                    self._connection = await _listened_to(self._url)
                yield self._connection
            except STATEMENT_FAILURES as error:
                await self.close()
                raise LogUnavailable(f"the alerts could not be read or noted: {error!r}") from error


async def _alerts_after(connection: asyncpg.Connection, name: str) -> list[Alert]:
    rows = await connection.fetch(ALERTS_AFTER, name, ALERTS_MAX)
    return [_alert(row) for row in rows]


def notifier_lock(name: str) -> int:
    """The 64-bit advisory lock of a notifier."""
    digest = hashlib.sha256(f"plimsoll notifier {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def _listened_to(url: str) -> asyncpg.Connection:
    """A connection whose end the server notices, also that of a machine that vanished."""
    connection = await connect_async(url)
    try:
        for setting, value in SERVER_KEEPALIVES:
            await connection.execute("SELECT set_config($1, $2, false)", setting, str(value))
    except BaseException:
        connection.terminate()
        raise
    return connection


def _alert(row: asyncpg.Record) -> Alert:
    stream, stored_in = row["originator_id"], row["originator_version"]
    stored = StoredEvent(stream, stored_in, row["topic"], bytes(row["state"]))
    try:
        recorded = _MAPPER.to_domain_event(stored)
    except JournalError as error:
        return _unreadable(row, str(error))
    event = recorded.event
    assert isinstance(event, AlertRaised), "the query asks for no other topic"
    return Alert(
        position=row["notification_id"],
        account=account_of(stream),
        at=recorded.at,
        kind=event.kind,
        severity=event.severity,
        subject=event.subject,
        text=event.text,
    )


def _unreadable(row: asyncpg.Record, why: str) -> Alert:
    """One that cannot be read must hold up no other, and is worth an alarm itself."""
    return Alert(
        position=row["notification_id"],
        account=account_of(row["originator_id"]),
        at=_day_of(row["originator_id"]),
        kind="unreadable",
        severity="critical",
        subject=row["originator_id"],
        text=f"an alert could not be read: {why}: see `plimsoll audit verify`",
    )


def _day_of(stream: str) -> datetime:
    """Midnight of the trading day, the nearest that a stream's name tells."""
    return datetime.fromisoformat(f"{stream.rsplit(':', 1)[1]}T00:00:00+00:00")
