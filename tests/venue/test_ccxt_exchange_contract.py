"""Unmodified ccxt against the wire venue keeps the same contract as the venue in process."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from adapters.clock import SystemClock
from adapters.exchanges.ccxt_client import CcxtConnection
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.wire.server import WireVenue
from tests.venue.bench import SYMBOL
from tests.venue.exchange_contract import PREFIX, ExchangeContract


class OverTheWire:
    """The ccxt exchange with the wire venue's market in hand."""

    symbol = SYMBOL

    def __init__(self, wire: WireVenue, exchange: CcxtExchange) -> None:
        self.exchange = exchange
        self._wire = wire

    async def move(self, price: Decimal) -> None:
        await self._wire.move(SYMBOL, price)

    async def fill(self, client_order_id: str, quantity: Decimal) -> None:
        self._wire.fill(client_order_id, quantity)


class TestCcxtExchange(ExchangeContract):
    @pytest.fixture
    async def venue(self, wire: WireVenue) -> AsyncIterator[OverTheWire]:
        connection = CcxtConnection(
            venue="binanceusdm",
            api_key=wire.api_key,
            secret=wire.secret,
            proxy_url=wire.proxy_url,
            ca_file=wire.ca_file,
        )
        exchange = CcxtExchange(connection, PREFIX, SystemClock())
        await exchange.start()
        yield OverTheWire(wire, exchange)
        await exchange.close()
