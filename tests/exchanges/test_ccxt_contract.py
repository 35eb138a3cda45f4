"""Unmodified ccxt against the wire venue keeps the contract of every exchange."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from adapters.clock import SteadyClock, SystemClock
from adapters.exchanges.binance_usdm import BinanceUsdm
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.ccxt_stream import CcxtStream
from adapters.exchanges.ccxt_venue import VenueDialect
from adapters.exchanges.order_news import StreamListeners
from adapters.exchanges.wire.server import WireVenue
from application.ports import MarketData
from application.work import ReconcilableExchange
from tests.exchanges.conftest import connection
from tests.exchanges.stubs import SYMBOL
from tests.venue.exchange_contract import PREFIX, ExchangeContract


class OnTheWire:
    """The exchange and the venue behind it."""

    symbol = SYMBOL

    def __init__(self, exchange: CcxtExchange, wire: WireVenue) -> None:
        self.exchange = exchange
        self._wire = wire

    async def move(self, price: Decimal) -> None:
        await self._wire.move(SYMBOL, price)

    async def fill(self, client_order_id: str, quantity: Decimal) -> None:
        self._wire.fill(client_order_id, quantity)


class TestCcxtExchange(ExchangeContract):
    @pytest.fixture(name="venue")
    async def on_the_wire(self, venue: WireVenue) -> AsyncIterator[OnTheWire]:
        exchange = CcxtExchange(connection(venue), PREFIX, SystemClock())
        exchange.client.api.timeout_on_exit = 0
        await exchange.start()
        yield OnTheWire(exchange, venue)
        await exchange.close()


async def test_the_adapters_keep_the_ports_of_the_house(exchange: CcxtExchange) -> None:
    listeners = StreamListeners(on_report=lambda _: None, on_reconnect=lambda _: None)
    stream = CcxtStream(exchange, PREFIX, listeners)
    reconcilable: ReconcilableExchange = exchange
    market_data: MarketData = stream
    dialect: VenueDialect = BinanceUsdm()
    clock: SteadyClock = SystemClock()
    assert await reconcilable.open_orders() == []
    assert market_data.marks() == {}
    assert dialect.venue == "binanceusdm"
    assert clock.now().tzinfo is not None
