"""The desk between the wire and the matching core: what came in, and what became of it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.orders import VenueOrder
from application.inputs import FundingReported, OrderReported, Refused, Report, Traded
from application.ports import Clock, OrderTicket
from domain.instrument import Instrument, PositionMode, Side
from domain.money import ZERO

# What the client ids of orders begin with that somebody places on the venue's own pages.
BY_HAND = "web_"


class ReceivedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One create-order request that reached the venue, taken or refused."""

    ticket: OrderTicket
    received_at: datetime
    refused_code: str | None


class OrderNews(msgspec.Struct, frozen=True, kw_only=True):
    """One report, with the order as it stands after all that was reported with it."""

    order: VenueOrder
    report: Report


class Desk:
    """One account's orders at the venue. Listeners hear of reports and of price changes."""

    def __init__(self, *, core: MatchingCore, clock: Clock) -> None:
        self.core = core
        self.skew = timedelta(0)
        self.received: list[ReceivedOrder] = []
        self.on_news: list[Callable[[OrderNews], None]] = []
        self.on_price: list[Callable[[str], None]] = []
        self.on_funding: list[Callable[[FundingReported], None]] = []
        self.funded: list[FundingReported] = []
        self.changed_at: dict[str, datetime] = {}
        self._by_hand = 0
        self._clock = clock
        self._ledger: dict[str, VenueOrder] = {}
        self._moving = asyncio.Lock()
        self._by_venue_symbol = {listed.venue_symbol: listed for listed in core.instruments()}

    def now(self) -> datetime:
        """The venue's own time, which may be off by `skew`."""
        return self._clock.now() + self.skew

    def now_ms(self) -> int:
        """The venue's own time in milliseconds since 1970, as the wire has it."""
        return milliseconds(self.now())

    def instrument(self, venue_symbol: str) -> Instrument | None:
        """The market of a venue symbol such as BTCUSDT."""
        return self._by_venue_symbol.get(venue_symbol)

    def place(self, ticket: OrderTicket) -> Refused | VenueOrder:
        """Take an order or refuse it, and tell the listeners all that followed."""
        reports = self.core.place(ticket, self.now())
        first = reports[0].report
        if isinstance(first, Refused):
            return self.note_refused(ticket, first)
        self._note(ticket, None)
        self._publish(reports)
        return self._known(ticket.client_order_id)

    def note_refused(self, ticket: OrderTicket, refused: Refused) -> Refused:
        """A create-order request came, and was not taken."""
        self._note(ticket, refused.code)
        return refused

    def cancel(self, client_order_id: str) -> VenueOrder:
        """Cancel an order that works."""
        self._publish(self.core.cancel(client_order_id, self.now()))
        return self._known(client_order_id)

    def fill(self, client_order_id: str, quantity: Decimal) -> None:
        """Fill a part of a resting order. Raises ValueError if it can't be."""
        self._publish(self.core.fill(client_order_id, quantity, self.now()))

    def expire(self, client_order_id: str) -> None:
        """End an order as the venue does by itself. Raises ValueError if none works."""
        self._publish(self.core.expire(client_order_id, self.now()))

    def trade_by_hand(
        self, symbol: str, side: Side, quantity: Decimal, position_side: PositionMode = "both"
    ) -> None:
        """Trade at market under an id of the venue's own pages. Raises ValueError if refused."""
        self._by_hand += 1
        ticket = OrderTicket(
            client_order_id=f"{BY_HAND}{self._by_hand}",
            symbol=symbol,
            side=side,
            quantity=quantity,
            price=None,
            time_in_force="gtc",
            reduce_only=False,
            position_side=position_side,
        )
        placed = self.place(ticket)
        if isinstance(placed, Refused):
            message = f"a trade by hand was refused with {placed.code}: {placed.message}"
            raise ValueError(message)  # noqa: TRY004 -- the asker gave no wrong type

    def fund(self, symbol: str, rate: Decimal) -> None:
        """Settle funding, `rate` in percent. Raises ValueError if it can't be."""
        for funded in self.core.fund(symbol, rate, self.now()):
            self.funded.append(funded)
            for listener in self.on_funding:
                listener(funded)

    async def move(self, symbol: str, price: Decimal, *, pause_seconds: float = 0) -> None:
        """Sweep to `price`; before each further fill requests have their turn.

        With a pause, what a client sends on hearing of a fill takes part in the sweep.
        """
        async with self._moving:
            self.core.begin_move(symbol, price, self.now())
            while (reports := self.core.next_fill()) is not None:
                self._publish(reports)
                self._announce(symbol)
                await asyncio.sleep(pause_seconds)
            self._announce(symbol)

    def find(self, *, order_id: str | None, client_order_id: str | None) -> VenueOrder | None:
        """An order by the venue's id, or else the latest under a client id."""
        if order_id is not None:
            return self._ledger.get(order_id)
        return self.core.order(client_order_id) if client_order_id is not None else None

    def orders(self, symbol: str | None = None) -> list[VenueOrder]:
        """Every order ever taken, of a symbol or of all, in order of arrival."""
        return [order for order in self._ledger.values() if symbol in (None, order.ticket.symbol)]

    def positions(self) -> dict[str, Decimal]:
        """Signed contracts per symbol, in hedge mode per symbol and side as `symbol|side`."""
        return {
            held.symbol if held.side == "both" else f"{held.symbol}|{held.side}": held.quantity
            for held in self.core.held()
        }

    def trades(self, symbol: str) -> list[tuple[VenueOrder, Traded]]:
        """Every fill of a symbol, in the order in which they happened."""
        listed = [(order, trade) for order in self.orders(symbol) for trade in order.trades]
        return sorted(listed, key=lambda pair: int(pair[1].trade_id))

    def _note(self, ticket: OrderTicket, refused_code: str | None) -> None:
        received = ReceivedOrder(ticket=ticket, received_at=self.now(), refused_code=refused_code)
        self.received.append(received)

    def _publish(self, reports: Sequence[OrderReported]) -> None:
        for reported in reports:
            order = self._known(reported.client_order_id)
            self._ledger[order.venue_order_id] = order
            self.changed_at[order.ticket.symbol] = order.changed_at
            for listener in self.on_news:
                listener(OrderNews(order=order, report=reported.report))

    def _announce(self, symbol: str) -> None:
        for listener in self.on_price:
            listener(symbol)

    def _known(self, client_order_id: str) -> VenueOrder:
        order = self.core.order(client_order_id)
        if order is None:
            message = f"order was {client_order_id}: the core reported it and does not know it"
            raise LookupError(message)
        return order


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def traded_value(order: VenueOrder, contract_size: Decimal) -> Decimal:
    """Quote units that changed hands so far."""
    return sum((trade.price * trade.quantity for trade in order.trades), ZERO) * contract_size
