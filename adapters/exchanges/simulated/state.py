"""What survives a restart of the simulated venue, as an account's own log can tell it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from adapters.exchanges.simulated.account import Holdings
from adapters.exchanges.simulated.fees import FeeAsset
from adapters.exchanges.simulated.orders import VenueOrder
from application.inputs import Traded
from application.ports import OrderTicket
from domain.instrument import Instrument, PositionMode
from domain.money import ZERO


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A position: signed contracts (spot: base asset) and the average entry in quote units.

    In hedge mode `side` says which of the symbol's two it is.
    """

    symbol: str
    quantity: Decimal
    entry_price: Decimal
    side: PositionMode = "both"


class WorkingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that rests or a stop that waits, under its ids, with the fills it had so far."""

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
    `funded_at` is when each symbol had its latest funding.
    """

    balance: Decimal
    holdings: tuple[Holding, ...] = ()
    orders: tuple[WorkingOrder, ...] = ()
    prices: Mapping[str, Decimal] = msgspec.field(default_factory=dict)
    orders_accepted: int = 0
    trades_made: int = 0
    hedge_mode: bool = False
    fee_asset: FeeAsset | None = None
    funded_at: Mapping[str, datetime] = msgspec.field(default_factory=dict)


def position_sides(*, hedge_mode: bool) -> tuple[PositionMode, ...]:
    """The sides on which an account may hold a position of one symbol."""
    return ("long", "short") if hedge_mode else ("both",)


def held_positions(
    instruments: Iterable[Instrument], holdings: Holdings, sides: Sequence[PositionMode]
) -> tuple[Holding, ...]:
    """The positions that are not flat, by symbol and side."""
    return tuple(
        Holding(
            symbol=instrument.symbol,
            quantity=position.quantity,
            entry_price=position.entry_price(instrument.contract_size),
            side=side,
        )
        for instrument in instruments
        for side in sides
        if (position := holdings.position(instrument, side)).quantity != ZERO
    )
