"""Money that an operator says came in or went out of an account."""

from decimal import Decimal

# Beyond these it is a slip of the keyboard, and would be written out digit by digit.
AMOUNT_MIN, AMOUNT_MAX = Decimal("1e-18"), Decimal("1e15")
AMOUNT_REMEDY = "write a number above or below 0, as money is counted"


def is_transferable(amount: Decimal) -> bool:
    """Whether it can be an amount of money: finite, and neither nothing nor out of this world."""
    return amount.is_finite() and AMOUNT_MIN <= amount.copy_abs() <= AMOUNT_MAX
