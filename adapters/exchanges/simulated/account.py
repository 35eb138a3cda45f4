"""What an account holds at the simulated venue: balance, positions, margin and fees."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from adapters.exchanges.simulated.orders import VenueOrder
from domain.instrument import Instrument, Side, notional
from domain.money import ONE, ZERO, percent_of, round_down

Liquidity = Literal["maker", "taker"]

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

    @property
    def signed(self) -> Decimal:
        """Positive for buys."""
        return self.quantity if self.side == "buy" else -self.quantity

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

    def quantity(self, instrument: Instrument) -> Decimal:
        """Signed contracts held (spot: the base asset)."""
        ...

    def position(self, instrument: Instrument) -> Position:
        """Quantity with its cost."""
        ...

    def apply(self, fill: Fill) -> Booked:
        """Book a fill."""
        ...

    def free(self, orders: Iterable[VenueOrder], instruments: Mapping[str, Instrument]) -> Decimal:
        """The account currency that neither positions nor working orders hold."""
        ...

    def set_position(self, instrument: Instrument, quantity: Decimal, price: Decimal) -> None:
        """Put a position there, as a restored account has it."""
        ...


class LinearHoldings:
    """A linear perpetual account: one wallet in the settle asset, one-way positions."""

    def __init__(self, balance: Decimal, leverage: Decimal) -> None:
        self._balance = balance
        self._default_leverage = leverage
        self._leverages: dict[str, Decimal] = {}
        self._positions: dict[str, Position] = {}

    @property
    def balance(self) -> Decimal:
        """Start + realized profit − fees, in settle units."""
        return self._balance

    def quantity(self, instrument: Instrument) -> Decimal:
        """Signed contracts: positive long, negative short."""
        return self.position(instrument).quantity

    def position(self, instrument: Instrument) -> Position:
        """The position, flat if there never was one."""
        return self._positions.get(instrument.symbol, Position())

    def leverage(self, symbol: str) -> Decimal:
        """The leverage of a symbol; only margin depends on it."""
        return self._leverages.get(symbol, self._default_leverage)

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """From now on margin of `symbol` is notional ÷ `leverage`."""
        if leverage < ONE:
            message = f"leverage of {symbol} was {leverage}: give 1 or more"
            raise ValueError(message)
        self._leverages[symbol] = leverage

    def set_position(self, instrument: Instrument, quantity: Decimal, price: Decimal) -> None:
        """Put a position of `quantity` there, entered at `price`."""
        cost = price * quantity * instrument.contract_size
        self._positions[instrument.symbol] = Position(quantity=quantity, cost=cost)

    def apply(self, fill: Fill) -> Booked:
        """Move the position, realize the profit of what closed and take the fee."""
        instrument = fill.instrument
        value = notional(instrument, fill.price, fill.quantity)
        fee = percent_of(value, fill.fee_percent)
        position, realized = _moved(self.position(instrument), fill)
        self._positions[instrument.symbol] = position
        self._balance += realized - fee
        return Booked(fee=fee, fee_asset=instrument.settle, profit=realized)

    def free(self, orders: Iterable[VenueOrder], instruments: Mapping[str, Instrument]) -> Decimal:
        """Balance less the margin of positions and of working orders with their fees."""
        held = self._balance
        for symbol in sorted(self._positions):
            held -= abs(self._positions[symbol].cost) / self.leverage(symbol)
        for order in orders:
            instrument = instruments[order.ticket.symbol]
            price = order.ticket.price
            if price is not None and not order.ticket.reduce_only:
                added = self.added(instrument, order.ticket.side, order.remaining)
                held -= self.needed(instrument, price, added, "maker")
        return held

    def added(self, instrument: Instrument, side: Side, quantity: Decimal) -> Decimal:
        """The part of an order that would not close the position but open or enlarge one."""
        held = self.quantity(instrument)
        closing = max(ZERO, -held if side == "buy" else held)
        return max(ZERO, quantity - closing)

    def needed(
        self, instrument: Instrument, price: Decimal, quantity: Decimal, liquidity: Liquidity
    ) -> Decimal:
        """Notional ÷ leverage + fee, in settle units."""
        value = notional(instrument, price, quantity)
        fee = percent_of(value, fee_percent(instrument, liquidity))
        return value / self.leverage(instrument.symbol) + fee


class SpotHoldings:
    """A spot account: what it owns of each asset. Buys pay their fee in the base asset."""

    def __init__(self, balance: Decimal, currency: str) -> None:
        self._currency = currency
        self._assets: dict[str, Decimal] = {currency: balance}
        self._costs: dict[str, Decimal] = {}

    @property
    def balance(self) -> Decimal:
        """The account currency owned."""
        return self._assets[self._currency]

    def assets(self) -> dict[str, Decimal]:
        """Every asset owned, working orders not deducted."""
        return dict(sorted(self._assets.items()))

    def quantity(self, instrument: Instrument) -> Decimal:
        """The base asset owned, after the fees taken from it."""
        return self._assets.get(instrument.base, ZERO)

    def position(self, instrument: Instrument) -> Position:
        """The base asset with what was paid for it."""
        cost = self._costs.get(instrument.symbol, ZERO)
        return Position(quantity=self.quantity(instrument), cost=cost)

    def set_position(self, instrument: Instrument, quantity: Decimal, price: Decimal) -> None:
        """Own `quantity` of the base asset, bought at `price`."""
        self._assets[instrument.base] = quantity
        self._costs[instrument.symbol] = price * quantity

    def apply(self, fill: Fill) -> Booked:
        """Exchange quote against base; the fee comes out of what was received."""
        instrument = fill.instrument
        value = notional(instrument, fill.price, fill.quantity)
        position, realized = _moved(self.position(instrument), fill)
        if fill.side == "buy":
            fee, asset = percent_of(fill.quantity, fill.fee_percent), instrument.base
            self._add(instrument.quote, -value)
            self._add(instrument.base, fill.quantity - fee)
        else:
            fee, asset = percent_of(value, fill.fee_percent), instrument.quote
            self._add(instrument.quote, value - fee)
            self._add(instrument.base, -fill.quantity)
        self._costs[instrument.symbol] = position.cost
        return Booked(fee=fee, fee_asset=asset, profit=realized)

    def free(self, orders: Iterable[VenueOrder], instruments: Mapping[str, Instrument]) -> Decimal:
        """The account currency that no working order holds."""
        return self.free_of(self._currency, orders, instruments)

    def free_of(
        self, asset: str, orders: Iterable[VenueOrder], instruments: Mapping[str, Instrument]
    ) -> Decimal:
        """What of an asset no working order holds."""
        held = self._assets.get(asset, ZERO)
        for order in orders:
            instrument = instruments[order.ticket.symbol]
            if order.ticket.side == "sell" and instrument.base == asset:
                held -= order.remaining
            elif order.ticket.side == "buy" and instrument.quote == asset:
                held -= (order.ticket.price or ZERO) * order.remaining
        return held

    def _add(self, asset: str, amount: Decimal) -> None:
        self._assets[asset] = self._assets.get(asset, ZERO) + amount


def fee_percent(instrument: Instrument, liquidity: Liquidity) -> Decimal:
    """The instrument's rate for makers or takers, in percent of the notional."""
    if liquidity == "maker":
        return instrument.maker_fee_percent
    return instrument.taker_fee_percent


def _moved(position: Position, fill: Fill) -> tuple[Position, Decimal]:
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
