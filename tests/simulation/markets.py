"""The markets of the scenarios: recorded candles beside the checkout, and made-up ones."""

import csv
import gzip
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
CANDLES = HERE.parents[1].parent / "shared" / "data" / "candles"
COLUMNS = ("timestamp", "open", "high", "low", "close")

BTC_WEEK = {"BTC/USDT:USDT": CANDLES / "BTC-USDT-PERP-1m-2022-01-01_2022-01-07.csv.gz"}
EIGHT_PAIRS = {
    f"{base}/BTC": CANDLES / f"{base}-BTC-5m-2018-01-11_2018-01-17.csv.gz"
    for base in ("ADA", "DASH", "ETC", "ETH", "LTC", "NXT", "TRX", "XLM")
}
EIGHT_PERPETUALS = {f"{pair}:BTC": file for pair, file in EIGHT_PAIRS.items()}


class Step(NamedTuple):
    """The price moves to `price` at this moment, and then stands."""

    at: datetime
    price: Decimal


def path_of(candles: Path) -> list[Step]:
    """Spec §11, written again: open, then low and high (of a falling candle high and low), close.

    At 0, T/4, T/2 and 3T/4, where T is the smallest distance of two rows.
    """
    rows = list(_rows(candles))
    times = [datetime.fromisoformat(row["timestamp"]) for row in rows]
    quarter = min(later - sooner for sooner, later in pairwise(times)) / 4
    steps: list[Step] = []
    for at, row in zip(times, rows, strict=True):
        opened, high, low, close = (Decimal(row[name]) for name in COLUMNS[1:])
        between = (low, high) if close >= opened else (high, low)
        for index, price in enumerate((opened, *between, close)):
            steps.append(Step(at + index * quarter, price))
    return steps


def some_days(candles: Path, skipped: int, days: int, target: Path) -> Path:
    """The candles of `days` days after the first `skipped`, as a file of their own."""
    rows = list(_rows(candles))
    begin = datetime.fromisoformat(rows[0]["timestamp"]) + timedelta(days=skipped)
    end = begin + timedelta(days=days)
    kept = (row for row in rows if begin <= datetime.fromisoformat(row["timestamp"]) < end)
    return _write(target, [[row[name] for name in COLUMNS] for row in kept])


def make_up(seed: int, first_open: Decimal, target: Path) -> Path:
    """Two days of one-minute candles that wander, always the same for the same seed."""
    dice = random.Random(seed)
    tick = Decimal(1).scaleb(first_open.adjusted() - 4)
    start, price, drift = datetime(2026, 1, 5, tzinfo=UTC), first_open, 0
    rows: list[list[str]] = []
    for minute in range(2 * 24 * 60):
        if minute % 180 == 0:
            drift = dice.randint(-3, 3)
        close = max(price + tick * (dice.randint(-12, 12) + drift), tick * 100)
        high = max(price, close) + tick * dice.randint(0, 6)
        low = min(price, close) - tick * dice.randint(0, 6)
        at = (start + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
        rows.append([at, *(format(value, "f") for value in (price, high, low, close))])
        price = close
    return _write(target, rows)


def _rows(candles: Path) -> Iterator[dict[str, str]]:
    with gzip.open(candles, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _write(target: Path, rows: list[list[str]]) -> Path:
    lines = "".join(",".join(row) + "\n" for row in ([*COLUMNS], *rows))
    target.write_bytes(gzip.compress(lines.encode(), mtime=0))
    return target
