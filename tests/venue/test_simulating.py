"""`plimsoll simulate` with another capital currency: eight markets quoted in bitcoin at once."""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.exchanges.simulated.account import LinearHoldings
from adapters.exchanges.simulated.candles import Candle
from adapters.exchanges.simulated.instruments import derive_instrument
from cli.simulate import venue_of
from cli.simulation_plan import SimulationPlan
from domain.settings import CapitalPatch, CapitalSettings, Override, Settings
from tests.simulation.running import CANDLES, FinishedRun, simulate

D = Decimal
BASES = ("ADA", "DASH", "ETC", "ETH", "LTC", "NXT", "TRX", "XLM")
START = datetime(2018, 1, 11, 1, tzinfo=UTC)
BALANCE = D(100)
SETTINGS = {
    "capital": {"currency": "BTC", "group_budget": "1"},
    "risk": {"max_committed_capital": "1000"},
}
ROWS, HOURS_APART = 2 * 288, 5
FEE = {"maker": D("0.0002"), "taker": D("0.0005")}


def candle_file(base: str) -> Path:
    return CANDLES / f"{base}-BTC-5m-2018-01-11_2018-01-17.csv.gz"


def two_days(base: str, place: Path) -> Path:
    """The first two days of a market, so that a run takes seconds."""
    with gzip.open(candle_file(base), "rt", encoding="utf-8", newline="") as file:
        rows = [line for line, _ in zip(file, range(ROWS + 1), strict=False)]
    short = place / f"{base}.csv"
    short.write_text("".join(rows), encoding="utf-8")
    return short


def alerts(suffix: str) -> Iterator[str]:
    """Long, long again, short, exit: a different one for each market at each hour."""
    kinds = [("signal", "buy"), ("signal", "buy"), ("signal", "sell"), ("exit", "sell")]
    for turn in range(48 // HOURS_APART):
        for place, base in enumerate(BASES):
            kind, side = kinds[(turn + place) % len(kinds)]
            at = START + timedelta(hours=turn * HOURS_APART, minutes=5 * place + 1)
            tv = {"symbol": f"{base}/BTC{suffix}", "timeframe": "15"}
            body = {"tv": tv, "execution_intent": {"type": kind, "side": side}}
            yield json.dumps({"at": at.isoformat(), "body": body})


def run_of(place: Path, suffix: str) -> FinishedRun:
    if not candle_file("ETH").exists():
        pytest.skip("the recorded candles quoted in BTC are not beside this checkout")
    signals, settings = place / "alerts.jsonl", place / "settings.json"
    signals.write_text("\n".join(alerts(suffix)) + "\n", encoding="utf-8")
    settings.write_text(json.dumps(SETTINGS), encoding="utf-8")
    markets = [f"{base}/BTC{suffix}={two_days(base, place)}" for base in BASES]
    options = [word for market in markets for word in ("--market", market)]
    options += ["--signals", str(signals), "--settings", str(settings), "--balance", str(BALANCE)]
    return simulate(place / "out", options, "0")


@pytest.fixture(scope="module")
def spot(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    return run_of(tmp_path_factory.mktemp("spot"), "")


@pytest.fixture(scope="module")
def perpetual(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    return run_of(tmp_path_factory.mktemp("perpetual"), ":BTC")


def events(run: FinishedRun, name: str) -> list[dict[str, Any]]:
    lines = (json.loads(line) for line in run.events.splitlines() if name.encode() in line)
    return [line["state"]["event"] for line in lines if line["name"] == name]


def last_close(symbol: str) -> Decimal:
    base = symbol.partition("/")[0]
    with gzip.open(candle_file(base), "rt", encoding="utf-8", newline="") as file:
        return D(list(csv.DictReader(file))[ROWS - 1]["close"])


def cash_of(fills: Sequence[dict[str, str]]) -> Decimal:
    """The bitcoin that came in, by plain sums: a fee in bitcoin is paid, another one is not."""
    total = D(0)
    for fill in fills:
        value = D(fill["price"]) * D(fill["quantity"])
        total += value if fill["side"] == "sell" else -value
        total -= D(fill["fee"]) if fill["fee_asset"] == "BTC" else 0
    return total


def open_worth(run: FinishedRun) -> Decimal:
    """What the open groups hold, at the last close."""
    return sum(
        (
            D(group["quantity_open"])
            * last_close(group["symbol"])
            * (1 if group["side"] == "long" else -1)
            for group in run.summary["groups"]
        ),
        D(0),
    )


def equity_adds_up(run: FinishedRun) -> bool:
    summary = run.summary
    parts = D(summary["realized_pnl"]) + D(summary["unrealized_pnl"])
    return D(summary["equity"]) == BALANCE + parts


def test_perpetuals_settled_in_bitcoin_run_together(perpetual: FinishedRun) -> None:
    traded = {fill["symbol"] for fill in perpetual.fills}
    assert len(traded) >= 6
    assert {group["side"] for group in perpetual.summary["groups"]} == {"long", "short"}
    assert {fill["fee_asset"] for fill in perpetual.fills} == {"BTC"}
    for fill in perpetual.fills:
        assert D(fill["fee"]) == D(fill["price"]) * D(fill["quantity"]) * FEE[fill["liquidity"]]


def test_the_equity_of_perpetuals_is_the_cash_of_their_fills_and_what_is_open(
    perpetual: FinishedRun,
) -> None:
    assert equity_adds_up(perpetual)
    expected = BALANCE + cash_of(perpetual.fills) + open_worth(perpetual)
    assert D(perpetual.summary["equity"]) == expected


def test_a_spot_account_rejects_shorts_and_trades_the_rest(spot: FinishedRun) -> None:
    assert {group["side"] for group in spot.summary["groups"]} == {"long"}
    reasons = [judged["reason"] for judged in events(spot, "trading_day.signal_judged.v1")]
    assert "a spot account cannot go short" in reasons
    assert len({fill["symbol"] for fill in spot.fills}) >= 6


def test_a_spot_buy_pays_in_what_it_bought_and_no_more_is_sold_than_came_in(
    spot: FinishedRun,
) -> None:
    held: dict[str, Decimal] = defaultdict(Decimal)
    for fill in spot.fills:
        base, quantity = fill["symbol"].partition("/")[0], D(fill["quantity"])
        if fill["side"] == "buy":
            assert (fill["fee_asset"], D(fill["fee"])) == (base, quantity * FEE[fill["liquidity"]])
            held[fill["symbol"]] += quantity - D(fill["fee"])
        else:
            assert fill["fee_asset"] == "BTC"
            held[fill["symbol"]] -= quantity
        assert held[fill["symbol"]] >= 0, f"{fill} sold what had not come in"
    assert events(spot, "order.rejected.v1") == []


def test_the_equity_of_a_spot_account_is_its_cash_its_lots_and_its_dust_as_written_off(
    spot: FinishedRun,
) -> None:
    assert equity_adds_up(spot)
    dust = events(spot, "dca_leg.dust_written_off.v1")
    assert dust, "a run without dust proves nothing about it"
    written_off = sum((D(each["quantity"]) * D(each["price"]) for each in dust), D(0))
    expected = BALANCE + cash_of(spot.fills) + open_worth(spot) + written_off
    assert D(spot.summary["equity"]) == expected


def test_the_venue_of_a_run_takes_position_mode_and_leverage_from_the_settings() -> None:
    one, other = "BTC/USDT:USDT", "ETH/USDT:USDT"
    capital = CapitalSettings(leverage=3, hedge_mode=True)
    own = Override(symbol=other, capital=CapitalPatch(leverage=5))
    core = venue_of(plan_of(Settings(capital=capital, overrides=(own,)), one, other))
    assert core.hedge_mode
    assert isinstance(core.holdings, LinearHoldings)
    assert [core.holdings.leverage(symbol) for symbol in (one, other)] == [3, 5]
    assert not venue_of(plan_of(Settings(), "BTC/USDT")).hedge_mode


def plan_of(settings: Settings, *symbols: str) -> SimulationPlan:
    candle = Candle(opened_at=START, open=D(100), high=D(100), low=D(100), close=D(100))
    return SimulationPlan(
        candles=tuple((symbol, (candle,)) for symbol in symbols),
        instruments=tuple(derive_instrument(symbol, D(100)) for symbol in symbols),
        derived=(),
        signals=(),
        settings=settings,
        venue="binanceusdm",
        balance=BALANCE,
    )
