"""Writes the alerts of the scenarios: what a TradingView strategy on two averages had sent.

`python -m tests.simulation.make_alerts` writes alerts/*.jsonl from the recorded candles. The
strategy is 'EMA 9/26' on the closes of its bars: it enters when the fast average crosses the
slow one, adds (at most four times) when the close returns over the fast average, sells half
when the close falls under it if it scales out, and leaves when the averages cross back.
"""

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from tests.simulation.markets import BTC_WEEK, EIGHT_PAIRS, HERE

FAST, SLOW = 9, 26
ADDS_MAX = 4
SIZE = Decimal("0.1")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Alerts of a longer timeframe come a little later than those of the same moment's shorter one.
LATENESS = {5: 2, 15: 2, 30: 3, 60: 5, 120: 8}
ORDER = {"long": ("buy", "sell"), "short": ("sell", "buy")}


class Chart(NamedTuple):
    """One strategy on one chart. `sides`: which it may hold; with both it reverses.

    One that `stays` never says to leave: its trades end by their targets, or as risk has it.
    One that trades `against` the trend buys as the averages cross downwards: the dip.
    """

    symbol: str
    minutes: int
    sides: tuple[str, ...]
    scales_out: bool = False
    leaves_all: bool = False
    stays: bool = False
    against: bool = False


class Bar(NamedTuple):
    """One bar of a chart that has closed."""

    closes_at: datetime
    close: Decimal


class Alert(NamedTuple):
    """One line of the file."""

    at: datetime
    body: dict[str, Any]


class Strategy:
    """What TradingView believes it holds, and the alerts its rule gives on each bar."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart
        self._side = ""
        self._size = Decimal(0)
        self._adds = 0
        self._reductions = 0
        self._scaled = False

    def on_bar(self, bar: Bar, trend: str, crossed: bool, returned: bool) -> Iterator[Alert]:
        """`returned`: the close came back over the fast average, in the trend's direction."""
        if crossed:
            yield from self._cross(bar, trend)
        elif self._side == trend and returned and self._adds < ADDS_MAX:
            self._adds += 1
            self._scaled = False
            yield self._alert(bar, "signal", self._side, self._size + SIZE)

    def on_weakness(self, bar: Bar) -> Iterator[Alert]:
        """The close fell behind the fast average: half of the position goes, once per entry."""
        if not (self._chart.scales_out and self._side) or self._scaled:
            return
        self._scaled = True
        self._reductions += 1
        form = ("amount", "sizes", "opposing", "base")[self._reductions % 4]
        kind = "signal" if form == "opposing" else "reduce"
        alert = self._alert(bar, kind, self._side, self._size / 2)
        intent = alert.body["execution_intent"]
        intent["side"] = ORDER[self._side][1]
        amount = {"amount": ("quote", "300"), "base": ("base", "0.003")}.get(form)
        intent["position_size_type"], intent["amount"] = amount or ("contracts", None)
        yield alert

    def _cross(self, bar: Bar, trend: str) -> Iterator[Alert]:
        held, wanted = self._side, trend in self._chart.sides
        self._adds, self._scaled = 0, False
        if held == trend:
            # It stayed while the trend was against it, and adds now that it is back.
            yield self._alert(bar, "signal", held, self._size + SIZE)
        elif held and wanted:
            yield self._alert(bar, "reverse", trend, SIZE)
        elif held and not self._chart.stays:
            yield self._alert(bar, "exit", held, Decimal(0))
        elif wanted:
            yield self._alert(bar, "signal", trend, SIZE)

    def _alert(self, bar: Bar, kind: str, side: str, size: Decimal) -> Alert:
        """Tell of the change, and remember it."""
        before_side, before = self._side or "flat", self._size
        grows = kind == "reverse" or size > before
        self._side, self._size = (side if size else ""), size
        at = bar.closes_at + timedelta(seconds=LATENESS[self._chart.minutes])
        when, price = at.isoformat().replace("+00:00", "Z"), _plain(bar.close)
        action = ORDER[side][0 if grows else 1]
        closes_all = kind == "exit" and self._chart.leaves_all
        tv = {
            "exchange": "BINANCE",
            "symbol": self._chart.symbol,
            "timeframe": None if closes_all else str(self._chart.minutes),
            "action": action,
            "market_position": self._side or "flat",
            "market_position_size": _plain(size),
            "prev_market_position": before_side,
            "prev_market_position_size": _plain(before),
            "entry_price": price,
            "close_price": price,
            "order_size": _plain(abs(size - before)),
        }
        body = {
            "secret": "the-demo-secret",
            "source": "tradingview",
            "timestamp": when,
            "tv": tv,
            "strategy_info": {
                "trade_id": side.capitalize(),
                "alert_name": "EMA 9/26",
                "alert_message": f"EMA 9/26 {self._chart.minutes}",
            },
            "execution_intent": {
                "type": kind,
                "side": action,
                "position_size_type": "contracts",
                "amount": _plain(abs(size - before)),
                "precision_mode": "auto",
                "strategy": "grid",
            },
            "risk": {"stop_loss": None, "take_profit": None, "max_slippage_percent": "0.5"},
        }
        return Alert(at, body)


def alerts_of(candles: Path, chart: Chart) -> Iterator[Alert]:
    """Every alert of one chart, in time."""
    strategy = Strategy(chart)
    fast = slow = before = Decimal(0)
    trend = ""
    for number, bar in enumerate(bars(candles, chart.minutes)):
        above_before = before - fast
        fast = _average(fast, bar.close, FAST) if number else bar.close
        slow = _average(slow, bar.close, SLOW) if number else bar.close
        now = "long" if (fast > slow) != chart.against else "short"
        if number > SLOW // 2:
            sign = 1 if now == "long" else -1
            ahead_before, ahead = sign * above_before > 0, sign * (bar.close - fast) > 0
            crossed = trend not in ("", now)
            yield from strategy.on_bar(bar, now, crossed, ahead and not ahead_before)
            if not crossed and ahead_before and not ahead:
                yield from strategy.on_weakness(bar)
            trend = now
        before = bar.close


def bars(candles: Path, minutes: int) -> Iterator[Bar]:
    """The closes of a chart's bars; one without any trade is left out, as TradingView does."""
    span = timedelta(minutes=minutes)
    closes_at, close = EPOCH, Decimal(0)
    with gzip.open(candles, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["timestamp"])
            if at >= closes_at:
                if close:
                    yield Bar(closes_at, close)
                closes_at = EPOCH + ((at - EPOCH) // span + 1) * span
            close = Decimal(row["close"])


def write(file: Path, charts: Sequence[tuple[Path, Chart]]) -> int:
    """Write the alerts of several charts in the order of their arrival; returns their number."""
    alerts = [alert for candles, chart in charts for alert in alerts_of(candles, chart)]
    alerts.sort(key=lambda alert: alert.at)
    lines = [
        json.dumps({"at": alert.at.isoformat().replace("+00:00", "Z"), "body": alert.body})
        for alert in alerts
    ]
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return len(lines)


def alerts_between(file: Path, begin: datetime, end: datetime, target: Path) -> Path:
    """Only the alerts that came during a run, as a file of their own."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    times = [datetime.fromisoformat(json.loads(line)["at"]) for line in lines]
    kept = [line for at, line in zip(times, lines, strict=True) if begin <= at < end]
    target.write_text("".join(kept), encoding="utf-8")
    return target


def recorded_sets() -> dict[str, list[tuple[Path, Chart]]]:
    """The charts of every committed file."""
    btc = BTC_WEEK["BTC/USDT:USDT"]
    sets = {
        "btc-long": [(btc, Chart("BTCUSDT.P", minutes, ("long",))) for minutes in (15, 30, 60)],
        "btc-short": [(btc, Chart("BTCUSDT.P", minutes, ("short",))) for minutes in (15, 30, 60)],
        "btc-mixed": [
            (btc, Chart("BTCUSDT.P", 15, ("long",), scales_out=True)),
            (btc, Chart("BTCUSDT.P", 60, ("long", "short"), scales_out=True)),
            (btc, Chart("BTCUSDT.P", 30, ("short",), leaves_all=True)),
        ],
    }
    for name, ending, side in (
        ("pairs-spot-long", "", "long"),
        ("pairs-long", ".P", "long"),
        ("pairs-short", ".P", "short"),
    ):
        sets[name] = [
            (candles, Chart(pair.replace("/", "") + ending, minutes, (side,)))
            for pair, candles in EIGHT_PAIRS.items()
            for minutes in ((30, 60) if pair[0] in "AEL" else (60,))
        ]
    # The dip is bought, and bought again; two charts go with the crash.
    sets["pairs-crash"] = [
        (EIGHT_PAIRS[f"{base}/BTC"], Chart(f"{base}BTC.P", 60, (side,), stays=True, against=dip))
        for base, side, dip in (
            ("ADA", "long", True),
            ("DASH", "short", False),
            ("ETC", "long", True),
            ("ETH", "long", True),
            ("LTC", "long", True),
            ("NXT", "short", False),
            ("TRX", "long", True),
            ("XLM", "long", True),
        )
    ]
    return sets


def _average(average: Decimal, close: Decimal, length: int) -> Decimal:
    """One more step of an exponential average, cut far below any tick."""
    step = (close - average) * 2 / (length + 1)
    return (average + step).quantize(Decimal("1e-12"))


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


if __name__ == "__main__":
    for name, charts in recorded_sets().items():
        written = write(HERE / "alerts" / f"{name}.jsonl", charts)
        print(f"{name}: {written} alerts")  # noqa: T201 - a script tells what it wrote
