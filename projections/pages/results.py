"""The performance page: what came of it, from closed trades and realized amounts."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal

import asyncpg
import msgspec

from domain.money import HUNDRED, ZERO
from projections.pages.moments import plain_row, snapshot, versions
from projections.views import BreakdownRow, DayRow, PerformanceTotals, PerformanceView

_ACCOUNT = """
    SELECT a.currency, a.starting_balance FROM read_4.accounts AS a
    WHERE a.account = $1 AND [a]
"""
_DAYS = """
    SELECT p.date, p.realized, p.fees
    FROM read_4.performance_days AS p WHERE p.account = $1 AND [p] ORDER BY p.date
"""
# A group that never traded is no trade. What comes after the close, a fee valued late, counts to
# the day on which it closed.
_TRADES = """
    SELECT to_char(g.closed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS date,
           g.symbol, g.timeframe, g.side, sum(g.realized) AS realized,
           sum(g.fees) AS fees, count(*) AS trades_closed,
           count(*) FILTER (WHERE g.realized > 0) AS wins,
           count(*) FILTER (WHERE g.realized < 0) AS losses,
           sum(greatest(g.realized, 0)) AS gross_profit,
           sum(greatest(-g.realized, 0)) AS gross_loss
    FROM read_4.position_groups AS g WHERE g.account = $1 AND [g] AND g.closed_at IS NOT NULL
    AND (g.realized <> 0 OR g.fees <> 0)
    GROUP BY 1, g.symbol, g.timeframe, g.side ORDER BY 1, g.symbol, g.timeframe, g.side
"""

By = Literal["symbol", "timeframe", "side"]
BREAKDOWNS: tuple[By, ...] = ("symbol", "timeframe", "side")


class _Account(msgspec.Struct, frozen=True, kw_only=True):
    currency: str
    starting_balance: Decimal


class RealizedDay(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `performance_days`: what a day realized and paid, of open trades too."""

    date: str
    realized: Decimal = ZERO
    fees: Decimal = ZERO


class ClosedTrades(msgspec.Struct, frozen=True, kw_only=True):
    """The trades of one symbol, timeframe and side that closed on one day, together."""

    date: str
    symbol: str
    timeframe: str
    side: str
    realized: Decimal
    fees: Decimal
    trades_closed: int
    wins: int
    losses: int
    gross_profit: Decimal
    gross_loss: Decimal


async def performance(
    pool: asyncpg.Pool, account: str, at: int | None = None
) -> PerformanceView | None:
    """What came of it; None if there is no such account (at that moment)."""
    async with snapshot(pool) as connection:
        found = await connection.fetchrow(versions(_ACCOUNT, at), account, at)
        if found is None:
            return None
        days = await connection.fetch(versions(_DAYS, at), account, at)
        trades = await connection.fetch(versions(_TRADES, at), account, at)
    own = msgspec.convert(plain_row(found), _Account)
    realized = [msgspec.convert(plain_row(row), RealizedDay) for row in days]
    closed = [msgspec.convert(plain_row(row), ClosedTrades) for row in trades]
    shown = day_rows(realized, closed, own.starting_balance)
    return PerformanceView(
        currency=own.currency,
        days=shown,
        totals=totals(shown, closed),
        breakdown=tuple(row for by in BREAKDOWNS for row in breakdown(closed, by)),
    )


def day_rows(
    days: Sequence[RealizedDay], closed: Sequence[ClosedTrades], starting_balance: Decimal
) -> tuple[DayRow, ...]:
    """Days in order, with the realized equity at their end and how far it is under its peak."""
    equity = peak = starting_balance
    known = {day.date: day for day in days}
    rows = []
    for date in sorted({*known, *(trades.date for trades in closed)}):
        day = known.get(date, RealizedDay(date=date))
        ended = [trades for trades in closed if trades.date == date]
        equity += day.realized
        peak = max(peak, equity)
        rows.append(
            DayRow(
                date=date,
                realized=day.realized,
                fees=day.fees,
                trades_closed=sum(trades.trades_closed for trades in ended),
                wins=sum(trades.wins for trades in ended),
                losses=sum(trades.losses for trades in ended),
                equity=equity,
                drawdown_percent=_ratio((peak - equity) * HUNDRED, peak),
            )
        )
    return tuple(rows)


def totals(shown: Sequence[DayRow], closed: Sequence[ClosedTrades]) -> PerformanceTotals:
    """Profit factor = gross profit / gross loss; expectancy = net result a closed trade."""
    count = sum(trades.trades_closed for trades in closed)
    wins = sum(trades.wins for trades in closed)
    losses = sum(trades.losses for trades in closed)
    profit = _sum(trades.gross_profit for trades in closed)
    loss = _sum(trades.gross_loss for trades in closed)
    drawdowns = [day.drawdown_percent for day in shown if day.drawdown_percent is not None]
    return PerformanceTotals(
        realized=_sum(day.realized for day in shown),
        fees=_sum(day.fees for day in shown),
        trades_closed=count,
        wins=wins,
        losses=losses,
        gross_profit=profit,
        gross_loss=loss,
        win_rate_percent=_ratio(HUNDRED * wins, Decimal(count)),
        profit_factor=_ratio(profit, loss),
        expectancy=_ratio(profit - loss, Decimal(count)),
        average_win=_ratio(profit, Decimal(wins)),
        average_loss=_ratio(loss, Decimal(losses)),
        max_drawdown_percent=max(drawdowns, default=None),
    )


def breakdown(closed: Sequence[ClosedTrades], by: By) -> tuple[BreakdownRow, ...]:
    """The closed trades by what was traded, by name."""
    names = sorted({_name(trades, by) for trades in closed})
    return tuple(
        _summed(by, name, [trades for trades in closed if _name(trades, by) == name])
        for name in names
    )


def _summed(by: By, name: str, closed: Sequence[ClosedTrades]) -> BreakdownRow:
    return BreakdownRow(
        by=by,
        name=name,
        realized=_sum(trades.realized for trades in closed),
        fees=_sum(trades.fees for trades in closed),
        trades_closed=sum(trades.trades_closed for trades in closed),
        wins=sum(trades.wins for trades in closed),
        losses=sum(trades.losses for trades in closed),
    )


def _name(trades: ClosedTrades, by: By) -> str:
    match by:
        case "symbol":
            return trades.symbol
        case "timeframe":
            return trades.timeframe
        case "side":
            return trades.side


def _ratio(part: Decimal, whole: Decimal) -> Decimal | None:
    """Nothing has no share of nothing: None, never zero."""
    return None if whole == ZERO else part / whole


def _sum(values: Iterable[Decimal]) -> Decimal:
    return sum(values, ZERO)
