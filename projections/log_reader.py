"""Reads the event log of all accounts by position, for those who follow it."""

import asyncpg
import msgspec
from eventsourcing.persistence import StoredEvent

from application.journal import JournalMapper, Recorded

BATCH_EVENTS_MAX = 2_000

_AFTER = """
    SELECT notification_id, originator_id, originator_version, topic, state
    FROM plimsoll.events WHERE notification_id > $1 AND notification_id <= $2
    ORDER BY notification_id LIMIT $3
"""
END_OF_LOG = 2**63 - 1
_MAPPER = JournalMapper()


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """An event and its place in the log of all accounts."""

    position: int
    recorded: Recorded


async def read_batch(
    connection: asyncpg.Connection,
    after: int,
    *,
    upto: int = END_OF_LOG,
    limit: int = BATCH_EVENTS_MAX,
) -> list[Located]:
    """The next events, whole stories only: an input is never shown without what it caused.

    Raises JournalError if an event cannot be read.
    """
    rows = await connection.fetch(_AFTER, after, upto, limit)
    located = [
        Located(
            position=row["notification_id"],
            recorded=_MAPPER.to_domain_event(
                StoredEvent(
                    row["originator_id"], row["originator_version"], row["topic"], row["state"]
                )
            ),
        )
        for row in rows
    ]
    return located if len(located) < limit else located[: _whole(located)]


def _whole(located: list[Located]) -> int:
    """Up to the last input, whose consequences may lie beyond the limit.

    An input that alone fills the batch is taken as it comes.
    """
    for index in range(len(located) - 1, 0, -1):
        if not located[index].recorded.causation_id:
            return index
    return len(located)
