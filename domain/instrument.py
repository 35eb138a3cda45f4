"""A market's trading rules: the tick, the step and the minimums every order must keep."""

from decimal import Decimal
from typing import Literal

import msgspec

from domain.money import ONE, ZERO, canonical, round_down, round_up
from domain.settings import FallbackRules

Side = Literal["buy", "sell"]
PositionSide = Literal["long", "short"]
PositionMode = Literal["both", "long", "short"]
MarketKind = Literal["spot", "linear"]


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One market. Prices in quote units, quantities in contracts of `contract_size` base units.

    A `tick` or `step` of zero is not known yet; `fallback`: the operator's rules stand in for
    the venue's. `stops_reserve`: a resting stop holds quantity that no other exit may offer, as
    it always does on spot. Limits farther than `band_percent` from the mark are refused there;
    with `band_taking_only` only those on the taking side: buys above the mark, sells below it.

    `max_open_orders`: working orders of the market, stops included. `position_limit` is in
    contracts of one side. None of either: the venue sets no such limit, or tells it to nobody.
    `maintenance_margin_percent` of a position's notional is what it may not fall below.
    """

    symbol: str
    venue_symbol: str
    kind: MarketKind
    base: str
    quote: str
    settle: str
    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    max_quantity: Decimal | None = None
    contract_size: Decimal = ONE
    maker_fee_percent: Decimal = Decimal("0.02")
    taker_fee_percent: Decimal = Decimal("0.05")
    reduce_only_exempt: bool = True
    stops_reserve: bool = False
    band_percent: Decimal | None = None
    fallback: bool = False
    band_taking_only: bool = False
    max_open_orders: int | None = None
    position_limit: Decimal | None = None
    maintenance_margin_percent: Decimal = Decimal("2.5")

    @property
    def is_complete(self) -> bool:
        """Whether orders can be made by its rules."""
        return self.tick > ZERO and self.step > ZERO


def completed(instrument: Instrument, rules: FallbackRules) -> Instrument:
    """An instrument whose missing rules are the operator's; of two minimums the larger holds."""
    if instrument.is_complete:
        return instrument
    return msgspec.structs.replace(
        instrument,
        tick=instrument.tick if instrument.tick > ZERO else rules.tick,
        step=instrument.step if instrument.step > ZERO else rules.step,
        min_quantity=max(instrument.min_quantity, rules.min_quantity),
        min_notional=max(instrument.min_notional, rules.min_notional),
        fallback=True,
    )


def round_price(instrument: Instrument, price: Decimal, side: Side) -> Decimal:
    """To the tick, never worse for us than asked: buys down, sells up.

    Without a tick, as it is: an exit that may be refused is better than none.
    """
    if instrument.tick <= ZERO:
        return canonical(price)
    if side == "buy":
        return round_down(price, instrument.tick)
    return round_up(price, instrument.tick)


def round_quantity(instrument: Instrument, quantity: Decimal) -> Decimal:
    """Down to the step, so that no more is ever ordered than was budgeted or is held.

    Without a step, as it is.
    """
    if instrument.step <= ZERO:
        return canonical(quantity)
    return round_down(quantity, instrument.step)


def notional(instrument: Instrument, price: Decimal, quantity: Decimal) -> Decimal:
    """Value of `quantity` contracts at `price`, in quote units."""
    return price * quantity * instrument.contract_size


def is_undersized(
    instrument: Instrument, price: Decimal, quantity: Decimal, *, reduce_only: bool = False
) -> bool:
    """Whether the venue would refuse the order as too small."""
    if quantity <= ZERO or quantity < instrument.min_quantity:
        return True
    if reduce_only and instrument.reduce_only_exempt and instrument.kind != "spot":
        return False
    return notional(instrument, price, quantity) < instrument.min_notional


def entry_side(side: PositionSide) -> Side:
    """The order side that opens a position of `side`."""
    return "buy" if side == "long" else "sell"


def exit_side(side: PositionSide) -> Side:
    """The order side that closes a position of `side`."""
    return "sell" if side == "long" else "buy"
