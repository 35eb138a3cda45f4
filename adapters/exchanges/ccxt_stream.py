"""A venue's streams through ccxt: every raw frame read by us, before ccxt may lose it.

ccxt wakes one waiter per burst, replays nothing after a reconnect, and stops reading when
one handler raises. So frames are taken at its entrance, its own handler is fenced, silence
is noticed here, and each connection asks for a reconciliation, which is the truth.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import ccxt
import structlog

from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.ccxt_marks import CcxtMarks
from adapters.exchanges.ccxt_socket import Socket, StreamLimits, succeeds
from adapters.exchanges.ccxt_venue import (
    BookFrame,
    FundingFrame,
    KeyExpiredFrame,
    OrderFrame,
    StopFrame,
)
from adapters.exchanges.order_news import OrderNews, StreamListeners
from domain.message import MarkSeen

log = structlog.get_logger(__name__)


class CcxtStream:
    """Order news and marks of one account. Keeps `application.ports.MarketData`."""

    def __init__(
        self,
        exchange: CcxtExchange,
        prefix: str,
        listeners: StreamListeners,
        limits: StreamLimits | None = None,
    ) -> None:
        self._exchange = exchange
        self._listeners = listeners
        self._limits = limits or StreamLimits()
        self._news = OrderNews(exchange, prefix, listeners)
        self._marks = CcxtMarks(exchange, self._limits, listeners.on_mark)
        self._user_socket: Socket | None = None
        self._pong_ms = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._install()

    @property
    def is_user_stream_up(self) -> bool:
        """Whether order news can arrive just now."""
        return self._user_socket is not None and not self._user_socket.closed()

    def start(self) -> None:
        """Subscribe to order news, and keep watch over every connection."""
        self._spawn(self._follow_orders())
        self._spawn(self._guard())
        self._spawn(self._marks.confirm())
        self._spawn(self._renew_key())

    async def stop(self) -> None:
        """End every subscription; connections close with the exchange."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def marks(self) -> Mapping[str, MarkSeen]:
        """The latest mark per watched symbol, in quote units."""
        return self._marks.marks()

    async def watch(self, symbols: Sequence[str]) -> None:
        """Keep marks of these symbols fresh from now on."""
        for lot in self._marks.enlist(symbols):
            self._spawn(self._marks.follow(lot))

    def _install(self) -> None:
        """Replace ccxt's entrances on this instance, which it offers for that."""
        api = self._exchange.client.api
        handle, connected = api.handle_message, api.on_connected

        def tap(socket: Socket, message: object) -> None:
            self._exchange.client.contact.heard()
            self._fenced("frame_unreadable", message, lambda: self._read(socket, message))
            self._fenced("ccxt_handler_failed", message, lambda: handle(socket, message))

        def on_connected(socket: Socket, message: object = None) -> None:
            connected(socket, message)
            if self._exchange.dialect.is_user_stream(socket.url):
                self._user_socket = socket
                self._listeners.on_reconnect("user stream connected")

        api.handle_message = tap
        api.on_connected = on_connected
        api.streaming = {**api.streaming, "keepAlive": int(self._limits.ping_seconds * 1000)}

    def _fenced(self, event: str, message: object, act: Callable[[], None]) -> None:
        """Whatever one frame does, the next must be read."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 -- a raised frame would end ccxt's loop
            kind = message.get("e") if isinstance(message, dict) else type(message).__name__
            log.warning(event, kind=kind, error=repr(error))
            if event == "frame_unreadable":
                self._listeners.on_reconnect(f"a frame of kind {kind} could not be read")

    def _read(self, socket: Socket, message: object) -> None:
        frame = self._exchange.dialect.read_frame(message)
        match frame:
            case OrderFrame():
                self._news.read_order(frame)
            case StopFrame():
                self._news.read_stop(frame)
            case FundingFrame(settled_at=settled_at):
                self._listeners.on_funding(settled_at)
            case BookFrame():
                self._marks.take(frame, socket)
            case KeyExpiredFrame():
                # ccxt ignores this frame; the socket stays open and silent for ever.
                self._break_off(socket, "listen key expired")
            case None:
                return

    async def _follow_orders(self) -> None:
        api, dialect = self._exchange.client.api, self._exchange.dialect
        failures = 0
        while True:
            if await succeeds("user_stream_lost", api.watch_orders):
                failures = 0
                continue
            dialect.forget_stream_key(self._exchange.client)
            # A new connection asks for a key over REST, which a pause of the venue forbids.
            pause = self._exchange.client.halt.remaining()
            await asyncio.sleep(max(pause, self._limits.reconnect_delay(failures)))
            failures += 1

    async def _guard(self) -> None:
        """Break off connections from which not even a pong came: ccxt notices far too late."""
        api = self._exchange.client.api
        limit = self._limits.silence_seconds_max * 1000
        while True:
            await asyncio.sleep(self._limits.watchdog_seconds)
            self._hear_pongs()
            for socket in list((api.clients or {}).values()):
                heard_at = socket.last_message_at or socket.connectionEstablished
                if not socket.closed() and heard_at and api.milliseconds() - heard_at > limit:
                    self._break_off(socket, "silence")

    def _hear_pongs(self) -> None:
        """A connection without news is contact as long as its pings are answered."""
        sockets: list[Socket] = list((self._exchange.client.api.clients or {}).values())
        newest = max((socket.lastPong or 0 for socket in sockets), default=0)
        if newest > self._pong_ms:
            self._exchange.client.contact.heard()
        self._pong_ms = max(newest, self._pong_ms)

    async def _renew_key(self) -> None:
        exchange = self._exchange
        while True:
            await asyncio.sleep(self._limits.key_renewal_seconds)
            try:
                await exchange.dialect.renew_stream_key(exchange.client)
            except ConnectionError as error:
                if self._user_socket is not None:
                    self._break_off(self._user_socket, f"listen key not renewed: {error}")

    def _break_off(self, socket: Socket, reason: str) -> None:
        """End a connection so that its followers make a new one."""
        log.warning("stream_broken_off", reason=reason)
        if self._exchange.dialect.is_user_stream(socket.url):
            self._exchange.dialect.forget_stream_key(self._exchange.client)
        socket.on_error(ccxt.NetworkError(reason))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
