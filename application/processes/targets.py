"""Where a trade takes its profits, and the order in which its lots are sold."""

from decimal import Decimal

from application.book import Book
from domain.dca_leg import DCALeg
from domain.grid import take_profit_price
from domain.instrument import Instrument
from domain.money import ZERO
from domain.pnl import average_entry, combined
from domain.position_group import PositionGroup

# A lot's average is read to this unit: the remainder that a shared cost leaves in its last
# digits must not move a target by a tick.
AVERAGE_UNIT = Decimal("1e-12")


def has_leg_targets(group: PositionGroup) -> bool:
    """Whether each leg has a take-profit of its own."""
    return group.opened.exits.mode in ("per_leg", "hybrid")


def holding_legs(book: Book, group: PositionGroup) -> tuple[DCALeg, ...]:
    """The legs that hold a lot, by pyramid and rung: oldest first."""
    return tuple(leg for leg in book.legs_of(group) if leg.lot.quantity > ZERO)


def closing_order(book: Book, group: PositionGroup) -> tuple[DCALeg, ...]:
    """Legs with lots in the order in which they are sold.

    Spec §4: nearest take-profit first; without targets of their own the oldest first.
    """
    holding = holding_legs(book, group)
    instrument = book.instrument(group.opened.symbol)
    assert instrument is not None, f"group {group.opened.group_id} trades an unknown market"
    if not has_leg_targets(group):
        return holding
    return tuple(sorted(holding, key=lambda leg: _distance(leg, instrument)))


def pyramid_of(book: Book, covers: tuple[str, ...]) -> str:
    """The one pyramid all these legs belong to; empty if there are several, or no legs."""
    legs = (book.leg(leg_id) for leg_id in covers)
    pyramids = sorted({leg.plan.pyramid_id for leg in legs if leg is not None})
    return pyramids[0] if len(pyramids) == 1 else ""


def leg_target(leg: DCALeg, instrument: Instrument) -> Decimal:
    """Spec §4: the take-profit from the leg's average *fill* price, rounded, never worse."""
    return target_of((leg,), instrument, leg.plan.take_profit_percent)


def target_of(
    legs: tuple[DCALeg, ...], instrument: Instrument, take_profit_percent: Decimal
) -> Decimal:
    """The take-profit from the weighted average entry of these legs' lots, fees excluded."""
    average = average_of(legs, instrument)
    return take_profit_price(instrument, legs[0].plan.side, average, take_profit_percent)


def average_of(legs: tuple[DCALeg, ...], instrument: Instrument) -> Decimal:
    """The weighted average entry of open lots, in quote units. Raises ValueError for none."""
    whole = combined([leg.lot for leg in legs])
    return average_entry(whole, instrument.contract_size).quantize(AVERAGE_UNIT)


def _distance(leg: DCALeg, instrument: Instrument) -> tuple[Decimal, str]:
    """For a long the lowest target is nearest, for a short the highest."""
    target = leg_target(leg, instrument)
    return (target if leg.plan.side == "long" else -target, leg.plan.leg_id)
