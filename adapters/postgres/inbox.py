"""The inbox in Postgres: web puts in by the batch, the engine's writer takes out."""

from collections.abc import Collection

import psycopg

from adapters.postgres.connection import connect
from application.inbox import InboxRow
from application.journal import JournalError, LogUnavailable, decode_input

# One account after the other by the index, then their rows dealt out in turns. Reads at most
# accounts x limit rows, however much waits.
_WAITING = """
    WITH RECURSIVE known AS (
        SELECT min(account) AS account FROM plimsoll.inbox
        UNION ALL
        SELECT (SELECT min(account) FROM plimsoll.inbox WHERE account > known.account)
        FROM known WHERE known.account IS NOT NULL
    )
    SELECT letter.id, letter.account, letter.payload
    FROM known CROSS JOIN LATERAL (
        SELECT id, account, payload, row_number() OVER (ORDER BY id) AS turn
        FROM plimsoll.inbox
        WHERE account = known.account AND id <> ALL (%(hidden)s::bigint[])
        ORDER BY id LIMIT %(limit)s
    ) AS letter
    WHERE known.account = ANY (coalesce(%(accounts)s::text[], ARRAY[known.account]))
    ORDER BY letter.turn, letter.id LIMIT %(limit)s
"""


class PostgresInbox:
    """The writer's side, on a connection of its own. Rows leave only by `append_events`.

    `unreadable` names the rows this version cannot read, with the reason: they stay where
    they are for a release that can, and hold up nobody else.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection | None = None
        self.unreadable: dict[int, str] = {}

    def waiting(
        self, limit: int, exclude: Collection[int] = (), accounts: Collection[str] | None = None
    ) -> list[InboxRow]:
        """At most `limit` rows, oldest first, the accounts taking turns.

        `exclude` are ids that were read before and are not committed yet; `accounts` are those
        this engine has leased, None for all. Raises LogUnavailable if the server does not
        answer; the next call connects anew.
        """
        wanted = {
            "hidden": [*exclude, *self.unreadable],
            "accounts": None if accounts is None else list(accounts),
            "limit": limit,
        }
        try:
            found = self._connected().execute(_WAITING, wanted, prepare=True).fetchall()
        except psycopg.Error as error:
            self.close()
            raise LogUnavailable(f"the inbox could not be read: {error}") from error
        rows = (self._row(*columns) for columns in found)
        return [row for row in rows if row is not None]

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = connect(self._url)
        return self._connection

    def _row(self, row_id: int, account: str, payload: bytes) -> InboxRow | None:
        try:
            return InboxRow(id=row_id, account=account, input=decode_input(payload))
        except JournalError as error:
            self.unreadable[row_id] = str(error)
            return None
