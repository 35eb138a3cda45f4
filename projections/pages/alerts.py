"""The alerts: what the operator was told, newest first."""

from datetime import datetime

import asyncpg
import msgspec

from projections.pages.moments import plain_row, snapshot
from projections.views import AlertRow

# An alert names its subject only; what introduced the subject says of which symbol and trade.
_ALERTS = """
    SELECT a.position, a.at, a.kind, a.severity, a.subject, a.text, a.correlation_id,
           coalesce(s.symbol, substring(split_part(a.subject, ' ', 1) FROM '^.+/.+$'), '')
               AS symbol,
           coalesce(s.group_id, '') AS group_id
    FROM read_4.alerts AS a LEFT JOIN read_4.subjects AS s
        ON s.account = a.account AND s.subject = a.subject AND s.until IS NULL
    WHERE a.account = $1 AND ($2::bigint IS NULL OR a.position <= $2)
    AND ($3::timestamptz IS NULL OR a.at >= $3) AND ($4 = '' OR a.subject = $4)
    ORDER BY a.position DESC LIMIT $5
"""


class AlertsWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts: since a time, about a subject (empty = any), at most so many."""

    since: datetime | None = None
    subject: str = ""
    limit: int = 100


async def alerts(
    pool: asyncpg.Pool, account: str, wanted: AlertsWanted | None = None, at: int | None = None
) -> tuple[AlertRow, ...]:
    """What the operator was told, newest first. `at` hides what came after it."""
    async with snapshot(pool) as connection:
        return await read_alerts(connection, account, wanted or AlertsWanted(), at)


async def read_alerts(
    connection: asyncpg.Connection, account: str, wanted: AlertsWanted, at: int | None
) -> tuple[AlertRow, ...]:
    """The same within a page's snapshot."""
    rows = await connection.fetch(_ALERTS, account, at, wanted.since, wanted.subject, wanted.limit)
    return tuple(msgspec.convert(plain_row(row), AlertRow) for row in rows)
