"""An order as the simulated venue keeps it, and the ladder in which it waits for its price."""

from bisect import bisect_left, insort
from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from application.inputs import Ended, OrderReported, Report, Traded
from application.ports import OrderTicket
from domain.instrument import Instrument, exit_side
from domain.money import ZERO

OrderStatus = Literal["working", "filled", "cancelled", "expired", "rejected"]
EndedStatus = Literal["filled", "cancelled", "expired"]

# The way the price must go to reach an order that waits.
Awaits = Literal["fall", "rise"]


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


def is_stop(ticket: OrderTicket) -> bool:
    """Whether an order waits for a trigger before it may trade."""
    return ticket.trigger_price is not None


def is_reducing(ticket: OrderTicket) -> bool:
    """Whether an order can only close: it says so, or in hedge mode its side says it."""
    if ticket.position_side == "both":
        return ticket.reduce_only
    return ticket.side == exit_side(ticket.position_side)


def reserves(ticket: OrderTicket, instrument: Instrument) -> bool:
    """Whether a working order holds a part of the position that no other exit may offer.

    A stop does so only where the market's rules say it, as Binance's conditional orders don't.
    """
    return is_reducing(ticket) and (instrument.stops_reserve or not is_stop(ticket))


def awaits(ticket: OrderTicket) -> Awaits:
    """A limit order waits for a better price than now, a stop for a worse one."""
    return "fall" if (ticket.side == "buy") != is_stop(ticket) else "rise"


def reported(client_order_id: str, report: Report) -> OrderReported:
    """A report of one order."""
    return OrderReported(client_order_id=client_order_id, report=report)


def ended_report(order: VenueOrder) -> Ended:
    """How an order ended. Raises ValueError for one that works."""
    if order.status == "working":
        message = f"order {order.client_order_id} was working: only ended orders are reported so"
        raise ValueError(message)
    return Ended(status=order.status, filled=order.filled)


class Ladder:
    """The orders of one symbol that await the same way of the price: nearest first, then oldest."""

    def __init__(self, way: Awaits) -> None:
        self._way = way
        self._rungs: list[tuple[Decimal, int, str]] = []

    def add(self, order: VenueOrder) -> None:
        """Let an order wait. It must have a limit or a trigger price."""
        insort(self._rungs, self._rung(order))

    def discard(self, order: VenueOrder) -> None:
        """Take an order out, if it waits here."""
        if _waits_for(order) is None:
            return
        rung = self._rung(order)
        index = bisect_left(self._rungs, rung)
        if index < len(self._rungs) and self._rungs[index] == rung:
            del self._rungs[index]

    def best(self, *, skip: Collection[str]) -> tuple[Decimal, str] | None:
        """Price and client id of the first order that is not in `skip`."""
        for key, _, client_order_id in self._rungs:
            if client_order_id not in skip:
                return (-key if self._way == "fall" else key), client_order_id
        return None

    def _rung(self, order: VenueOrder) -> tuple[Decimal, int, str]:
        price = _waits_for(order)
        if price is None:
            message = f"order {order.client_order_id} has no price to wait for: it trades or ends"
            raise ValueError(message)
        key = -price if self._way == "fall" else price
        return key, order.sequence, order.client_order_id


def _waits_for(order: VenueOrder) -> Decimal | None:
    trigger = order.ticket.trigger_price
    return order.ticket.price if trigger is None else trigger
