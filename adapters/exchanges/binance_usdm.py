"""Binance USDⓈ-M futures in its own words: linear perpetuals, one-way or hedge.

Endpoints and fields after developers.binance.com/docs/derivatives/usds-margined-futures.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal

from adapters.exchanges.binance_usdm_rows import (
    Row,
    balance_row,
    book,
    income_row,
    mapping,
    moment,
    order_frame,
    order_row,
    owner_row,
    position_mode,
    reading,
    rows,
    trade_row,
)
from adapters.exchanges.binance_usdm_stops import (
    became,
    is_stop_row,
    placed_stop,
    stop_frame,
    stop_row,
)
from adapters.exchanges.ccxt_client import CcxtClient
from adapters.exchanges.ccxt_markets import binance_usdm_instruments
from adapters.exchanges.ccxt_outcomes import (
    BINANCE_USDM_CODES,
    Answered,
    NeverSent,
    Outcome,
    RefusedByVenue,
    Unclear,
    judge,
)
from adapters.exchanges.ccxt_venue import (
    BookFrame,
    Frame,
    FundingFrame,
    KeyExpiredFrame,
    TradesQuery,
    UnreadableAnswerError,
    VenueBalance,
    VenueOrder,
    VenuePosition,
    VenueStop,
    VenueTrade,
)
from application.inputs import FundingReported
from application.ports import OrderTicket
from application.work import NotSentError
from domain.instrument import Instrument
from domain.money import plain

# GET /fapi/v1/userTrades gives at most 1000 rows.
TRADES_PAGE = 1000
TRADES_PAGES_MAX = 20
# GET /fapi/v1/income, allOrders and allAlgoOrders likewise.
PAGE = 1000

_TIME_IN_FORCE = {"gtc": "GTC", "ioc": "IOC", "post_only": "GTX"}


class BinanceUsdm:
    """Keeps `VenueDialect`. Contract size is always 1, so contracts are base units."""

    venue = "binanceusdm"
    codes = BINANCE_USDM_CODES
    # 2400 request weight per minute and address.
    rate_limit_ms = 25
    has_countdown = True
    options: Mapping[str, object] = {
        # Both would make private calls to another host while loading markets.
        "fetchCurrencies": False,
        "fetchMargins": False,
        "watchPositions": {"fetchPositionsSnapshot": False, "awaitPositionsSnapshot": False},
        # The stream renews its listen key itself; ccxt's timers would pile up per reconnect.
        "listenKeyRefreshRate": 7 * 24 * 3600 * 1000,
    }

    def order_parameters(self, ticket: OrderTicket) -> dict[str, object]:
        """What `create_order` needs besides symbol, type, side, amount and price."""
        parameters: dict[str, object] = {"newClientOrderId": ticket.client_order_id}
        if ticket.trigger_price is not None:
            # As text: ccxt overlooks a Decimal here, and would send a plain market order.
            parameters = {
                "clientAlgoId": ticket.client_order_id,
                "triggerPrice": plain(ticket.trigger_price),
            }
        elif ticket.price is not None:
            parameters["timeInForce"] = _TIME_IN_FORCE[ticket.time_in_force]
        if ticket.position_side != "both":
            # In hedge mode the side says it all, and reduceOnly is refused (-4062).
            parameters["positionSide"] = ticket.position_side.upper()
        elif ticket.reduce_only:
            parameters["reduceOnly"] = True
        return parameters

    def cancel_parameters(self, client_order_id: str, *, is_stop: bool) -> dict[str, object]:
        """What `cancel_order` needs to find the order by our id."""
        if is_stop:
            return {"clientAlgoId": client_order_id, "trigger": True}
        return {"origClientOrderId": client_order_id}

    def read_instruments(self, markets: Sequence[Mapping[str, object]]) -> list[Instrument]:
        """Active linear perpetuals."""
        return binance_usdm_instruments(markets)

    def read_order(self, raw: object, symbol: str) -> VenueOrder:
        """An order or a stop just placed, of REST. Raises UnreadableAnswerError."""
        row = mapping(raw)
        if is_stop_row(row):
            return reading("a stop", lambda: placed_stop(row, symbol))
        return reading("an order", lambda: order_row(row, symbol))

    def read_frame(self, frame: object) -> Frame | None:
        """A stream's frame, or none if it is about something else.

        Symbols are the venue's own names here: frames carry no other.
        """
        if not isinstance(frame, Mapping):
            return None
        if frame.get("e") == "listenKeyExpired":
            return KeyExpiredFrame()
        if frame.get("e") == "ORDER_TRADE_UPDATE":
            return reading("an order frame", lambda: order_frame(mapping(frame["o"])))
        if frame.get("e") == "ALGO_UPDATE":
            return reading("a stop frame", lambda: stop_frame(mapping(frame["o"])))
        if frame.get("e") == "ACCOUNT_UPDATE":
            return reading("an account frame", lambda: _funding_frame(frame))
        if frame.get("e") == "bookTicker":
            return reading("a book frame", lambda: book(frame, "s", "b", "a"))
        return None

    async def order(self, client: CcxtClient, symbol: str, identity: str) -> VenueOrder | None:
        """GET /fapi/v1/order by our client order id."""
        return await self._order(client, symbol, {"origClientOrderId": identity})

    async def order_by_venue_id(
        self, client: CcxtClient, symbol: str, identity: str
    ) -> VenueOrder | None:
        """GET /fapi/v1/order by the venue's id."""
        return await self._order(client, symbol, {"orderId": identity})

    async def stop(self, client: CcxtClient, symbol: str, identity: str) -> VenueOrder | None:
        """GET /fapi/v1/algoOrder, then the order it became by its id (weight 1 each)."""
        asked = await client.ask(
            lambda: client.api.fapiPrivateGetAlgoOrder({"clientAlgoId": identity})
        )
        outcome = judge(asked, self.codes)
        if isinstance(outcome, Unclear) and outcome.code in self.codes.unknown_order:
            return None
        found = _stop(mapping(certain(outcome)), symbol)
        if found.is_unclear:
            return became(found, None)
        if not found.made_order_id:
            return found.order
        return became(found, await self.order_by_venue_id(client, symbol, found.made_order_id))

    async def open_orders(self, client: CcxtClient, symbol: str | None) -> list[VenueOrder]:
        """GET openOrders and openAlgoOrders of one symbol (weight 1) or of all (weight 40 each)."""
        request = {} if symbol is None else {"symbol": _venue_symbol(client, symbol)}
        orders = rows(await _read(client, lambda: client.api.fapiPrivateGetOpenOrders(request)))
        stops = rows(await _read(client, lambda: client.api.fapiPrivateGetOpenAlgoOrders(request)))
        return [
            *(self.read_order(row, _symbol(client, row)) for row in orders),
            *(_stop(row, _symbol(client, row)).order for row in stops),
        ]

    async def stops(self, client: CcxtClient, symbol: str) -> list[VenueStop]:
        """GET /fapi/v1/allAlgoOrders of the last seven days (weight 5)."""
        request = {"symbol": _venue_symbol(client, symbol), "limit": PAGE}
        raw = await _read(client, lambda: client.api.fapiPrivateGetAllAlgoOrders(request))
        return [_stop(row, symbol) for row in rows(raw)]

    async def owners(self, client: CcxtClient, symbol: str) -> Mapping[str, str]:
        """GET /fapi/v1/allOrders of the last seven days (weight 5)."""
        request = {"symbol": _venue_symbol(client, symbol), "limit": PAGE}
        raw = rows(await _read(client, lambda: client.api.fapiPrivateGetAllOrders(request)))
        return reading("orders", lambda: dict(owner_row(row) for row in raw))

    async def trades(self, client: CcxtClient, query: TradesQuery) -> list[VenueTrade]:
        """GET /fapi/v1/userTrades, oldest first, every page (weight 5 each)."""
        venue_symbol = _venue_symbol(client, query.symbol)
        request: dict[str, object] = {"symbol": venue_symbol, "limit": TRADES_PAGE}
        if query.newest is not None:
            return await _trades_page(client, {**request, "limit": query.newest})
        if query.venue_order_id is not None:
            request["orderId"] = query.venue_order_id
        elif query.since_ms is not None:
            request["startTime"] = query.since_ms
        found: dict[str, VenueTrade] = {}
        for _ in range(TRADES_PAGES_MAX):
            page = await _trades_page(client, request)
            found.update({entry.trade.trade_id: entry for entry in page})
            if len(page) < TRADES_PAGE:
                break
            # fromId may go neither with startTime nor with orderId; others are cut below.
            after = int(page[-1].trade.trade_id) + 1
            request = {"symbol": venue_symbol, "limit": TRADES_PAGE, "fromId": after}
        wanted = query.venue_order_id
        return [one for one in found.values() if wanted is None or one.venue_order_id == wanted]

    async def funding(self, client: CcxtClient, since_ms: int) -> list[FundingReported]:
        """GET /fapi/v1/income of type FUNDING_FEE (weight 30), one page: the next call goes on."""
        request = {"incomeType": "FUNDING_FEE", "startTime": since_ms, "limit": PAGE}
        raw = rows(await _read(client, lambda: client.api.fapiPrivateGetIncome(request)))
        found = reading("funding", lambda: [income_row(row, _symbol(client, row)) for row in raw])
        return sorted(found, key=lambda one: one.settled_at)

    async def positions(self, client: CcxtClient) -> list[VenuePosition]:
        """GET /fapi/v3/positionRisk: signed quantities of what is held."""
        raw = await _read(client, client.api.fapiPrivateV3GetPositionRisk)
        held = rows(raw)
        return reading("positions", lambda: [_position(client, row) for row in held])

    async def balance(self, client: CcxtClient, currency: str) -> VenueBalance:
        """GET /fapi/v3/account: wallet balance and available balance of one asset."""
        account = mapping(await _read(client, client.api.fapiPrivateV3GetAccount))
        return reading("balances", lambda: balance_row(account, currency))

    async def best_prices(self, client: CcxtClient, symbol: str) -> BookFrame:
        """GET /fapi/v1/ticker/bookTicker."""
        request = {"symbol": _venue_symbol(client, symbol)}
        raw = await _read(client, lambda: client.api.fapiPublicGetTickerBookTicker(request))
        return reading("prices", lambda: book(mapping(raw), "symbol", "bidPrice", "askPrice"))

    async def set_countdown(self, client: CcxtClient, symbol: str, seconds: int) -> None:
        """POST /fapi/v1/countdownCancelAll (weight 10), exits included; 0 stops the countdown.

        Taking it back is as urgent as an order; renewing it may wait, which is the safe side.
        """
        wanted = {"symbol": _venue_symbol(client, symbol), "countdownTime": seconds * 1000}
        asked = await client.ask(
            lambda: client.api.fapiPrivatePostCountdownCancelAll(wanted), is_trading=not seconds
        )
        row = mapping(certain(judge(asked, self.codes)))
        answered = (row.get("symbol"), str(row.get("countdownTime")))
        if answered != (wanted["symbol"], str(wanted["countdownTime"])):
            message = f"the countdown of {symbol} was answered with {answered}, not {wanted}"
            raise UnreadableAnswerError(message)

    def is_user_stream(self, url: str) -> bool:
        """Its address is fstream.binance.com/private/ws?listenKey=…."""
        return "listenKey=" in url

    def forget_stream_key(self, client: CcxtClient) -> None:
        """POST /fapi/v1/listenKey gives the valid key again, or a new one after its end."""
        known = client.api.options.get("linear") or {}
        client.api.options["linear"] = {**known, "listenKey": None, "lastAuthenticatedTime": 0}

    async def renew_stream_key(self, client: CcxtClient) -> None:
        """PUT /fapi/v1/listenKey: valid for 60 minutes more."""
        await _read(client, client.api.fapiPrivatePutListenKey)

    async def _order(
        self, client: CcxtClient, symbol: str, by: dict[str, object]
    ) -> VenueOrder | None:
        request = {"symbol": _venue_symbol(client, symbol), **by}
        asked = await client.ask(lambda: client.api.fapiPrivateGetOrder(request))
        outcome = judge(asked, self.codes)
        if isinstance(outcome, Unclear) and outcome.code in self.codes.unknown_order:
            return None
        return self.read_order(certain(outcome), symbol)


def certain(outcome: Outcome) -> object:
    """The answer's content. Raises ConnectionError if there is none: nothing was learned."""
    match outcome:
        case Answered():
            return outcome.value
        case NeverSent():
            raise NotSentError(outcome.reason, retry_after_seconds=outcome.retry_after_seconds)
        case RefusedByVenue():
            message = f"the venue refused a question ({outcome.code} {outcome.message})"
            raise UnreadableAnswerError(message)
        case Unclear():
            message = f"the venue's answer was {outcome.detail}; ask again"
            raise UnreadableAnswerError(message)


async def _read(client: CcxtClient, call: Callable[[], Awaitable[object]]) -> object:
    return certain(judge(await client.ask(call), BINANCE_USDM_CODES))


async def _trades_page(client: CcxtClient, request: dict[str, object]) -> list[VenueTrade]:
    raw = await _read(client, lambda: client.api.fapiPrivateGetUserTrades(dict(request)))
    page = rows(raw)
    return reading("trades", lambda: [trade_row(row) for row in page])


def _position(client: CcxtClient, row: Row) -> VenuePosition:
    return VenuePosition(
        symbol=_symbol(client, row),
        quantity=Decimal(row["positionAmt"]),
        side=position_mode(row["positionSide"]),
    )


def _stop(row: Row, symbol: str) -> VenueStop:
    return reading("a stop", lambda: stop_row(row, symbol))


def _funding_frame(frame: Row) -> FundingFrame | None:
    """ACCOUNT_UPDATE says why the account changed; only funding is not told otherwise."""
    if mapping(frame["a"])["m"] != "FUNDING_FEE":
        return None
    return FundingFrame(settled_at=moment(frame["T"]))


def _symbol(client: CcxtClient, row: Row) -> str:
    return str(client.api.safe_symbol(row["symbol"], None, None, "swap"))


def _venue_symbol(client: CcxtClient, symbol: str) -> str:
    return str(client.api.market(symbol)["id"])
