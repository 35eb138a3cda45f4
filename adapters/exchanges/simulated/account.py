"""What a futures account holds at the simulated venue: balance, positions, margin and fees."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol

import msgspec

from adapters.exchanges.simulated.fees import FeeAsset, FeeWallet, Liquidity, fee_percent
from adapters.exchanges.simulated.orders import VenueOrder, is_reducing
from application.ports import OrderTicket
from domain.instrument import Instrument, PositionMode, Side, notional
from domain.money import ONE, ZERO, percent_of, round_down

# A partial close releases its share of the position's cost, cut to this unit. The rest keeps
# the remainder, so that cash and cost always sum exactly, whatever the division left over.
COST_UNIT = Decimal("1e-12")


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """What just traded: price in quote units, quantity in contracts."""

    instrument: Instrument
    side: Side
    price: Decimal
    quantity: Decimal
    liquidity: Liquidity
    position_side: PositionMode = "both"

    @property
    def signed(self) -> Decimal:
        """Positive for buys."""
        return self.quantity if self.side == "buy" else -self.quantity

    @property
    def value(self) -> Decimal:
        """What changed hands, in quote units."""
        return notional(self.instrument, self.price, self.quantity)

    @property
    def fee_percent(self) -> Decimal:
        """The rate this fill pays."""
        return fee_percent(self.instrument, self.liquidity)


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """What a fill did to the account: its fee, and the profit it realized in quote units."""

    fee: Decimal
    fee_asset: str
    profit: Decimal


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Signed contracts and what they cost, in settle units with the sign of the quantity."""

    quantity: Decimal = ZERO
    cost: Decimal = ZERO

    def entry_price(self, contract_size: Decimal) -> Decimal:
        """The average entry price in quote units; zero when flat."""
        if self.quantity == ZERO:
            return ZERO
        return self.cost / (self.quantity * contract_size)


class Holdings(Protocol):
    """One account's money, of one market kind."""

    @property
    def balance(self) -> Decimal:
        """The account currency held, without unrealized profit."""
        ...

    @property
    def fee_asset(self) -> FeeAsset | None:
        """What fees are paid with, if not with what is traded."""
        ...

    def quantity(self, instrument: Instrument, side: PositionMode = "both") -> Decimal:
        """Signed contracts held (spot: the base asset)."""
        ...

    def position(self, instrument: Instrument, side: PositionMode = "both") -> Position:
        """Quantity with its cost."""
        ...

    def apply(self, fill: Fill) -> Booked:
        """Book a fill."""
        ...

    def free(self, orders: Iterable[VenueOrder], instruments: Mapping[str, Instrument]) -> Decimal:
        """The account currency that neither positions nor working orders hold."""
        ...

    def set_position(
        self, instrument: Instrument, side: PositionMode, quantity: Decimal, price: Decimal
    ) -> None:
        """Put a position there, entered at `price`, as a restored account has it."""
        ...


class LinearHoldings:
    """A linear perpetual account: one wallet in the settle asset, and positions.

    One-way positions have the side `both`; in hedge mode a symbol has a long and a short one.
    """

    def __init__(
        self, balance: Decimal, leverage: Decimal, fee_asset: FeeAsset | None = None
    ) -> None:
        self._balance = balance
        self._default_leverage = leverage
        self._leverages: dict[str, Decimal] = {}
        self._positions: dict[tuple[str, PositionMode], Position] = {}
        self._fee_wallet = FeeWallet(fee_asset) if fee_asset is not None else None

    @property
    def balance(self) -> Decimal:
        """Start + realized profit − fees ± funding, in settle units."""
        return self._balance

    @property
    def fee_asset(self) -> FeeAsset | None:
        """What fees are paid with, if not with the settle asset."""
        return self._fee_wallet.kept if self._fee_wallet is not None else None

    def quantity(self, instrument: Instrument, side: PositionMode = "both") -> Decimal:
        """Signed contracts: positive long, negative short."""
        return self.position(instrument, side).quantity

    def position(self, instrument: Instrument, side: PositionMode = "both") -> Position:
        """The position, flat if there never was one."""
        return self._positions.get((instrument.symbol, side), Position())

    def leverage(self, symbol: str) -> Decimal:
        """The leverage of a symbol; only margin depends on it."""
        return self._leverages.get(symbol, self._default_leverage)

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """From now on margin of `symbol` is notional ÷ `leverage`."""
        if leverage < ONE:
            message = f"leverage of {symbol} was {leverage}: give 1 or more"
            raise ValueError(message)
        self._leverages[symbol] = leverage

    def set_position(
        self, instrument: Instrument, side: PositionMode, quantity: Decimal, price: Decimal
    ) -> None:
        """Put a position of `quantity` there, entered at `price`."""
        cost = price * quantity * instrument.contract_size
        self._positions[instrument.symbol, side] = Position(quantity=quantity, cost=cost)

    def receive(self, amount: Decimal) -> None:
        """Funding came in; below zero it was paid."""
        self._balance += amount

    def apply(self, fill: Fill) -> Booked:
        """Move the position, realize the profit of what closed and take the fee."""
        instrument = fill.instrument
        position, realized = moved(self.position(instrument, fill.position_side), fill)
        self._positions[instrument.symbol, fill.position_side] = position
        self._balance += realized

        fee = percent_of(fill.value, fill.fee_percent)
        if self._fee_wallet is not None:
            paid = self._fee_wallet.pay(fee)
            if paid is not None:
                return Booked(fee=paid, fee_asset=self._fee_wallet.kept.asset, profit=realized)
        self._balance -= fee
        return Booked(fee=fee, fee_asset=instrument.settle, profit=realized)

    def free(self, orders: Iterable[VenueOrder], instruments: Mapping[str, Instrument]) -> Decimal:
        """Balance less the margin of positions and of working orders with their fees."""
        held = self._balance
        for symbol, side in sorted(self._positions):
            held -= abs(self._positions[symbol, side].cost) / self.leverage(symbol)
        for order in orders:
            instrument = instruments[order.ticket.symbol]
            price = order.ticket.price
            if price is not None:
                added = self.added(instrument, order.ticket, order.remaining)
                held -= self.needed(instrument, price, added, "maker")
        return held

    def added(self, instrument: Instrument, ticket: OrderTicket, quantity: Decimal) -> Decimal:
        """The part of an order that would not close the position but open or enlarge one."""
        if is_reducing(ticket):
            return ZERO
        held = self.quantity(instrument, ticket.position_side)
        closing = max(ZERO, -held if ticket.side == "buy" else held)
        return max(ZERO, quantity - closing)

    def needed(
        self, instrument: Instrument, price: Decimal, quantity: Decimal, liquidity: Liquidity
    ) -> Decimal:
        """Notional ÷ leverage + fee, in settle units."""
        value = notional(instrument, price, quantity)
        fee = percent_of(value, fee_percent(instrument, liquidity))
        return value / self.leverage(instrument.symbol) + fee


def moved(position: Position, fill: Fill) -> tuple[Position, Decimal]:
    """The position after a fill, and the profit realized by the part that closed."""
    unit_value = fill.price * fill.instrument.contract_size
    quantity = position.quantity + fill.signed
    if position.quantity * fill.signed >= ZERO:
        cost = position.cost + fill.signed * unit_value
        return Position(quantity=quantity, cost=cost), ZERO

    closing = min(abs(fill.signed), abs(position.quantity))
    closing = closing if position.quantity > ZERO else -closing
    released = _released(position, closing)
    realized = closing * unit_value - released
    if quantity * position.quantity >= ZERO:
        return Position(quantity=quantity, cost=position.cost - released), realized
    return Position(quantity=quantity, cost=quantity * unit_value), realized


def _released(position: Position, closing: Decimal) -> Decimal:
    """The cost that leaves with `closing` contracts; the last part takes all that is left."""
    if closing == position.quantity:
        return position.cost
    return round_down(position.cost * closing / position.quantity, COST_UNIT)
