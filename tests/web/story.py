"""One account in the middle of a day, as the pages would show it."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from projections.position_views import ExitView, GroupView, LegView
from projections.views import (
    AccountView,
    BreakdownRow,
    CheckRow,
    CommittedRow,
    DayRow,
    DecisionRow,
    DiscrepancyRow,
    LedgerCounts,
    LimitRow,
    LogRow,
    OverviewView,
    PerformanceTotals,
    PerformanceView,
    QueueRow,
    QueueView,
    RiskView,
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
    )


def alert(position: int, severity: str, text: str) -> LogRow:
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


COUNTS = LedgerCounts(
    received=46, admitted=21, queued=3, replaced=4, removed=1, duplicate=9, refused=6, rejected=2
)


def overview(unrealized: Decimal, *, state: str = "active") -> OverviewView:
    return OverviewView(
        account="paper",
        position=900,
        moment=NOW,
        currency="USDT",
        venue="binanceusdm",
        paper=True,
        trading_state=state,
        state_reason="" if state == "active" else "loss of the day 512.40 reached 500",
        open_groups=3,
        max_open_groups=10,
        queued=2,
        realized_total=D("1204.118"),
        realized_today=D("-36.5"),
        unrealized=unrealized,
        unmarked=0,
        starting_balance=D(100000),
        equity=D("101386.5655"),
        committed=D("14210.77"),
        balance_total=D("101204.118"),
        balance_free=D("87000.12"),
        marks_at=NOW - timedelta(seconds=1),
        last_signal_at=NOW - timedelta(seconds=42),
        last_event_at=NOW - timedelta(seconds=3),
        engine_version="0.1.0",
        engine_started_at=NOW - timedelta(hours=6),
        discrepancies=0,
        unprotected_legs=0,
        unknown_orders=0,
        signals=COUNTS,
        alerts=(
            alert(1, "critical", "Order of leg 1.2 of SOL/USDT:USDT is UNKNOWN for 60 s"),
            alert(4, "warning", "TradingView believed we held ETH/USDT:USDT long; we do not"),
        ),
    )


def leg(group: str, pyramid: int, index: int, *, filled: bool, short: bool = False) -> LegView:
    gap = D("-0.5") * index * (-1 if short else 1)
    price = D("64250.1") * (1 + gap / 100)
    return LegView(
        leg_id=f"{group}-p{pyramid}-l{index}",
        pyramid_id=f"{group}-p{pyramid}",
        pyramid_index=pyramid,
        index=index,
        state="FILLED" if filled else "OPEN",
        price=price.quantize(D("0.1")),
        gap_percent=D("-0.5") * index,
        weight_percent=D(20),
        take_profit_percent=D("1.5"),
        target=(price * D("1.015")).quantize(D("0.1")),
        progress_percent=D("37.25") if filled and not index % 2 else D("-12.5"),
        quantity=D("0.031"),
        filled=D("0.031") if filled else D(0),
        average_fill=price.quantize(D("0.1")) if filled else None,
        open_quantity=D("0.031") if filled else D(0),
        realized=D(0),
        fees=D("0.39"),
        exit=_exit(f"{group}-p{pyramid}-l{index}", price * D("1.015")) if filled else None,
        stop=_stop(group) if filled else None,
        being_sold=False,
        unprotected=False,
        reason="",
    )


def _exit(exit_id: str, price: Decimal, reason: str = "") -> ExitView:
    """Of one leg: it rests at the venue, or is watched for this reason."""
    return ExitView(
        exit_id=exit_id,
        aim="take_profit",
        state="WATCHED" if reason else "RESTING",
        price=price.quantize(D("0.1")),
        quantity=D("0.031"),
        covers=1,
        client_order_id="" if reason else "PABCD2EFGH3IJKLMNOPQRSTUVWXYZ",
        reason=reason,
    )


def _stop(group: str) -> ExitView:
    return ExitView(
        exit_id=f"{group}-stop",
        aim="stop",
        state="WATCHED",
        price=D("61000.5"),
        quantity=D("0.155"),
        covers=5,
        client_order_id="",
        reason="stop execution is watch",
    )


def group(
    name: str, symbol: str, side: str, pnl: Decimal | None, state: str = "DCA_ACTIVE"
) -> GroupView:
    legs = tuple(
        leg(name, pyramid, index, filled=index < 3 - pyramid, short=side == "short")
        for pyramid in range(2)
        for index in range(5)
    )
    return GroupView(
        group_id=name,
        symbol=symbol,
        timeframe="15m",
        side=side,  # type: ignore[arg-type]
        state=state,  # type: ignore[arg-type]
        mode="per_leg",
        signal_id="s1",
        pyramids=2,
        max_pyramids=5,
        legs_filled=5,
        legs_total=10,
        quantity=D("0.155"),
        average_entry=D("63980.5512"),
        mark=D("64411.35") if pnl is not None else None,
        mark_at=NOW if pnl is not None else None,
        unrealized=pnl,
        realized=D("12.5"),
        funding=D("-0.87"),
        fees=D("3.9"),
        pnl=pnl,
        pnl_percent=None if pnl is None else pnl / 50,
        committed=D("4810.33"),
        exit=None,
        stop=_stop(name),
        trailed_from=D("64800"),
        reducing=False,
        reducing_reason="",
        unprotected_legs=0,
        opened_at=NOW - timedelta(hours=3, minutes=12),
        closing_reason="",
        closed_at=None,
        legs=legs,
    )


def groups(pnl: Decimal) -> tuple[GroupView, ...]:
    return (
        group("gaaaa", "BTC/USDT:USDT", "long", pnl),
        reduced(group("gbbbb", "ETH/USDT:USDT", "short", D("-41.1"), "PROFIT_TAKING")),
        group("gcccc", "SOL/USDT:USDT", "long", None, "CLOSING"),
    )


def reduced(whole: GroupView) -> GroupView:
    """A part of it is being sold; of the rest one leg is watched, one waits, one has nothing."""
    first, second, third, *others = whole.legs
    legs = (
        replace(first, exit=None, being_sold=True),
        replace(second, exit=_exit(second.leg_id, D("63928.8"), "too small to rest at the venue")),
        replace(third, exit=None, unprotected=True),
        *others,
    )
    return replace(
        whole, legs=legs, unprotected_legs=1, reducing=True, reducing_reason="operator: half of it"
    )


def queue() -> QueueView:
    rows = tuple(
        QueueRow(
            rank=index + 1,
            rank_tuple=("not a continuation", f"{loss} %", "1 replacement", f"#{index + 7}"),
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
        )
        for index, (symbol, loss) in enumerate(
            [("XRP/USDT:USDT", "-0.94"), ("ADA/USDT:USDT", "0.2")]
        )
    )
    return QueueView(rows=rows, limit=None, free_slots=7)


def signals() -> SignalsView:
    outcomes = ("admitted", "queued", "duplicate", "rejected", "no_effect", "refused")
    rows = tuple(
        SignalRow(
            signal_id=f"s{index}",
            position=800 - index,
            received_at=NOW - timedelta(minutes=index, seconds=42),
            source="52.89.214.238",
            kind="exit" if outcome == "no_effect" else "entry",
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


def risk(state: str = "active") -> RiskView:
    checks = (
        CheckRow(rule="trading_state", value="active", limit="active", passed=True),
        CheckRow(rule="max_open_groups", value="10", limit="10", passed=False),
        CheckRow(rule="mark_fresh", value="0.4", limit="30", passed=True),
    )
    return RiskView(
        trading_state=state,
        state_reason="the account was opened",
        state_actor="operator",
        state_changed_at=NOW - timedelta(hours=6),
        limits=(
            LimitRow(rule="max_open_groups", value=D(3), limit=D(10), used_percent=D(30)),
            LimitRow(rule="max_daily_loss", value=D("36.5"), limit=D(500), used_percent=D("7.3")),
            LimitRow(
                rule="max_committed_capital",
                value=D("47800.77"),
                limit=D(50000),
                used_percent=D("95.6"),
            ),
            LimitRow(rule="max_drawdown_percent", value=None, limit=D(20), used_percent=None),
        ),
        committed=D("14210.77"),
        committed_by_symbol=(
            CommittedRow(symbol="BTC/USDT:USDT", resting=D(4000), open_cost=D("810.33"), groups=1),
            CommittedRow(symbol="ETH/USDT:USDT", resting=D(0), open_cost=D("4800.11"), groups=1),
        ),
        realized_today=D("-36.5"),
        balance_total=D("101204.118"),
        balance_free=D("87000.12"),
        discrepancies=(
            DiscrepancyRow(
                symbol="SOL/USDT:USDT",
                expected=D(12),
                seen=D(10),
                detail="sold by hand",
                found_at=NOW,
            ),
        ),
        denials=(
            DecisionRow(
                position=700,
                at=NOW - timedelta(minutes=11),
                signal_id="q0",
                group_id="gq0",
                symbol="XRP/USDT:USDT",
                approved=False,
                reason="max_open_groups",
                transient=True,
                promoted=False,
                receipt=checks,
            ),
        ),
    )


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
