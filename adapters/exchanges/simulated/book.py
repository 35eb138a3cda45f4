"""The orders of one account at the simulated venue: accepted, resting, traded, ended."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from adapters.exchanges.simulated.orders import Ladder, VenueOrder
from application.inputs import Traded
from application.ports import OrderTicket
from domain.instrument import Side

FIRST_ORDER_NUMBER = 1_000_001

# Orders that ended are kept for queries, the oldest forgotten beyond this many.
ENDED_KEPT_MAX = 50_000


class OrderBook:
    """Orders by client id, unique among the working ones, and the ladders in which they rest.

    A restored book begins with `orders` resting; venue ids go on after `accepted_count`.
    """

    def __init__(self, orders: Sequence[VenueOrder] = (), accepted_count: int = 0) -> None:
        self.accepted_count = accepted_count
        self._working: dict[str, VenueOrder] = {}
        self._ended: dict[str, VenueOrder] = {}
        self._ladders: dict[tuple[str, Side], Ladder] = {}
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
        """Let an order wait for its limit price."""
        self._ladder(order.ticket.symbol, order.ticket.side).add(order)

    def best(
        self, symbol: str, side: Side, *, skip: Collection[str]
    ) -> tuple[Decimal, VenueOrder] | None:
        """The resting order that is next to trade, with its limit; those in `skip` are not."""
        found = self._ladder(symbol, side).best(skip=skip)
        return None if found is None else (found[0], self._working[found[1]])

    def record(self, order: VenueOrder, traded: Traded, profit: Decimal) -> None:
        """Count a trade, and the profit it realized, with its order."""
        self._working[order.client_order_id] = msgspec.structs.replace(
            order,
            trades=(*order.trades, traded),
            profits=(*order.profits, profit),
            filled=order.filled + traded.quantity,
            changed_at=traded.traded_at,
        )

    def end(
        self, client_order_id: str, status: Literal["filled", "cancelled", "expired"], at: datetime
    ) -> VenueOrder:
        """Take an order out for good."""
        order = self._working.pop(client_order_id)
        self._ladder(order.ticket.symbol, order.ticket.side).discard(order)
        ended = msgspec.structs.replace(order, status=status, changed_at=at)
        self._ended[client_order_id] = ended
        if len(self._ended) > ENDED_KEPT_MAX:
            del self._ended[next(iter(self._ended))]
        return ended

    def uncovered(self, symbol: str, side: Side, offered: Decimal) -> list[VenueOrder]:
        """The reduce-only orders that `offered` does not cover; the oldest are covered first."""
        left = offered
        beyond: list[VenueOrder] = []
        for order in self._working.values():
            ticket = order.ticket
            if not ticket.reduce_only or ticket.symbol != symbol or ticket.side != side:
                continue
            if order.remaining > left:
                beyond.append(order)
            else:
                left -= order.remaining
        return beyond

    def _ladder(self, symbol: str, side: Side) -> Ladder:
        ladder = self._ladders.get((symbol, side))
        if ladder is None:
            ladder = self._ladders[symbol, side] = Ladder(side)
        return ladder
