"""Symbols: the ways to write a market, within the account's market type."""

import msgspec
import pytest

from domain.instrument import Instrument, MarketKind
from domain.money import ONE
from domain.symbol import SymbolProblem, resolve_symbol


def market(symbol: str, venue_symbol: str, kind: MarketKind) -> Instrument:
    base, _, rest = symbol.partition("/")
    quote, _, settle = rest.partition(":")
    return Instrument(
        symbol=symbol,
        venue_symbol=venue_symbol,
        kind=kind,
        base=base,
        quote=quote,
        settle=settle or quote,
        tick=ONE,
        step=ONE,
        min_quantity=ONE,
        min_notional=ONE,
    )


MARKETS = (
    market("BTC/USDT", "BTCUSDT", "spot"),
    market("BTC/USDT:USDT", "BTCUSDT", "linear"),
    market("ETH/USDT:USDT", "ETH-USDT-SWAP", "linear"),
    market("ETH/USDT", "ETH-USDT", "spot"),
    market("1000SHIB/USDT:USDT", "1000SHIBUSDT", "linear"),
)


@pytest.mark.parametrize(
    "written",
    [
        "BTCUSDT",
        "BTCUSDT.P",
        "btcusdt.p",
        "BTC/USDT",
        "BTC/USDT:USDT",
        "BINANCE:BTCUSDT",
        "BINANCE:BTCUSDT.P",
        "BINANCE:BTC/USDT:USDT",
        " BTCUSDT ",
    ],
)
def test_a_perpetual_may_be_written_in_many_ways(written: str) -> None:
    assert resolve_symbol(written, MARKETS, "linear") == "BTC/USDT:USDT"


@pytest.mark.parametrize("written", ["BTCUSDT", "BTC/USDT", "BINANCE:BTCUSDT"])
def test_a_spot_account_trades_the_spot_market_of_the_name(written: str) -> None:
    assert resolve_symbol(written, MARKETS, "spot") == "BTC/USDT"


@pytest.mark.parametrize("written", ["BTCUSDT.P", "BTC/USDT:USDT", "BINANCE:BTCUSDT.P"])
def test_a_perpetual_is_rejected_on_a_spot_account(written: str) -> None:
    problem = resolve_symbol(written, MARKETS, "spot")

    assert isinstance(problem, SymbolProblem)
    assert "perpetual" in problem.reason


@pytest.mark.parametrize("written", ["ETH-USDT-SWAP", "ETHUSDT", "OKX:ETHUSDT.P"])
def test_the_venues_own_name_is_known(written: str) -> None:
    assert resolve_symbol(written, MARKETS, "linear") == "ETH/USDT:USDT"


def test_an_unknown_symbol_names_the_nearest_known() -> None:
    problem = resolve_symbol("BINANCE:BTCUSD", MARKETS, "linear")

    assert isinstance(problem, SymbolProblem)
    assert problem.nearest[0] == "BTC/USDT:USDT"
    assert "BINANCE:BTCUSD" in str(problem)


def test_nothing_like_a_known_name_has_no_nearest() -> None:
    assert resolve_symbol("???", MARKETS, "linear") == SymbolProblem(
        symbol="???", reason="the venue has no such market"
    )


def test_of_several_markets_the_one_settled_in_its_quote_is_meant() -> None:
    usdc = msgspec.structs.replace(market("ETH/USDT:USDC", "ETHUSDT_C", "linear"), settle="USDC")

    assert resolve_symbol("ETHUSDT", (usdc, *MARKETS), "linear") == "ETH/USDT:USDT"


def test_of_several_markets_the_one_that_never_ends_is_meant() -> None:
    twin = market("ETH/USDT:USDT-260327", "ETHUSDT_260327", "linear")
    dated = msgspec.structs.replace(twin, settle="USDT")

    assert resolve_symbol("ETH/USDT", (dated, *MARKETS), "linear") == "ETH/USDT:USDT"
    assert resolve_symbol("ETHUSDT_260327", (dated, *MARKETS), "linear") == dated.symbol


def test_a_name_of_several_equal_markets_is_a_problem() -> None:
    twins = (market("A/BUSD:BUSD", "A_BUSD", "linear"), market("AB/USD:USD", "AB_USD", "linear"))

    problem = resolve_symbol("ABUSD", twins, "linear")

    assert isinstance(problem, SymbolProblem)
    assert problem.nearest == ("A/BUSD:BUSD", "AB/USD:USD")
