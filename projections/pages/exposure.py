"""The risk page: every limit with what stands against it, and what was refused."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg
import msgspec

from domain.money import ZERO
from domain.settings import Settings
from domain.worst_case import worst_cases
from projections.pages.holding import read_cooldowns, read_holds
from projections.pages.limits import Used, limits
from projections.pages.moments import moment_of, plain_row, snapshot, versions
from projections.pages.positions import Selection, read_groups
from projections.pages.registry import read_settings
from projections.pages.worth import breaker_view, read_standing, worth_view
from projections.position_views import GroupView
from projections.risk_views import (
    CheckRow,
    CommittedRow,
    DecisionRow,
    DiscrepancyRow,
    DustRow,
    ForeignRow,
    PendingFeeRow,
    RiskView,
)

DENIALS_MAX = 20
OPEN_GROUPS_MAX = 1_000
END_OF_LOG = 2**63 - 1

_CONDITIONS = """
    SELECT c.trading_state, c.state_reason, c.state_actor, c.state_changed_at, c.balance_total,
           c.balance_free
    FROM read_4.conditions AS c WHERE c.account = $1 AND [c]
"""
_COMMITTED = """
    SELECT c.symbol, sum(c.resting) AS resting, sum(c.open_cost) AS open_cost,
           count(DISTINCT c.group_id) AS groups
    FROM read_4.commitments AS c WHERE c.account = $1 AND [c] GROUP BY c.symbol ORDER BY c.symbol
"""
_DISCREPANCIES = """
    SELECT d.symbol, d.side, d.expected, d.seen, d.detail, d.found_at
    FROM read_4.discrepancies AS d WHERE d.account = $1 AND [d] ORDER BY d.symbol, d.side
"""
_DUST = """
    SELECT d.symbol, d.side, d.quantity, d.value, d.reason, d.changed_at
    FROM read_4.dust AS d WHERE d.account = $1 AND [d] ORDER BY d.symbol, d.side
"""
_FOREIGN = """
    SELECT f.symbol, f.side, f.quantity, f.reason, f.changed_at
    FROM read_4.foreign_positions AS f WHERE f.account = $1 AND [f] ORDER BY f.symbol, f.side
"""
_PENDING_FEES = """
    SELECT p.leg_id, p.trade_id, l.group_id, l.symbol, p.fee, p.asset, p.deferred_at
    FROM read_4.pending_fees AS p JOIN read_4.legs AS l
        ON l.account = p.account AND l.leg_id = p.leg_id AND [l]
    WHERE p.account = $1 AND [p] ORDER BY p.deferred_at, p.leg_id, p.trade_id
"""
_DENIALS = """
    SELECT position, at, signal_id, group_id, symbol, approved, reason, transient, promoted, receipt
    FROM read_4.decisions WHERE account = $1 AND position <= $2 AND NOT approved
    ORDER BY position DESC LIMIT $3
"""


class _Conditions(msgspec.Struct, frozen=True, kw_only=True):
    trading_state: str
    state_reason: str
    state_actor: str
    state_changed_at: datetime | None
    balance_total: Decimal | None
    balance_free: Decimal | None


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
        row = await connection.fetchrow(versions(_CONDITIONS, at), account, at)
        standing = await read_standing(connection, account, at, today)
        if row is None or standing is None:
            return None
        state = msgspec.convert(plain_row(row), _Conditions)
        settings = await read_settings(connection, account, at) or Settings()
        still_open = Selection(closed=False, limit=OPEN_GROUPS_MAX)
        groups = await read_groups(connection, account, still_open, at)
        committed = await _read_committed(connection, account, at)
        holds = await read_holds(connection, account, at)
        cooldowns = await read_cooldowns(connection, account, at, (settings, moment))
        beside = await _beside(connection, account, at)
        denied = await read_denials(connection, account, at)
    worth = worth_view(standing, settings, groups)
    breaker = breaker_view(standing, settings, groups)
    used = Used(
        open_by_symbol=_counted(groups),
        committed=committed,
        mark_age=_mark_age(groups, moment),
        balance_total=state.balance_total,
        balance_free=state.balance_free,
    )
    return RiskView(
        trading_state=state.trading_state,
        state_reason=state.state_reason,
        state_actor=state.state_actor,
        state_changed_at=state.state_changed_at,
        holds=holds,
        breaker=breaker,
        worth=worth,
        limits=limits(settings, used, worth, breaker),
        cooldowns=cooldowns,
        committed=_committed(committed),
        committed_by_symbol=committed,
        worst_cases=worst_cases(settings),
        realized_today=standing.realized_today,
        balance_total=state.balance_total,
        balance_free=state.balance_free,
        discrepancies=beside.discrepancies,
        dust=beside.dust,
        foreign=beside.foreign,
        pending_fees=beside.pending_fees,
        denials=denied,
    )


async def denials(
    pool: asyncpg.Pool, account: str, at: int | None = None
) -> tuple[DecisionRow, ...]:
    """What the gate refused last, newest first, each with its whole receipt."""
    async with snapshot(pool) as connection:
        return await read_denials(connection, account, at)


async def read_denials(
    connection: asyncpg.Connection, account: str, at: int | None
) -> tuple[DecisionRow, ...]:
    """The same within a page's snapshot."""
    upto = END_OF_LOG if at is None else at
    rows = await connection.fetch(_DENIALS, account, upto, DENIALS_MAX)
    return tuple(_decision(row) for row in rows)


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


async def _read_committed(
    connection: asyncpg.Connection, account: str, at: int | None
) -> tuple[CommittedRow, ...]:
    rows = await connection.fetch(versions(_COMMITTED, at), account, at)
    return tuple(msgspec.convert(plain_row(row), CommittedRow) for row in rows)


def _counted(groups: Sequence[GroupView]) -> dict[str, int]:
    """How many groups are open, by symbol."""
    symbols = [group.symbol for group in groups]
    return {symbol: symbols.count(symbol) for symbol in sorted(set(symbols))}


def _mark_age(groups: Sequence[GroupView], moment: datetime) -> timedelta | None:
    """The age of the oldest mark of an open group; None if one of them has none."""
    seen = [group.mark_at for group in groups]
    known = [mark_at for mark_at in seen if mark_at is not None]
    if not known or len(known) < len(seen):
        return None
    return max(timedelta(0), moment - min(known))


def _committed(rows: Sequence[CommittedRow]) -> Decimal:
    return sum((row.resting + row.open_cost for row in rows), ZERO)


def _decision(row: asyncpg.Record) -> DecisionRow:
    receipt = msgspec.json.decode(row["receipt"], type=tuple[CheckRow, ...])
    return msgspec.convert({**plain_row(row), "receipt": receipt}, DecisionRow)
