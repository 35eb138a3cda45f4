"""Where an order may be found at the venue, and when its absence counts as proof."""

from collections import OrderedDict
from typing import TypeVar

import msgspec

from adapters.exchanges.ccxt_client import CcxtClient
from adapters.exchanges.ccxt_venue import (
    TradesQuery,
    UnreadableAnswerError,
    VenueDialect,
    VenueOrder,
)
from application.inputs import Ended, Found, Refused, Report, Traded
from application.ports import OrderTicket
from domain.money import ZERO

# Our clock against the venue's may be off by this much after the last sync.
SKEW_SECONDS = 1.0
# Trades are searched from this long before the order was sent.
SEARCH_MARGIN_MS = 60_000
IDENTITIES_MAX = 20_000
STRANGERS_PER_SEARCH_MAX = 50

Kept = TypeVar("Kept")


class OrderLookup:
    """Asks by id, then among open orders, then among trades.

    It remembers whose order a venue id is, and the tickets it was shown: a stop is found at
    another address than any other order.
    """

    def __init__(self, client: CcxtClient, dialect: VenueDialect) -> None:
        self._client = client
        self._dialect = dialect
        self._started_at = client.clock.monotonic()
        self._sent: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._client_ids: OrderedDict[str, str] = OrderedDict()
        self._tickets: OrderedDict[str, OrderTicket] = OrderedDict()

    def note(self, ticket: OrderTicket) -> None:
        """An order that may be asked about, whoever sent it."""
        self._tickets[ticket.client_order_id] = ticket
        _trim(self._tickets)

    def ticket(self, client_order_id: str) -> OrderTicket | None:
        """The ticket of an order, none if an earlier process sent it and nobody told of it."""
        return self._tickets.get(client_order_id)

    def is_stop(self, client_order_id: str) -> bool | None:
        """Whether an order is a stop, none if that is not known."""
        ticket = self._tickets.get(client_order_id)
        return None if ticket is None else ticket.trigger_price is not None

    def note_sent(self, client_order_id: str) -> None:
        """A call that may have placed the order has just ended."""
        milliseconds = int(self._client.clock.now().timestamp() * 1000)
        self._sent[client_order_id] = (self._client.clock.monotonic(), milliseconds)
        _trim(self._sent)

    def is_expired(self, client_order_id: str, asked_at: float) -> bool:
        """Whether at that moment no request for the order could still become valid.

        `asked_at` is monotonic. What an earlier process sent was sent before this one began.
        """
        sent_at, _ = self._sent.get(client_order_id, (self._started_at, 0))
        window = self._client.connection.recv_window_ms / 1000
        return asked_at >= sent_at + window + SKEW_SECONDS

    async def find(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        """The order, or none if all three questions agree that it is nowhere.

        Raises ConnectionError when one of them went unanswered.
        """
        order = await self._by_id(client_order_id, symbol)
        if order is None:
            order = await self._among_open_orders(client_order_id, symbol)
        if order is None:
            order = await self._among_trades(client_order_id, symbol)
        if order is not None and order.client_order_id != client_order_id:
            message = f"asked for {client_order_id}, the answer was {order.client_order_id}"
            raise UnreadableAnswerError(message)
        return order

    async def shown(self, order: VenueOrder) -> list[Report]:
        """What an order tells: its trades first, then what they led to."""
        self.remember(order)
        trades = await self.trades(order)
        if order.ended is None:
            return [*trades, Found(venue_order_id=order.venue_order_id, filled=order.filled)]
        return [*trades, *ended_reports(order)]

    async def trades(self, order: VenueOrder) -> list[Traded]:
        """Fees come only with trades, so every fill is read from them."""
        if order.filled == ZERO:
            return []
        query = TradesQuery(symbol=order.symbol, venue_order_id=order.venue_order_id)
        entries = await self._dialect.trades(self._client, query)
        return [entry.trade for entry in entries]

    def remember(self, order: VenueOrder) -> None:
        """Keep whose order a venue id is; a waiting stop's id is no order's."""
        if not order.is_waiting:
            self.remember_owner(order.venue_order_id, order.client_order_id)

    def remember_owner(self, venue_order_id: str, client_order_id: str) -> None:
        """Keep whose order a venue id is: the order a stop became is the stop's."""
        self._client_ids[venue_order_id] = client_order_id
        _trim(self._client_ids)

    def forget_owner(self, venue_order_id: str) -> None:
        """What was taken for an order's owner may have been none."""
        self._client_ids.pop(venue_order_id, None)

    def owner(self, venue_order_id: str) -> str | None:
        """The client id of an order, none if it is not known."""
        return self._client_ids.get(venue_order_id)

    async def _by_id(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        """What is not known to be either is asked for at both addresses."""
        is_stop, order = self.is_stop(client_order_id), None
        if is_stop is not True:
            order = await self._dialect.order(self._client, symbol, client_order_id)
        if order is None and is_stop is not False:
            order = await self._dialect.stop(self._client, symbol, client_order_id)
        return order

    async def _among_open_orders(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        for order in await self._dialect.open_orders(self._client, symbol):
            self.remember(order)
            if order.client_order_id == client_order_id:
                return order
        return None

    async def _among_trades(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        """Trades carry only the venue's id, so orders not yet known are looked up by it."""
        _, sent_ms = self._sent.get(client_order_id, (0.0, 0))
        since = sent_ms - SEARCH_MARGIN_MS if sent_ms else None
        if self.is_stop(client_order_id) is not False:
            await self._learn_stops(symbol)
        query = TradesQuery(symbol=symbol, since_ms=since)
        entries = await self._dialect.trades(self._client, query)
        asked = 0
        for identity in dict.fromkeys(entry.venue_order_id for entry in reversed(entries)):
            if identity not in self._client_ids:
                asked += 1
                await self._identify(identity, symbol, asked)
            if self._client_ids.get(identity) == client_order_id:
                order = await self._dialect.order_by_venue_id(self._client, symbol, identity)
                return _owned(order, client_order_id)
        return None

    async def _learn_stops(self, symbol: str) -> None:
        for stop in await self._dialect.stops(self._client, symbol):
            if stop.made_order_id:
                self.remember_owner(stop.made_order_id, stop.order.client_order_id)

    async def _identify(self, identity: str, symbol: str, asked: int) -> None:
        if asked > STRANGERS_PER_SEARCH_MAX:
            message = f"{symbol} has trades of more than {asked - 1} unknown orders; ask again"
            raise UnreadableAnswerError(message)
        order = await self._dialect.order_by_venue_id(self._client, symbol, identity)
        if order is None:
            message = f"order {identity} of {symbol} traded but is not known by id; ask again"
            raise UnreadableAnswerError(message)
        self.remember(order)


def ended_reports(order: VenueOrder) -> list[Report]:
    """How an order ended; a post-only one that would have taken was refused in all but name.

    Both are told: once it was accepted, a refusal is no news any more, but its end is.
    """
    assert order.ended is not None, "only an order that ended has an end to tell"
    ended = Ended(status=order.ended, filled=order.filled)
    if not order.would_take:
        return [ended]
    message = "the post-only order would have taken; the venue ended it at once"
    return [Refused(code="expired", message=message, kind="post_only"), ended]


def _owned(order: VenueOrder | None, client_order_id: str) -> VenueOrder | None:
    """The order a stop became may bear an id of its own."""
    return order and msgspec.structs.replace(order, client_order_id=client_order_id)


def _trim(memory: OrderedDict[str, Kept]) -> None:
    while len(memory) > IDENTITIES_MAX:
        memory.popitem(last=False)
