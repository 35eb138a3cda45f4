"""The queue page: who waits, ranked as the engine would rank them now."""

from datetime import datetime, timedelta

import asyncpg
import msgspec

from domain.queue import Queue, QueuedSignal, RankContext, loss_percent, ranked
from domain.settings import Settings
from projections.pages.moments import marks_of, moment_of, plain_row, snapshot, versions
from projections.pages.registry import read_settings
from projections.standing import Mark
from projections.views import QueueRow, QueueView

_WAITING = """
    SELECT q.signal_id, q.symbol, q.timeframe, q.side, q.price, q.waiting_since, q.queued_at,
           q.number, q.reason, q.expected_profit, q.replacements
    FROM read_2.queue AS q WHERE q.account = $1 AND [q] ORDER BY q.number
"""
_OPEN_KEYS = """
    SELECT g.symbol || '|' || g.timeframe || '|' || g.side AS key
    FROM read_2.position_groups AS g
    WHERE g.account = $1 AND [g] AND g.closed_at IS NULL ORDER BY 1
"""


async def queue(pool: asyncpg.Pool, account: str, at: int | None = None) -> QueueView:
    """All that waits, best first. The rank is of this moment's marks: the next may differ."""
    async with snapshot(pool) as connection:
        rows = await connection.fetch(versions(_WAITING, at), account, at)
        keys = [row["key"] for row in await connection.fetch(versions(_OPEN_KEYS, at), account, at)]
        marks = await marks_of(connection, account, at)
        moment = await moment_of(connection, account, at)
        settings = await read_settings(connection, account, at) or Settings()
    prices = {symbol: mark.price for symbol, mark in sorted(marks.items())}
    waiting = tuple(msgspec.convert(plain_row(row), QueuedSignal) for row in rows)
    context = RankContext(marks=prices, continued_keys=tuple(keys))
    order = ranked(Queue(waiting=waiting), settings.queue.rules, context)
    return QueueView(
        rows=tuple(
            _row(place, item.entry, item.rank, (marks.get(item.entry.symbol), moment))
            for place, item in enumerate(order, start=1)
        ),
        limit=settings.queue.limit,
        free_slots=max(0, settings.pool.max_open_groups - len(keys)),
    )


def _row(
    place: int, entry: QueuedSignal, rank: tuple[str, ...], seen: tuple[Mark | None, datetime]
) -> QueueRow:
    mark, moment = seen
    price = None if mark is None else mark.price
    waited = max(timedelta(0), moment - entry.waiting_since)
    return QueueRow(
        rank=place,
        rank_tuple=rank,
        signal_id=entry.signal_id,
        symbol=entry.symbol,
        timeframe=entry.timeframe,
        side=entry.side,
        price=entry.price,
        mark=price,
        loss_percent=loss_percent(entry, price),
        replacements=entry.replacements,
        expected_profit=entry.expected_profit,
        waiting_since=entry.waiting_since,
        waiting_seconds=waited // timedelta(seconds=1),
        reason=entry.reason,
    )
