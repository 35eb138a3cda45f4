"""The event log in Postgres: appended to under the lease, read by anyone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from eventsourcing.persistence import EventStore, StoredEvent

from adapters.postgres.lease import Lease
from adapters.postgres.recorder import LogDatastore, LogRecorder, reading
from application.journal import GENESIS, JournalMapper, Recorded, digest_of

READ_ROWS_MAX = 5_000
"""Rows fetched at once when following an account: about 5 MB."""

_HEAD = """
    SELECT * FROM plimsoll.events WHERE split_part(originator_id, ':', 2) = %s
    ORDER BY notification_id DESC LIMIT 1
"""
_STREAMS = """
    SELECT e.* FROM plimsoll.events AS e
    JOIN unnest(%s::text[], %s::bigint[]) AS wanted (stream, upto)
        ON e.originator_id = wanted.stream AND e.originator_version <= wanted.upto
    ORDER BY e.notification_id
"""
_SINCE = """
    SELECT * FROM plimsoll.events
    WHERE split_part(originator_id, ':', 2) = %s AND notification_id > %s
    ORDER BY notification_id LIMIT %s
"""
# Dates sort as text, and ';' is the character after ':'. Both ends use the primary key.
_LAST_DAY = """
    SELECT originator_id FROM plimsoll.events WHERE originator_id >= %s AND originator_id < %s
    ORDER BY originator_id DESC LIMIT 1
"""
_DAY_START = """
    SELECT notification_id FROM plimsoll.events WHERE originator_id = %s AND originator_version = 1
"""
# Jumps from account to account on the index instead of reading the whole log.
_ACCOUNTS = """
    WITH RECURSIVE known AS (
        SELECT min(split_part(originator_id, ':', 2)) AS account FROM plimsoll.events
        UNION ALL
        SELECT (
            SELECT min(split_part(originator_id, ':', 2)) FROM plimsoll.events
            WHERE split_part(originator_id, ':', 2) > known.account
        )
        FROM known WHERE known.account IS NOT NULL
    )
    SELECT account FROM known WHERE account IS NOT NULL
"""

Row = Mapping[str, Any]


class PostgresEventLog:
    """`application.journal.EventLog` over the table `plimsoll.events`.

    Without a lease it only reads. Reading raises LogUnavailable if the server does not answer,
    JournalError if an event cannot be understood.
    """

    def __init__(self, url: str, lease: Lease | None = None) -> None:
        self._datastore = LogDatastore(url)
        self._mapper = JournalMapper()
        self.recorder = LogRecorder(self._datastore, lease)
        self._store = EventStore(self._mapper, self.recorder)

    def append(self, events: Sequence[StoredEvent], inbox_ids: Sequence[int] = ()) -> Sequence[int]:
        """Record sealed events and remove the inbox rows they answer, in one transaction."""
        return self.recorder.insert_events(events, inbox_ids=inbox_ids)

    def head(self, account: str) -> str:
        """The digest of the account's newest event; GENESIS if it has none."""
        rows = self._rows(_HEAD, (account,))
        return digest_of(_stored(rows[0])) if rows else GENESIS

    def stream(self, stream: str, *, after: int = 0) -> Iterator[Recorded]:
        """The events of one stream, versions above `after`."""
        with reading():
            events = self._store.get(stream, gt=after)
        for event in events:
            yield _recorded(event)

    def streams(self, upto: Mapping[str, int]) -> Iterator[Recorded]:
        """The named streams from their beginnings up to these versions, in commit order."""
        for row in self._rows(_STREAMS, (list(upto), list(upto.values()))):
            yield self._mapper.to_domain_event(_stored(row))

    def since(self, account: str, position: int) -> Iterator[tuple[int, Recorded]]:
        """All of an account after `position`, in commit order, each with its position."""
        for found, stored in self.stored_since(account, position):
            yield found, self._mapper.to_domain_event(stored)

    def stored_since(self, account: str, position: int) -> Iterator[tuple[int, StoredEvent]]:
        """As `since`, but the events as they are stored, byte for byte."""
        while rows := self._rows(_SINCE, (account, position, READ_ROWS_MAX)):
            for row in rows:
                position = row["notification_id"]
                yield position, _stored(row)
            if len(rows) < READ_ROWS_MAX:
                return

    def last_day(self, account: str) -> str | None:
        """The newest stream `trading_day:<account>:<date>`, if there is one."""
        rows = self._rows(_LAST_DAY, (f"trading_day:{account}:", f"trading_day:{account};"))
        return rows[0]["originator_id"] if rows else None

    def day_start(self, stream: str) -> int | None:
        """The position of the stream's first event, if there is one."""
        rows = self._rows(_DAY_START, (stream,))
        return rows[0]["notification_id"] if rows else None

    def accounts(self) -> list[str]:
        """Every account with an event, sorted."""
        return [row["account"] for row in self._rows(_ACCOUNTS, ())]

    def close(self) -> None:
        """Close the reading connections. The lease is its owner's to close."""
        self._datastore.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _rows(self, query: str, parameters: Sequence[object]) -> Sequence[Row]:
        with reading(), self._datastore.get_connection() as connection:
            return connection.execute(query, parameters, prepare=True).fetchall()


def _stored(row: Row) -> StoredEvent:
    return StoredEvent(
        row["originator_id"], row["originator_version"], row["topic"], bytes(row["state"])
    )


def _recorded(event: object) -> Recorded:
    if not isinstance(event, Recorded):
        raise TypeError(f"the mapper makes Recorded, this was {type(event).__name__}")
    return event
