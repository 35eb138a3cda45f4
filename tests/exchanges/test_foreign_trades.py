"""Trades that none of our orders made, told apart from those of our orders and stops."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.clock import SystemClock
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.foreign_trades import SETTLING
from adapters.exchanges.wire.server import WireVenue
from application.inputs import ForeignTrade
from tests.exchanges.conftest import PREFIX, connection
from tests.exchanges.stubs import SYMBOL, ticket

D = Decimal
ETHER = "ETH/USDT:USDT"
HAND = "web_by_hand"


def market(identity: str, **changes: Any) -> Any:
    return ticket(identity, **{"price": None, **changes})


class LaterClock(SystemClock):
    """Its calendar is ahead once it is told to."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> Any:
        return super().now() + self.ahead


@pytest.fixture
async def successor(venue: WireVenue) -> AsyncIterator[CcxtExchange]:
    """Another process on the same account: it remembers nothing."""
    made = CcxtExchange(connection(venue), PREFIX, LaterClock())
    made.client.api.timeout_on_exit = 0
    await made.start()
    yield made
    await made.close()


def count_calls(exchange: CcxtExchange) -> Counter[str]:
    """How often each address was asked from now on."""
    calls: Counter[str] = Counter()
    original = exchange.client.api.fetch

    async def fetch(url: str, *rest: Any) -> Any:
        calls[url.partition("?")[0].rpartition("/")[2]] += 1
        return await original(url, *rest)

    exchange.client.api.fetch = fetch
    return calls


async def test_a_trade_by_hand_is_told_and_ours_are_not(
    exchange: CcxtExchange, successor: CcxtExchange
) -> None:
    await exchange.place(market(PREFIX + "A"))
    await exchange.place(market(HAND, side="sell", quantity=D("0.004")))
    await exchange.place(market("other", symbol=ETHER, quantity=D(1)))
    for asking in (exchange, successor):
        (trade,) = (await asking.reconcile([SYMBOL])).foreign_trades
        assert trade == ForeignTrade(
            symbol=SYMBOL,
            side="sell",
            price=D(60_000),
            quantity=D("0.004"),
            trade_id="5002",
            traded_at=trade.traded_at,
        )
    both = (await exchange.reconcile([ETHER, SYMBOL])).foreign_trades
    assert [trade.trade_id for trade in both] == ["5002", "5003"]


async def test_in_hedge_mode_the_side_is_told(exchange: CcxtExchange, venue: WireVenue) -> None:
    venue.core.set_hedge_mode(hedge_mode=True)
    await exchange.place(market(HAND, side="sell", position_side="short"))
    (trade,) = (await exchange.reconcile([SYMBOL])).foreign_trades
    assert trade.position_side == "short"


async def test_whose_a_trade_is_is_asked_once(
    exchange: CcxtExchange, successor: CcxtExchange
) -> None:
    for number in range(5):
        await exchange.place(market(f"{PREFIX}{number}", quantity=D("0.002")))
    await exchange.place(market(HAND))
    calls = count_calls(successor)
    await successor.reconcile([SYMBOL])
    assert (calls["userTrades"], calls["allOrders"], calls["order"]) == (1, 1, 0)
    await successor.reconcile([SYMBOL])
    assert (calls["userTrades"], calls["allOrders"], calls["order"]) == (2, 1, 0)


async def test_an_order_older_than_the_latest_is_asked_for_by_its_id(
    exchange: CcxtExchange, successor: CcxtExchange
) -> None:
    await exchange.place(market(HAND))

    async def none(*_: object) -> list[object]:
        return []

    successor.client.api.fapiPrivateGetAllOrders = none
    (trade,) = (await successor.reconcile([SYMBOL])).foreign_trades
    assert trade.trade_id == "5001"


@pytest.mark.parametrize("keeps_id", [False, True])
async def test_what_a_stop_of_ours_became_is_no_foreign_trade(
    exchange: CcxtExchange, successor: CcxtExchange, venue: WireVenue, keeps_id: bool
) -> None:
    if keeps_id:
        venue.let_stops_keep_their_id()
    await exchange.place(market(PREFIX + "A"))
    await exchange.place(stop())
    await venue.move(SYMBOL, D(58_000))
    for asking in (successor, exchange):
        assert (await asking.reconcile([SYMBOL])).foreign_trades == ()


def stop(**changes: Any) -> Any:
    fields = {"side": "sell", "trigger_price": D(59_000), "reduce_only": True}
    return market(PREFIX + "STOP", **{**fields, **changes})


async def test_a_stranger_is_held_back_while_it_may_yet_be_what_a_stop_became(
    exchange: CcxtExchange, successor: CcxtExchange
) -> None:
    await exchange.place(market(PREFIX + "A", quantity=D("0.02")))
    await exchange.place(stop())
    await exchange.place(market(HAND, side="sell"))
    assert (await successor.reconcile([SYMBOL])).foreign_trades == ()
    assert isinstance(successor.client.clock, LaterClock)
    successor.client.clock.ahead = SETTLING
    (trade,) = (await successor.reconcile([SYMBOL])).foreign_trades
    assert trade.trade_id == "5002"


async def test_what_a_stop_became_is_never_foreign_even_before_the_venue_says_so(
    exchange: CcxtExchange, successor: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(market(PREFIX + "A"))
    await exchange.place(stop())
    await venue.move(SYMBOL, D(58_000))
    api = successor.client.api
    original = api.fapiPrivateGetAllAlgoOrders

    async def behind(request: Any) -> Any:
        rows = await original(request)
        return [{**row, "algoStatus": "NEW", "actualOrderId": ""} for row in rows]

    api.fapiPrivateGetAllAlgoOrders = behind
    assert (await successor.reconcile([SYMBOL])).foreign_trades == ()
    api.fapiPrivateGetAllAlgoOrders = original
    assert (await successor.reconcile([SYMBOL])).foreign_trades == ()


async def test_no_more_than_the_newest_trades_are_looked_at(exchange: CcxtExchange) -> None:
    for number in range(53):
        await exchange.place(market(f"hand{number}", quantity=D("0.002")))
    seen = (await exchange.reconcile([SYMBOL])).foreign_trades
    assert [trade.trade_id for trade in seen] == [str(5001 + number) for number in range(3, 53)]
