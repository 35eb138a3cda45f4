"""A real venue through unmodified ccxt: places, cancels and asks, and reports only facts."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog

from adapters.clock import SteadyClock
from adapters.exchanges.binance_usdm import BinanceUsdm
from adapters.exchanges.ccxt_client import CcxtClient, CcxtConnection
from adapters.exchanges.ccxt_outcomes import (
    Answered,
    Asked,
    NeverSent,
    Outcome,
    RefusedByVenue,
    Unclear,
    judge,
)
from adapters.exchanges.ccxt_precision import unfit
from adapters.exchanges.ccxt_venue import (
    UnreadableAnswerError,
    VenueDialect,
)
from adapters.exchanges.foreign_trades import ForeignTrades
from adapters.exchanges.order_lookup import OrderLookup, ended_reports
from adapters.exchanges.venue_clock import VenueClock
from adapters.exchanges.venue_snapshot import VenueSnapshot
from application.inputs import (
    Accepted,
    AnswerLost,
    BalanceSeen,
    CancelRefused,
    FundingReported,
    NotFound,
    OrderReported,
    ReconciliationSeen,
    Refused,
    Report,
)
from application.ports import OrderTicket
from application.work import NotSentError, OpenOrder
from domain.instrument import Instrument

log = structlog.get_logger(__name__)

DIALECTS: dict[str, type[VenueDialect]] = {"binanceusdm": BinanceUsdm}
CLOCK_REFUSALS = ("-1021", "-5028")


class CcxtExchange:
    """Keeps `application.work.ReconcilableExchange` for one account.

    Calls that provably had no effect raise NotSentError, so that the dispatcher makes them
    again; every other doubt is an AnswerLost (place) or no report at all (cancel, query).
    """

    def __init__(self, connection: CcxtConnection, prefix: str, clock: SteadyClock) -> None:
        if connection.venue not in DIALECTS:
            message = f"venue was {connection.venue!r}; it must be one of {sorted(DIALECTS)}"
            raise ValueError(message)
        self.dialect: VenueDialect = DIALECTS[connection.venue]()
        dialect = self.dialect
        self.client = CcxtClient(connection, dialect.options, dialect.rate_limit_ms, clock)
        self.venue_clock = VenueClock(self.client)
        self.instruments: dict[str, Instrument] = {}
        self._symbols: dict[str, str] = {}
        self._lookup = OrderLookup(self.client, self.dialect)
        foreign = ForeignTrades(self.client, self.dialect, self._lookup, prefix)
        self._snapshot = VenueSnapshot(self.client, self.dialect, foreign, prefix)

    async def start(self) -> None:
        """Learn the venue's time and markets. Raises ConnectionError if unreachable."""
        if not await self.venue_clock.sync():
            message = f"{self.dialect.venue} did not tell its time; check network and proxy"
            raise ConnectionError(message)
        self.venue_clock.start()
        await self.load_instruments()

    async def load_instruments(self) -> Sequence[Instrument]:
        """Active linear perpetuals. Raises ConnectionError if unreachable."""
        api = self.client.api
        is_reload = api.markets is not None
        asked = await self.client.ask(lambda: api.load_markets(is_reload))
        if asked.error is not None:
            message = f"markets of {self.dialect.venue} not loaded: {type(asked.error).__name__}"
            raise ConnectionError(message) from asked.error
        found = self.dialect.read_instruments(list(api.markets.values()))
        self.instruments = {instrument.symbol: instrument for instrument in found}
        self._symbols = {instrument.venue_symbol: instrument.symbol for instrument in found}
        if not found:
            # ccxt takes a page of HTML for a venue without markets.
            message = f"{self.dialect.venue} showed no tradable market; ask again"
            raise ConnectionError(message)
        return found

    def note(self, tickets: Iterable[OrderTicket]) -> None:
        """Orders that may be cancelled or asked about, though an earlier process sent them."""
        for ticket in tickets:
            self._lookup.note(ticket)

    async def place(self, ticket: OrderTicket) -> Sequence[OrderReported]:
        """Send one order, once. Raises NotSentError if it provably did not leave."""
        await self._require_instruments()
        self._lookup.note(ticket)
        flaw = unfit(self.client, ticket)
        if flaw is not None:
            return _reported(ticket.client_order_id, [flaw])
        asked = await self._send(ticket)
        match judge(asked, self.dialect.codes):
            case Answered(value=value):
                reports = await self._placed(ticket, value)
            case RefusedByVenue(code=code, message=message, kind=kind):
                reports = [Refused(code=code, message=message, kind=kind)]
            case Unclear(detail=detail):
                reports = [AnswerLost(detail=detail)]
            case NeverSent() as never:
                raise self._not_sent(never)
        return _reported(ticket.client_order_id, reports)

    async def cancel(self, client_order_id: str, symbol: str) -> Sequence[OrderReported]:
        """Ask for a cancel; what is not certain then is asked for at once.

        Raises NotSentError if the cancel did not leave.
        """
        await self._require_instruments()
        is_stop = self._lookup.is_stop(client_order_id)
        asked = await self._send_cancel(client_order_id, symbol, is_stop=is_stop is True)
        outcome = judge(asked, self.dialect.codes)
        if is_stop is None and self._is_unknown_order(outcome):
            # An order of an earlier process may be a stop, which is kept at another address.
            asked = await self._send_cancel(client_order_id, symbol, is_stop=True)
            outcome = judge(asked, self.dialect.codes)
        match outcome:
            case Answered(value=value):
                reports = await self._cancelled(client_order_id, symbol, value)
            case NeverSent() as never:
                raise self._not_sent(never)
            case Unclear(code=code, detail=detail) if self._is_unknown_order(outcome):
                refusal = CancelRefused(code=code, message=detail)
                reports = [refusal, *await self._asked(client_order_id, symbol)]
            case RefusedByVenue() | Unclear() as doubt:
                log.warning("cancel_unanswered", order=client_order_id, answer=repr(doubt))
                reports = await self._asked(client_order_id, symbol)
        return _reported(client_order_id, reports)

    async def query(self, client_order_id: str, symbol: str) -> Sequence[OrderReported]:
        """By id, among open orders and among trades; nothing certain = no report.

        `NotFound` only if all agree after every request for it had expired.
        """
        await self._require_instruments()
        return _reported(client_order_id, await self._asked(client_order_id, symbol))

    async def open_orders(self) -> Sequence[OpenOrder]:
        """Working orders of ours. Raises ConnectionError if unreachable."""
        await self._require_instruments()
        return await self._snapshot.open_orders()

    async def reconcile(self, symbols: Sequence[str]) -> ReconciliationSeen:
        """Open orders of ours, positions and foreign trades. Raises ConnectionError."""
        await self._require_instruments()
        return await self._snapshot.reconcile(symbols)

    async def funding(self, since: datetime) -> Sequence[FundingReported]:
        """What was settled from `since` on, oldest first. Raises ConnectionError."""
        await self._require_instruments()
        return await self.dialect.funding(self.client, int(since.timestamp() * 1000))

    async def balance(self, currency: str) -> BalanceSeen:
        """In units of `currency`. Raises ConnectionError if unreachable."""
        return await self._snapshot.balance(currency)

    @property
    def has_countdown(self) -> bool:
        """Whether the venue can cancel a symbol's orders when it hears nothing more of us."""
        return self.dialect.has_countdown

    async def set_countdown(self, symbol: str, seconds: int) -> None:
        """All orders of the symbol end after so many seconds, 0 = never. Raises ConnectionError."""
        await self._require_instruments()
        await self.dialect.set_countdown(self.client, symbol, seconds)

    async def tell_time(self) -> None:
        """The cheapest question there is: its answer is contact. Raises NotSentError in a pause."""
        await self.client.ask(self.client.api.fetch_time)

    def symbol_of(self, venue_symbol: str) -> str | None:
        """Our symbol of a venue's name, if it is traded."""
        return self._symbols.get(venue_symbol)

    def owner(self, venue_order_id: str) -> str | None:
        """The client id of an order, as far as its venue id was ever seen."""
        return self._lookup.owner(venue_order_id)

    def remember_owner(self, venue_order_id: str, client_order_id: str) -> None:
        """A stream told whose an order is."""
        self._lookup.remember_owner(venue_order_id, client_order_id)

    async def close(self) -> None:
        """Release connections; nothing is cancelled at the venue."""
        await self.venue_clock.stop()
        await self.client.close()

    async def _send(self, ticket: OrderTicket) -> Asked:
        kind = "market" if ticket.price is None else "limit"
        order = (ticket.symbol, kind, ticket.side, ticket.quantity, ticket.price)
        parameters, api = self.dialect.order_parameters(ticket), self.client.api
        try:
            return await self.client.ask(
                lambda: api.create_order(*order, parameters), is_trading=True
            )
        finally:
            self._lookup.note_sent(ticket.client_order_id)

    async def _send_cancel(self, client_order_id: str, symbol: str, *, is_stop: bool) -> Asked:
        parameters = self.dialect.cancel_parameters(client_order_id, is_stop=is_stop)
        api = self.client.api
        return await self.client.ask(
            lambda: api.cancel_order(None, symbol, parameters), is_trading=True
        )

    def _is_unknown_order(self, outcome: Outcome) -> bool:
        return isinstance(outcome, Unclear) and outcome.code in self.dialect.codes.unknown_order

    async def _require_instruments(self) -> None:
        """Ccxt would load the markets by itself, in the middle of placing an order."""
        if self.instruments:
            return
        try:
            await self.load_instruments()
        except ConnectionError as error:
            raise NotSentError(str(error)) from error

    async def _placed(self, ticket: OrderTicket, value: object) -> list[Report]:
        """Success counts only with our id and the venue's in it."""
        try:
            order = self.dialect.read_order(_info(value), ticket.symbol)
        except UnreadableAnswerError as error:
            return [AnswerLost(detail=f"success without an order: {error}")]
        if order.client_order_id != ticket.client_order_id:
            return [AnswerLost(detail=f"success for another order, {order.client_order_id!r}")]
        self._lookup.remember(order)
        if order.would_take:
            return ended_reports(order)
        accepted = Accepted(venue_order_id=order.venue_order_id)
        try:
            trades = await self._lookup.trades(order)
        except ConnectionError as error:
            log.warning("trades_unread", order=order.client_order_id, error=str(error))
            trades = []
        ended = [] if order.ended is None else ended_reports(order)
        return [accepted, *trades, *ended]

    async def _cancelled(self, identity: str, symbol: str, value: object) -> list[Report]:
        try:
            order = self.dialect.read_order(_info(value), symbol)
            if order.client_order_id == identity:
                return await self._lookup.shown(order)
        except ConnectionError as error:
            log.warning("cancel_unreadable", order=identity, error=str(error))
        return await self._asked(identity, symbol)

    async def _asked(self, identity: str, symbol: str) -> list[Report]:
        asked_at, moment = self.client.clock.now(), self.client.clock.monotonic()
        try:
            order = await self._lookup.find(identity, symbol)
            if order is not None:
                return await self._lookup.shown(order)
            if not self._lookup.is_expired(identity, moment):
                return []
            held = await self._snapshot.position(symbol, self._lookup.ticket(identity))
        except ConnectionError as error:
            log.warning("order_unanswered", order=identity, error=str(error))
            return []
        return [NotFound(asked_at=asked_at, position=held)]

    def _not_sent(self, never: NeverSent) -> NotSentError:
        if never.reason.startswith(CLOCK_REFUSALS):
            self.venue_clock.sync_soon()
        wait = max(never.retry_after_seconds, self.client.halt.remaining())
        return NotSentError(never.reason, retry_after_seconds=wait)


def _info(value: object) -> object:
    """The venue's own answer below ccxt's order struct."""
    return value.get("info") if isinstance(value, dict) else value


def _reported(client_order_id: str, reports: Sequence[Report]) -> list[OrderReported]:
    return [OrderReported(client_order_id=client_order_id, report=report) for report in reports]
