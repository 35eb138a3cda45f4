"""The streams of the wire venue as unmodified ccxt hears them, and how they may fail."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest

from adapters.exchanges.wire.server import WireVenue
from tests.venue.test_wire_orders import BTC, create

DEADLINE_SECONDS = 15


class Listener:
    """Follows a client's own orders and keeps every raw frame."""

    def __init__(self, client: Any) -> None:
        self.frames: list[dict[str, Any]] = []
        self._client = client
        self._handle = client.handle_message
        client.handle_message = self._hear

    def _hear(self, socket: Any, message: Any) -> None:
        self.frames.append(message)
        self._handle(socket, message)

    async def follow(self) -> None:
        while True:
            await self._client.watch_orders()

    def orders(self) -> list[tuple[str, str, str]]:
        """(client id, status, cumulative fill) of each order frame."""
        frames = [frame["o"] for frame in self.frames if frame.get("e") == "ORDER_TRADE_UPDATE"]
        return [(frame["c"], frame["X"], frame["z"]) for frame in frames]


@pytest.fixture
async def listener(wire: WireVenue, client: Any) -> AsyncIterator[Listener]:
    made = Listener(client)
    task = asyncio.create_task(made.follow())
    await until(lambda: wire.hub.private_connections == 1)
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not met():
            await asyncio.sleep(0.01)


async def test_prices_are_heard_on_subscribing_and_on_each_move(
    wire: WireVenue, client: Any
) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        assert (await client.watch_bids_asks([BTC]))[BTC]["bid"] == 59999.9
        assert (await client.watch_ticker(BTC))["last"] == 60000
        assert (await client.watch_trades(BTC))[-1]["price"] == 60000
        assert (await client.watch_mark_price(BTC))["markPrice"] == 60000
        await wire.move(BTC, Decimal(61000))
        while (await client.watch_bids_asks([BTC]))[BTC]["ask"] != 61000.1:
            pass
        while (await client.watch_ticker(BTC))["last"] != 61000:
            pass


async def test_standing_prices_are_repeated(client: Any) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        first = (await client.watch_bids_asks([BTC]))[BTC]["info"]["u"]
        while (await client.watch_bids_asks([BTC]))[BTC]["info"]["u"] == first:
            pass


async def test_watch_orders_delivers_acceptance_fills_and_end(
    wire: WireVenue, client: Any, listener: Listener
) -> None:
    await create(client, "my-1", "buy", "0.01", "59000")
    wire.fill("my-1", Decimal("0.004"))
    await wire.move(BTC, Decimal(58900))
    await create(client, "my-2", "sell", "0.01", "61000", reduceOnly=True)
    await client.cancel_order(None, BTC, {"origClientOrderId": "my-2"})
    await create(client, "my-3", "sell", "0.01", "59500", timeInForce="IOC")
    await until(lambda: len(listener.orders()) == 7)
    assert listener.orders() == [
        ("my-1", "NEW", "0"),
        ("my-1", "PARTIALLY_FILLED", "0.004"),
        ("my-1", "FILLED", "0.01"),
        ("my-2", "NEW", "0"),
        ("my-2", "CANCELED", "0"),
        ("my-3", "NEW", "0"),
        ("my-3", "EXPIRED", "0"),
    ]
    fills = [frame["o"] for frame in listener.frames if frame.get("o", {}).get("x") == "TRADE"]
    assert [(fill["t"], fill["l"], fill["L"], fill["n"]) for fill in fills] == [
        (5001, "0.004", "59000", "0.0472"),
        (5002, "0.006", "59000", "0.0708"),
    ]
    cached = {order["clientOrderId"]: order["status"] for order in client.orders}
    assert cached == {"my-1": "closed", "my-2": "canceled", "my-3": "expired"}


async def test_the_account_is_told_before_the_order_with_position_and_profit(
    wire: WireVenue, client: Any, listener: Listener
) -> None:
    await create(client, "my-1", "buy", "0.01", None)
    await wire.move(BTC, Decimal(61000))
    await create(client, "my-2", "sell", "0.01", None, reduceOnly=True)
    await until(lambda: len(listener.orders()) == 4)
    own = [
        frame
        for frame in listener.frames
        if frame.get("e") in {"ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"}
    ]
    assert [frame["e"][:5] for frame in own] == ["ORDER", "ACCOU", "ORDER"] * 2
    assert own[1]["a"]["P"][0]["pa"] == "0.01"
    assert own[4]["a"]["P"][0]["pa"] == "0"
    assert own[5]["o"]["rp"] == "10"
    assert own[4]["a"]["B"][0]["wb"] == "100009.395"


async def test_an_order_the_venue_ends_by_itself_expires(
    wire: WireVenue, client: Any, listener: Listener
) -> None:
    await create(client, "my-1", "buy", "0.01", "59000")
    wire.expire("my-1")
    await until(lambda: len(listener.orders()) == 2)
    assert listener.orders()[-1] == ("my-1", "EXPIRED", "0")


@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        ("drop", ["b", "c"]),
        ("duplicate", ["a", "a", "b", "c"]),
        ("reorder", ["b", "a", "c"]),
    ],
)
async def test_frames_are_lost_doubled_or_swapped_once(
    wire: WireVenue, client: Any, listener: Listener, fault: Any, heard: list[str]
) -> None:
    wire.inject_stream(fault)
    for name in ("a", "b", "c"):
        await create(client, name, "buy", "0.01", "59000")
    await until(lambda: len(listener.orders()) == len(heard))
    assert [name for name, _, _ in listener.orders()] == heard


async def test_a_broken_stream_is_noticed_and_can_be_opened_again(
    wire: WireVenue, client: Any
) -> None:
    task = asyncio.create_task(client.watch_orders())
    await until(lambda: wire.hub.private_connections == 1)
    wire.disconnect_streams()
    with pytest.raises(ccxt.NetworkError):
        await task
    await until(lambda: wire.hub.private_connections == 0)
    again = asyncio.create_task(client.watch_orders())
    await until(lambda: wire.hub.private_connections == 1)
    await create(client, "my-1", "buy", "0.01", "59000")
    assert [order["clientOrderId"] for order in await again] == ["my-1"]


async def test_an_unknown_listen_key_opens_no_stream(wire: WireVenue, client: Any) -> None:
    wire.hub.listen_keys.add("known")
    client.options["linear"] = {
        "listenKey": "unknown",
        "lastAuthenticatedTime": client.milliseconds(),
    }
    with pytest.raises(ccxt.NetworkError):
        await client.watch_orders()
    assert wire.hub.private_connections == 0


async def test_orders_sent_on_hearing_of_a_fill_take_part_in_a_paced_sweep(
    wire: WireVenue, client: Any, listener: Listener
) -> None:
    await create(client, "a", "buy", "0.01", "59500")
    await create(client, "far", "buy", "0.01", "58100")
    sweep = asyncio.create_task(wire.move(BTC, Decimal(58000), pause_seconds=2))
    await until(lambda: ("a", "FILLED", "0.01") in listener.orders())
    await create(client, "b", "buy", "0.01", "58500")
    await sweep
    await until(lambda: ("far", "FILLED", "0.01") in listener.orders())
    filled = [name for name, status, _ in listener.orders() if status == "FILLED"]
    assert filled == ["a", "b", "far"]
