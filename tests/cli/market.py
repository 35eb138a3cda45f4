"""Candles and alerts made up for a night over midnight, and the files they stand in."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec

SYMBOL = "BTC/USDT:USDT"
FIRST_DAY, SECOND_DAY, THIRD_DAY = "2026-01-05", "2026-01-06", "2026-01-07"
START = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)
MINUTES = 60


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """The files `plimsoll simulate` is given."""

    candles: Path
    alerts: Path

    def arguments(self) -> list[str]:
        """The options that name them."""
        return ["--market", f"{SYMBOL}={self.candles}", "--signals", str(self.alerts)]


def write_market(place: Path) -> Market:
    """A market that swings by two percent, so that ladders fill and targets are met."""
    rows = []
    for minute in range(MINUTES):
        base = Decimal(60000) + Decimal((minute * 37) % 90 - 45) * 20
        close = base + Decimal((minute * 53) % 40 - 20) * 10
        rows.append((START + timedelta(minutes=minute), base, close))
    alerts = [
        alert(START + timedelta(minutes=2, seconds=7), "signal", "buy", "15"),
        alert(START + timedelta(minutes=8, seconds=7), "signal", "buy", "15"),
        alert(START + timedelta(minutes=12, seconds=7), "exit", "sell", "15"),
        alert(START + timedelta(minutes=15, seconds=7), "signal", "buy", "60"),
        alert(START + timedelta(minutes=41, seconds=7), "exit", "sell", "60"),
        alert(START + timedelta(minutes=45, seconds=7), "signal", "sell", "60"),
    ]
    return Market(
        candles=write_candles(place / "candles.csv", rows), alerts=write_alerts(place, alerts)
    )


def write_candles(path: Path, rows: Sequence[tuple[datetime, Decimal, Decimal]]) -> Path:
    """A candle file of (time, open, close), each with 150 above and below."""
    lines = ["timestamp,open,high,low,close"]
    for at, opened, closed in rows:
        high, low = max(opened, closed) + 150, min(opened, closed) - 150
        lines.append(f"{at.isoformat()},{opened},{high},{low},{closed}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_alerts(place: Path, lines: Sequence[str]) -> Path:
    """A file of alerts, one a line."""
    path = place / "alerts.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def body_of(at: datetime, kind: str, side: str, timeframe: str) -> dict[str, object]:
    """An alert as TradingView would send it."""
    return {
        "secret": "a-made-up-secret",
        "timestamp": at.isoformat(),
        "tv": {"exchange": "BINANCE", "symbol": "BTCUSDT.P", "timeframe": timeframe},
        "execution_intent": {"type": kind, "side": side},
    }


def alert(at: datetime, kind: str, side: str, timeframe: str) -> str:
    """One line of an alert file."""
    return json.dumps({"at": at.isoformat(), "body": body_of(at, kind, side, timeframe)})
