"""Raw rows, frames and market rules of Binance USDⓈ-M as the house reads them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.exchanges.binance_usdm import BinanceUsdm
from adapters.exchanges.binance_usdm_rows import moment, rows, trade_row
from adapters.exchanges.ccxt_markets import binance_usdm_instruments
from adapters.exchanges.ccxt_venue import KeyExpiredFrame, OrderFrame, UnreadableAnswerError

D = Decimal
VENUE = BinanceUsdm()


def market(**changes: Any) -> dict[str, Any]:
    """A market of ccxt whose own figures are wrong on purpose: they must not be read."""
    info: dict[str, Any] = {
        "symbol": "DOGEUSDT",
        "status": "TRADING",
        "contractType": "PERPETUAL",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.0000100", "minPrice": "0.00244"},
            {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "1", "maxQty": "50000000"},
            {"filterType": "MARKET_LOT_SIZE", "stepSize": "1", "minQty": "1", "maxQty": "30000000"},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
        ],
    }
    return {
        "symbol": "DOGE/USDT:USDT",
        "base": "DOGE",
        "quote": "USDT",
        "settle": "USDT",
        "swap": True,
        "linear": True,
        "precision": {"price": 0.1, "amount": 0.1},
        "info": {**info, **changes.pop("info")} if isinstance(changes.get("info"), dict) else info,
        **changes,
    }


def frame(**changes: Any) -> dict[str, Any]:
    content = {
        "s": "BTCUSDT",
        "c": "PA",
        "x": "TRADE",
        "X": "PARTIALLY_FILLED",
        "i": 8886774,
        "l": "0.0010",
        "z": "0.0030",
        "L": "60000.10",
        "N": "USDT",
        "n": "-0.00000001",
        "T": 1568879465651,
        "t": 17,
        "m": True,
        "R": True,
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": 1, "T": 1, "o": {**content, **changes}}


def test_rules_come_from_the_venues_strings_never_from_ccxts_floats() -> None:
    (dogecoin,) = binance_usdm_instruments([market()])
    assert (dogecoin.tick, dogecoin.step) == (D("0.00001"), D(1))
    assert (dogecoin.min_quantity, dogecoin.min_notional) == (D(1), D(5))
    assert dogecoin.max_quantity == D(30_000_000)


def test_the_limits_of_a_market_come_from_its_filters() -> None:
    filters = [
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.1500", "multiplierDown": "0.9000"},
    ]
    info = {**market()["info"], "filters": filters, "maintMarginPercent": "3.0000"}

    (dogecoin,) = binance_usdm_instruments([market(info=info)])

    assert dogecoin.max_open_orders == 200
    assert (dogecoin.band_percent, dogecoin.band_taking_only) == (D(10), True)
    assert dogecoin.maintenance_margin_percent == D(3)
    assert dogecoin.position_limit is None, "no public market data tells it"


@pytest.mark.parametrize("told", [{}, {"maintMarginPercent": "NaN"}, {"maintMarginPercent": "0"}])
def test_limits_that_are_not_told_are_none_and_the_maintenance_margin_the_usual(
    told: dict[str, Any],
) -> None:
    (dogecoin,) = binance_usdm_instruments([market(info={**market()["info"], **told})])

    assert (dogecoin.max_open_orders, dogecoin.band_percent) == (None, None)
    assert dogecoin.maintenance_margin_percent == D("2.5")


@pytest.mark.parametrize(
    "changes",
    [
        {"swap": False},
        {"linear": False},
        {"info": {"status": "SETTLING"}},
        {"info": {"contractType": "CURRENT_QUARTER"}},
        {"info": "none"},
    ],
)
def test_what_is_no_market_to_trade_is_left_out(changes: dict[str, Any]) -> None:
    assert binance_usdm_instruments([market(**changes)]) == []


@pytest.mark.parametrize(
    ("filters", "known"),
    [
        ([], (D(0), D(0))),
        (None, (D(0), D(0))),
        ([{"filterType": "PRICE_FILTER", "tickSize": "0"}], (D(0), D(0))),
        ([{"filterType": "PRICE_FILTER", "tickSize": "0.01"}], (D("0.01"), D(0))),
        ([{"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "1"}], (D(0), D(1))),
        ([{"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "NaN"}], (D(0), D(0))),
        ([{"filterType": "LOT_SIZE", "stepSize": "x", "minQty": "1"}, "broken"], (D(0), D(0))),
    ],
)
def test_a_listed_market_without_its_rules_is_incomplete_and_hides_no_other(
    filters: Any, known: tuple[Decimal, Decimal]
) -> None:
    broken = market(symbol="AAA/USDT:USDT", info={"filters": filters})

    first, second = binance_usdm_instruments([broken, market()])

    assert (first.tick, first.step) == known
    assert not first.is_complete
    assert second.symbol == "DOGE/USDT:USDT"
    assert second.is_complete


def test_a_trade_frame_is_read_to_the_last_digit_rebate_included() -> None:
    read = VENUE.read_frame(frame())
    assert isinstance(read, OrderFrame)
    assert read.trade is not None
    assert (read.trade.price, read.trade.quantity) == (D("60000.10"), D("0.0010"))
    assert (read.trade.fee, read.trade.fee_asset) == (D("-0.00000001"), "USDT")
    assert read.trade.traded_at == datetime(2019, 9, 19, 7, 51, 5, 651000, tzinfo=UTC)
    assert read.trade.trade_id == "17"
    assert read.order.filled == D("0.0030")
    assert read.order.ended is None


def test_a_frame_without_commission_is_a_trade_without_a_fee() -> None:
    content = frame()["o"]
    del content["n"], content["N"]
    read = VENUE.read_frame({"e": "ORDER_TRADE_UPDATE", "o": content})
    assert isinstance(read, OrderFrame)
    assert read.trade is not None
    assert (read.trade.fee, read.trade.fee_asset) == (D(0), "")


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("NEW", None),
        ("PARTIALLY_FILLED", None),
        ("FILLED", "filled"),
        ("CANCELED", "cancelled"),
        ("EXPIRED", "expired"),
        ("EXPIRED_IN_MATCH", "expired"),
        ("REJECTED", "rejected"),
    ],
)
def test_every_status_of_the_venue_has_one_meaning(status: str, ended: str | None) -> None:
    read = VENUE.read_frame(frame(x="CANCELED", X=status, l="0", t=0))
    assert isinstance(read, OrderFrame)
    assert read.order.ended == ended
    assert read.trade is None


@pytest.mark.parametrize("changes", [{"X": "BRAND_NEW"}, {"z": "many"}, {"i": 0}, {"t": 0}])
def test_a_frame_of_unknown_shape_is_never_guessed(changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswerError):
        VENUE.read_frame(frame(**changes))


@pytest.mark.parametrize("other", ["text", None, [], {"id": 1, "result": None}, {"e": "kline"}])
def test_other_frames_are_none_of_our_business(other: object) -> None:
    assert VENUE.read_frame(other) is None


def test_an_expired_key_is_understood() -> None:
    assert VENUE.read_frame({"e": "listenKeyExpired", "listenKey": "x"}) == KeyExpiredFrame()


@pytest.mark.parametrize("raw", ["", "<html>", {}, None, 7])
def test_what_is_no_list_never_passes_for_an_empty_list(raw: object) -> None:
    with pytest.raises(UnreadableAnswerError):
        rows(raw)


@pytest.mark.parametrize("raw", ["", "<html>", [], None, {"clientOrderId": "PA"}])
def test_what_is_no_order_is_never_read_as_one(raw: object) -> None:
    with pytest.raises(UnreadableAnswerError):
        VENUE.read_order(raw, "BTC/USDT:USDT")


def test_a_row_of_trades_is_read_to_the_last_digit() -> None:
    row = {
        "id": 698759,
        "orderId": 25851813,
        "side": "SELL",
        "positionSide": "BOTH",
        "price": "7819.01",
        "qty": "0.002",
        "commission": "-0.07819010",
        "commissionAsset": "USDT",
        "maker": False,
        "time": 1569514978020,
    }
    read = trade_row(row)
    assert (read.venue_order_id, read.side, read.position_side) == ("25851813", "sell", "both")
    assert (read.trade.fee, read.trade.liquidity) == (D("-0.07819010"), "taker")
    assert read.trade.traded_at == moment("1569514978020")
