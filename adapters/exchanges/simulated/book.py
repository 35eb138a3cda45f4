"""The orders of one account at the simulated venue: accepted, waiting, traded, ended."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from adapters.exchanges.simulated.orders import (
    Awaits,
    EndedStatus,
    Ladder,
    VenueOrder,
    awaits,
    is_stop,
    reserves,
)
from adapters.exchanges.simulated.sweep import Candidate, Waiting
from application.inputs import Traded
from application.ports import OrderTicket
from domain.instrument import Instrument, PositionMode, Side

FIRST_ORDER_NUMBER = 1_000_001

# Orders that ended are kept for queries, the oldest forgotten beyond this many.
ENDED_KEPT_MAX = 50_000


class OrderBook:
    """Orders by client id, unique among the working ones, and the ladders in which they wait.

    A restored book begins with `orders` waiting; venue ids go on after `accepted_count`.
    """

    def __init__(self, orders: Sequence[VenueOrder] = (), accepted_count: int = 0) -> None:
        self.accepted_count = accepted_count
        self._working: dict[str, VenueOrder] = {}
        self._ended: dict[str, VenueOrder] = {}
        self._ladders: dict[tuple[str, Awaits, bool], Ladder] = {}
        for order in orders:
            self._working[order.client_order_id] = order
            self.rest(order)

    @property
    def working(self) -> Mapping[str, VenueOrder]:
        """The orders that may still trade, in order of arrival."""
        return self._working

    def find(self, client_order_id: str) -> VenueOrder | None:
        """The order that works, or last ended, under this id."""
        return self._working.get(client_order_id) or self._ended.get(client_order_id)

    def accept(self, ticket: OrderTicket, at: datetime) -> VenueOrder:
        """Take an order in and give it the next venue id."""
        order = VenueOrder(
            ticket=ticket,
            venue_order_id=str(FIRST_ORDER_NUMBER + self.accepted_count),
            sequence=self.accepted_count,
            accepted_at=at,
            changed_at=at,
        )
        self.accepted_count += 1
        self._ended.pop(ticket.client_order_id, None)
        self._working[ticket.client_order_id] = order
        return order

    def rest(self, order: VenueOrder) -> None:
        """Let an order wait for its limit, or a stop for its trigger."""
        self._ladder_of(order).add(order)

    def limits(self, symbol: str, *, skip: Collection[str]) -> Waiting:
        """The resting orders that are next to trade either way; those in `skip` are not."""
        return self._waiting(symbol, skip, stops=False)

    def stops(self, symbol: str) -> Waiting:
        """The stops that are next to fire either way."""
        return self._waiting(symbol, (), stops=True)

    def record(self, order: VenueOrder, traded: Traded, profit: Decimal) -> None:
        """Count a trade, and the profit it realized, with its order."""
        self._working[order.client_order_id] = msgspec.structs.replace(
            order,
            trades=(*order.trades, traded),
            profits=(*order.profits, profit),
            filled=order.filled + traded.quantity,
            changed_at=traded.traded_at,
        )

    def end(self, client_order_id: str, status: EndedStatus, at: datetime) -> VenueOrder:
        """Take an order out for good."""
        order = self._working.pop(client_order_id)
        self._ladder_of(order).discard(order)
        ended = msgspec.structs.replace(order, status=status, changed_at=at)
        self._ended[client_order_id] = ended
        if len(self._ended) > ENDED_KEPT_MAX:
            del self._ended[next(iter(self._ended))]
        return ended

    def reserving(
        self, instrument: Instrument, side: Side, position_side: PositionMode
    ) -> list[VenueOrder]:
        """The working orders that hold a part of a position, in order of arrival."""
        return [
            order
            for order in self._working.values()
            if order.ticket.symbol == instrument.symbol
            and order.ticket.side == side
            and order.ticket.position_side == position_side
            and reserves(order.ticket, instrument)
        ]

    def _waiting(self, symbol: str, skip: Collection[str], *, stops: bool) -> Waiting:
        return Waiting(
            fall=self._first((symbol, "fall", stops), skip),
            rise=self._first((symbol, "rise", stops), skip),
        )

    def _first(self, key: tuple[str, Awaits, bool], skip: Collection[str]) -> Candidate | None:
        ladder = self._ladders.get(key)
        found = ladder.best(skip=skip) if ladder is not None else None
        return None if found is None else (found[0], self._working[found[1]])

    def _ladder_of(self, order: VenueOrder) -> Ladder:
        ticket = order.ticket
        key = (ticket.symbol, awaits(ticket), is_stop(ticket))
        ladder = self._ladders.get(key)
        if ladder is None:
            ladder = self._ladders[key] = Ladder(key[1])
        return ladder


def beyond(orders: Sequence[VenueOrder], offered: Decimal) -> list[VenueOrder]:
    """The orders that `offered` contracts do not cover; the oldest are covered first."""
    left = offered
    uncovered: list[VenueOrder] = []
    for order in orders:
        if order.remaining > left:
            uncovered.append(order)
        else:
            left -= order.remaining
    return uncovered
