"""First in, first out: the cost basis tax offices ask for, beside our own lots by leg."""

from decimal import Decimal, localcontext

import msgspec

from domain.instrument import PositionSide
from domain.money import DECISION_CONTEXT, ZERO


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """What one fill opened and is still held.

    `basis` in the capital currency: a long's cost with its fee, a short's proceeds less it.
    """

    quantity: Decimal
    basis: Decimal


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """What a closing fill met. Less `quantity` than it closed means: opened before the log."""

    quantity: Decimal = ZERO
    basis: Decimal = ZERO


class FifoBook:
    """The open parcels of every symbol and side of one account, oldest first."""

    def __init__(self) -> None:
        self._parcels: dict[tuple[str, PositionSide], list[Parcel]] = {}

    def open(self, symbol: str, side: PositionSide, parcel: Parcel) -> None:
        """A fill added to the position."""
        self._parcels.setdefault((symbol, side), []).append(parcel)

    def close(self, symbol: str, side: PositionSide, quantity: Decimal) -> Matched:
        """A fill took from the position: the oldest parcels go first.

        A part takes its share of the basis, the last part the remainder, so that nothing of
        a basis is lost or counted twice.
        """
        parcels = self._parcels.get((symbol, side), [])
        matched = Matched()
        with localcontext(DECISION_CONTEXT):
            while parcels and matched.quantity < quantity:
                parcel = parcels.pop(0)
                taken = min(parcel.quantity, quantity - matched.quantity)
                whole = taken == parcel.quantity
                basis = parcel.basis if whole else parcel.basis * taken / parcel.quantity
                matched = Matched(quantity=matched.quantity + taken, basis=matched.basis + basis)
                if not whole:
                    rest = Parcel(quantity=parcel.quantity - taken, basis=parcel.basis - basis)
                    parcels.insert(0, rest)
        return matched
