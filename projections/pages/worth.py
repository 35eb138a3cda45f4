"""What the account is worth and lost today, by its own books and the marks of the moment."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, localcontext

import asyncpg
import msgspec

from domain.day_loss import DayLoss
from domain.equity import EmergencyTrigger, drawdown_percent
from domain.money import DECISION_CONTEXT, ZERO
from domain.settings import Settings
from projections.pages.moments import plain_row, versions
from projections.position_views import GroupView
from projections.risk_views import BreakerView, WorthView

# An account that never was sampled, or never tripped, has no row in these tables.
_STANDING = """
    SELECT a.paper, a.starting_balance,
           (SELECT coalesce(sum(p.realized), 0) FROM read_4.performance_days AS p
               WHERE p.account = $1 AND [p]) AS realized_total,
           (SELECT coalesce(sum(p.realized), 0) FROM read_4.performance_days AS p
               WHERE p.account = $1 AND [p] AND p.date = $3) AS realized_today,
           w.peak, w.peak_capital, coalesce(w.peak_reset, false) AS peak_reset,
           coalesce(w.transfers, 0) AS transfers, coalesce(w.unsettled, 0) AS unsettled,
           w.breached_at, w.breach_percent, w.stopped_at,
           nullif(w.stop_trigger, '') AS stop_trigger, coalesce(w.stop_reason, '') AS stop_reason,
           coalesce(w.stop_actor, '') AS stop_actor, w.stop_percent,
           coalesce(b.tripped, false) AS tripped, coalesce(b.reference, 0) AS reference,
           b.tripped_at, b.loss AS tripped_loss, b.loss_limit AS tripped_limit, b.ended_at,
           coalesce(b.ended_by, '') AS ended_by, coalesce(b.ended_reason, '') AS ended_reason
    FROM read_4.accounts AS a
    LEFT JOIN read_4.worth AS w ON w.account = a.account AND [w]
    LEFT JOIN read_4.breakers AS b ON b.account = a.account AND [b]
    WHERE a.account = $1 AND [a]
"""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows say of the account's money, before any mark is looked at."""

    paper: bool
    starting_balance: Decimal
    realized_total: Decimal
    realized_today: Decimal
    peak: Decimal | None
    peak_capital: Decimal | None
    peak_reset: bool
    transfers: Decimal
    unsettled: Decimal
    breached_at: datetime | None
    breach_percent: Decimal | None
    stopped_at: datetime | None
    stop_trigger: EmergencyTrigger | None
    stop_reason: str
    stop_actor: str
    stop_percent: Decimal | None
    tripped: bool
    reference: Decimal
    tripped_at: datetime | None
    tripped_loss: Decimal | None
    tripped_limit: Decimal | None
    ended_at: datetime | None
    ended_by: str
    ended_reason: str


async def read_standing(
    connection: asyncpg.Connection, account: str, at: int | None, today: str
) -> Standing | None:
    """The account's money at that moment; `today` is the UTC date. None: no such account."""
    row = await connection.fetchrow(versions(_STANDING, at), account, at, today)
    return None if row is None else msgspec.convert(plain_row(row), Standing)


def worth_view(standing: Standing, settings: Settings, groups: Sequence[GroupView]) -> WorthView:
    """Valued at the marks of the open groups, as the engine values them (spec §6)."""
    with localcontext(DECISION_CONTEXT):
        capital = _start(standing, settings) + standing.transfers
        floating = unrealized(groups)
        equity = None if floating is None else capital + standing.realized_total + floating
        peak = _peak(standing, capital, equity)
        return WorthView(
            capital=capital,
            transfers=standing.transfers,
            unsettled=standing.unsettled,
            realized=standing.realized_total,
            unrealized=floating,
            equity=equity,
            peak=peak,
            drawdown_percent=None if equity is None else drawdown_percent(equity, peak),
            limit_percent=settings.risk.max_drawdown_percent,
            breached_at=standing.breached_at,
            breach_percent=standing.breach_percent,
            stopped_at=standing.stopped_at,
            stop_trigger=standing.stop_trigger,
            stop_reason=standing.stop_reason,
            stop_actor=standing.stop_actor,
            stop_percent=standing.stop_percent,
        )


def breaker_view(
    standing: Standing, settings: Settings, groups: Sequence[GroupView]
) -> BreakerView:
    """The day's loss as gate and breaker count it, with open losses only if they count."""
    rules = settings.risk
    with localcontext(DECISION_CONTEXT):
        lost_open = open_loss(groups)
        loss = DayLoss(
            realized=standing.realized_today,
            open_loss=lost_open if rules.daily_loss_includes_open else ZERO,
            reference=standing.reference,
        )
        return BreakerView(
            tripped=standing.tripped,
            day_loss=loss.amount,
            limit=rules.max_daily_loss,
            realized=standing.realized_today,
            open_loss=lost_open,
            includes_open=rules.daily_loss_includes_open,
            reference=standing.reference,
            tripped_at=standing.tripped_at,
            tripped_loss=standing.tripped_loss,
            tripped_limit=standing.tripped_limit,
            ended_at=standing.ended_at,
            ended_by=standing.ended_by,
            ended_reason=standing.ended_reason,
        )


def unrealized(groups: Sequence[GroupView]) -> Decimal | None:
    """What all open lots gain at their marks, less their entry fees; None without a mark."""
    gains = [group.unrealized for group in groups]
    known = [gain for gain in gains if gain is not None]
    return sum(known, ZERO) if len(known) == len(gains) else None


def open_loss(groups: Sequence[GroupView]) -> Decimal | None:
    """What the losing groups would lose at their marks, zero or more; None without a mark."""
    gains = [group.unrealized for group in groups]
    known = [max(ZERO, -gain) for gain in gains if gain is not None]
    return sum(known, ZERO) if len(known) == len(gains) else None


def _peak(standing: Standing, capital: Decimal, equity: Decimal | None) -> Decimal:
    """What a drawdown is measured from, as `domain.equity.Equity.peak_of` has it."""
    if standing.peak is None:
        return equity if standing.peak_reset and equity is not None else capital
    had = standing.peak_capital
    return standing.peak + (capital - had if had is not None else ZERO)


def _start(standing: Standing, settings: Settings) -> Decimal:
    """A live account begins with `capital.allocation`, where one is set."""
    allocation = settings.capital.allocation
    if standing.paper or allocation is None:
        return standing.starting_balance
    return allocation
