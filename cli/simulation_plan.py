"""What a simulation is made of: files and options, read and checked before anything runs."""

import csv
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from adapters.exchanges.simulated.candles import Candle, read_candles
from adapters.exchanges.simulated.instruments import (
    derive_instrument,
    parse_instrument,
    parse_symbol,
    with_rules,
)
from adapters.exchanges.simulated.signals import read_signals
from adapters.exchanges.simulated.simulation import TimedSignal
from cli.settings_file import usable_settings
from domain.instrument import Instrument
from domain.money import plain
from domain.settings import Settings


class SimulationOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options as they were written on the command line."""

    markets: tuple[str, ...]
    signals_file: Path
    settings_file: Path | None
    venue: str
    rules: tuple[str, ...]
    balance: str


class SimulationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run is made of, read and checked before it begins."""

    candles: tuple[tuple[str, tuple[Candle, ...]], ...]
    instruments: tuple[Instrument, ...]
    derived: tuple[str, ...]
    signals: tuple[TimedSignal, ...]
    settings: Settings
    venue: str
    balance: Decimal


def read_plan(options: SimulationOptions) -> SimulationPlan:
    """Read everything. Raises ValueError naming what is wrong, OSError for an unreadable file."""
    candles = tuple(_market(text) for text in options.markets)
    symbols = [symbol for symbol, _ in candles]
    doubled = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if doubled:
        raise ValueError(f"--market named {doubled[0]} twice: give each symbol one file")
    instruments, derived = _instruments(candles, options.rules)
    with _readable("--signals", options.signals_file):
        signals = tuple(read_signals(options.signals_file))
    return SimulationPlan(
        candles=candles,
        instruments=instruments,
        derived=derived,
        signals=signals,
        settings=_settings(options.settings_file),
        venue=options.venue,
        balance=_amount(options.balance),
    )


def _market(text: str) -> tuple[str, tuple[Candle, ...]]:
    symbol, equals, file = text.partition("=")
    if not equals or not file:
        raise ValueError(f"--market was {text!r}: write SYMBOL=FILE, as BTC/USDT:USDT=btc.csv.gz")
    parse_symbol(symbol)
    with _readable("--market", Path(file)):
        return symbol, tuple(read_candles(Path(file)))


@contextmanager
def _readable(option: str, file: Path) -> Iterator[None]:
    """A file that is not there, or is not what its name says, is named with its option."""
    try:
        yield
    except FileNotFoundError as error:
        raise ValueError(f"{option} was {file}: there is no such file") from error
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
        raise ValueError(
            f"{option} was {file}, which could not be read ({error}): give a text file in UTF-8,"
            " packed by gzip if it is named .gz"
        ) from error


def _instruments(
    candles: Sequence[tuple[str, tuple[Candle, ...]]], rules: tuple[str, ...]
) -> tuple[tuple[Instrument, ...], tuple[str, ...]]:
    given = dict(parse_instrument(text) for text in rules)
    unknown = sorted(set(given) - {symbol for symbol, _ in candles})
    if unknown:
        raise ValueError(f"--instrument was {unknown[0]}: name it with --market too")
    made = [
        with_rules(derive_instrument(symbol, rows[0].open), given.get(symbol, {}))
        for symbol, rows in candles
    ]
    derived = tuple(
        f"{each.symbol}: tick {plain(each.tick)}, step {plain(each.step)}, minimum"
        f" {plain(each.min_quantity)}, minimum notional {plain(each.min_notional)}"
        for each in made
    )
    return tuple(made), derived


def _settings(path: Path | None) -> Settings:
    """The settings of a run, in which nothing is coalesced: spec §11."""
    settings = Settings() if path is None else _read_settings(path)
    exits = msgspec.structs.replace(settings.exits, coalesce_ms=0)
    return msgspec.structs.replace(settings, exits=exits)


def _read_settings(path: Path) -> Settings:
    with _readable("--settings", path):
        content = path.read_bytes()
    return usable_settings(path, content)


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"--balance was {text!r}: give a positive decimal number")
    return amount
