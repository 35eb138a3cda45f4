"""Now and history: one query for both, and the marks that belong to each."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import asyncpg

from domain.money import canonical
from projections.standing import Mark

V = TypeVar("V")

_ALIAS = re.compile(r"\[(\w+)\]")

_LIVE_MARKS = """
    SELECT symbol, price, at FROM plimsoll.live_marks WHERE account = $1
"""
# A minute's close is known at its end; within the minute the one before is the newest.
_PAST_MARKS = """
    SELECT DISTINCT ON (symbol) symbol, close AS price, minute + interval '1 minute' AS at
    FROM plimsoll.market_tape
    WHERE account = $1 AND minute + interval '1 minute' <= $2
    AND minute > $2 - interval '1 day'
    ORDER BY symbol, minute DESC
"""
_MOMENT = """
    SELECT at FROM read_4.audit_log WHERE account = $1 AND position <= $2
    ORDER BY position DESC LIMIT 1
"""
_POSITION = """
    SELECT coalesce(max(position), 0) FROM read_4.audit_log WHERE account = $1 AND at <= $2
"""


def versions(query: str, at: int | None) -> str:
    """The query with each `[alias]` replaced by which versions of that table's rows count.

    Parameter $2 is always `at`: a position of the past, or None for the rows as they are now.
    """
    if at is None:
        return _ALIAS.sub(r"(\1.until IS NULL AND $2::bigint IS NULL)", query)
    return _ALIAS.sub(r"(\1.since <= $2 AND (\1.until IS NULL OR \1.until > $2))", query)


@asynccontextmanager
async def snapshot(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """A connection on which all queries of a page see the same position."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


async def moment_of(connection: asyncpg.Connection, account: str, at: int | None) -> datetime:
    """The time of this view in UTC: the database's clock, or when history stood there."""
    if at is None:
        now: datetime = await connection.fetchval("SELECT clock_timestamp()")
        return now
    moment: datetime | None = await connection.fetchval(_MOMENT, account, at)
    return moment or datetime.fromisoformat("1970-01-01T00:00:00+00:00")


async def marks_of(connection: asyncpg.Connection, account: str, at: int | None) -> dict[str, Mark]:
    """The marks by symbol: live ones, or of history the closes of the last whole minutes."""
    if at is None:
        rows = await connection.fetch(_LIVE_MARKS, account)
    else:
        moment = await moment_of(connection, account, at)
        rows = await connection.fetch(_PAST_MARKS, account, moment)
    return {row["symbol"]: Mark(price=_plain(row["price"]), at=row["at"]) for row in rows}


def plain_row(record: asyncpg.Record) -> dict[str, object]:
    """A row whose decimals are written plainly: the driver reads 100000 as `1.0E+5`."""
    return {name: _plain(value) for name, value in record.items()}


async def position_at(pool: asyncpg.Pool, account: str, moment: datetime) -> int:
    """The newest position of the account at a time, for the time slider; 0 before its first."""
    position: int = await pool.fetchval(_POSITION, account, moment)
    return position


def _plain(value: V) -> V | Decimal:
    if isinstance(value, Decimal) and value.is_finite():
        return canonical(value)
    return value
