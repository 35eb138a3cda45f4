"""The queue page: who waits, ranked as the engine would rank them now."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import asyncpg
import msgspec

from domain.queue import Queue, QueuedSignal, RankContext, Ranked, loss_percent, ranked
from domain.settings import Settings
from projections.pages.moments import marks_of, moment_of, plain_row, snapshot, versions
from projections.pages.registry import read_settings
from projections.standing import Mark
from projections.views import QueueRow, QueueView, ReversedTrade

_WAITING = """
    SELECT q.signal_id, q.symbol, q.timeframe, q.side, q.price, q.waiting_since, q.queued_at,
           q.number, q.reason, q.expected_profit, q.replacements,
           string_to_array(q.reverses, ' ') AS reverses
    FROM read_4.queue AS q WHERE q.account = $1 AND [q] ORDER BY q.number
"""
_OPEN_KEYS = """
    SELECT g.symbol || '|' || g.timeframe || '|' || g.side AS key
    FROM read_4.position_groups AS g
    WHERE g.account = $1 AND [g] AND g.closed_at IS NULL ORDER BY 1
"""
_NOT_FLAT = """
    SELECT g.group_id, g.timeframe, g.side, coalesce((
        SELECT sum(l.open_quantity) FROM read_4.legs AS l
        WHERE l.account = g.account AND l.group_id = g.group_id AND [l]
    ), 0) AS quantity
    FROM read_4.position_groups AS g
    WHERE g.account = $1 AND [g] AND g.closed_at IS NULL AND g.group_id = ANY ($3::text[])
"""


async def queue(pool: asyncpg.Pool, account: str, at: int | None = None) -> QueueView:
    """All that waits, best first. The rank is of this moment's marks: the next may differ."""
    async with snapshot(pool) as connection:
        rows = await connection.fetch(versions(_WAITING, at), account, at)
        keys = [row["key"] for row in await connection.fetch(versions(_OPEN_KEYS, at), account, at)]
        marks = await marks_of(connection, account, at)
        moment = await moment_of(connection, account, at)
        turned = sorted({group_id for row in rows for group_id in row["reverses"]})
        not_flat = await connection.fetch(versions(_NOT_FLAT, at), account, at, turned)
        settings = await read_settings(connection, account, at) or Settings()
    prices = {symbol: mark.price for symbol, mark in sorted(marks.items())}
    closing = {row["group_id"]: _trade(row) for row in not_flat}
    waiting = tuple(msgspec.convert(plain_row(row), QueuedSignal) for row in rows)
    context = RankContext(marks=prices, continued_keys=tuple(keys))
    order = ranked(Queue(waiting=waiting), settings.queue.rules, context)
    return QueueView(
        rows=tuple(
            _row(place, item, Seen(mark=marks.get(item.entry.symbol), at=moment, closing=closing))
            for place, item in enumerate(order, start=1)
        ),
        limit=settings.queue.limit,
        free_slots=max(0, settings.pool.max_open_groups - len(keys)),
    )


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a waiting signal looks at: the mark, the time, the trades that still must be flat."""

    mark: Mark | None
    at: datetime
    closing: Mapping[str, ReversedTrade]


def _row(place: int, item: Ranked, seen: Seen) -> QueueRow:
    entry = item.entry
    price = None if seen.mark is None else seen.mark.price
    waited = max(timedelta(0), seen.at - entry.waiting_since)
    turned = (seen.closing.get(group_id) for group_id in entry.reverses)
    return QueueRow(
        rank=place,
        rank_tuple=item.rank,
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
        turns=bool(entry.reverses),
        waits_for=tuple(trade for trade in turned if trade is not None),
    )


def _trade(row: asyncpg.Record) -> ReversedTrade:
    return msgspec.convert(plain_row(row), ReversedTrade)
