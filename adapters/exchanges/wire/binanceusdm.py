"""Binance USDⓈ-M futures over HTTP, as far as unmodified ccxt's `binanceusdm` asks for it.

Source of calls and parameters: wire traces of ccxt 4.5.90; of key sets: the venue's documentation
and captures of 2021 and 2024.
"""

import secrets
from collections.abc import Callable, Iterator
from decimal import Decimal

from aiohttp import web

from adapters.exchanges.simulated.orders import VenueOrder, is_stop
from adapters.exchanges.wire import account_answers, market_answers
from adapters.exchanges.wire.account_desk import AccountDesk
from adapters.exchanges.wire.countdowns import Countdowns
from adapters.exchanges.wire.desk import Desk, OrderNews
from adapters.exchanges.wire.faults import FaultPlan
from adapters.exchanges.wire.markets import Markets
from adapters.exchanges.wire.order_answers import order_frame
from adapters.exchanges.wire.order_request import Parameters
from adapters.exchanges.wire.reception import Answer, Reception, unknown
from adapters.exchanges.wire.signing import Credentials, Refusal
from adapters.exchanges.wire.stop_answers import algo_status, is_triggered, stop_frame
from adapters.exchanges.wire.streams import StreamHub
from adapters.exchanges.wire.trading import Trading
from application.inputs import Accepted, Ended, FundingReported, Traded
from domain.instrument import Instrument

HOSTS = ("fapi.binance.com", "api.binance.com", "fstream.binance.com", "ws-fapi.binance.com")

Frame = dict[str, object]


class BinanceUsdm:
    """The front of one account. `application()` serves REST and streams of all its hosts."""

    def __init__(self, *, desk: Desk, credentials: Credentials, faults: FaultPlan) -> None:
        self.hub = StreamHub(desk, faults)
        self.reception = Reception(desk, credentials, faults)
        self._desk = desk
        self._markets = Markets(desk)
        self._margin = account_answers.Margin(desk)
        self.trading = Trading(desk, self._markets)
        self.countdowns = Countdowns(desk, self._markets)
        self._account = AccountDesk(desk, self._markets, self._margin)
        desk.on_news.append(self._publish)
        desk.on_funding.append(self._publish_funding)

    def application(self) -> web.Application:
        """The routes. Unknown ones are answered as Binance does."""
        application = web.Application()
        router = application.router
        for path, public in self._public_answers().items():
            router.add_get(path, self.reception.public(public))
        for (method, path), signed in {
            **self.trading.answers(),
            **self.countdowns.answers(),
            **self._account.answers(),
        }.items():
            router.add_route(method, path, self.reception.signed(signed))
        for method in ("POST", "PUT", "DELETE"):
            handler = self.reception.keyed(self._listen_key)
            router.add_route(method, "/fapi/v1/listenKey", handler)
        router.add_get(r"/{category:public|market|private}/ws", self.hub.serve)
        router.add_get(r"/{category:public|market|private}/ws/{connection}", self.hub.serve)
        router.add_route("*", "/{unknown:.*}", unknown)
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

    def _listen_key(self, request: web.Request) -> object:
        if request.method == "DELETE":
            self.hub.listen_keys.clear()
            return {}
        if not self.hub.listen_keys:
            self.hub.listen_keys.add(secrets.token_hex(32))
        return {"listenKey": min(self.hub.listen_keys)}

    def _priced(self, answer: Callable[[Desk, Instrument, Decimal], Frame]) -> Answer:
        """An answer about one market with a price, or about all of them."""

        def rows(parameters: Parameters) -> object:
            if "symbol" in parameters:
                instrument = self._markets.asked(parameters)
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

    # The frames that tell the account of what happened.

    def _publish(self, news: OrderNews) -> None:
        frames = self._stop_frames if is_stop(news.order.ticket) else self._order_frames
        for frame in frames(news):
            self.hub.publish_private(frame)

    def _publish_funding(self, funded: FundingReported) -> None:
        self.hub.publish_private(account_answers.funding_frame(self._desk, funded))

    def _order_frames(self, news: OrderNews) -> Iterator[Frame]:
        """One report: the account before the order, as Binance sends them."""
        instrument = self._markets.of(news.order)
        if isinstance(news.report, Traded):
            yield account_answers.account_frame(self._desk, self._margin, instrument, "ORDER")
        frame = order_frame(news, instrument)
        if frame is not None:
            yield frame

    def _stop_frames(self, news: OrderNews) -> Iterator[Frame]:
        """A stop's own news, and that of the order it became.

        What that order was filled with is told before the stop says which order it became.
        """
        stop, report = news.order, news.report
        instrument = self._markets.of(stop)
        if isinstance(report, Accepted):
            yield stop_frame(stop, instrument, "NEW")
        elif isinstance(report, Traded):
            yield from self._triggered_frames(stop, report, instrument)
        elif isinstance(report, Ended):
            if is_triggered(stop):
                ended = OrderNews(order=self.trading.made(stop), report=report)
                yield from self._order_frames(ended)
            yield stop_frame(stop, instrument, algo_status(stop))

    def _triggered_frames(
        self, stop: VenueOrder, trade: Traded, instrument: Instrument
    ) -> Iterator[Frame]:
        made, is_first = self.trading.made(stop), trade == stop.trades[0]
        if is_first:
            yield stop_frame(stop, instrument, "TRIGGERING")
            accepted = Accepted(venue_order_id=made.venue_order_id)
            yield from self._order_frames(OrderNews(order=made, report=accepted))
        yield from self._order_frames(OrderNews(order=made, report=trade))
        if is_first:
            yield stop_frame(stop, instrument, "TRIGGERED")
