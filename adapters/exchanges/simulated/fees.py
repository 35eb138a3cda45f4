"""What trading costs at the simulated venue, and the asset it is paid in."""

from decimal import Decimal
from typing import Literal

import msgspec

from domain.instrument import Instrument
from domain.money import ZERO

Liquidity = Literal["maker", "taker"]

# Where a fee in another asset does not come out even, it is cut to this unit.
FEE_UNIT = Decimal("1e-12")


class FeeAsset(msgspec.Struct, frozen=True, kw_only=True):
    """An asset kept to pay fees with, as BNB is: its price in quote units, and how much of it."""

    asset: str
    price: Decimal
    balance: Decimal


class FeeWallet:
    """Pays fees in an asset of its own for as long as there is enough of it, as Binance does."""

    def __init__(self, kept: FeeAsset) -> None:
        if not kept.price.is_finite() or kept.price <= ZERO:
            message = f"price of {kept.asset} was {kept.price}: give a positive number"
            raise ValueError(message)
        self._kept = kept

    @property
    def kept(self) -> FeeAsset:
        """What there is now."""
        return self._kept

    def pay(self, value: Decimal) -> Decimal | None:
        """A fee worth `value` quote units, in units of the asset; none if it does not suffice."""
        amount = value / self._kept.price
        exponent = amount.as_tuple().exponent
        if isinstance(exponent, int) and exponent < FEE_UNIT.adjusted():
            amount = amount.quantize(FEE_UNIT)
        if amount > self._kept.balance:
            return None
        self._kept = msgspec.structs.replace(self._kept, balance=self._kept.balance - amount)
        return amount


def fee_percent(instrument: Instrument, liquidity: Liquidity) -> Decimal:
    """The instrument's rate for makers or takers, in percent of the notional."""
    if liquidity == "maker":
        return instrument.maker_fee_percent
    return instrument.taker_fee_percent
