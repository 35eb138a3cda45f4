"""The control desk of the wire venue: plain HTTP on 127.0.0.1 to move prices and make faults."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

import msgspec
from aiohttp import web

from adapters.exchanges.wire.connect_proxy import ConnectProxy
from adapters.exchanges.wire.desk import Desk
from adapters.exchanges.wire.faults import CREATE_ORDER, FaultPlan, StreamFault
from adapters.exchanges.wire.streams import StreamHub
from domain.instrument import PositionMode, Side


class Controlled(Protocol):
    """What the control desk works on."""

    desk: Desk
    faults: FaultPlan
    hub: StreamHub
    proxy: ConnectProxy

    def countdowns(self) -> dict[str, datetime]:
        """When each countdown that runs will end, by unified symbol."""
        ...


class MoveAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Sweep the price of a unified symbol; pause before each further fill."""

    symbol: str
    price: Decimal
    pause_seconds: float = 0


class FillAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Fill a part of a resting order."""

    client_order_id: str
    quantity: Decimal


class ExpireAsked(msgspec.Struct, frozen=True, kw_only=True):
    """End a working order as the venue itself does."""

    client_order_id: str


class HandAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Trade at market on the account, as its owner does on the venue's own pages."""

    symbol: str
    side: Side
    quantity: Decimal
    position_side: PositionMode = "both"


class FaultAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Let the next `count` calls fail."""

    kind: str
    call: str = CREATE_ORDER
    count: int = 1


class FundAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Settle funding of a unified symbol at its price; `rate` in percent, above zero longs pay."""

    symbol: str
    rate: Decimal


class StreamFaultAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Spoil the next `count` private frames."""

    kind: StreamFault
    count: int = 1


class LineAsked(msgspec.Struct, frozen=True, kw_only=True):
    """`cut` takes the line down for all, `restore` brings it back, `disconnect` breaks it once."""

    line: Literal["cut", "restore", "disconnect", "disconnect_private"]


def control_application(venue: Controlled) -> web.Application:
    """GET the venue's orders, positions and prices; POST moves, fills, trades and faults."""
    application = web.Application()
    application.router.add_get("/orders", _shown(lambda: venue.desk.received))
    application.router.add_get("/open-orders", _shown(venue.desk.core.open_orders))
    application.router.add_get("/positions", _shown(venue.desk.positions))
    application.router.add_get("/prices", _shown(venue.desk.core.prices))
    application.router.add_get("/countdowns", _shown(venue.countdowns))
    for path, action in _actions(venue).items():
        application.router.add_post(path, action)
    return application


Action = Callable[[web.Request], Awaitable[web.Response]]


def _actions(venue: Controlled) -> dict[str, Action]:
    async def move(request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=MoveAsked)
        await venue.desk.move(asked.symbol, asked.price, pause_seconds=asked.pause_seconds)
        return _done()

    async def fill(request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=FillAsked)
        venue.desk.fill(asked.client_order_id, asked.quantity)
        return _done()

    async def expire(request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=ExpireAsked)
        venue.desk.expire(asked.client_order_id)
        return _done()

    async def hand(request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=HandAsked)
        venue.desk.trade_by_hand(asked.symbol, asked.side, asked.quantity, asked.position_side)
        return _done()

    async def fund(request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=FundAsked)
        venue.desk.fund(asked.symbol, asked.rate)
        return _done()

    async def fault(request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=FaultAsked)
        venue.faults.inject(asked.kind, call=asked.call, count=asked.count)
        return _done()

    async def stream_fault(request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=StreamFaultAsked)
        venue.faults.inject_stream(asked.kind, count=asked.count)
        return _done()

    async def line(request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=LineAsked)
        _set_line(venue, asked.line)
        return _done()

    actions: dict[str, Action] = {
        "/move": move,
        "/fill": fill,
        "/expire": expire,
        "/hand": hand,
        "/fund": fund,
        "/fault": fault,
        "/stream-fault": stream_fault,
        "/line": line,
    }
    return {path: _explained(action) for path, action in actions.items()}


def _set_line(venue: Controlled, line: str) -> None:
    if line == "disconnect_private":
        venue.hub.disconnect(private_only=True)
        return
    venue.proxy.cut = line == "cut"
    if line != "restore":
        venue.proxy.drop_tunnels()


def _explained(action: Action) -> Action:
    """The action; what can't be done is a 400 that says why."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return await action(request)
        except (ValueError, KeyError) as error:
            return web.json_response({"error": str(error.args[0])}, status=400)

    return handle


def _shown(rows: Callable[[], object]) -> Action:
    async def handle(_request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(rows()), content_type="application/json")

    return handle


def _done() -> web.Response:
    return web.json_response({"done": True})
