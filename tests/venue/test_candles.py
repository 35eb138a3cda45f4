"""How recorded candles become a path of prices, and what a bad file is told."""

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.exchanges.simulated.candles import Candle, candle_moves, read_candles
from adapters.exchanges.simulated.instruments import (
    derive_instrument,
    parse_instrument,
    parse_symbol,
    with_rules,
)
from adapters.exchanges.simulated.market import RandomWalk, recorded

START = datetime(2022, 1, 1, tzinfo=UTC)
CANDLES = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "candles"
HEADER = "timestamp,open,high,low,close,volume\n"


def candle(minute: int, open_: str, high: str, low: str, close: str) -> Candle:
    return Candle(
        opened_at=START + timedelta(minutes=minute),
        open=Decimal(open_),
        high=Decimal(high),
        low=Decimal(low),
        close=Decimal(close),
    )


def test_a_rising_candle_goes_open_low_high_close_in_quarters() -> None:
    moves = list(candle_moves("X/USDT", [candle(0, "10", "12", "9", "11")]))
    assert [(move.price, (move.at - START).total_seconds()) for move in moves] == [
        (Decimal(10), 0),
        (Decimal(9), 15),
        (Decimal(12), 30),
        (Decimal(11), 45),
    ]


def test_a_falling_candle_goes_open_high_low_close_and_a_flat_one_counts_as_rising() -> None:
    falling = candle_moves("X/USDT", [candle(0, "10", "12", "9", "9.5")])
    assert [move.price for move in falling] == [Decimal(p) for p in ("10", "12", "9", "9.5")]
    flat = candle_moves("X/USDT", [candle(0, "10", "12", "9", "10")])
    assert [move.price for move in flat] == [Decimal(p) for p in ("10", "9", "12", "10")]


def test_the_smallest_row_distance_rules_and_gaps_stand_still() -> None:
    rows = [candle(minute, "10", "10", "10", "10") for minute in (0, 10, 14, 20)]
    moves = list(candle_moves("X/USDT", rows))
    assert len(moves) == 16
    assert moves[1].at - moves[0].at == timedelta(minutes=1)
    assert moves[4].at == START + timedelta(minutes=10)


@pytest.mark.parametrize("name", ["candles.csv", "candles.csv.gz"])
def test_a_file_is_read_plain_or_compressed(tmp_path: Path, name: str) -> None:
    text = HEADER + "2022-01-01T00:00:00Z,10,12,9,11,5\n2022-01-01T01:01:00+01:00,11,11,11,11,0\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    assert read_candles(path) == [
        candle(0, "10", "12", "9", "11"),
        candle(1, "11", "11", "11", "11"),
    ]
    assert len(list(recorded("X/USDT", path))) == 8


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: the header was ''"),
        ("timestamp,open,high,low\n", "without close"),
        (HEADER, "no row after the header"),
        (HEADER + "yesterday,1,1,1,1,1\n", "line 2: timestamp was 'yesterday'"),
        (HEADER + "2022-01-01T00:00:00,1,1,1,1,1\n", "say the zone"),
        (HEADER + "2022-01-01T00:00:00Z,1,x,1,1,1\n", "line 2: high was 'x'"),
        (HEADER + "2022-01-01T00:00:00Z,1,1,0,1,1\n", "line 2: low was '0': give a positive"),
        (HEADER + "2022-01-01T00:00:00Z,1,NaN,1,1,1\n", "high was 'NaN'"),
        (HEADER + "2022-01-01T00:00:00Z,1,2\n", "line 2: low was ''"),
        (HEADER + "2022-01-01T00:00:00Z,3,2,1,1,1\n", "open was '3': it must lie between"),
        (HEADER + "2022-01-01T00:00:00Z,2,1,2,2,1\n", "it must lie between low 2 and high 1"),
        (
            HEADER + "2022-01-01T00:01:00Z,1,1,1,1,1\n2022-01-01T00:01:00Z,1,1,1,1,1\n",
            "line 3: timestamp was 2022-01-01T00:01:00",
        ),
    ],
)
def test_a_bad_file_is_told_where_what_and_what_to_do(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        read_candles(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.skipif(not CANDLES.is_dir(), reason="the recorded candles are not beside the checkout")
def test_every_recorded_week_reads_and_stays_within_its_candles() -> None:
    for path in sorted(CANDLES.glob("*.csv.gz")):
        rows = read_candles(path)
        prices = [move.price for move in candle_moves("X/BTC", rows)]
        assert len(prices) == 4 * len(rows) > 1000
        assert max(prices) == max(row.high for row in rows)
        assert min(prices) == min(row.low for row in rows)


@pytest.mark.parametrize(
    ("symbol", "first_open", "tick", "step", "min_notional"),
    [
        ("BTC/USDT:USDT", "46197.0", "0.1", "0.001", "5"),
        ("ETH/BTC", "0.08400000", "0.0000001", "1", "0.0001"),
        ("ADA/BTC", "0.00005249", "0.00000001", "1", "0.0001"),
        ("SOL/USDT", "150", "0.001", "0.1", "5"),
        ("BIG/USD", "1234567", "10", "0.00001", "5"),
        ("ONE/USDC", "1", "0.00001", "1", "5"),
    ],
)
def test_rules_are_derived_from_the_size_of_the_first_open(
    symbol: str, first_open: str, tick: str, step: str, min_notional: str
) -> None:
    derived = derive_instrument(symbol, Decimal(first_open))
    assert derived.tick == Decimal(tick)
    assert derived.step == derived.min_quantity == Decimal(step)
    assert derived.min_notional == Decimal(min_notional)
    assert derived.kind == ("linear" if ":" in symbol else "spot")
    assert derived.venue_symbol == symbol.partition(":")[0].replace("/", "")


@pytest.mark.parametrize("text", ["BTCUSDT", "btc/usdt", "BTC/", "/USDT", "BTC/USDT:", "A/B/C"])
def test_a_symbol_that_is_not_unified_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write BTC/USDT for spot"):
        parse_symbol(text)


def test_an_inverse_perpetual_is_refused() -> None:
    with pytest.raises(ValueError, match="only linear perpetuals"):
        parse_symbol("BTC/USD:BTC")


def test_given_rules_replace_the_derived_ones() -> None:
    symbol, rules = parse_instrument("BTC/USDT:USDT=tick:0.5,step:0.01,min_notional:100")
    made = with_rules(derive_instrument(symbol, Decimal(46197)), rules)
    assert (made.tick, made.step, made.min_quantity, made.min_notional) == (
        Decimal("0.5"),
        Decimal("0.01"),
        Decimal("0.01"),
        Decimal(100),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("BTC/USDT", "write SYMBOL=tick"),
        ("BTC/USDT=", "write SYMBOL=tick"),
        ("BTC/USDT=lot:1", "rule of BTC/USDT was 'lot:1'"),
        ("BTC/USDT=tick:0", "tick of BTC/USDT was '0'"),
        ("BTC/USDT=tick:abc", "tick of BTC/USDT was 'abc'"),
    ],
)
def test_rules_that_cannot_be_are_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_instrument(text)
    assert says in str(caught.value)


def test_the_same_seed_gives_the_same_walk_on_whole_ticks() -> None:
    walks = [RandomWalk(seed=7), RandomWalk(seed=7)]
    paths = [[move for _ in range(200) for move in walk.step(START)] for walk in walks]
    assert paths[0] == paths[1]
    assert all(move.price % Decimal("0.1") == 0 for move in paths[0] if "BTC" in move.symbol)
    assert [move for _ in range(200) for move in RandomWalk(seed=8).step(START)] != paths[0]


@pytest.mark.parametrize("seed", range(10))
def test_within_twenty_minutes_the_walk_falls_deep_enough_for_a_grid_and_comes_back(
    seed: int,
) -> None:
    walk = RandomWalk(seed=seed)
    prices = [walk.step(START)[0].price for _ in range(20 * 60 * 4)]
    deepest = max(
        (max(prices[:place]) - price) / max(prices[:place])
        for place, price in enumerate(prices[1:], start=1)
        if place % 40 == 0
    )
    assert deepest > Decimal("0.02")
    low = prices.index(min(prices))
    assert max(prices[low:]) > prices[low] * Decimal("1.01")
    assert Decimal(50_000) < min(prices) < max(prices) < Decimal(70_000)
