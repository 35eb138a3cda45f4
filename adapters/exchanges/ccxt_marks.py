"""The latest mark per symbol: mid of best bid and ask, exact, with the time we heard it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

import structlog

from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.ccxt_socket import Socket, StreamLimits, succeeds
from adapters.exchanges.ccxt_venue import BookFrame
from domain.message import MarkSeen

log = structlog.get_logger(__name__)

_HALF = Decimal("0.5")


class CcxtMarks:
    """Follows best prices. Written by the event loop, read from any thread.

    `on_mark` hears each mark in the loop, once it can be read.
    """

    def __init__(
        self,
        exchange: CcxtExchange,
        limits: StreamLimits,
        on_mark: Callable[[MarkSeen], None],
    ) -> None:
        self._exchange = exchange
        self._limits = limits
        self._on_mark = on_mark
        self._marks: dict[str, MarkSeen] = {}
        self._watched: dict[str, None] = {}
        self._sockets: dict[str, Socket] = {}

    def marks(self) -> Mapping[str, MarkSeen]:
        """A copy, made in one step under the interpreter's lock. Prices in quote units."""
        return self._marks.copy()

    def enlist(self, symbols: Sequence[str]) -> list[list[str]]:
        """The symbols not followed yet, in lots of one connection each."""
        fresh: list[str] = []
        for symbol in dict.fromkeys(symbols):
            if symbol not in self._exchange.instruments:
                log.warning("symbol_not_watched", symbol=symbol, reason="not traded here")
            elif symbol not in self._watched:
                fresh.append(symbol)
        self._watched.update(dict.fromkeys(fresh))
        size = self._limits.symbols_per_connection
        return [fresh[start : start + size] for start in range(0, len(fresh), size)]

    def take(self, best: BookFrame, socket: Socket | None = None) -> None:
        """Set a market's mark, heard just now; `best.symbol` is the venue's name."""
        symbol = self._exchange.symbol_of(best.symbol)
        if symbol is None:
            return
        if socket is not None:
            self._sockets[symbol] = socket
        at = self._exchange.client.clock.now()
        price = (best.bid + best.ask) * _HALF
        mark = MarkSeen(symbol=symbol, price=price, at=at, bid=best.bid, ask=best.ask)
        self._marks[symbol] = mark
        self._on_mark(mark)

    async def follow(self, symbols: Sequence[str]) -> None:
        """Subscribe, then wait for the connection's end; ccxt's own answers aren't needed."""
        api = self._exchange.client.api
        failures = 0
        while True:
            if await succeeds("book_stream_lost", lambda: api.watch_bids_asks(list(symbols))):
                failures = 0
                await self._closing(symbols)
                continue
            await asyncio.sleep(self._limits.reconnect_delay(failures))
            failures += 1

    async def confirm(self) -> None:
        """A market may be quiet: what the stream did not confirm in time is asked for."""
        while True:
            await asyncio.sleep(self._limits.watchdog_seconds)
            for symbol in self._unconfirmed():
                await self._ask(symbol)

    async def _ask(self, symbol: str) -> None:
        exchange = self._exchange
        try:
            self.take(await exchange.dialect.best_prices(exchange.client, symbol))
        except ConnectionError as error:
            log.warning("mark_unconfirmed", symbol=symbol, error=str(error))

    async def _closing(self, symbols: Sequence[str]) -> None:
        sockets = [self._sockets[symbol] for symbol in symbols if symbol in self._sockets]
        while any(not socket.closed() for socket in sockets):  # noqa: ASYNC110 -- ccxt tells nobody
            await asyncio.sleep(self._limits.watchdog_seconds)

    def _unconfirmed(self) -> list[str]:
        age = timedelta(seconds=self._limits.mark_age_seconds_max)
        oldest = self._exchange.client.clock.now() - age
        known = self._marks
        return [name for name in self._watched if name not in known or known[name].at < oldest]
