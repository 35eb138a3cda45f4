"""The offsets: who waits to be paid down, whom an operator keeps out, and what was done."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

import asyncpg
import msgspec

from domain.offset import PlannedWinner
from domain.settings import Settings
from projections.offset_views import (
    BarRow,
    DeclinedRow,
    OffsetsView,
    OffsetView,
    StepRow,
    TimerRow,
)
from projections.pages.moments import plain_row, snapshot, versions
from projections.pages.registry import read_settings

OFFSETS_MAX = 20

_TIMERS = """
    SELECT t.group_id, g.symbol, g.timeframe, g.side, t.started_at, t.reason
    FROM read_4.offset_timers AS t JOIN read_4.position_groups AS g
        ON g.account = t.account AND g.group_id = t.group_id AND [g]
    WHERE t.account = $1 AND [t] ORDER BY t.started_at, t.group_id
"""
_BARRED = """
    SELECT b.group_id, g.symbol, g.timeframe, g.side, b.how, b.reason, b.actor, b.barred_at
    FROM read_4.offset_bars AS b JOIN read_4.position_groups AS g
        ON g.account = b.account AND g.group_id = b.group_id AND [g]
    WHERE b.account = $1 AND [b] ORDER BY b.barred_at, b.group_id
"""
_DECLINED = """
    SELECT d.group_id, g.symbol, g.timeframe, g.side, d.reason, d.needed, d.available, d.declined_at
    FROM read_4.offset_declined AS d JOIN read_4.position_groups AS g
        ON g.account = d.account AND g.group_id = d.group_id AND [g]
    LEFT JOIN read_4.offset_turns AS w ON w.account = d.account AND [w]
    WHERE d.account = $1 AND [d] AND d.told > coalesce(w.begun, 0)
    ORDER BY d.declined_at DESC, d.group_id
"""
_OFFSETS = """
    SELECT o.offset_id, o.group_id, o.symbol, o.side, o.price, o.quantity, o.loss, o.loss_percent,
           o.winners, o.needed, o.expected, o.trigger, o.reason, o.actor, o.planned_at, o.earned,
           o.realized, o.earned + o.realized AS result, nullif(o.outcome, '') AS outcome,
           o.settled_reason, o.settled_at
    FROM read_4.offsets AS o WHERE o.account = $1 AND [o]
    ORDER BY o.planned_at DESC, o.since DESC LIMIT $3
"""
_SUMS = """
    SELECT count(*) AS settled, coalesce(sum(o.earned), 0) AS earned,
           coalesce(sum(o.realized), 0) AS realized, coalesce(sum(o.result), 0) AS result
    FROM read_4.offsets AS o WHERE o.account = $1 AND [o] AND o.settled_at IS NOT NULL
"""
_STEPS = """
    SELECT s.offset_id, s.group_id, s.role, s.phase, s.attempt, s.quantity, s.bound, s.amount,
           s.outcome, s.at
    FROM read_4.offset_steps AS s
    WHERE s.account = $1 AND ($2::bigint IS NULL OR s.position <= $2)
    AND s.offset_id = ANY ($3::text[]) ORDER BY s.position
"""


class _Sums(msgspec.Struct, frozen=True, kw_only=True):
    settled: int
    earned: Decimal
    realized: Decimal
    result: Decimal


class StepFact(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `offset_steps`: a sale was begun, or what came of it."""

    offset_id: str
    group_id: str
    role: Literal["winner", "loser"]
    phase: Literal["started", "ended"]
    attempt: int
    quantity: Decimal | None
    bound: Decimal | None
    amount: Decimal
    outcome: str
    at: datetime


async def offsets(
    pool: asyncpg.Pool, account: str, *, limit: int = OFFSETS_MAX, at: int | None = None
) -> OffsetsView:
    """The watch as it stands, and the latest offsets, newest first."""
    async with snapshot(pool) as connection:
        settings = await read_settings(connection, account, at) or Settings()
        timers = await connection.fetch(versions(_TIMERS, at), account, at)
        barred = await connection.fetch(versions(_BARRED, at), account, at)
        declined = await connection.fetch(versions(_DECLINED, at), account, at)
        found = await connection.fetch(versions(_OFFSETS, at), account, at, limit)
        ids = [row["offset_id"] for row in found]
        steps = await connection.fetch(_STEPS, account, at, ids)
        sums = await connection.fetchrow(versions(_SUMS, at), account, at)
    facts = [msgspec.convert(plain_row(row), StepFact) for row in steps]
    summed = msgspec.convert(plain_row(sums), _Sums)
    rules = settings.risk.offset
    wait = timedelta(minutes=rules.post_full_wait_minutes)
    return OffsetsView(
        enabled=rules.enabled,
        wait_minutes=rules.post_full_wait_minutes,
        loss_threshold_percent=rules.loss_threshold_percent,
        timers=tuple(_timer(row, wait) for row in timers),
        barred=tuple(msgspec.convert(plain_row(row), BarRow) for row in barred),
        declined=tuple(msgspec.convert(plain_row(row), DeclinedRow) for row in declined),
        offsets=tuple(_offset(row, facts) for row in found),
        settled=summed.settled,
        earned=summed.earned,
        realized=summed.realized,
        result=summed.result,
    )


def paired(facts: Sequence[StepFact], symbols: dict[str, str]) -> tuple[StepRow, ...]:
    """One row a sale, in the order in which they were begun: what was wanted and what came of it.

    One sale runs at a time, so what ends is what began last; a winner that was passed over ends
    without a beginning.
    """
    rows: list[StepRow] = []
    for fact in facts:
        last = rows[-1] if rows else None
        is_open = last is not None and last.ended_at is None and last.group_id == fact.group_id
        if fact.phase == "started":
            rows.append(_started(fact, symbols))
        elif is_open:
            rows[-1] = _ended(rows[-1], fact)
        else:
            rows.append(_ended(_passed_over(fact, symbols), fact))
    return tuple(rows)


def _started(fact: StepFact, symbols: dict[str, str]) -> StepRow:
    return StepRow(
        role=fact.role,
        group_id=fact.group_id,
        symbol=symbols.get(fact.group_id, ""),
        attempt=fact.attempt,
        budget=fact.amount,
        quantity=fact.quantity,
        bound=fact.bound,
        amount=None,
        outcome="",
        started_at=fact.at,
        ended_at=None,
    )


def _passed_over(fact: StepFact, symbols: dict[str, str]) -> StepRow:
    never_begun = _started(fact, symbols)
    return msgspec.structs.replace(never_begun, budget=None, quantity=None, started_at=None)


def _ended(row: StepRow, fact: StepFact) -> StepRow:
    return msgspec.structs.replace(row, amount=fact.amount, outcome=fact.outcome, ended_at=fact.at)


def _timer(row: asyncpg.Record, wait: timedelta) -> TimerRow:
    return msgspec.convert({**plain_row(row), "due_at": row["started_at"] + wait}, TimerRow)


def _offset(row: asyncpg.Record, facts: Sequence[StepFact]) -> OffsetView:
    winners = msgspec.json.decode(row["winners"], type=tuple[PlannedWinner, ...])
    symbols = {winner.group_id: winner.symbol for winner in winners}
    symbols[row["group_id"]] = row["symbol"]
    own = [fact for fact in facts if fact.offset_id == row["offset_id"]]
    made = {"winners": winners, "steps": paired(own, symbols)}
    return msgspec.convert({**plain_row(row), **made}, OffsetView)
