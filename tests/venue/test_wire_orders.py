"""Unmodified ccxt trades on the wire venue: calls, answers and the errors of each refusal."""

from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest

from adapters.exchanges.wire.server import WireVenue

BTC = "BTC/USDT:USDT"


async def create(
    client: Any, name: str, side: str, quantity: str, price: str | None, **extra: object
) -> Any:
    kind = "market" if price is None else "limit"
    parameters = {"newClientOrderId": name, **extra}
    limit = None if price is None else Decimal(price)
    return await client.create_order(BTC, kind, side, Decimal(quantity), limit, parameters)


async def test_markets_carry_the_filters(client: Any) -> None:
    market = client.market(BTC)
    assert market["precision"]["price"] == 0.1
    assert market["precision"]["amount"] == 0.001
    assert market["limits"]["cost"]["min"] == 100
    assert market["linear"] is True
    assert (market["settle"], market["contractSize"]) == ("USDT", 1)


async def test_an_order_is_created_found_and_cancelled_by_its_client_id(client: Any) -> None:
    created = await create(client, "my-1", "buy", "0.01", "50000")
    assert (created["id"], created["clientOrderId"], created["status"]) == (
        "1000001",
        "my-1",
        "open",
    )
    by_client_id = {"origClientOrderId": "my-1"}
    found = await client.fetch_order(None, BTC, by_client_id)
    assert (found["id"], found["status"], found["price"]) == ("1000001", "open", 50000)
    assert [order["id"] for order in await client.fetch_open_orders(BTC)] == ["1000001"]
    cancelled = await client.cancel_order(None, BTC, by_client_id)
    assert (cancelled["id"], cancelled["status"]) == ("1000001", "canceled")
    assert await client.fetch_open_orders(BTC) == []
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await client.cancel_order(None, BTC, by_client_id)
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        await client.fetch_order(None, BTC, {"origClientOrderId": "nope"})


async def test_a_market_order_fills_and_its_fees_come_with_the_trades(client: Any) -> None:
    created = await create(client, "my-1", "buy", "0.02", None)
    assert (created["status"], created["filled"], created["average"]) == ("closed", 0.02, 60000)
    (trade,) = await client.fetch_my_trades(BTC)
    assert (trade["id"], trade["order"], trade["takerOrMaker"]) == ("5001", "1000001", "taker")
    assert trade["fee"] == {"currency": "USDT", "cost": 0.6}
    (position,) = await client.fetch_positions([BTC])
    assert (position["side"], position["contracts"]) == ("long", 0.02)
    assert position["entryPrice"] == 60000


async def test_what_rests_fills_as_the_price_sweeps(wire: WireVenue, client: Any) -> None:
    await create(client, "my-1", "buy", "0.01", "59000")
    await wire.move(BTC, Decimal(58000))
    found = await client.fetch_order(None, BTC, {"origClientOrderId": "my-1"})
    assert (found["status"], found["average"]) == ("closed", 59000)
    (position,) = await client.fetch_positions([BTC])
    assert (position["markPrice"], position["unrealizedPnl"]) == (58000, -10)


@pytest.mark.parametrize(
    ("order", "error", "code"),
    [
        (("buy", "0.001", "50000", {}), ccxt.InvalidOrder, "-4164"),
        (("sell", "0.02", None, {"reduceOnly": True}), ccxt.InvalidOrder, "-2022"),
        (("buy", "10", "59000", {}), ccxt.InsufficientFunds, "-2019"),
        (("buy", "0.01", "60100", {"postOnly": True}), ccxt.InvalidOrder, "-5022"),
        (("buy", "0.01", "50000", {"newClientOrderId": "bad id #"}), ccxt.BadRequest, "-4015"),
        (("buy", "0.01", "50000", {"positionSide": "LONG"}), ccxt.OperationRejected, "-4061"),
    ],
)
async def test_each_refusal_is_the_error_ccxt_makes_of_binances_code(
    wire: WireVenue, client: Any, order: tuple[str, str, str | None, dict], error: type, code: str
) -> None:
    side, quantity, price, extra = order
    with pytest.raises(error, match=code):
        await create(client, "my-1", side, quantity, price, **extra)
    assert wire.accepted_ids() == []
    assert [received.refused_code for received in wire.received_orders()] == [code]


async def test_a_client_id_that_is_open_is_refused(wire: WireVenue, client: Any) -> None:
    await create(client, "my-1", "buy", "0.01", "50000")
    with pytest.raises(ccxt.InvalidOrder, match="-4116"):
        await create(client, "my-1", "buy", "0.01", "50000")
    assert wire.accepted_ids() == ["my-1"]


async def test_reduce_only_closes_a_position_once(client: Any) -> None:
    await create(client, "my-1", "buy", "0.02", None)
    closed = await create(client, "my-2", "sell", "0.02", None, reduceOnly=True)
    assert (closed["status"], closed["reduceOnly"]) == ("closed", True)
    with pytest.raises(ccxt.InvalidOrder, match="-2022"):
        await create(client, "my-3", "sell", "0.02", None, reduceOnly=True)


async def test_an_ioc_order_that_cannot_trade_expires(client: Any) -> None:
    created = await create(client, "my-1", "buy", "0.01", "59000", timeInForce="IOC")
    assert (created["status"], created["filled"]) == ("expired", 0)


async def test_balances_show_what_is_held(client: Any) -> None:
    await create(client, "my-1", "buy", "0.01", "50000")
    balance = (await client.fetch_balance())["USDT"]
    assert balance == {"free": 99499.9, "used": 500.1, "total": 100000.0}


async def test_modes_and_leverage_are_set_and_already_set_is_told(client: Any) -> None:
    with pytest.raises(ccxt.OperationRejected, match="-4059"):
        await client.set_position_mode(False)
    assert (await client.set_margin_mode("isolated", BTC))["code"] == 200
    with pytest.raises(ccxt.MarginModeAlreadySet, match="-4046"):
        await client.set_margin_mode("isolated", BTC)
    assert (await client.set_leverage(10, BTC))["leverage"] == 10
    (config,) = [
        row for row in await client.fapiPrivateGetSymbolConfig() if row["symbol"] == "BTCUSDT"
    ]
    assert (config["marginType"], str(config["leverage"])) == ("ISOLATED", "10")
    await create(client, "my-1", "buy", "15", "59000")


async def test_margin_mode_stays_while_orders_or_positions_exist(client: Any) -> None:
    await create(client, "my-1", "buy", "0.01", "59000")
    with pytest.raises(ccxt.BaseError, match="-4047"):
        await client.set_margin_mode("isolated", BTC)
    await client.cancel_all_orders(BTC)
    assert await client.fetch_open_orders(BTC) == []
    await create(client, "my-2", "buy", "0.01", None)
    with pytest.raises(ccxt.BaseError, match="-4048"):
        await client.set_margin_mode("isolated", BTC)


async def test_prices_are_asked_for_one_market_and_for_all(client: Any) -> None:
    assert (await client.fetch_ticker(BTC))["last"] == 60000
    tickers = await client.fetch_bids_asks()
    assert (tickers[BTC]["bid"], tickers[BTC]["ask"]) == (59999.9, 60000.1)
    assert set(tickers) == {BTC, "ETH/USDT:USDT", "SOL/USDT:USDT"}


async def test_histories_page_by_id(client: Any) -> None:
    for number in range(3):
        await create(client, f"my-{number}", "buy", "0.01", None)
    newest = await client.fetch_my_trades(BTC, None, 2)
    assert [trade["id"] for trade in newest] == ["5002", "5003"]
    later = await client.fetch_my_trades(BTC, None, None, {"fromId": 5002})
    assert [trade["id"] for trade in later] == ["5002", "5003"]
    of_one = await client.fetch_my_trades(BTC, None, None, {"orderId": 1000001})
    assert [trade["id"] for trade in of_one] == ["5001"]
    assert [order["id"] for order in await client.fetch_orders(BTC)] == [
        "1000001",
        "1000002",
        "1000003",
    ]


async def test_a_wrong_secret_is_refused(wire: WireVenue, client: Any) -> None:
    client.secret = "not the secret"
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        await create(client, "my-1", "buy", "0.01", "50000")
    assert wire.received_orders() == ()


async def test_a_wrong_key_is_refused(wire: WireVenue, client: Any) -> None:
    client.apiKey = "0" * 32
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        await create(client, "my-1", "buy", "0.01", "50000")
    assert wire.received_orders() == ()


@pytest.mark.parametrize("skew_seconds", [20, -20])
async def test_a_clock_that_is_off_is_refused_until_the_difference_is_known(
    wire: WireVenue, client: Any, skew_seconds: int
) -> None:
    wire.set_clock_skew(skew_seconds)
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        await create(client, "my-1", "buy", "0.01", "50000")
    client.options["adjustForTimeDifference"] = True
    await client.load_time_difference()
    assert (await create(client, "my-1", "buy", "0.01", "50000"))["id"] == "1000001"


async def test_an_unsigned_or_unknown_request_is_told_what_is_missing(client: Any) -> None:
    with pytest.raises(ccxt.BaseError, match="-5000"):
        await client.fapiPrivateGetForceOrders()
    with pytest.raises(ccxt.BadRequest, match="-1102"):
        await client.fapiPrivateGetOrder({"symbol": "BTCUSDT"})
    with pytest.raises(ccxt.BadSymbol, match="-1121"):
        await client.fapiPrivateGetAllOrders({"symbol": "NOPE"})


async def test_hosts_the_venue_does_not_have_are_forbidden(wire: WireVenue, client: Any) -> None:
    with pytest.raises(ccxt.ExchangeError):
        await client.fetch("https://example.com/")
    assert wire.proxy.refused_hosts == ["example.com"]
