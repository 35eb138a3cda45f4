"""What the account was worth, minute by minute, with how far it stood below its peak.

Amounts in the account's capital currency, percentages in percent, times in UTC.
"""

from datetime import datetime
from decimal import Decimal

import msgspec


class EquityPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What the account was worth at a time: equity = capital + realized + unrealized.

    `low` and `drawdown_percent` are the lowest and the deepest of the span that ends there: of
    the sample itself, if the samples were not thinned. `committed`: lots at cost and resting
    entries.
    """

    at: datetime
    position: int
    equity: Decimal
    capital: Decimal
    realized: Decimal
    unrealized: Decimal
    committed: Decimal
    peak: Decimal
    low: Decimal
    drawdown_percent: Decimal


class TransferRow(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came in (above zero) or went out: no profit. `total` is the sum of all so far."""

    at: datetime
    amount: Decimal
    total: Decimal
    reason: str
    actor: str


class EquityView(msgspec.Struct, frozen=True, kw_only=True):
    """The samples of a span in order, oldest first, and the money moved within it.

    `samples` counts those there are; more than asked for are thinned to points of `step_seconds`
    each (0 = not thinned). `max_drawdown_percent` is the deepest of all of them, None without.
    """

    currency: str
    points: tuple[EquityPoint, ...]
    transfers: tuple[TransferRow, ...]
    samples: int
    step_seconds: int
    max_drawdown_percent: Decimal | None
    max_drawdown_at: datetime | None
