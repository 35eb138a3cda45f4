"""One account in the middle of a day, as the pages would show it."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from projections.risk_views import HoldRow
from projections.views import (
    AccountView,
    AlertRow,
    BreakdownRow,
    DayRow,
    LedgerCounts,
    LogRow,
    OverviewView,
    PerformanceTotals,
    PerformanceView,
    QueuedFor,
    QueueRow,
    QueueView,
    ReversedTrade,
    SettingsRefusal,
    SignalRow,
    SignalsView,
)

D = Decimal
NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


def account(name: str = "paper") -> AccountView:
    return AccountView(
        account=name,
        venue="binanceusdm",
        market_kind="linear",
        paper=True,
        currency="USDT",
        trading_state="active",
        settings_version=3,
        settings='{\n  "pool": {\n    "max_open_groups": 10\n  }\n}\n',
        refused=SettingsRefusal(
            refusal="capital.hedge_mode was true: it changes only when flat without orders, and"
            " 3 groups, 14 orders and 0 positions beside them are open; close them first",
            actor="operator",
            reason="both sides from now on",
            at=NOW - timedelta(minutes=9),
        ),
    )


def wished(position: int, text: str) -> LogRow:
    """The operator's own input, which begins a story."""
    row = log_row(position, "info", text)
    return replace(row, kind="operator", name="trading_day.operator_acted.v1")


def log_row(position: int, severity: str, text: str) -> LogRow:
    return LogRow(
        position=position,
        at=NOW - timedelta(minutes=position),
        account="paper",
        name="position_group.opened.v1",
        kind="group",
        severity=severity,  # type: ignore[arg-type]
        symbol="BTC/USDT:USDT",
        subject="g1",
        group_id="g1",
        text=text,
        event_id=f"e{position}",
        causation_id=f"c{position}",
        correlation_id="s1",
    )


def alert(position: int, kind: str, severity: str, subject: str, text: str) -> AlertRow:
    return AlertRow(
        position=position,
        at=NOW - timedelta(minutes=900 - position),
        kind=kind,  # type: ignore[arg-type]
        severity=severity,  # type: ignore[arg-type]
        subject=subject,
        symbol="ETH/USDT:USDT" if subject.startswith("g") else "",
        group_id=subject.partition("-")[0] if subject.startswith("g") else "",
        text=text,
        correlation_id=f"c{position}",
    )


def alerts() -> tuple[AlertRow, ...]:
    """Of the day, newest first."""
    return (
        alert(899, "unprotected", "critical", "gbbbb-p0-l2", "0.031 is held without any exit"),
        alert(
            896,
            "missed_alert",
            "warning",
            "ADA/USDT:USDT",
            "TradingView believed that we held a long position; we hold none",
        ),
        alert(871, "fee_unvalued", "warning", "BNB", "fees in BNB wait for a mark of BNB/USDT"),
        alert(860, "queue", "warning", "q1", "max_open_groups was 10, the limit is 10"),
        alert(812, "settings_refused", "warning", "paper", "3 groups and 14 orders are open"),
    )


COUNTS = LedgerCounts(
    received=46, admitted=21, queued=3, replaced=4, removed=1, duplicate=9, refused=6, rejected=2
)


def overview(
    unrealized: Decimal,
    *,
    state: str = "active",
    unprotected: int = 0,
    holds: tuple[HoldRow, ...] = (),
) -> OverviewView:
    return OverviewView(
        account="paper",
        position=900,
        moment=NOW,
        currency="USDT",
        venue="binanceusdm",
        paper=True,
        trading_state=state,
        state_reason="" if state == "active" else "loss of the day 512.40 reached 500",
        holds=holds,
        open_groups=4,
        max_open_groups=10,
        queued=3,
        queued_for=(
            QueuedFor(reason="max_open_groups", count=2),
            QueuedFor(reason="waits until what it reverses is flat", count=1),
        ),
        realized_total=D("1204.118"),
        realized_today=D("-36.5"),
        unrealized=unrealized,
        unmarked=0,
        starting_balance=D(100000),
        capital=D(100500),
        equity=D("101386.5655"),
        peak=D("105392.7711"),
        drawdown_percent=D("3.80119327"),
        max_drawdown_percent=D(20),
        day_loss=D("36.5"),
        max_daily_loss=D(500),
        committed=D("14210.77"),
        worst_case=D(50000),
        max_committed_capital=D(50000),
        balance_total=D("101204.118"),
        balance_free=D("87000.12"),
        marks_at=NOW - timedelta(seconds=1),
        last_signal_at=NOW - timedelta(seconds=42),
        last_event_at=NOW - timedelta(seconds=3),
        engine_version="0.1.0",
        engine_started_at=NOW - timedelta(hours=6),
        discrepancies=0,
        unprotected_legs=unprotected,
        unknown_orders=0,
        waiting_groups=1,
        fees_pending=1,
        signals=COUNTS,
        alerts=alerts(),
    )


def queue() -> QueueView:
    rows = tuple(
        QueueRow(
            rank=index + 1,
            rank_tuple=(
                "continuation=false",
                f"deepest_loss={loss}",
                f"replacements={index}",
                "oldest=2026-01-05T14:18:00+00:00",
            ),
            signal_id=f"q{index}",
            symbol=symbol,
            timeframe="1h",
            side="long" if index else "short",
            price=D("2.2815"),
            mark=D("2.2601"),
            loss_percent=D(loss),
            replacements=index,
            expected_profit=D("1.4"),
            waiting_since=NOW - timedelta(minutes=11 + index),
            waiting_seconds=660 + 60 * index,
            reason="max_open_groups",
            turns=False,
            waits_for=(),
        )
        for index, (symbol, loss) in enumerate(
            [("XRP/USDT:USDT", "-0.94"), ("ADA/USDT:USDT", "0.2"), ("SOL/USDT:USDT", "0.31")]
        )
    )
    return QueueView(rows=(*rows[:2], reversing(rows[2])), limit=None, free_slots=6)


def reversing(row: QueueRow) -> QueueRow:
    """It turns the trade that is closing."""
    trade = ReversedTrade(group_id="gcccc", timeframe="15m", side="long", quantity=D("0.155"))
    return replace(
        row,
        side="short",
        reason="waits until what it reverses is flat",
        turns=True,
        waits_for=(trade,),
    )


def signals() -> SignalsView:
    outcomes = ("admitted", "queued", "duplicate", "rejected", "no_effect", "refused")
    kinds = {"no_effect": "exit", "queued": "reverse", "admitted": "reduce"}
    rows = tuple(
        SignalRow(
            signal_id=f"s{index}",
            position=800 - index,
            received_at=NOW - timedelta(minutes=index, seconds=42),
            source="52.89.214.238",
            kind=kinds.get(outcome, "entry"),
            symbol="BTC/USDT:USDT",
            timeframe="15m",
            side="short" if index % 2 else "long",
            outcome=outcome,
            reason="symbol BTCUSD was unknown: did you mean BTCUSDT?" * (outcome == "rejected"),
            group_id="gaaaa" if outcome == "admitted" else "",
            judged_at=NOW,
            body=json.dumps({"secret": "", "tv": {"symbol": "BTCUSDT", "timeframe": "15"}}),
        )
        for index, outcome in enumerate(outcomes)
    )
    return SignalsView(counts=COUNTS, rows=rows)


def performance() -> PerformanceView:
    equity = [100000, 100210, 100190, 100480, 100390, 100902, 101240, 101204]
    days = tuple(
        DayRow(
            date=f"2025-12-{29 + index}" if index < 3 else f"2026-01-0{index - 2}",
            realized=D(equity[index] - equity[max(0, index - 1)]),
            fees=D("4.21"),
            trades_closed=6,
            wins=4,
            losses=2,
            equity=D(equity[index]),
            drawdown_percent=D("0.1"),
        )
        for index in range(len(equity))
    )
    return PerformanceView(
        currency="USDT",
        days=days,
        totals=PerformanceTotals(
            realized=D("1204.118"),
            fees=D("33.7"),
            trades_closed=48,
            wins=31,
            losses=17,
            gross_profit=D("2210.4"),
            gross_loss=D("1006.28"),
            win_rate_percent=D("64.58"),
            profit_factor=D("2.1966"),
            expectancy=D("25.08"),
            average_win=D("71.3"),
            average_loss=D("-59.19"),
            max_drawdown_percent=D("1.42"),
        ),
        breakdown=(
            BreakdownRow(
                by="symbol",
                name="BTC/USDT:USDT",
                realized=D("810.2"),
                fees=D("20.1"),
                trades_closed=20,
                wins=14,
                losses=6,
            ),
            BreakdownRow(
                by="side",
                name="short",
                realized=D("-96.1"),
                fees=D("8.3"),
                trades_closed=11,
                wins=4,
                losses=7,
            ),
        ),
    )
