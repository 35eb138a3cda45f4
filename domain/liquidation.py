"""Where a venue would liquidate a position, estimated before it is entered."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from domain.instrument import PositionSide
from domain.money import HUNDRED, ONE, ZERO


class Stake(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a position, held or still to be filled: contracts at a price, in quote units."""

    group_id: str
    price: Decimal
    quantity: Decimal
    leverage: int = 1


def average_price(stakes: Sequence[Stake]) -> Decimal | None:
    """The entry price with all of them filled; None if that is not a positive number."""
    figures = [figure for stake in stakes for figure in (stake.price, stake.quantity)]
    if not figures or not all(figure.is_finite() and figure > ZERO for figure in figures):
        return None
    cost = sum((stake.price * stake.quantity for stake in stakes), ZERO)
    return cost / sum((stake.quantity for stake in stakes), ZERO)


def liquidation_price(
    side: PositionSide, entry: Decimal, leverage: int, maintenance_margin_percent: Decimal
) -> Decimal | None:
    """The mark at which an isolated position is liquidated; None if it cannot be told.

    What is left of the margin, `entry / leverage` a unit, is then just the maintenance margin:
    long `entry x (1 - 1/leverage) / (1 - m)`, short `entry x (1 + 1/leverage) / (1 + m)`.
    A long without leverage is never liquidated: zero. A short always can be.

    Source: Binance, "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts"
    (support/faq/b3c689c1f50a44cabb3a84e663b81d93), isolated margin: TMM = UPNL = 0 and
    WB = entry x size / leverage. Its maintenance amount `cum` is left out: it only moves the
    price farther away. The same estimate serves cross margin, where other positions'
    losses may bring the real one nearer, or the rest of the wallet move it away.
    """
    margin = maintenance_margin_percent / HUNDRED
    if not margin.is_finite() or not ZERO <= margin < ONE or leverage < 1:
        return None
    if side == "long":
        return entry * (ONE - ONE / leverage) / (ONE - margin)
    return entry * (ONE + ONE / leverage) / (ONE + margin)


def distance_percent(side: PositionSide, level: Decimal, liquidation: Decimal) -> Decimal:
    """How far beyond a level the liquidation lies, in percent of the level; below zero: before."""
    gap = level - liquidation if side == "long" else liquidation - level
    return gap / level * HUNDRED
