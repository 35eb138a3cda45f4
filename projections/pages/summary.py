"""The overview page: how the account stands, on one screen."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg
import msgspec

from domain.money import HUNDRED, ZERO
from domain.settings import Settings
from domain.worst_case import worst_cases
from projections.pages.alerts import AlertsWanted, read_alerts
from projections.pages.holding import read_holds
from projections.pages.ledger import read_counts
from projections.pages.moments import moment_of, plain_row, snapshot, versions
from projections.pages.positions import Selection, read_groups
from projections.pages.registry import read_settings
from projections.pages.worth import Standing, breaker_view, read_standing, worth_view
from projections.position_views import GroupView
from projections.risk_views import HoldRow
from projections.views import AlertRow, LedgerCounts, OverviewView, QueuedFor

ALERT_SPAN = timedelta(hours=24)
ALERTS_MAX = 10
OPEN_GROUPS_MAX = 1_000

_ACCOUNT = """
    SELECT a.currency, a.venue, a.paper, c.trading_state, c.state_reason,
           c.balance_total, c.balance_free, c.engine_version, c.engine_started_at
    FROM read_4.accounts AS a JOIN read_4.conditions AS c ON c.account = a.account AND [c]
    WHERE a.account = $1 AND [a]
"""
_FIGURES = """
    SELECT (SELECT count(*) FROM read_4.queue AS q WHERE q.account = $1 AND [q]) AS queued,
           (SELECT count(*) FROM read_4.discrepancies AS d WHERE d.account = $1 AND [d])
               AS discrepancies,
           (SELECT count(*) FROM read_4.orders AS o
               WHERE o.account = $1 AND [o] AND o.status = 'unknown') AS unknown_orders,
           (SELECT count(*) FROM read_4.pending_fees AS f WHERE f.account = $1 AND [f])
               AS fees_pending,
           (SELECT coalesce(sum(c.resting + c.open_cost), 0) FROM read_4.commitments AS c
               WHERE c.account = $1 AND [c]) AS committed,
           (SELECT max(s.received_at) FROM read_4.signals AS s
               WHERE s.account = $1 AND [s]) AS last_signal_at
"""
_QUEUED_FOR = """
    SELECT q.reason, count(*) AS count FROM read_4.queue AS q
    WHERE q.account = $1 AND [q] GROUP BY q.reason ORDER BY 2 DESC, 1
"""
_NEWEST = """
    SELECT position, at FROM read_4.audit_log
    WHERE account = $1 AND ($2::bigint IS NULL OR position <= $2)
    ORDER BY position DESC LIMIT 1
"""


class _Account(msgspec.Struct, frozen=True, kw_only=True):
    currency: str
    venue: str
    paper: bool
    trading_state: str
    state_reason: str
    balance_total: Decimal | None
    balance_free: Decimal | None
    engine_version: str
    engine_started_at: datetime | None


class _Figures(msgspec.Struct, frozen=True, kw_only=True):
    queued: int
    discrepancies: int
    unknown_orders: int
    fees_pending: int
    committed: Decimal
    last_signal_at: datetime | None


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """All that was read for one overview, at one position."""

    position: int
    last_event_at: datetime | None
    moment: datetime
    account: _Account
    figures: _Figures
    settings: Settings
    standing: Standing
    holds: tuple[HoldRow, ...]
    queued_for: tuple[QueuedFor, ...]
    groups: Sequence[GroupView]
    signals: LedgerCounts
    alerts: tuple[AlertRow, ...]


async def overview(pool: asyncpg.Pool, account: str, at: int | None = None) -> OverviewView | None:
    """How the account stands; None if there is no such account (at that moment)."""
    async with snapshot(pool) as connection:
        seen = await _read(connection, account, at)
    return None if seen is None else _view(account, seen)


async def _read(connection: asyncpg.Connection, account: str, at: int | None) -> _Seen | None:
    found = await connection.fetchrow(versions(_ACCOUNT, at), account, at)
    moment = await moment_of(connection, account, at)
    standing = await read_standing(connection, account, at, moment.date().isoformat())
    if found is None or standing is None:
        return None
    figures = await connection.fetchrow(versions(_FIGURES, at), account, at)
    queued = await connection.fetch(versions(_QUEUED_FOR, at), account, at)
    newest = await connection.fetchrow(_NEWEST, account, at)
    recent = AlertsWanted(since=moment - ALERT_SPAN, limit=ALERTS_MAX)
    still_open = Selection(closed=False, limit=OPEN_GROUPS_MAX)
    return _Seen(
        position=newest["position"] if newest else 0,
        last_event_at=newest["at"] if newest else None,
        moment=moment,
        account=msgspec.convert(plain_row(found), _Account),
        figures=msgspec.convert(plain_row(figures), _Figures),
        settings=await read_settings(connection, account, at) or Settings(),
        standing=standing,
        holds=await read_holds(connection, account, at),
        queued_for=tuple(msgspec.convert(plain_row(row), QueuedFor) for row in queued),
        groups=await read_groups(connection, account, still_open, at),
        signals=await read_counts(connection, account, at),
        alerts=await read_alerts(connection, account, recent, at),
    )


def _view(account: str, seen: _Seen) -> OverviewView:
    groups = seen.groups
    unrealized = sum((group.unrealized or ZERO for group in groups), ZERO)
    held = [group for group in groups if group.quantity]
    own, figures, standing = seen.account, seen.figures, seen.standing
    worth = worth_view(standing, seen.settings, groups)
    breaker = breaker_view(standing, seen.settings, groups)
    equity = worth.capital + standing.realized_total + unrealized
    return OverviewView(
        account=account,
        position=seen.position,
        moment=seen.moment,
        currency=own.currency,
        venue=own.venue,
        paper=own.paper,
        trading_state=own.trading_state,
        state_reason=own.state_reason,
        holds=seen.holds,
        open_groups=len(groups),
        max_open_groups=seen.settings.pool.max_open_groups,
        queued=figures.queued,
        queued_for=seen.queued_for,
        realized_total=standing.realized_total,
        realized_today=standing.realized_today,
        unrealized=unrealized,
        unmarked=sum(1 for group in groups if group.unrealized is None),
        starting_balance=standing.starting_balance,
        capital=worth.capital,
        equity=equity,
        peak=worth.peak,
        drawdown_percent=worth.drawdown_percent,
        max_drawdown_percent=worth.limit_percent,
        day_loss=breaker.day_loss,
        max_daily_loss=breaker.limit,
        committed=figures.committed,
        worst_case=worst_case(seen.settings, equity),
        max_committed_capital=seen.settings.risk.max_committed_capital,
        balance_total=own.balance_total,
        balance_free=own.balance_free,
        marks_at=min((group.mark_at for group in held if group.mark_at), default=None),
        last_signal_at=figures.last_signal_at,
        last_event_at=seen.last_event_at,
        engine_version=own.engine_version,
        engine_started_at=own.engine_started_at,
        discrepancies=figures.discrepancies,
        unprotected_legs=sum(group.unprotected_legs for group in groups),
        unknown_orders=figures.unknown_orders,
        waiting_groups=sum(1 for group in groups if group.state == "WAITING"),
        fees_pending=figures.fees_pending,
        signals=seen.signals,
        alerts=seen.alerts,
    )


def worst_case(settings: Settings, equity: Decimal) -> Decimal:
    """The most that full groups in every slot commit, if each were of the dearest symbol."""
    return max(
        case.all_groups * equity / HUNDRED if case.of_equity else case.all_groups
        for case in worst_cases(settings).cases
    )
