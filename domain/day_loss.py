"""The loss of a trading day, as the gate and the breaker count it."""

from decimal import Decimal

import msgspec

from domain.money import ZERO


class DayLoss(msgspec.Struct, frozen=True, kw_only=True):
    """What makes up a day's loss, in the capital currency.

    `realized` is the day's sum over all groups, fees and funding in, below zero if lost.
    `open_loss` is what losing groups would still lose, zero or more: zero if it does not count,
    none if a mark is missing. `reference` is where an operator's reset let the count begin anew.
    """

    realized: Decimal
    open_loss: Decimal | None = ZERO
    reference: Decimal = ZERO

    @property
    def result(self) -> Decimal | None:
        """The day's result with all that counts; none if it cannot be told."""
        if self.open_loss is None or not self.open_loss.is_finite() or self.open_loss < ZERO:
            return None
        return self.realized - self.open_loss if self.realized.is_finite() else None

    @property
    def amount(self) -> Decimal | None:
        """Spec §6: max(0, -result), counted from the reference; none if it cannot be told."""
        result = self.result
        if result is None or not self.reference.is_finite():
            return None
        return max(ZERO, self.reference - result)

    @property
    def known(self) -> "DayLoss":
        """The same without an open loss that cannot be told: no less than this was lost."""
        return self if self.result is not None else msgspec.structs.replace(self, open_loss=ZERO)

    def allows(self, limit: Decimal | None) -> bool:
        """Whether it leaves room for new exposure. Reaching the limit trips it; unknown fails."""
        amount = self.amount
        return limit is None or (amount is not None and amount < limit)
