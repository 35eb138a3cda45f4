"""An order as the simulated venue keeps it, and the ladder in which it waits for its price."""

from bisect import bisect_left, insort
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from application.inputs import Traded
from application.ports import OrderTicket
from domain.instrument import Side
from domain.money import ZERO

OrderStatus = Literal["working", "filled", "cancelled", "expired", "rejected"]


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order from acceptance to its end. `sequence` is its place in the order of arrival.

    `profits` is what each trade realized, in settle units, without its fee.
    """

    ticket: OrderTicket
    venue_order_id: str
    sequence: int
    accepted_at: datetime
    changed_at: datetime
    trades: tuple[Traded, ...] = ()
    profits: tuple[Decimal, ...] = ()
    filled: Decimal = ZERO
    status: OrderStatus = "working"

    @property
    def client_order_id(self) -> str:
        """The id its sender gave it."""
        return self.ticket.client_order_id

    @property
    def remaining(self) -> Decimal:
        """What has not traded yet, in contracts."""
        return self.ticket.quantity - self.filled


class Ladder:
    """The resting orders of one symbol and side: best price first, then the oldest."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._rungs: list[tuple[Decimal, int, str]] = []

    def add(self, order: VenueOrder) -> None:
        """Let an order rest. It must have a limit price."""
        insort(self._rungs, self._rung(order))

    def discard(self, order: VenueOrder) -> None:
        """Take an order out, if it rests here."""
        if order.ticket.price is None:
            return
        rung = self._rung(order)
        index = bisect_left(self._rungs, rung)
        if index < len(self._rungs) and self._rungs[index] == rung:
            del self._rungs[index]

    def best(self, *, skip: Collection[str]) -> tuple[Decimal, str] | None:
        """Limit price and client id of the first order that is not in `skip`."""
        for key, _, client_order_id in self._rungs:
            if client_order_id not in skip:
                return (-key if self._side == "buy" else key), client_order_id
        return None

    def _rung(self, order: VenueOrder) -> tuple[Decimal, int, str]:
        price = order.ticket.price
        if price is None:
            message = f"order {order.client_order_id} has no limit price and was asked to rest"
            raise ValueError(message)
        key = -price if self._side == "buy" else price
        return key, order.sequence, order.client_order_id
