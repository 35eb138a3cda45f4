"""The log page: what happened, in words, found and filtered."""

from collections.abc import Sequence

import asyncpg
import msgspec

from projections.pages.moments import plain_row, snapshot
from projections.views import LogFilter, LogRow, LogView

# The newest matching rows; a subject's symbol and group stand with what introduced it.
_LOG = r"""
    SELECT l.position, l.at, l.account, l.name, l.kind, l.severity, l.subject, l.text, l.event_id,
           l.causation_id, l.correlation_id,
           coalesce(nullif(l.symbol, ''), s.symbol, '') AS symbol,
           coalesce(nullif(l.group_id, ''), s.group_id, '') AS group_id
    FROM read_4.audit_log AS l LEFT JOIN read_4.subjects AS s
        ON s.account = l.account AND s.subject = l.subject AND s.until IS NULL
    WHERE l.account = $1 AND l.position <= $2 AND l.position > $3
    AND ($4::text[] = '{}' OR l.kind = ANY ($4))
    AND ($5::text[] = '{}' OR l.severity = ANY ($5))
    AND ($6 = '' OR coalesce(nullif(l.symbol, ''), s.symbol) = $6)
    AND ($7 = '' OR coalesce(nullif(l.group_id, ''), s.group_id) = $7)
    AND ($8 = '' OR l.correlation_id = $8)
    AND ($9 = '' OR concat_ws(' ', l.text, l.subject, l.name, l.group_id) ILIKE $9)
    AND ($10::timestamptz IS NULL OR l.at >= $10) AND ($11::timestamptz IS NULL OR l.at < $11)
    ORDER BY l.position DESC LIMIT $12
"""
END_OF_LOG = 2**63 - 1


async def log(
    pool: asyncpg.Pool, account: str, log_filter: LogFilter | None = None, at: int | None = None
) -> LogView:
    """A page of the log, newest first. `at` hides what came after it."""
    async with snapshot(pool) as connection:
        return await read_log(connection, account, log_filter or LogFilter(), at)


async def read_log(
    connection: asyncpg.Connection, account: str, wanted: LogFilter, at: int | None
) -> LogView:
    """One row more than asked for is read: it says whether there are older ones."""
    last = END_OF_LOG if at is None else at
    if wanted.before is not None:
        last = min(last, wanted.before - 1)
    records = await connection.fetch(
        _LOG,
        account,
        last,
        wanted.after or 0,
        list(wanted.kinds),
        list(wanted.severities),
        wanted.symbol,
        wanted.group_id,
        wanted.correlation_id,
        _pattern(wanted.text),
        wanted.start,
        wanted.end,
        wanted.limit + 1,
    )
    rows = _rows(records)
    more = len(rows) > wanted.limit
    shown = rows[: wanted.limit]
    return LogView(rows=shown, next_before=shown[-1].position if more and shown else None)


def _rows(records: Sequence[asyncpg.Record]) -> tuple[LogRow, ...]:
    return tuple(msgspec.convert(plain_row(record), LogRow) for record in records)


def _pattern(text: str) -> str:
    """The text anywhere, its own wildcards meaning themselves."""
    if not text:
        return ""
    escaped = text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
