"""What a spot account owns at the simulated venue: so much of each asset, and what it cost."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from adapters.exchanges.simulated.account import Booked, Fill, Position, moved
from adapters.exchanges.simulated.fees import FeeAsset, FeeWallet
from adapters.exchanges.simulated.orders import VenueOrder
from domain.instrument import Instrument, PositionMode
from domain.money import ZERO, percent_of


class SpotHoldings:
    """A spot account: what it owns of each asset. Buys pay their fee in the base asset.

    An asset kept to pay fees with is none of those that are traded.
    """

    def __init__(self, balance: Decimal, currency: str, fee_asset: FeeAsset | None = None) -> None:
        self._currency = currency
        self._assets: dict[str, Decimal] = {currency: balance}
        self._costs: dict[str, Decimal] = {}
        self._fee_wallet = FeeWallet(fee_asset) if fee_asset is not None else None

    @property
    def balance(self) -> Decimal:
        """The account currency owned."""
        return self._assets[self._currency]

    @property
    def fee_asset(self) -> FeeAsset | None:
        """What fees are paid with, if not with what was received."""
        return self._fee_wallet.kept if self._fee_wallet is not None else None

    def assets(self) -> dict[str, Decimal]:
        """Every asset owned, working orders not deducted."""
        return dict(sorted(self._assets.items()))

    def quantity(self, instrument: Instrument, side: PositionMode = "both") -> Decimal:
        """The base asset owned, after the fees taken from it; spot has no other sides."""
        return self._assets.get(instrument.base, ZERO) if side == "both" else ZERO

    def position(self, instrument: Instrument, side: PositionMode = "both") -> Position:
        """The base asset with what was paid for it."""
        cost = self._costs.get(instrument.symbol, ZERO) if side == "both" else ZERO
        return Position(quantity=self.quantity(instrument, side), cost=cost)

    def set_position(
        self, instrument: Instrument, side: PositionMode, quantity: Decimal, price: Decimal
    ) -> None:
        """Own `quantity` of the base asset, bought at `price`. Raises ValueError for a side."""
        if side != "both":
            message = f"position side of {instrument.symbol} was {side}: spot has none, say both"
            raise ValueError(message)
        self._assets[instrument.base] = quantity
        self._costs[instrument.symbol] = price * quantity

    def apply(self, fill: Fill) -> Booked:
        """Exchange quote against base; the fee comes out of what was received."""
        instrument = fill.instrument
        position, realized = moved(self.position(instrument), fill)
        self._costs[instrument.symbol] = position.cost

        buys = fill.side == "buy"
        asset = instrument.base if buys else instrument.quote
        self._add(instrument.quote, -fill.value if buys else fill.value)
        self._add(instrument.base, fill.signed)

        if self._fee_wallet is not None:
            paid = self._fee_wallet.pay(percent_of(fill.value, fill.fee_percent))
            if paid is not None:
                return Booked(fee=paid, fee_asset=self._fee_wallet.kept.asset, profit=realized)
        fee = percent_of(fill.quantity if buys else fill.value, fill.fee_percent)
        self._add(asset, -fee)
        return Booked(fee=fee, fee_asset=asset, profit=realized)

    def free(self, orders: Iterable[VenueOrder], instruments: Mapping[str, Instrument]) -> Decimal:
        """The account currency that no working order holds."""
        return self.free_of(self._currency, orders, instruments)

    def free_of(
        self, asset: str, orders: Iterable[VenueOrder], instruments: Mapping[str, Instrument]
    ) -> Decimal:
        """What of an asset no working order holds; a stop holds what it would sell."""
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
