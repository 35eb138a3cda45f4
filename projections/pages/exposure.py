"""The risk page: every limit with what stands against it, and what was refused."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg
import msgspec

from domain.money import HUNDRED, ZERO
from domain.settings import Settings
from domain.worst_case import worst_cases
from projections.pages.moments import marks_of, moment_of, plain_row, snapshot, versions
from projections.pages.registry import read_settings
from projections.risk_views import (
    CheckRow,
    CommittedRow,
    DecisionRow,
    DiscrepancyRow,
    DustRow,
    ForeignRow,
    LimitRow,
    PendingFeeRow,
    RiskView,
)

DENIALS_MAX = 20
END_OF_LOG = 2**63 - 1

_CONDITIONS = """
    SELECT c.trading_state, c.state_reason, c.state_actor, c.state_changed_at, c.balance_total,
           c.balance_free, coalesce((SELECT p.realized FROM read_3.performance_days AS p
               WHERE p.account = $1 AND [p] AND p.date = $3), 0) AS realized_today
    FROM read_3.conditions AS c WHERE c.account = $1 AND [c]
"""
_COMMITTED = """
    SELECT c.symbol, sum(c.resting) AS resting, sum(c.open_cost) AS open_cost,
           count(DISTINCT c.group_id) AS groups
    FROM read_3.commitments AS c WHERE c.account = $1 AND [c] GROUP BY c.symbol ORDER BY c.symbol
"""
_OPEN = """
    SELECT g.symbol, count(*) AS groups FROM read_3.position_groups AS g
    WHERE g.account = $1 AND [g] AND g.closed_at IS NULL GROUP BY g.symbol ORDER BY g.symbol
"""
_DISCREPANCIES = """
    SELECT d.symbol, d.side, d.expected, d.seen, d.detail, d.found_at
    FROM read_3.discrepancies AS d WHERE d.account = $1 AND [d] ORDER BY d.symbol, d.side
"""
_DUST = """
    SELECT d.symbol, d.side, d.quantity, d.value, d.reason, d.changed_at
    FROM read_3.dust AS d WHERE d.account = $1 AND [d] ORDER BY d.symbol, d.side
"""
_FOREIGN = """
    SELECT f.symbol, f.side, f.quantity, f.reason, f.changed_at
    FROM read_3.foreign_positions AS f WHERE f.account = $1 AND [f] ORDER BY f.symbol, f.side
"""
_PENDING_FEES = """
    SELECT p.leg_id, p.trade_id, l.group_id, l.symbol, p.fee, p.asset, p.deferred_at
    FROM read_3.pending_fees AS p JOIN read_3.legs AS l
        ON l.account = p.account AND l.leg_id = p.leg_id AND [l]
    WHERE p.account = $1 AND [p] ORDER BY p.deferred_at, p.leg_id, p.trade_id
"""
_DENIALS = """
    SELECT position, at, signal_id, group_id, symbol, approved, reason, transient, promoted, receipt
    FROM read_3.decisions WHERE account = $1 AND position <= $2 AND NOT approved
    ORDER BY position DESC LIMIT $3
"""


class _Conditions(msgspec.Struct, frozen=True, kw_only=True):
    trading_state: str
    state_reason: str
    state_actor: str
    state_changed_at: datetime | None
    balance_total: Decimal | None
    balance_free: Decimal | None
    realized_today: Decimal


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What stands against the limits. `mark_age` is of the oldest mark of an open group."""

    open_by_symbol: dict[str, int]
    committed: tuple[CommittedRow, ...]
    realized_today: Decimal
    mark_age: timedelta | None


class _Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What is held beside the trades, or disputed, or not valued yet."""

    discrepancies: tuple[DiscrepancyRow, ...]
    dust: tuple[DustRow, ...]
    foreign: tuple[ForeignRow, ...]
    pending_fees: tuple[PendingFeeRow, ...]


async def risk(pool: asyncpg.Pool, account: str, at: int | None = None) -> RiskView | None:
    """What is risked and what may be; None if there is no such account (at that moment)."""
    async with snapshot(pool) as connection:
        moment = await moment_of(connection, account, at)
        today = moment.date().isoformat()
        row = await connection.fetchrow(versions(_CONDITIONS, at), account, at, today)
        if row is None:
            return None
        state = msgspec.convert(plain_row(row), _Conditions)
        settings = await read_settings(connection, account, at) or Settings()
        used = await _used(connection, account, at, (moment, state.realized_today))
        beside = await _beside(connection, account, at)
        denied = await connection.fetch(
            _DENIALS, account, END_OF_LOG if at is None else at, DENIALS_MAX
        )
    return RiskView(
        trading_state=state.trading_state,
        state_reason=state.state_reason,
        state_actor=state.state_actor,
        state_changed_at=state.state_changed_at,
        limits=limits(settings, used),
        committed=_committed(used.committed),
        committed_by_symbol=used.committed,
        worst_cases=worst_cases(settings),
        realized_today=state.realized_today,
        balance_total=state.balance_total,
        balance_free=state.balance_free,
        discrepancies=beside.discrepancies,
        dust=beside.dust,
        foreign=beside.foreign,
        pending_fees=beside.pending_fees,
        denials=tuple(_decision(item) for item in denied),
    )


def limits(settings: Settings, used: Used) -> tuple[LimitRow, ...]:
    """Each limit by its settings key. Per-symbol limits show the symbol nearest to theirs."""
    rules = settings.risk
    committed = [row.resting + row.open_cost for row in used.committed]
    groups = list(used.open_by_symbol.values())
    age = None if used.mark_age is None else Decimal(used.mark_age // timedelta(seconds=1))
    return (
        _limit("max_open_groups", Decimal(sum(groups)), settings.pool.max_open_groups),
        _limit(
            "max_open_groups_per_symbol",
            Decimal(max(groups, default=0)),
            rules.max_open_groups_per_symbol,
        ),
        _limit("max_committed_capital", sum(committed, ZERO), rules.max_committed_capital),
        _limit(
            "max_committed_capital_per_symbol",
            max(committed, default=ZERO),
            rules.max_committed_capital_per_symbol,
        ),
        _limit("max_daily_loss", max(ZERO, -used.realized_today), rules.max_daily_loss),
        _limit("max_leverage", Decimal(settings.capital.leverage), rules.max_leverage),
        _limit("max_mark_age_seconds", age, rules.max_mark_age_seconds),
    )


async def _beside(connection: asyncpg.Connection, account: str, at: int | None) -> _Beside:
    queries = {
        "discrepancies": _DISCREPANCIES,
        "dust": _DUST,
        "foreign": _FOREIGN,
        "pending_fees": _PENDING_FEES,
    }
    found = {
        name: [plain_row(row) for row in await connection.fetch(versions(query, at), account, at)]
        for name, query in queries.items()
    }
    return msgspec.convert(found, _Beside)


async def _used(
    connection: asyncpg.Connection, account: str, at: int | None, known: tuple[datetime, Decimal]
) -> Used:
    moment, realized_today = known
    committed = await connection.fetch(versions(_COMMITTED, at), account, at)
    still_open = await connection.fetch(versions(_OPEN, at), account, at)
    marks = await marks_of(connection, account, at)
    open_by_symbol = {row["symbol"]: row["groups"] for row in still_open}
    seen = [marks[symbol].at for symbol in open_by_symbol if symbol in marks]
    complete = bool(seen) and len(seen) == len(open_by_symbol)
    return Used(
        open_by_symbol=open_by_symbol,
        committed=tuple(msgspec.convert(plain_row(row), CommittedRow) for row in committed),
        realized_today=realized_today,
        mark_age=max(timedelta(0), moment - min(seen)) if complete else None,
    )


def _committed(rows: Sequence[CommittedRow]) -> Decimal:
    return sum((row.resting + row.open_cost for row in rows), ZERO)


def _limit(rule: str, value: Decimal | None, limit: Decimal | int | None) -> LimitRow:
    bound = None if limit is None else Decimal(limit)
    used = None if value is None or not bound else value / bound * HUNDRED
    return LimitRow(rule=rule, value=value, limit=bound, used_percent=used)


def _decision(row: asyncpg.Record) -> DecisionRow:
    receipt = msgspec.json.decode(row["receipt"], type=tuple[CheckRow, ...])
    return msgspec.convert({**plain_row(row), "receipt": receipt}, DecisionRow)
