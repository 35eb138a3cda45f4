"""What survives a restart of the simulated venue, as an account's own log can tell it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from adapters.exchanges.simulated.account import Holdings
from adapters.exchanges.simulated.orders import VenueOrder
from application.inputs import Traded
from application.ports import OrderTicket
from domain.instrument import Instrument
from domain.money import ZERO


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A position: signed contracts (spot: base asset) and the average entry in quote units."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal


class WorkingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that rests, under its original ids, with the fills it had so far."""

    ticket: OrderTicket
    venue_order_id: str
    accepted_at: datetime
    trades: tuple[Traded, ...] = ()

    def at_venue(self, sequence: int) -> VenueOrder:
        """The order as the venue keeps it, in the place `sequence` among the arrivals."""
        return VenueOrder(
            ticket=self.ticket,
            venue_order_id=self.venue_order_id,
            sequence=sequence,
            accepted_at=self.accepted_at,
            changed_at=self.trades[-1].traded_at if self.trades else self.accepted_at,
            trades=self.trades,
            profits=(ZERO,) * len(self.trades),
            filled=sum((trade.quantity for trade in self.trades), ZERO),
        )


class VenueState(msgspec.Struct, frozen=True, kw_only=True):
    """One account at the simulated venue. `orders` in their order of arrival.

    `orders_accepted` and `trades_made` count all there ever were: ids go on from them.
    """

    balance: Decimal
    holdings: tuple[Holding, ...] = ()
    orders: tuple[WorkingOrder, ...] = ()
    prices: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    orders_accepted: int = 0
    trades_made: int = 0


def held_positions(instruments: Iterable[Instrument], holdings: Holdings) -> tuple[Holding, ...]:
    """The positions that are not flat, by symbol."""
    return tuple(
        Holding(
            symbol=instrument.symbol,
            quantity=position.quantity,
            entry_price=position.entry_price(instrument.contract_size),
        )
        for instrument in instruments
        if (position := holdings.position(instrument)).quantity != ZERO
    )
