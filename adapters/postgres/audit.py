"""Checks that the log still says what it said: the hash chain of every account, from its start."""

from collections.abc import Iterator, Mapping

import psycopg
from eventsourcing.persistence import Notification, StoredEvent

from application.journal import GENESIS, ChainVerdict, verify_chain

ROWS_PER_FETCH = 5_000

_CHAIN = """
    SELECT notification_id, originator_id, originator_version, topic, state
    FROM plimsoll.events WHERE split_part(originator_id, ':', 2) = %s ORDER BY notification_id
"""


def verify_account(
    connection: psycopg.Connection, account: str, expected_head: str | None = None
) -> ChainVerdict:
    """Check one account's chain, streaming: memory stays the same however long it is.

    `expected_head` is a digest kept outside, of a signed manifest: only it can show a cut tail.
    It must be among the account's digests, for the log may have grown since.
    """
    anchor = _Anchor(expected_head)
    verdict = verify_chain(GENESIS, anchor.watch(_chain(connection, account)))
    if not verdict.intact or anchor.met:
        return verdict
    return ChainVerdict(
        count=verdict.count,
        head=verdict.head,
        broken_at=verdict.count + 1,
        reason=(
            f"the chain of account {account!r} ends after {verdict.count} events without the"
            f" expected head {expected_head}: later events were removed"
        ),
    )


def verify_log(
    connection: psycopg.Connection, expected_heads: Mapping[str, str] | None = None
) -> dict[str, ChainVerdict]:
    """Check every account found in the log, and every one that should be there.

    All of them, since an event whose stream was renamed may be missing only at the end of one
    chain, where nothing follows to show it, and then stands in a broken chain of another.
    """
    expected = expected_heads or {}
    rows = connection.execute(
        "SELECT DISTINCT split_part(originator_id, ':', 2) FROM plimsoll.events"
    )
    accounts = {account for (account,) in rows} | set(expected)
    return {
        account: verify_account(connection, account, expected.get(account))
        for account in sorted(accounts)
    }


class _Anchor:
    """Looks for the expected head while the chain passes."""

    def __init__(self, expected_head: str | None) -> None:
        self._ending = b"" if expected_head is None else f'"{expected_head}"}}'.encode()
        self.met = expected_head in (None, GENESIS)

    def watch(self, events: Iterator[StoredEvent]) -> Iterator[StoredEvent]:
        for event in events:
            self.met = self.met or event.state.endswith(self._ending)
            yield event


def _chain(connection: psycopg.Connection, account: str) -> Iterator[StoredEvent]:
    """The account's events in commit order, through a cursor on the server."""
    with connection.transaction(), connection.cursor(name="chain") as cursor:
        cursor.itersize = ROWS_PER_FETCH
        cursor.execute(_CHAIN, (account,))
        for position, stream, version, name, state in cursor:
            yield Notification(
                originator_id=stream,
                originator_version=version,
                topic=name,
                state=bytes(state),
                id=position,
            )
