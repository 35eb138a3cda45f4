"""Binance USDⓈ-M futures over HTTP, as far as unmodified ccxt's `binanceusdm` asks for it.

Source of calls and parameters: wire traces of ccxt 4.5.90; of key sets: the venue's documentation
and captures of 2021 and 2024.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from decimal import Decimal

from aiohttp import web

from adapters.exchanges.simulated.orders import VenueOrder
from adapters.exchanges.wire import account_answers, market_answers
from adapters.exchanges.wire.desk import Desk, OrderNews
from adapters.exchanges.wire.faults import Fault, FaultPlan
from adapters.exchanges.wire.order_answers import order_answer, order_frame, trade_answer
from adapters.exchanges.wire.order_request import Parameters, ticket_of
from adapters.exchanges.wire.signing import (
    Credentials,
    Refusal,
    check_key,
    missing,
    plain_parameters,
    signed_parameters,
)
from adapters.exchanges.wire.streams import ENCODER, StreamHub
from application.inputs import Refused, Traded
from domain.instrument import Instrument

HOSTS = ("fapi.binance.com", "api.binance.com", "fstream.binance.com", "ws-fapi.binance.com")
ROWS_DEFAULT = 500
ROWS_MAX = 1000

Answer = Callable[[Parameters], object]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BinanceUsdm:
    """The front of one account. `application()` serves REST and streams of all its hosts."""

    def __init__(self, *, desk: Desk, credentials: Credentials, faults: FaultPlan) -> None:
        self.hub = StreamHub(desk, faults)
        self.closing = asyncio.Event()
        self._desk = desk
        self._margin = account_answers.Margin(desk)
        self._credentials = credentials
        self._faults = faults
        desk.on_news.append(self._publish)

    def application(self) -> web.Application:
        """The routes. Unknown ones are answered as Binance does."""
        application = web.Application()
        router = application.router
        for path, public in self._public_answers().items():
            router.add_get(path, self._failing(self._public(public)))
        for (method, path), signed in self._signed_answers().items():
            router.add_route(method, path, self._failing(self._signed(signed)))
        for method in ("POST", "PUT", "DELETE"):
            router.add_route(method, "/fapi/v1/listenKey", self._failing(self._listen_key))
        router.add_get(r"/{category:public|market|private}/ws", self.hub.serve)
        router.add_get(r"/{category:public|market|private}/ws/{connection}", self.hub.serve)
        router.add_route("*", "/{unknown:.*}", _unknown)
        return application

    def _public_answers(self) -> dict[str, Answer]:
        return {
            "/fapi/v1/ping": lambda _: {},
            "/fapi/v1/time": lambda _: {"serverTime": self._desk.now_ms()},
            "/api/v3/ping": lambda _: {},
            "/api/v3/time": lambda _: {"serverTime": self._desk.now_ms()},
            "/fapi/v1/exchangeInfo": lambda _: market_answers.exchange_info(self._desk),
            "/fapi/v1/ticker/24hr": self._priced(market_answers.day_ticker),
            "/fapi/v1/ticker/bookTicker": self._priced(market_answers.book_ticker),
            "/fapi/v1/premiumIndex": self._priced(market_answers.premium_index),
        }

    def _signed_answers(self) -> dict[tuple[str, str], Answer]:
        return {
            ("POST", "/fapi/v1/order"): self._create,
            ("GET", "/fapi/v1/order"): self._query,
            ("DELETE", "/fapi/v1/order"): self._cancel,
            ("DELETE", "/fapi/v1/allOpenOrders"): self._cancel_all,
            ("GET", "/fapi/v1/openOrders"): self._open_orders,
            ("GET", "/fapi/v1/openOrder"): self._query_open,
            ("GET", "/fapi/v1/allOrders"): self._all_orders,
            ("GET", "/fapi/v1/userTrades"): self._user_trades,
            ("GET", "/fapi/v1/positionSide/dual"): lambda _: {"dualSidePosition": False},
            ("POST", "/fapi/v1/positionSide/dual"): self._set_position_mode,
            ("POST", "/fapi/v1/marginType"): self._set_margin_mode,
            ("POST", "/fapi/v1/leverage"): self._set_leverage,
            ("GET", "/fapi/v1/leverageBracket"): self._leverage_brackets,
            ("GET", "/fapi/v1/symbolConfig"): self._symbol_config,
            ("GET", "/fapi/v1/commissionRate"): self._commission_rate,
            ("GET", "/fapi/v2/account"): self._account,
            ("GET", "/fapi/v3/account"): self._account,
            ("GET", "/fapi/v2/balance"): self._balances,
            ("GET", "/fapi/v3/balance"): self._balances,
            ("GET", "/fapi/v2/positionRisk"): self._position_risk,
            ("GET", "/fapi/v3/positionRisk"): self._position_risk,
            ("GET", "/sapi/v1/account/apiRestrictions"): self._api_restrictions,
        }

    # How a request is taken in and answered.

    def _public(self, answer: Answer) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return _answered(lambda: answer(plain_parameters(request.rel_url.raw_query_string)))

        return handle

    def _signed(self, answer: Answer) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            payload = request.rel_url.raw_query_string + await request.text()
            api_key = request.headers.get("X-MBX-APIKEY")

            def checked() -> object:
                check_key(self._credentials, api_key)
                now_ms = self._desk.now_ms()
                return answer(signed_parameters(self._credentials, payload, now_ms))

            return _answered(checked)

        return handle

    def _failing(self, handler: Handler) -> Handler:
        """The handler, with the faults that were injected for its call."""

        async def handle(request: web.Request) -> web.StreamResponse:
            fault = self._faults.next_call(f"{request.method} {request.path}")
            if fault is None:
                return await handler(request)
            answer = await handler(request) if fault.accepts else web.Response()
            return await self._fail(request, fault, answer)

        return handle

    async def _fail(
        self, request: web.Request, fault: Fault, answer: web.StreamResponse
    ) -> web.StreamResponse:
        if fault.manner == "hang":
            await self.closing.wait()
        if fault.manner == "truncate" and isinstance(answer, web.Response):
            return await _truncated(request, answer)
        if fault.manner != "answer":
            if request.transport is not None:
                request.transport.abort()
            return answer
        headers = {"Content-Type": fault.content_type}
        if fault.retry_after_seconds is not None:
            headers["Retry-After"] = str(fault.retry_after_seconds)
        return web.Response(status=fault.status, body=fault.body.encode(), headers=headers)

    async def _listen_key(self, request: web.Request) -> web.StreamResponse:
        def answer() -> object:
            check_key(self._credentials, request.headers.get("X-MBX-APIKEY"))
            if request.method == "DELETE":
                self.hub.listen_keys.clear()
                return {}
            if not self.hub.listen_keys:
                self.hub.listen_keys.add(secrets.token_hex(32))
            return {"listenKey": min(self.hub.listen_keys)}

        return _answered(answer)

    def _publish(self, news: OrderNews) -> None:
        """The stream frames of one report: the account before the order, as Binance sends them."""
        instrument = self._listed(news.order)
        if isinstance(news.report, Traded):
            frame = account_answers.account_frame(self._desk, self._margin, instrument, "ORDER")
            self.hub.publish_private(frame)
        order = order_frame(news, instrument)
        if order is not None:
            self.hub.publish_private(order)

    # Orders and fills.

    def _create(self, parameters: Parameters) -> object:
        instrument = self._market(parameters)
        result = self._desk.place(ticket_of(parameters, instrument))
        if isinstance(result, Refused):
            raise Refusal(400, int(result.code), result.message)
        return order_answer(result, instrument, created=True)

    def _query(self, parameters: Parameters) -> object:
        instrument = self._market(parameters)
        order = self._found(parameters, instrument)
        if order is None:
            raise Refusal(400, -2013, "Order does not exist.")
        return order_answer(order, instrument, created=False)

    def _query_open(self, parameters: Parameters) -> object:
        instrument = self._market(parameters)
        order = self._found(parameters, instrument)
        if order is None or order.status != "working":
            raise Refusal(400, -2013, "Order does not exist.")
        return order_answer(order, instrument, created=False)

    def _cancel(self, parameters: Parameters) -> object:
        instrument = self._market(parameters)
        order = self._found(parameters, instrument)
        if order is None or order.status != "working":
            raise Refusal(400, -2011, "Unknown order sent.")
        ended = self._desk.cancel(order.client_order_id)
        return order_answer(ended, instrument, created=True)

    def _cancel_all(self, parameters: Parameters) -> object:
        instrument = self._market(parameters)
        for order in self._desk.core.open_orders():
            if order.ticket.symbol == instrument.symbol:
                self._desk.cancel(order.client_order_id)
        return {"code": 200, "msg": "The operation of cancel all open order is done."}

    def _open_orders(self, parameters: Parameters) -> object:
        symbol = self._symbol(parameters)
        return [
            order_answer(order, self._listed(order), created=False)
            for order in self._desk.core.open_orders()
            if symbol is None or order.ticket.symbol == symbol
        ]

    def _all_orders(self, parameters: Parameters) -> object:
        instrument = self._market(parameters)
        first = int(parameters.get("orderId", "0"))
        rows = [
            order_answer(order, instrument, created=False)
            for order in self._desk.orders(instrument.symbol)
            if int(order.venue_order_id) >= first
        ]
        return _page(rows, parameters, newest=first == 0)

    def _user_trades(self, parameters: Parameters) -> object:
        instrument = self._market(parameters)
        order_id, first = parameters.get("orderId"), int(parameters.get("fromId", "0"))
        rows = [
            trade_answer(order, trade, instrument)
            for order, trade in self._desk.trades(instrument.symbol)
            if order_id in (None, order.venue_order_id) and int(trade.trade_id) >= first
        ]
        return _page(rows, parameters, newest=first == 0)

    def _found(self, parameters: Parameters, instrument: Instrument) -> VenueOrder | None:
        order_id = parameters.get("orderId")
        client_order_id = parameters.get("origClientOrderId")
        if order_id is None and client_order_id is None:
            raise missing("orderId")
        order = self._desk.find(order_id=order_id, client_order_id=client_order_id)
        return order if order is None or order.ticket.symbol == instrument.symbol else None

    # The account and its settings.

    def _set_position_mode(self, parameters: Parameters) -> object:
        if parameters.get("dualSidePosition") == "false":
            raise Refusal(400, -4059, "No need to change position side.")
        raise Refusal(400, -4084, "Method is not allowed currently. Coming soon.")

    def _set_margin_mode(self, parameters: Parameters) -> object:
        instrument, mode = self._market(parameters), parameters.get("marginType", "")
        if mode not in ("ISOLATED", "CROSSED"):
            raise missing("marginType")
        if mode == self._margin.mode(instrument.symbol):
            raise Refusal(400, -4046, "No need to change margin type.")
        if any(order.ticket.symbol == instrument.symbol for order in self._desk.core.open_orders()):
            raise Refusal(400, -4047, "Margin type cannot be changed if there exists open orders.")
        if instrument.symbol in self._desk.core.positions():
            raise Refusal(400, -4048, "Margin type cannot be changed if there exists position.")
        self._margin.set_mode(instrument.symbol, mode)
        return {"code": 200, "msg": "success"}

    def _set_leverage(self, parameters: Parameters) -> object:
        instrument, text = self._market(parameters), parameters.get("leverage", "")
        if not text.isdigit() or not 1 <= int(text) <= account_answers.LEVERAGE_MAX:
            raise Refusal(400, -4028, f"Leverage {text} is not valid")
        self._margin.set_leverage(instrument.symbol, Decimal(text))
        return {
            "leverage": int(text),
            "maxNotionalValue": account_answers.NOTIONAL_MAX,
            "symbol": instrument.venue_symbol,
        }

    def _leverage_brackets(self, parameters: Parameters) -> object:
        wanted = parameters.get("symbol")
        brackets = account_answers.leverage_brackets(self._desk)
        return [row for row in brackets if wanted in (None, row["symbol"])]

    def _symbol_config(self, parameters: Parameters) -> object:
        symbol = self._symbol(parameters)
        return account_answers.symbol_config(self._desk, self._margin, symbol)

    def _commission_rate(self, parameters: Parameters) -> object:
        return account_answers.commission_rate(self._market(parameters))

    def _account(self, _parameters: Parameters) -> object:
        return account_answers.account(self._desk, self._margin)

    def _balances(self, _parameters: Parameters) -> object:
        return account_answers.balances(self._desk)

    def _position_risk(self, parameters: Parameters) -> object:
        symbol = self._symbol(parameters)
        return account_answers.position_risk(self._desk, self._margin, symbol)

    def _api_restrictions(self, _parameters: Parameters) -> object:
        return account_answers.api_restrictions()

    # Markets.

    def _priced(self, answer: Callable[[Desk, Instrument, Decimal], dict[str, object]]) -> Answer:
        """An answer about one market with a price, or about all of them."""

        def rows(parameters: Parameters) -> object:
            if "symbol" in parameters:
                instrument = self._market(parameters)
                price = self._desk.core.price(instrument.symbol)
                if price is None:
                    raise Refusal(400, -1121, "Invalid symbol.")
                return answer(self._desk, instrument, price)
            prices = self._desk.core.prices()
            return [
                answer(self._desk, instrument, prices[instrument.symbol])
                for instrument in self._desk.core.instruments()
                if instrument.symbol in prices
            ]

        return rows

    def _market(self, parameters: Parameters) -> Instrument:
        if "symbol" not in parameters:
            raise missing("symbol")
        instrument = self._desk.instrument(parameters["symbol"])
        if instrument is None:
            raise Refusal(400, -1121, "Invalid symbol.")
        return instrument

    def _symbol(self, parameters: Parameters) -> str | None:
        """The unified symbol asked for, if one was."""
        return self._market(parameters).symbol if "symbol" in parameters else None

    def _listed(self, order: VenueOrder) -> Instrument:
        instrument = self._desk.core.instrument(order.ticket.symbol)
        if instrument is None:
            message = f"symbol was {order.ticket.symbol}: an order of it exists, its market not"
            raise LookupError(message)
        return instrument


def _answered(answer: Callable[[], object]) -> web.Response:
    try:
        body, status = answer(), 200
    except Refusal as refusal:
        body, status = {"code": refusal.code, "msg": refusal.message}, refusal.status
    return web.Response(status=status, body=ENCODER.encode(body), content_type="application/json")


async def _truncated(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Half of the answer under the whole one's length, then nothing."""
    body = bytes(answer.body) if isinstance(answer.body, (bytes, bytearray)) else b""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _unknown(request: web.Request) -> web.StreamResponse:
    body = {"code": -5000, "msg": f"Path {request.path}, Method {request.method} is invalid"}
    return web.Response(status=404, body=ENCODER.encode(body), content_type="application/json")


def _page(
    rows: list[dict[str, object]], parameters: Parameters, *, newest: bool
) -> list[dict[str, object]]:
    """At most `limit` rows within `startTime` and `endTime`: the newest, or those from an id on."""
    text = parameters.get("limit", str(ROWS_DEFAULT))
    limit = min(int(text), ROWS_MAX) if text.isdigit() else ROWS_DEFAULT
    start, end = parameters.get("startTime"), parameters.get("endTime")
    within = [
        row
        for row in rows
        if (start is None or str(row["time"]) >= start) and (end is None or str(row["time"]) <= end)
    ]
    return within[-limit:] if newest and start is None else within[:limit]
