"""Binance USDⓈ-M futures in its own words: linear perpetuals, one-way or hedge.

Endpoints and fields after developers.binance.com/docs/derivatives/usds-margined-futures.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal

from adapters.exchanges.binance_usdm_rows import (
    Row,
    balance_row,
    book,
    mapping,
    order_frame,
    order_row,
    reading,
    rows,
    trade_row,
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
    KeyExpiredFrame,
    TradesQuery,
    UnreadableAnswerError,
    VenueBalance,
    VenueOrder,
    VenuePosition,
    VenueTrade,
)
from application.ports import OrderTicket
from application.work import NotSentError
from domain.instrument import Instrument

# GET /fapi/v1/userTrades gives at most 1000 rows.
TRADES_PAGE = 1000
TRADES_PAGES_MAX = 20

_TIME_IN_FORCE = {"gtc": "GTC", "ioc": "IOC", "post_only": "GTX"}


class BinanceUsdm:
    """Keeps `VenueDialect`. Contract size is always 1, so contracts are base units."""

    venue = "binanceusdm"
    codes = BINANCE_USDM_CODES
    # 2400 request weight per minute and address.
    rate_limit_ms = 25
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
        if ticket.price is not None:
            parameters["timeInForce"] = _TIME_IN_FORCE[ticket.time_in_force]
        if ticket.position_side != "both":
            # In hedge mode the side says it all, and reduceOnly is refused (-4062).
            parameters["positionSide"] = ticket.position_side.upper()
        elif ticket.reduce_only:
            parameters["reduceOnly"] = True
        return parameters

    def cancel_parameters(self, client_order_id: str) -> dict[str, object]:
        """What `cancel_order` needs to find the order by our id."""
        return {"origClientOrderId": client_order_id}

    def read_instruments(self, markets: Sequence[Mapping[str, object]]) -> list[Instrument]:
        """Active linear perpetuals."""
        return binance_usdm_instruments(markets)

    def read_order(self, raw: object, symbol: str) -> VenueOrder:
        """An order of REST. Raises UnreadableAnswerError."""
        return reading("an order", lambda: order_row(mapping(raw), symbol))

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

    async def open_orders(self, client: CcxtClient, symbol: str | None) -> list[VenueOrder]:
        """GET /fapi/v1/openOrders of one symbol (weight 1) or of all (weight 40)."""
        parameters = {} if symbol is None else {"symbol": _venue_symbol(client, symbol)}
        raw = await _read(client, lambda: client.api.fapiPrivateGetOpenOrders(parameters))
        return [self.read_order(row, _symbol(client, row)) for row in rows(raw)]

    async def trades(self, client: CcxtClient, query: TradesQuery) -> list[VenueTrade]:
        """GET /fapi/v1/userTrades, oldest first, every page (weight 5 each)."""
        venue_symbol = _venue_symbol(client, query.symbol)
        request: dict[str, object] = {"symbol": venue_symbol, "limit": TRADES_PAGE}
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
    return VenuePosition(symbol=_symbol(client, row), quantity=Decimal(row["positionAmt"]))


def _symbol(client: CcxtClient, row: Row) -> str:
    return str(client.api.safe_symbol(row["symbol"], None, None, "swap"))


def _venue_symbol(client: CcxtClient, symbol: str) -> str:
    return str(client.api.market(symbol)["id"])
