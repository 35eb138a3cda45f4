"""Unmodified ccxt with stops, both sides of hedge mode and funding, on the wire venue."""

from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest

from adapters.exchanges.wire.server import WireVenue
from tests.venue.test_wire_orders import BTC, create
from tests.venue.test_wire_streams import Listener, listener, until

__all__ = ["listener"]

D = Decimal
# Key sets after the documentation of each endpoint and event.
SHARED = {
    *("algoId", "clientAlgoId", "algoType", "orderType", "symbol", "side", "positionSide"),
    *("timeInForce", "quantity", "algoStatus", "triggerPrice", "price", "icebergQuantity"),
    *("selfTradePreventionMode", "workingType", "priceMatch", "closePosition", "priceProtect"),
    *("reduceOnly", "createTime", "updateTime", "triggerTime", "goodTillDate"),
}
CREATED = SHARED | {"activatePrice", "callbackRate"}
QUERIED = SHARED | {
    *("actualOrderId", "actualPrice", "tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice"),
    "tpOrderType",
}
FRAME = {
    *("caid", "aid", "at", "o", "s", "S", "ps", "f", "q", "X", "ai", "ap", "aq", "act", "tp", "p"),
    *("V", "wt", "pm", "cp", "pP", "R", "tt", "gtd", "rm"),
}
INCOME = {"symbol", "incomeType", "income", "asset", "info", "time", "tranId", "tradeId"}
BY_ID = {"clientAlgoId": "sl-1", "trigger": True}


async def held(client: Any) -> None:
    await create(client, "entry", "buy", "0.02", None)


async def stop(client: Any, **extra: object) -> Any:
    more = {"clientAlgoId": "sl-1", "triggerPrice": "59000", "reduceOnly": True, **extra}
    return await client.create_order(BTC, "market", "sell", D("0.02"), None, more)


async def test_a_stop_waits_apart_from_the_orders_until_it_is_cancelled(client: Any) -> None:
    await held(client)
    created = await stop(client)
    assert set(created["info"]) == CREATED
    assert (created["clientOrderId"], created["status"]) == ("sl-1", "open")
    assert await client.fetch_open_orders(BTC) == []
    (waiting,) = await client.fetch_open_orders(BTC, None, None, {"trigger": True})
    assert set(waiting["info"]) == QUERIED
    assert waiting["triggerPrice"] == 59000
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        await client.fetch_order(None, BTC, {"origClientOrderId": "sl-1"})
    cancelled = await client.cancel_order(None, BTC, BY_ID)
    assert cancelled["info"] == {
        "algoId": created["info"]["algoId"],
        "clientAlgoId": "sl-1",
        "code": "200",
        "msg": "success",
    }
    asked = await client.fetch_order(None, BTC, BY_ID)
    assert (asked["info"]["algoStatus"], asked["info"]["actualOrderId"]) == ("CANCELED", "")
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await client.cancel_order(None, BTC, BY_ID)


@pytest.mark.parametrize("keeps_id", [False, True])
async def test_a_triggered_stop_becomes_a_market_order_under_an_id_of_the_venue(
    wire: WireVenue, client: Any, keeps_id: bool
) -> None:
    if keeps_id:
        wire.let_stops_keep_their_id()
    await held(client)
    await stop(client)
    await wire.move(BTC, D(58_500))
    asked = await client.fetch_order(None, BTC, BY_ID)
    assert asked["info"]["algoStatus"] == "FINISHED"
    made = await client.fetch_order(asked["info"]["actualOrderId"], BTC)
    assert (made["clientOrderId"] == "sl-1") == keeps_id
    assert (made["status"], made["filled"], made["average"]) == ("closed", 0.02, 59000)
    assert (made["info"]["type"], made["info"]["origType"]) == ("MARKET", "STOP_MARKET")
    assert made["id"] != asked["info"]["algoId"]
    by_client_id = await client.fetch_order(None, BTC, {"origClientOrderId": made["clientOrderId"]})
    assert by_client_id["id"] == made["id"]
    assert (await client.fetch_my_trades(BTC))[-1]["order"] == made["id"]
    (listed,) = await client.fapiPrivateGetAllAlgoOrders({"symbol": "BTCUSDT"})
    assert listed["actualOrderId"] == made["id"]
    assert [order["id"] for order in await client.fetch_orders(BTC)][-1] == made["id"]
    assert wire.positions() == {}


async def test_the_stream_tells_the_fill_before_it_names_the_order(
    wire: WireVenue, client: Any, listener: Listener
) -> None:
    await held(client)
    await stop(client)
    await wire.move(BTC, D(58_500))
    await until(lambda: any(_state(frame) == "FINISHED" for frame in listener.frames))
    told = [_state(frame) for frame in listener.frames if frame.get("e", "").endswith("UPDATE")]
    after_entry = told[told.index("NEW sl-1") :]
    assert after_entry == [
        "NEW sl-1",
        "TRIGGERING",
        "NEW algo_1000002",
        "account",
        "FILLED algo_1000002",
        "TRIGGERED",
        "FINISHED",
    ]
    stops = [frame["o"] for frame in listener.frames if frame.get("e") == "ALGO_UPDATE"]
    assert all(FRAME <= set(frame) <= FRAME | {"T"} for frame in stops)
    assert [(frame["ai"], frame["aq"]) for frame in stops] == [
        ("", "0"),
        ("", "0"),
        ("1000002", "0.02"),
        ("1000002", "0.02"),
    ]


def _state(frame: dict[str, Any]) -> str:
    match frame.get("e"):
        case "ALGO_UPDATE":
            state = frame["o"]["X"]
            return f"NEW {frame['o']['caid']}" if state == "NEW" else str(state)
        case "ORDER_TRADE_UPDATE":
            return f"{frame['o']['X']} {frame['o']['c']}"
        case "ACCOUNT_UPDATE":
            return "account"
        case _:
            return ""


async def test_a_stop_whose_position_is_gone_expires_without_an_order(
    wire: WireVenue, client: Any
) -> None:
    await held(client)
    await stop(client)
    await create(client, "out", "sell", "0.02", None, reduceOnly=True)
    await wire.move(BTC, D(58_500))
    asked = await client.fetch_order(None, BTC, BY_ID)
    assert (asked["info"]["algoStatus"], asked["info"]["actualOrderId"]) == ("EXPIRED", "")


async def test_a_stop_that_would_trigger_at_once_is_refused(wire: WireVenue, client: Any) -> None:
    await held(client)
    with pytest.raises(ccxt.BaseError, match="-2021"):
        await stop(client, triggerPrice="61000")
    assert wire.received_orders()[-1].refused_code == "-2021"


async def test_a_stop_at_the_address_of_orders_is_sent_to_the_right_one(client: Any) -> None:
    order = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.02"}
    with pytest.raises(ccxt.InvalidOrder, match="-4120"):
        await client.fapiPrivatePostOrder({**order, "stopPrice": "59000"})


async def test_hedge_mode_holds_both_sides_and_takes_no_reduce_only_flag(
    wire: WireVenue, client: Any
) -> None:
    await client.set_position_mode(True)
    with pytest.raises(ccxt.OperationRejected, match="-4059"):
        await client.set_position_mode(True)
    await create(client, "long", "buy", "0.02", None, hedged=True)
    await create(client, "short", "sell", "0.01", None, hedged=True)
    assert wire.positions() == {f"{BTC}|long": D("0.02"), f"{BTC}|short": D("-0.01")}
    rows = await client.fapiPrivateV3GetPositionRisk()
    assert [(row["positionSide"], row["positionAmt"]) for row in rows] == [
        ("LONG", "0.02"),
        ("SHORT", "-0.01"),
    ]
    with pytest.raises(ccxt.BadRequest, match="-1106"):
        await create(client, "x", "sell", "0.01", None, positionSide="LONG", reduceOnly=True)
    with pytest.raises(ccxt.OperationRejected, match="-4061"):
        await create(client, "x", "sell", "0.01", None)
    with pytest.raises(ccxt.BaseError, match="-4068"):
        await client.set_position_mode(False)
    await create(client, "out", "sell", "0.02", None, hedged=True, reduceOnly=True)
    await create(client, "in", "buy", "0.01", None, hedged=True, reduceOnly=True)
    await create(client, "rests", "buy", "0.01", "50000", hedged=True)
    with pytest.raises(ccxt.BaseError, match="-4067"):
        await client.set_position_mode(False)


async def test_funding_changes_the_balance_and_is_told_by_stream_and_income(
    wire: WireVenue, client: Any, listener: Listener
) -> None:
    await held(client)
    before = (await client.fetch_balance())["USDT"]["total"]
    wire.fund(BTC, D("0.01"))
    assert (await client.fetch_balance())["USDT"]["total"] == pytest.approx(before - 0.12)
    (row,) = await client.fapiPrivateGetIncome({"incomeType": "FUNDING_FEE"})
    assert set(row) == INCOME
    assert (row["symbol"], row["income"], row["asset"]) == ("BTCUSDT", "-0.12", "USDT")
    assert await client.fapiPrivateGetIncome({"incomeType": "TRANSFER"}) == []
    later = {"incomeType": "FUNDING_FEE", "startTime": int(row["time"]) + 1}
    assert await client.fapiPrivateGetIncome(later) == []
    await until(lambda: any(_reason(frame) == "FUNDING_FEE" for frame in listener.frames))


def _reason(frame: dict[str, Any]) -> str:
    return str(frame.get("a", {}).get("m", "")) if isinstance(frame.get("a"), dict) else ""
