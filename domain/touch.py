"""Where a market can be met now: what taking costs at most, where an order rests in front."""

from decimal import Decimal

from domain.instrument import Instrument, Side, round_price
from domain.message import MarkSeen
from domain.money import HUNDRED, ZERO, percent_of


def taking_bound(
    instrument: Instrument, mark: MarkSeen, side: Side, slippage_percent: Decimal
) -> Decimal:
    """The worst price of an order that trades at once: the touch it meets, and slippage.

    A buy meets the ask, a sell the bid; where that is not told, the mark. Rounded so that the
    slippage allowed is never passed: a buy down, a sell up.
    """
    met = mark.ask if side == "buy" else mark.bid
    slippage = slippage_percent if side == "buy" else -slippage_percent
    return round_price(instrument, percent_of(_known(met, mark), HUNDRED + slippage), side)


def resting_price(instrument: Instrument, mark: MarkSeen, side: Side, limit: Decimal) -> Decimal:
    """At the touch of its own side, where an order takes nothing; never worse than `limit`.

    A buy rests at the bid, a sell at the ask; where that is not told, one tick this side of
    the mark.
    """
    own = mark.bid if side == "buy" else mark.ask
    away = -instrument.tick if side == "buy" else instrument.tick
    price = round_price(instrument, _known(own, mark, away), side)
    return min(price, limit) if side == "buy" else max(price, limit)


def _known(touch: Decimal | None, mark: MarkSeen, away: Decimal = ZERO) -> Decimal:
    """What is no positive number is no touch."""
    if touch is not None and touch.is_finite() and touch > ZERO:
        return touch
    return mark.price + away
