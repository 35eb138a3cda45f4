"""Recorded candles as the path of prices they stand for, and the files that hold them."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

import msgspec

from domain.money import ZERO

COLUMNS = ("timestamp", "open", "high", "low", "close")
PRICES = COLUMNS[1:]

# The distance of rows that a file of one candle is taken to have.
SINGLE_CANDLE = timedelta(minutes=1)


class Candle(msgspec.Struct, frozen=True, kw_only=True):
    """One row: the time it opens, in UTC, and four prices in quote units."""

    opened_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """At `at` the price of `symbol` goes to `price`, through every price in between."""

    symbol: str
    price: Decimal
    at: datetime


def candle_moves(symbol: str, candles: Sequence[Candle]) -> Iterator[Move]:
    """The path of a market through its candles.

    T is the smallest distance of two rows. A candle opens at 0, then at T/4, T/2 and 3T/4 sees
    low, high, close if it closed at or above its open, else high, low, close.
    """
    quarter = row_distance(candles) / 4
    for candle in candles:
        rising = candle.close >= candle.open
        extremes = (candle.low, candle.high) if rising else (candle.high, candle.low)
        for index, price in enumerate((candle.open, *extremes, candle.close)):
            yield Move(symbol=symbol, price=price, at=candle.opened_at + index * quarter)


def row_distance(candles: Sequence[Candle]) -> timedelta:
    """The smallest distance of two rows that follow each other; a minute if there is one row."""
    return min(
        (later.opened_at - earlier.opened_at for earlier, later in pairwise(candles)),
        default=SINGLE_CANDLE,
    )


def read_candles(path: Path) -> list[Candle]:
    """The candles of a CSV or CSV.gz file with a header line.

    Raises ValueError naming file, line, field, value and remedy; OSError if it can't be read.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        columns = _columns(path, next(rows, []))
        candles: list[Candle] = []
        for row in rows:
            candle = _candle(_Row(path=path, line=rows.line_num, columns=columns, cells=row))
            if candles and candle.opened_at <= candles[-1].opened_at:
                message = (
                    f"{path}, line {rows.line_num}: timestamp was {candle.opened_at.isoformat()}, "
                    "not after the row before: sort the rows and remove doubles"
                )
                raise ValueError(message)
            candles.append(candle)
    if not candles:
        message = f"{path}: there was no row after the header: give at least one candle"
        raise ValueError(message)
    return candles


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    path: Path
    line: int
    columns: dict[str, int]
    cells: list[str]

    def cell(self, field: str) -> str:
        index = self.columns[field]
        if index >= len(self.cells):
            raise self.error(field, "", f"give all of {','.join(COLUMNS)}")
        return self.cells[index].strip()

    def error(self, field: str, value: str, remedy: str) -> ValueError:
        return ValueError(f"{self.path}, line {self.line}: {field} was {value!r}: {remedy}")


def _columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    columns = {name.strip().lower(): index for index, name in enumerate(header)}
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        message = (
            f"{path}, line 1: the header was {','.join(header)!r} without {', '.join(missing)}: "
            f"begin the file with {','.join(COLUMNS)}"
        )
        raise ValueError(message)
    return columns


def _candle(row: _Row) -> Candle:
    candle = Candle(opened_at=_time(row), **{field: _price(row, field) for field in PRICES})
    for field, value in (("open", candle.open), ("close", candle.close)):
        if not candle.low <= value <= candle.high:
            remedy = f"it must lie between low {candle.low} and high {candle.high}"
            raise row.error(field, str(value), remedy)
    return candle


def _time(row: _Row) -> datetime:
    text = row.cell("timestamp")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise row.error("timestamp", text, "write ISO-8601, 2022-01-01T00:00:00Z") from None
    if moment.tzinfo is None:
        raise row.error("timestamp", text, "say the zone, 2022-01-01T00:00:00Z for UTC")
    return moment.astimezone(UTC)


def _price(row: _Row, field: str) -> Decimal:
    text = row.cell(field)
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise row.error(field, text, "give a decimal number with a point") from None
    if not price.is_finite() or price <= ZERO:
        raise row.error(field, text, "give a positive price")
    return price
