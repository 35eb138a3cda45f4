"""The library's recorder for this log: its own way of writing, everything else inherited."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import psycopg.errors
import psycopg_pool
from eventsourcing.persistence import PersistenceError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from adapters.postgres.connection import (
    BECOME_APP_ROLE,
    CONNECT_SECONDS,
    LOG_CHANNEL,
    SCHEMA,
)
from adapters.postgres.lease import Lease
from application.journal import InboxGone, LogUnavailable, StreamConflict
from domain.identity import account_of

READ_CONNECTIONS_MAX = 4
INBOX_GONE_STATE = "PL001"

# %b sends the arrays in binary: hexadecimal text would double the bytes.
_APPEND = """
    SELECT plimsoll.append_events(
        %b::text[], %b::bigint[], %b::text[], %b::bytea[], %b::bigint[])
"""


class LogDatastore(PostgresDatastore):
    """The library's pool, for reading only, reached by a libpq URL with all its parameters."""

    def __init__(self, url: str) -> None:
        parameters = conninfo_to_dict(url)
        super().__init__(
            dbname=str(parameters.get("dbname", "")),
            host=str(parameters.get("host", "")),
            port=str(parameters.get("port", "")),
            user=str(parameters.get("user", "")),
            password=str(parameters.get("password", "")),
            connect_timeout=CONNECT_SECONDS,
            pool_size=0,
            max_overflow=READ_CONNECTIONS_MAX,
            schema=SCHEMA,
            originator_id_type="text",
            enable_db_functions=False,
        )
        # The library would drop what else the URL says, TLS settings among it.
        self.pool.kwargs = {
            "application_name": "plimsoll",
            "connect_timeout": CONNECT_SECONDS,
            **parameters,
            "row_factory": dict_row,
        }

    def after_connect_func(self) -> Callable[[psycopg.Connection[Any]], None]:
        """What the pool does with each new connection."""
        library = super().after_connect_func()

        def after_connect(connection: psycopg.Connection[Any]) -> None:
            library(connection)
            connection.execute(BECOME_APP_ROLE)

        return after_connect

    def register_type_adapters(self) -> None:
        """Nothing to register, and no reason to connect: events are sent as plain arrays."""


class LogRecorder(PostgresApplicationRecorder):
    """Appends by one statement on the lease's connection.

    Without the library's pipeline, which waits for ever above the socket buffer, its table
    lock, and its retries: a commit without an answer is never tried again.
    """

    def __init__(self, datastore: LogDatastore, lease: Lease | None) -> None:
        super().__init__(datastore, events_table_name="events")
        self.channel_name = LOG_CHANNEL
        self._lease = lease

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        **kwargs: Any,  # noqa: ANN401 - the library's own signature
    ) -> Sequence[int]:
        """Positions of the events. `inbox_ids` are removed with them. Raises as EventLog says."""
        inbox_ids: Sequence[int] = kwargs.get("inbox_ids", ())
        lease = self._writing_lease(stored_events)
        columns = (
            [str(event.originator_id) for event in stored_events],
            [event.originator_version for event in stored_events],
            [event.topic for event in stored_events],
            [event.state for event in stored_events],
            list(inbox_ids),
        )
        with _judged(stored_events):
            rows = lease.connection.execute(_APPEND, columns, prepare=True).fetchall()
        lease.note_confirmed()
        if len(rows) != len(stored_events):
            raise LogUnavailable(
                f"{len(rows)} positions were given for {len(stored_events)} events; load again"
            )
        return [row[0] for row in rows]

    def _writing_lease(self, stored_events: Sequence[StoredEvent]) -> Lease:
        if self._lease is None:
            raise RuntimeError("this log was opened for reading; open it with a lease to append")
        accounts = {account_of(stream) for stream in {str(e.originator_id) for e in stored_events}}
        foreign = sorted(account for account in accounts if not self._lease.holds(account))
        if foreign:
            raise RuntimeError(f"accounts {foreign} were not leased; take them before appending")
        return self._lease


@contextmanager
def _judged(stored_events: Sequence[StoredEvent]) -> Iterator[None]:
    """Name the two definite refusals; whatever else happened, the outcome is unknown."""
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        raise StreamConflict(
            f"a version of the {len(stored_events)} events was already written:"
            f" {error.diag.message_detail}; another engine works here, load again"
        ) from error
    except psycopg.Error as error:
        if error.sqlstate == INBOX_GONE_STATE:
            raise InboxGone(f"{error.diag.message_primary}; load again") from error
        raise LogUnavailable(
            f"{len(stored_events)} events were sent and the log did not answer: {error};"
            " load again to see whether they were recorded"
        ) from error


@contextmanager
def reading() -> Iterator[None]:
    """What prevents reading, under the journal's own name."""
    try:
        yield
    except (PersistenceError, psycopg.Error, psycopg_pool.PoolTimeout) as error:
        raise LogUnavailable(f"the log could not be read: {error}") from error
