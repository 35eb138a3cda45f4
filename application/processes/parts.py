"""Which lots a partial close takes: whole legs in the order of closing, the last one in part."""

from decimal import Decimal

import msgspec

from application.book import Book
from application.processes.targets import closing_order
from domain.dca_leg import DCALeg
from domain.instrument import Instrument, is_undersized, round_quantity
from domain.money import ZERO
from domain.position_group import PositionGroup, ReductionPart


class FreeLot(msgspec.Struct, frozen=True, kw_only=True):
    """What of a leg's lot is not being sold already, in contracts."""

    leg: DCALeg
    quantity: Decimal


def parts_of(book: Book, group: PositionGroup, quantity: Decimal) -> tuple[ReductionPart, ...]:
    """What to sell of each leg for `quantity` contracts of the group, capped by what is free.

    Whole legs, nearest take-profit first (without targets of their own: oldest first), the last
    one in part, on the step; a rest under the venue's minimum is taken too. Nothing if it is
    too small to be sold, or the market's rules are not known.
    """
    free = free_lots(book, group)
    instrument = book.instrument(group.opened.symbol)
    if not free or instrument is None or instrument.step == ZERO:
        return ()

    held = sum((lot.quantity for lot in free), ZERO)
    wanted = round_quantity(instrument, min(quantity, held))
    price = _price(book, free[0].leg)
    if is_undersized(instrument, price, wanted, reduce_only=True):
        return ()
    return _taken(free, wanted, instrument, price)


def free_lots(book: Book, group: PositionGroup) -> tuple[FreeLot, ...]:
    """The lots a further reduction may sell, in the order of a partial close: spec §4.

    What may be sold at a bound alone is free: it makes way for what must be sold.
    """
    must = group.reducing if group.bound is None else ()
    planned = {part.leg_id: part for part in must}
    lots = (
        FreeLot(leg=leg, quantity=leg.lot.quantity - _still_planned(leg, planned))
        for leg in closing_order(book, group)
    )
    return tuple(lot for lot in lots if lot.quantity > ZERO)


def free_quantity(book: Book, group: PositionGroup) -> Decimal:
    """The open quantity of a group that is not being sold already, in contracts."""
    return sum((lot.quantity for lot in free_lots(book, group)), ZERO)


def _taken(
    free: tuple[FreeLot, ...], wanted: Decimal, instrument: Instrument, price: Decimal
) -> tuple[ReductionPart, ...]:
    parts: list[ReductionPart] = []
    left = wanted
    for lot in free:
        if left <= ZERO:
            break
        taken = min(lot.quantity, left)
        rest = round_quantity(instrument, lot.quantity - taken)
        if is_undersized(instrument, price, rest, reduce_only=True):
            taken = lot.quantity
        parts.append(
            ReductionPart(leg_id=lot.leg.plan.leg_id, quantity=taken, sold_before=lot.leg.sold)
        )
        left -= taken
    return tuple(parts)


def _still_planned(leg: DCALeg, planned: dict[str, ReductionPart]) -> Decimal:
    """What an earlier reduction has yet to sell of it; what its own exit sold meanwhile counts."""
    part = planned.get(leg.plan.leg_id)
    if part is None:
        return ZERO
    return max(ZERO, part.quantity - (leg.sold - part.sold_before))


def _price(book: Book, leg: DCALeg) -> Decimal:
    """What a contract is worth against a minimum: the mark, else the leg's own price."""
    mark = book.marks.get(leg.plan.symbol)
    return mark.price if mark is not None else leg.plan.price
