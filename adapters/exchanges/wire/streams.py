"""The WebSocket streams of Binance USDⓈ-M: public and market data, and the account's own."""

import asyncio
from typing import Literal

import msgspec
from aiohttp import WSMsgType, web

from adapters.exchanges.wire.desk import Desk
from adapters.exchanges.wire.faults import FaultPlan
from adapters.exchanges.wire.market_answers import market_frame

ENCODER = msgspec.json.Encoder(decimal_format="number")
WAITING_FRAMES_MAX = 20_000
REFRESH_SECONDS = 1.0


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a client sends on a stream."""

    method: Literal["SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS"]
    id: int | str | None = None
    params: list[str] = []


class Subscriber:
    """One connection: what it listens to, and the frames that wait to be sent to it."""

    def __init__(self, request: web.Request, *, private: bool) -> None:
        self.private = private
        self.streams: dict[str, None] = {}
        self.frames = 0
        self._request = request
        self._waiting: asyncio.Queue[str] = asyncio.Queue(WAITING_FRAMES_MAX)

    def send(self, frame: object) -> None:
        """Queue a frame. A client that does not read is disconnected, as a venue would."""
        if self._waiting.full():
            self.abort()
            return
        self._waiting.put_nowait(ENCODER.encode(frame).decode())

    def abort(self) -> None:
        """Break the connection without a closing handshake."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def write(self, socket: web.WebSocketResponse) -> None:
        """Send what waits, for as long as the connection lives."""
        while not socket.closed:
            text = await self._waiting.get()
            try:
                await socket.send_str(text)
            except ConnectionError:
                return


class StreamHub:
    """All open stream connections."""

    def __init__(self, desk: Desk, faults: FaultPlan) -> None:
        self.listen_keys: set[str] = set()
        self._desk = desk
        self._faults = faults
        self._subscribers: list[Subscriber] = []
        self._held_back: dict[str, object] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        desk.on_price.append(self.publish_price)

    @property
    def private_connections(self) -> int:
        """How many connections listen to the account."""
        return sum(subscriber.private for subscriber in self._subscribers)

    def start(self) -> None:
        """Begin to repeat standing prices, so that a quiet market isn't a stale one."""
        self._refreshing = asyncio.create_task(self._refresh())

    async def close(self) -> None:
        """Stop repeating and break every connection."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
        self.disconnect()

    def disconnect(self, *, private_only: bool = False) -> None:
        """Break connections without a word, as a lost line does."""
        for subscriber in tuple(self._subscribers):
            if subscriber.private or not private_only:
                subscriber.abort()

    def publish_price(self, symbol: str) -> None:
        """Send the new price to everyone who listens to the market."""
        for subscriber in self._subscribers:
            for stream in subscriber.streams:
                self._send_market(subscriber, stream, symbol)

    def publish_private(self, frame: dict[str, object]) -> None:
        """Send a frame to the account's listeners, unless a fault is due."""
        fault = self._faults.next_frame()
        if fault == "reorder" and self._held_back is None:
            self._held_back = frame
            return
        if fault != "drop":
            self._send_private(frame)
        if fault == "duplicate":
            self._send_private(frame)
        if self._held_back is not None:
            held_back, self._held_back = self._held_back, None
            self._send_private(held_back)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Talk to one client until it goes. An unknown listen key is refused with 400."""
        listen_key = request.query.get("listenKey")
        if listen_key is not None and listen_key not in self.listen_keys:
            raise web.HTTPBadRequest(text="Invalid listenKey.")

        socket = web.WebSocketResponse()
        await socket.prepare(request)
        subscriber = Subscriber(request, private=listen_key is not None)
        self._subscribers.append(subscriber)
        writer = asyncio.create_task(subscriber.write(socket))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._answer(subscriber, message.data)
        finally:
            self._subscribers.remove(subscriber)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    def _answer(self, subscriber: Subscriber, text: str) -> None:
        try:
            ask = msgspec.json.decode(text, type=Ask)
        except msgspec.MsgspecError as error:
            subscriber.send({"error": {"code": 2, "msg": f"Invalid request: {error}"}})
            return
        if ask.method == "LIST_SUBSCRIPTIONS":
            subscriber.send({"result": list(subscriber.streams), "id": ask.id})
            return
        subscriber.send({"result": None, "id": ask.id})
        for stream in ask.params:
            if ask.method == "UNSUBSCRIBE":
                subscriber.streams.pop(stream, None)
            else:
                subscriber.streams[stream] = None
                self._send_market(subscriber, stream, None)

    def _send_market(self, subscriber: Subscriber, stream: str, symbol: str | None) -> None:
        """Send the frame of a stream such as `btcusdt@bookTicker`, if it is of `symbol`."""
        market, _, name = stream.partition("@")
        instrument = self._desk.instrument(market.upper())
        if instrument is None or symbol not in (None, instrument.symbol):
            return
        frame = market_frame(name.partition("@")[0], self._desk, instrument, subscriber.frames + 1)
        if frame is not None:
            subscriber.frames += 1
            subscriber.send(frame)

    def _send_private(self, frame: object) -> None:
        for subscriber in self._subscribers:
            if subscriber.private:
                subscriber.send(frame)

    async def _refresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            for symbol in self._desk.core.prices():
                self.publish_price(symbol)
