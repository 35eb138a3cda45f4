"""The positions page: trades with their legs."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TypeVar

import asyncpg
import msgspec

from domain.settings import Settings
from projections.cover import ExitRow
from projections.pages.moments import marks_of, plain_row, snapshot, versions
from projections.pages.registry import read_settings
from projections.position_views import GroupState, GroupView, WaitingView
from projections.standing import GroupRow, LegRow, Parts, group_view

G = TypeVar("G", LegRow, ExitRow)

_GROUPS = """
    SELECT g.*, coalesce(c.committed, 0) AS committed
    FROM read_4.position_groups AS g LEFT JOIN LATERAL (
        SELECT sum(c.resting + c.open_cost) AS committed FROM read_4.commitments AS c
        WHERE c.account = g.account AND c.group_id = g.group_id AND [c]
    ) AS c ON true
    WHERE g.account = $1 AND [g]
    AND ($3::boolean IS NULL OR (g.closed_at IS NOT NULL) = $3)
    AND ($4::text IS NULL OR g.group_id = $4)
    ORDER BY g.closed_at DESC NULLS FIRST, g.opened_at DESC, g.group_id LIMIT $5
"""
_LEGS = """
    SELECT l.*, entry.status AS entry_status
    FROM read_4.legs AS l LEFT JOIN LATERAL (
        SELECT o.status FROM read_4.orders AS o
        WHERE o.account = l.account AND o.leg_id = l.leg_id AND o.purpose = 'entry' AND [o]
        ORDER BY o.attempt DESC LIMIT 1
    ) AS entry ON true
    WHERE l.account = $1 AND [l] AND l.group_id = ANY ($3::text[])
"""
# An exit in the making, or of an order that history does not show yet, has no order here.
_EXITS = """
    SELECT e.exit_id, e.group_id, e.aim, e.covers, e.price, e.quantity, e.client_order_id, e.reason,
           o.status AS order_status, coalesce(o.filled, 0) AS order_filled
    FROM read_4.exits AS e LEFT JOIN read_4.orders AS o
        ON o.account = e.account AND o.client_order_id = e.client_order_id AND [o]
    WHERE e.account = $1 AND [e] AND e.group_id = ANY ($3::text[]) ORDER BY e.exit_id
"""

_WAITING = """
    SELECT w.group_id, w.pyramid_id, w.index, w.entry_price, w.capital, w.waiting_since
    FROM read_4.waiting_entries AS w
    WHERE w.account = $1 AND [w] AND w.group_id = ANY ($3::text[]) ORDER BY w.index
"""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which groups: closed or not (None = both), or the one of an id."""

    closed: bool | None = None
    group_id: str | None = None
    limit: int = 200


async def groups(
    pool: asyncpg.Pool,
    account: str,
    states: Sequence[GroupState] = (),
    *,
    limit: int = 200,
    at: int | None = None,
) -> tuple[GroupView, ...]:
    """Trades in these states (none given = all), open ones first, newest first.

    `limit` bounds what is looked at, before states other than CLOSED are told apart.
    """
    wanted = Selection(closed=_closed(states), limit=limit)
    async with snapshot(pool) as connection:
        found = await read_groups(connection, account, wanted, at)
    return tuple(group for group in found if not states or group.state in states)


async def group(
    pool: asyncpg.Pool, account: str, group_id: str, at: int | None = None
) -> GroupView | None:
    """One trade; None if there is no such group (at that moment)."""
    wanted = Selection(group_id=group_id, limit=1)
    async with snapshot(pool) as connection:
        found = await read_groups(connection, account, wanted, at)
    return found[0] if found else None


async def read_groups(
    connection: asyncpg.Connection, account: str, wanted: Selection, at: int | None
) -> tuple[GroupView, ...]:
    """The trades with their legs, valued at the marks of that moment."""
    rows = await connection.fetch(
        versions(_GROUPS, at), account, at, wanted.closed, wanted.group_id, wanted.limit
    )
    ids = [row["group_id"] for row in rows]
    legs = await connection.fetch(versions(_LEGS, at), account, at, ids)
    exits = await connection.fetch(versions(_EXITS, at), account, at, ids)
    legs_of = _by_group(ids, (msgspec.convert(plain_row(leg), LegRow) for leg in legs))
    exits_of = _by_group(ids, (msgspec.convert(plain_row(each), ExitRow) for each in exits))
    waiting_of = await _read_waiting(connection, account, at, ids)
    marks = await marks_of(connection, account, at)
    return tuple(
        group_view(
            msgspec.convert(plain_row(row), GroupRow),
            Parts(
                legs=legs_of[row["group_id"]],
                exits=exits_of[row["group_id"]],
                waiting=waiting_of.get(row["group_id"], ()),
            ),
            marks.get(row["symbol"]),
        )
        for row in rows
    )


async def _read_waiting(
    connection: asyncpg.Connection, account: str, at: int | None, ids: Sequence[str]
) -> dict[str, list[WaitingView]]:
    """What waits for its market's rules, and until when by the settings that rule now."""
    found = await connection.fetch(versions(_WAITING, at), account, at, ids)
    waiting: dict[str, list[WaitingView]] = {}
    if not found:
        return waiting
    settings = await read_settings(connection, account, at) or Settings()
    patience = timedelta(seconds=settings.precision.wait_seconds)
    for row in found:
        told = {**plain_row(row), "gives_up_at": row["waiting_since"] + patience}
        waiting.setdefault(row["group_id"], []).append(msgspec.convert(told, WaitingView))
    return waiting


def _by_group(ids: Sequence[str], rows: Iterable[G]) -> dict[str, list[G]]:
    found: dict[str, list[G]] = {group_id: [] for group_id in ids}
    for row in rows:
        found[row.group_id].append(row)
    return found


def _closed(states: Sequence[GroupState]) -> bool | None:
    if not states or ("CLOSED" in states and len(set(states)) > 1):
        return None
    return "CLOSED" in states
