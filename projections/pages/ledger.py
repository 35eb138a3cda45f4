"""The signals page: the ledger, and its sum."""

import asyncpg
import msgspec

from projections.pages.moments import plain_row, snapshot, versions
from projections.views import LedgerCounts, SignalRow, SignalsView

_COUNTS = """
    SELECT s.outcome, count(*) AS count FROM read_4.signals AS s
    WHERE s.account = $1 AND [s] GROUP BY s.outcome
"""
# The tie to the receiving event's position orders signals as they were handled.
_SIGNALS = """
    SELECT s.signal_id, s.position, s.received_at, s.source, s.kind, s.symbol, s.timeframe,
           s.side, s.outcome, s.reason, s.group_id, s.judged_at, s.body
    FROM read_4.signals AS s WHERE s.account = $1 AND [s]
    ORDER BY s.position DESC LIMIT $3 OFFSET $4
"""


async def signals(
    pool: asyncpg.Pool,
    account: str,
    *,
    limit: int = 100,
    offset: int = 0,
    at: int | None = None,
) -> SignalsView:
    """A page of the ledger, newest first, and the counts of all of it."""
    async with snapshot(pool) as connection:
        counts = await read_counts(connection, account, at)
        rows = await connection.fetch(versions(_SIGNALS, at), account, at, limit, offset)
    return SignalsView(
        counts=counts, rows=tuple(msgspec.convert(plain_row(row), SignalRow) for row in rows)
    )


async def read_counts(connection: asyncpg.Connection, account: str, at: int | None) -> LedgerCounts:
    """All signals, and those by current outcome; one without would show as a sum that is short."""
    rows = await connection.fetch(versions(_COUNTS, at), account, at)
    counts = {row["outcome"]: row["count"] for row in rows}
    judged = {outcome: count for outcome, count in counts.items() if outcome}
    return LedgerCounts(received=sum(counts.values()), **judged)
