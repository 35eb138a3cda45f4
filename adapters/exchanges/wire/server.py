"""The wire venue as a whole: front, TLS, proxy and control desk, on 127.0.0.1 only."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Self

from aiohttp import web

from adapters.clock import SystemClock
from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.orders import VenueOrder
from adapters.exchanges.wire.binanceusdm import HOSTS, BinanceUsdm
from adapters.exchanges.wire.connect_proxy import LOCALHOST, ConnectProxy
from adapters.exchanges.wire.control import control_application
from adapters.exchanges.wire.countdowns import CountdownAsked
from adapters.exchanges.wire.desk import Desk, ReceivedOrder
from adapters.exchanges.wire.faults import CREATE_ORDER, FaultPlan, StreamFault
from adapters.exchanges.wire.signing import Credentials
from adapters.exchanges.wire.streams import StreamHub
from adapters.exchanges.wire.tls import issue
from application.ports import Clock
from domain.instrument import Instrument

START_BALANCE = Decimal(100_000)
START_PRICES: Mapping[str, Decimal] = {
    "BTC/USDT:USDT": Decimal(60_000),
    "ETH/USDT:USDT": Decimal(3_000),
    "SOL/USDT:USDT": Decimal(150),
}


def linear(base: str, *, tick: str, step: str, min_notional: str) -> Instrument:
    """A perpetual of `base` against USDT."""
    return Instrument(
        symbol=f"{base}/USDT:USDT",
        venue_symbol=f"{base}USDT",
        kind="linear",
        base=base,
        quote="USDT",
        settle="USDT",
        tick=Decimal(tick),
        step=Decimal(step),
        min_quantity=Decimal(step),
        min_notional=Decimal(min_notional),
        max_quantity=Decimal(1000),
        band_percent=Decimal(15),
        band_taking_only=True,
        max_open_orders=200,
    )


INSTRUMENTS = (
    linear("BTC", tick="0.1", step="0.001", min_notional="100"),
    linear("ETH", tick="0.01", step="0.001", min_notional="20"),
    linear("SOL", tick="0.01", step="0.01", min_notional="5"),
)


class WireVenue:
    """Binance USDⓈ-M, simulated, for unmodified ccxt; `async with` runs it.

    Point ccxt at it with `ccxt_config()`, or by `proxy_url`, `ca_file`, `api_key`, `secret`.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        instruments: Sequence[Instrument] = INSTRUMENTS,
        balance: Decimal = START_BALANCE,
        prices: Mapping[str, Decimal] = START_PRICES,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._state_dir = state_dir
        self._prices = prices
        self._runners: list[web.AppRunner] = []
        self.core = MatchingCore(instruments=instruments, currency="USDT", balance=balance)
        self.desk = Desk(core=self.core, clock=self._clock)
        self.faults = FaultPlan()
        self.api_key = secrets.token_hex(16)
        self.secret = secrets.token_hex(32)
        self.proxy_url = ""
        self.control_url = ""
        self.ca_file = ""
        self.hub: StreamHub
        self.proxy: ConnectProxy
        self._front: BinanceUsdm

    async def __aenter__(self) -> Self:
        """Listen on free ports. Raises OSError if the state directory can't be written."""
        certificates = issue(self._state_dir, HOSTS, self._clock.now())
        self.ca_file = str(certificates.ca_file)
        credentials = Credentials(api_key=self.api_key, secret=self.secret)
        self._front = BinanceUsdm(desk=self.desk, credentials=credentials, faults=self.faults)
        self.hub = self._front.hub
        port = await self._listen(self._front.application(), certificates.server_context())
        self.proxy = ConnectProxy(hosts=HOSTS, target_port=port)
        self.proxy_url = await self.proxy.start()
        control_port = await self._listen(control_application(self), None)
        self.control_url = f"http://{LOCALHOST}:{control_port}"
        for symbol, price in self._prices.items():
            if self.core.instrument(symbol) is not None:
                await self.desk.move(symbol, price)
        self.hub.start()
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening, break every connection, end what hangs."""
        self._front.reception.closing.set()
        self._front.countdowns.close()
        await self.hub.close()
        await self.proxy.close()
        for runner in reversed(self._runners):
            await runner.cleanup()

    def ccxt_config(self, *, timeout_ms: int = 10_000) -> dict[str, object]:
        """What unmodified `ccxt.pro.binanceusdm` must be made with to trade here."""
        return {
            "apiKey": self.api_key,
            "secret": self.secret,
            "httpsProxy": self.proxy_url,
            "wssProxy": self.proxy_url,
            "cafile": self.ca_file,
            "timeout": timeout_ms,
            "options": {"fetchCurrencies": False, "fetchMargins": False},
        }

    async def move(self, symbol: str, price: Decimal, *, pause_seconds: float = 0) -> None:
        """Sweep the price of a unified symbol, filling what it reaches."""
        await self.desk.move(symbol, price, pause_seconds=pause_seconds)

    def fill(self, client_order_id: str, quantity: Decimal) -> None:
        """Fill a part of a resting order at its limit price."""
        self.desk.fill(client_order_id, quantity)

    def fund(self, symbol: str, rate: Decimal) -> None:
        """Settle funding, `rate` in percent: above zero longs pay it to shorts."""
        self.desk.fund(symbol, rate)

    def let_stops_keep_their_id(self) -> None:
        """From now on the order a stop becomes bears the stop's own client id."""
        self._front.trading.stops_keep_id = True

    def expire(self, client_order_id: str) -> None:
        """End a working order as the venue itself does."""
        self.desk.expire(client_order_id)

    def inject(self, kind: str, *, call: str = CREATE_ORDER, count: int = 1) -> None:
        """Let the next `count` calls fail in one of the ways of `FAULTS`."""
        self.faults.inject(kind, call=call, count=count)

    def inject_stream(self, kind: StreamFault, *, count: int = 1) -> None:
        """Drop, duplicate or reorder the next `count` private frames."""
        self.faults.inject_stream(kind, count=count)

    def disconnect_streams(self) -> None:
        """Break every WebSocket."""
        self.hub.disconnect()

    def cut_line(self) -> None:
        """No contact at all until `restore_line`: open connections break, new ones fail."""
        self.proxy.cut = True
        self.proxy.drop_tunnels()

    def restore_line(self) -> None:
        """Contact again."""
        self.proxy.cut = False

    def set_clock_skew(self, seconds: int) -> None:
        """Let the venue's clock run ahead of ours; negative: behind."""
        self.desk.skew = timedelta(seconds=seconds)

    def received_orders(self) -> tuple[ReceivedOrder, ...]:
        """Every create-order request that reached the venue, taken or refused."""
        return tuple(self.desk.received)

    def accepted_ids(self) -> list[str]:
        """Client ids of the orders taken, in order: one that occurs twice was doubled."""
        return [
            received.ticket.client_order_id
            for received in self.desk.received
            if received.refused_code is None
        ]

    def open_orders(self) -> tuple[VenueOrder, ...]:
        """The working orders."""
        return self.core.open_orders()

    def countdowns(self) -> dict[str, datetime]:
        """When each countdown that runs will end, by unified symbol."""
        return self._front.countdowns.running()

    def countdowns_asked(self) -> tuple[CountdownAsked, ...]:
        """Every call that set or stopped a countdown, in order."""
        return tuple(self._front.countdowns.asked)

    def positions(self) -> dict[str, Decimal]:
        """Signed contracts per unified symbol; in hedge mode under `symbol|side`."""
        return self.desk.positions()

    async def _listen(self, application: web.Application, tls: SSLContext | None) -> int:
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        self._runners.append(runner)
        site = web.TCPSite(runner, LOCALHOST, 0, ssl_context=tls)
        await site.start()
        port: int = runner.addresses[0][1]
        return port
