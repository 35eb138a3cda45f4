"""Symbols as the four venues, TradingView and traders write them, over each venue's markets."""

import msgspec
import pytest

from domain.instrument import Instrument, MarketKind
from domain.symbol import SymbolProblem, resolve_symbol
from tests.domain.test_symbol import market


def dated(symbol: str, venue_symbol: str) -> Instrument:
    """A future that ends: it settles in what it is quoted in, as the perpetual does."""
    return msgspec.structs.replace(market(symbol, venue_symbol, "linear"), settle="USDT")


BINANCE = (
    market("BTC/USDT", "BTCUSDT", "spot"),
    market("PEPE/USDT", "PEPEUSDT", "spot"),
    market("BTC/USDT:USDT", "BTCUSDT", "linear"),
    market("BTC/USDC:USDC", "BTCUSDC", "linear"),
    dated("BTC/USDT:USDT-260327", "BTCUSDT_260327"),
    market("1000PEPE/USDT:USDT", "1000PEPEUSDT", "linear"),
)
BYBIT = (
    market("BTC/USDT", "BTCUSDT", "spot"),
    market("BTC/USDT:USDT", "BTCUSDT", "linear"),
    market("BTC/USDC:USDC", "BTCPERP", "linear"),
    market("SHIB1000/USDT:USDT", "SHIB1000USDT", "linear"),
)
OKX = (
    market("BTC/USDT", "BTC-USDT", "spot"),
    market("BTC/USDT:USDT", "BTC-USDT-SWAP", "linear"),
    dated("BTC/USDT:USDT-260327", "BTC-USDT-260327"),
    market("PEPE/USDT:USDT", "PEPE-USDT-SWAP", "linear"),
)
KUCOIN = (
    market("BTC/USDT", "BTC-USDT", "spot"),
    market("BTC/USDT:USDT", "XBTUSDTM", "linear"),
    market("ETH/USDT:USDT", "ETHUSDTM", "linear"),
)


@pytest.mark.parametrize(
    ("venue", "written", "symbol"),
    [
        (BINANCE, "BTCUSDT", "BTC/USDT:USDT"),
        (BINANCE, "BTCUSDT.P", "BTC/USDT:USDT"),
        (BINANCE, "BINANCE:BTCUSDT.P", "BTC/USDT:USDT"),
        (BINANCE, "binance:btcusdt.p", "BTC/USDT:USDT"),
        (BINANCE, "BINANCE_DLY:BTCUSDT.P", "BTC/USDT:USDT"),
        (BINANCE, "BTC/USDT", "BTC/USDT:USDT"),
        (BINANCE, "BTC/USDT:USDT", "BTC/USDT:USDT"),
        (BINANCE, "BTCUSDC.P", "BTC/USDC:USDC"),
        (BINANCE, "BTCUSDT_260327", "BTC/USDT:USDT-260327"),
        (BINANCE, "1000PEPEUSDT.P", "1000PEPE/USDT:USDT"),
        (BINANCE, "1000PEPE/USDT", "1000PEPE/USDT:USDT"),
        # The exchange never routes: another venue's chart of the same market will do.
        (BINANCE, "OKX:BTCUSDT.P", "BTC/USDT:USDT"),
        (BINANCE, "BTC-USDT-SWAP", "BTC/USDT:USDT"),
        (BINANCE, "KUCOIN:XBTUSDTM", "BTC/USDT:USDT"),
        (BYBIT, "BYBIT:BTCUSDT.P", "BTC/USDT:USDT"),
        (BYBIT, "BTCPERP", "BTC/USDC:USDC"),
        (BYBIT, "BYBIT:SHIB1000USDT.P", "SHIB1000/USDT:USDT"),
        (OKX, "BTC-USDT-SWAP", "BTC/USDT:USDT"),
        (OKX, "okx:btc-usdt-swap", "BTC/USDT:USDT"),
        (OKX, "OKX:BTCUSDT.P", "BTC/USDT:USDT"),
        (OKX, "BTC-USDT.P", "BTC/USDT:USDT"),
        (OKX, "BTC-USDT-260327", "BTC/USDT:USDT-260327"),
        (OKX, "PEPE-USDT", "PEPE/USDT:USDT"),
        (KUCOIN, "XBTUSDTM", "BTC/USDT:USDT"),
        (KUCOIN, "KUCOIN:XBTUSDTM", "BTC/USDT:USDT"),
        (KUCOIN, "KUCOIN:BTCUSDT.P", "BTC/USDT:USDT"),
        (KUCOIN, "KUCOIN:XBTUSDT.P", "BTC/USDT:USDT"),
        (KUCOIN, "BTCUSDTM", "BTC/USDT:USDT"),
        (KUCOIN, "ETHUSDTM", "ETH/USDT:USDT"),
        (KUCOIN, "BTC-USDT", "BTC/USDT:USDT"),
    ],
)
def test_a_perpetual_account_knows_every_form(
    venue: tuple[Instrument, ...], written: str, symbol: str
) -> None:
    assert resolve_symbol(written, venue, "linear") == symbol


@pytest.mark.parametrize("venue", [BINANCE, BYBIT, OKX, KUCOIN])
@pytest.mark.parametrize("written", ["BTCUSDT", "BTC-USDT", "BTC/USDT", "X:BTCUSDT", "XBTUSDT"])
def test_a_spot_account_knows_every_form(venue: tuple[Instrument, ...], written: str) -> None:
    assert resolve_symbol(written, venue, "spot") == "BTC/USDT"


@pytest.mark.parametrize("venue", [BINANCE, BYBIT, OKX, KUCOIN])
@pytest.mark.parametrize(
    "written", ["BTCUSDT.P", "BTC/USDT:USDT", "BTC-USDT-SWAP", "XBTUSDTM", "KUCOIN:XBTUSDTM"]
)
def test_a_spot_account_rejects_every_form_of_a_perpetual(
    venue: tuple[Instrument, ...], written: str
) -> None:
    problem = resolve_symbol(written, venue, "spot")

    assert isinstance(problem, SymbolProblem)
    assert problem.reason == "it names a perpetual, the account trades spot"


@pytest.mark.parametrize(
    ("venue", "written", "kind", "nearest"),
    [
        (BINANCE, "PEPEUSDT.P", "linear", "1000PEPE/USDT:USDT"),
        (BINANCE, "PEPEUSDT", "linear", "1000PEPE/USDT:USDT"),
        (BINANCE, "1000PEPEUSDT", "spot", "PEPE/USDT"),
        (OKX, "1000PEPE-USDT-SWAP", "linear", "PEPE/USDT:USDT"),
        (BYBIT, "1000SHIBUSDT.P", "linear", "SHIB1000/USDT:USDT"),
        (BINANCE, "BTCUSD", "linear", "BTC/USDT:USDT"),
        (KUCOIN, "XBTUSDM", "linear", "BTC/USDT:USDT"),
    ],
)
def test_a_contract_on_another_multiple_is_another_market_and_told_as_the_nearest(
    venue: tuple[Instrument, ...], written: str, kind: MarketKind, nearest: str
) -> None:
    problem = resolve_symbol(written, venue, kind)

    assert isinstance(problem, SymbolProblem)
    assert problem.reason == "the venue has no such market"
    assert nearest in problem.nearest


def test_a_spot_coin_whose_joined_name_looks_like_a_future_is_itself() -> None:
    odd = market("BTC/USDTM", "BTCUSDTM", "spot")

    assert resolve_symbol("BTCUSDTM", (odd, *KUCOIN), "spot") == "BTC/USDTM"
