"""The equity page: what the account was worth over time, thinned to what a reader can see."""

from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg
import msgspec

from projections.equity_views import EquityPoint, EquityView, TransferRow
from projections.pages.moments import plain_row, snapshot, versions

POINTS_MAX = 1_000
END_OF_LOG = 2**63 - 1
SECOND = timedelta(seconds=1)

_CURRENCY = "SELECT a.currency FROM read_4.accounts AS a WHERE a.account = $1 AND [a]"
_SPAN = """
    SELECT count(*) AS samples, min(at) AS first_at, max(at) AS last_at
    FROM read_4.equity_samples
    WHERE account = $1 AND position <= $2
    AND ($3::timestamptz IS NULL OR at >= $3) AND ($4::timestamptz IS NULL OR at < $4)
"""
_DEEPEST = """
    SELECT drawdown_percent, at FROM read_4.equity_samples
    WHERE account = $1 AND position <= $2
    AND ($3::timestamptz IS NULL OR at >= $3) AND ($4::timestamptz IS NULL OR at < $4)
    ORDER BY drawdown_percent DESC, position LIMIT 1
"""
# The last of each span, with the lowest and the deepest of all that fell into it.
_POINTS = """
    SELECT DISTINCT ON (span) at, position, equity, capital, realized, unrealized, committed, peak,
           min(equity) OVER spans AS low, max(drawdown_percent) OVER spans AS drawdown_percent
    FROM (
        SELECT *, CASE WHEN $5 = 0 THEN position
                  ELSE floor(extract(epoch FROM at) / $5)::bigint END AS span
        FROM read_4.equity_samples
        WHERE account = $1 AND position <= $2
        AND ($3::timestamptz IS NULL OR at >= $3) AND ($4::timestamptz IS NULL OR at < $4)
    ) AS sampled
    WINDOW spans AS (PARTITION BY span)
    ORDER BY span, position DESC
"""
_TRANSFERS = """
    SELECT at, amount, total, reason, actor FROM read_4.transfers
    WHERE account = $1 AND position <= $2
    AND ($3::timestamptz IS NULL OR at >= $3) AND ($4::timestamptz IS NULL OR at < $4)
    ORDER BY position
"""


class EquityWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which samples: [start, end), None = unbounded; thinned to about `points` if there are more.

    `last` bounds the span by its length before the newest sample instead.
    """

    start: datetime | None = None
    end: datetime | None = None
    last: timedelta | None = None
    points: int = POINTS_MAX


async def equity(
    pool: asyncpg.Pool, account: str, wanted: EquityWanted | None = None, at: int | None = None
) -> EquityView | None:
    """What the account was worth over time; None if there is no such account."""
    wish = wanted or EquityWanted()
    async with snapshot(pool) as connection:
        currency: str | None = await connection.fetchval(versions(_CURRENCY, at), account, at)
        if currency is None:
            return None
        bounds = (account, END_OF_LOG if at is None else at, wish.start, wish.end)
        if wish.last is not None:
            newest: datetime | None = (await connection.fetchrow(_SPAN, *bounds))["last_at"]
            start = None if newest is None else newest - wish.last
            bounds = (*bounds[:2], start, wish.end)
        found = await connection.fetchrow(_SPAN, *bounds)
        step = _step(found, wish.points)
        points = await connection.fetch(_POINTS, *bounds, step)
        deepest = await connection.fetchrow(_DEEPEST, *bounds)
        moved = await connection.fetch(_TRANSFERS, *bounds)
    worst = None if deepest is None else plain_row(deepest)
    return EquityView(
        currency=currency,
        points=tuple(msgspec.convert(plain_row(row), EquityPoint) for row in points),
        transfers=tuple(msgspec.convert(plain_row(row), TransferRow) for row in moved),
        samples=found["samples"],
        step_seconds=step,
        max_drawdown_percent=None if worst is None else _decimal(worst["drawdown_percent"]),
        max_drawdown_at=None if deepest is None else deepest["at"],
    )


def _step(found: asyncpg.Record, points: int) -> int:
    """The seconds a point stands for, whole minutes; 0 = each sample is one."""
    if found["samples"] <= points:
        return 0
    first: datetime = found["first_at"]
    last: datetime = found["last_at"]
    seconds = (last - first) // SECOND
    return max(60, -(-seconds // points // 60) * 60)


def _decimal(value: object) -> Decimal | None:
    return value if isinstance(value, Decimal) else None
