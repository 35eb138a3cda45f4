"""A few made-up candles and alerts through the real engine: the same run, to the last byte."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.simulation.recomputing import Rules, books_of, nearest_target
from tests.simulation.running import BTC_WEEK, WEEK_ALERTS, FinishedRun, simulate

SYMBOL = "BTC/USDT:USDT"
TICK, STEP = {SYMBOL: Decimal("0.1")}, {SYMBOL: Decimal("0.001")}


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two hours of candles and a handful of alerts that need nothing from outside."""
    place = tmp_path_factory.mktemp("market")
    candles, alerts = place / "candles.csv.gz", place / "alerts.jsonl"
    start = datetime(2026, 1, 5, 23, 0, tzinfo=UTC)
    rows = ["timestamp,open,high,low,close"]
    for minute in range(120):
        at = start + timedelta(minutes=minute)
        base = Decimal(60000) + Decimal((minute * 37) % 90 - 45) * 20
        close = base + Decimal((minute * 53) % 40 - 20) * 10
        high, low = max(base, close) + 150, min(base, close) - 150
        rows.append(f"{at.isoformat()},{base},{high},{low},{close}")
    candles.write_bytes(gzip.compress("\n".join(rows).encode(), mtime=0))
    wanted = [(3, "signal", "buy", "15"), (9, "signal", "buy", "15"), (20, "signal", "buy", "60")]
    wanted += [(41, "signal", "sell", "60"), (55, "exit", "sell", "15"), (70, "exit", "sell", "60")]
    wanted += [
        (75, "signal", "sell", "60"),
        (90, "signal", "sell", "60"),
        (110, "exit", "buy", "60"),
    ]
    lines = [_alert(start + timedelta(minutes=m, seconds=7), *rest) for m, *rest in wanted]
    alerts.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return candles, alerts


@pytest.fixture(scope="module")
def small_runs(
    made_up: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[FinishedRun, FinishedRun]:
    candles, alerts = made_up
    arguments = ["--market", f"{SYMBOL}={candles}", "--signals", str(alerts)]
    first = simulate(tmp_path_factory.mktemp("a"), arguments, "0")
    return first, simulate(tmp_path_factory.mktemp("b"), arguments, "12345")


def test_two_processes_with_different_hash_seeds_give_the_same_bytes(
    small_runs: tuple[FinishedRun, FinishedRun],
) -> None:
    first, second = small_runs

    assert first.summary == second.summary
    assert first.events == second.events
    assert first.summary["groups"], "a run without a trade proves nothing"


def test_the_profit_of_a_run_is_the_sum_recomputed_from_its_fills(
    small_runs: tuple[FinishedRun, FinishedRun],
) -> None:
    _assert_same_profit(small_runs[0])


def test_a_small_run_spans_midnight_and_still_closes_every_trade_it_was_told_to(
    small_runs: tuple[FinishedRun, FinishedRun],
) -> None:
    days = {json.loads(line)["stream"].rsplit(":", 1)[1] for line in _day_events(small_runs[0])}

    assert days == {"2026-01-05", "2026-01-06"}
    assert all(group["state"] == "CLOSED" for group in small_runs[0].summary["groups"])


def test_a_week_of_bitcoin_without_any_setting_trades_as_its_fills_tell(tmp_path: Path) -> None:
    if not BTC_WEEK.exists():
        pytest.skip(f"the recorded candles {BTC_WEEK.name} are not beside this checkout")
    arguments = ["--market", f"{SYMBOL}={BTC_WEEK}", "--signals", str(WEEK_ALERTS)]

    run = simulate(tmp_path, arguments, "0")

    assert sum(run.summary["signals"].values()) == len(WEEK_ALERTS.read_text().splitlines())
    assert len(run.fills) > 100, "a week of alerts trades more than this"
    _assert_same_profit(run)


def _assert_same_profit(run: FinishedRun) -> None:
    books = books_of(run.fills, [], Rules(steps=STEP, rank=nearest_target({}, TICK)))
    told = {group["group"]: Decimal(group["realized_pnl"]) for group in run.summary["groups"]}
    recomputed = {group: book.realized for group, book in books.items()}

    assert {group: profit for group, profit in told.items() if group in recomputed} == recomputed
    assert sum(recomputed.values()) == Decimal(run.summary["realized_pnl"])
    total = sum(recomputed.values()) + Decimal(run.summary["unrealized_pnl"]) + 100000
    assert total == Decimal(run.summary["equity"])


def _day_events(run: FinishedRun) -> list[bytes]:
    return [line for line in run.events.splitlines() if b'"name":"trading_day.opened.v1"' in line]


def _alert(at: datetime, kind: str, side: str, timeframe: str) -> str:
    body = {
        "secret": "a-made-up-secret",
        "timestamp": at.isoformat(),
        "tv": {"exchange": "BINANCE", "symbol": "BTCUSDT.P", "timeframe": timeframe},
        "execution_intent": {"type": kind, "side": side},
    }
    return json.dumps({"at": at.isoformat(), "body": body})
