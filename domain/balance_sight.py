"""A balance laid beside what the books make of it: how far the two may move apart, and why."""

from datetime import datetime
from decimal import Decimal

import msgspec

from domain.money import percent_of

# Fees paid in another asset leave the books and not this balance. Between two looks that is at
# most the whole balance traded once in and once out, five times geared, at 0.05 %.
TOLERANCE_PERCENT = Decimal("0.5")


class BalanceSight(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's balance of the capital currency and the books' own word, at one moment.

    `explained` is what was transferred, realized and paid in fees so far. Its zero means nothing:
    only what moves it between two looks is compared. `open_cost`: the open lots at cost.
    """

    total: Decimal
    explained: Decimal
    open_cost: Decimal
    seen_at: datetime

    @property
    def unexplained(self) -> Decimal:
        """What of the balance the books do not explain; as long as they do, it stays the same."""
        return self.total - self.explained


def tolerance(before: BalanceSight, after: BalanceSight) -> Decimal:
    """How far a balance may move away from the books unremarked, in the capital currency.

    A venue realizes by the average entry of a position, the books by the lot: while lots are
    open both differ by a part of their cost, and agree again once all are sold.
    """
    larger = max(abs(before.total), abs(after.total))
    return percent_of(larger, TOLERANCE_PERCENT) + before.open_cost + after.open_cost
