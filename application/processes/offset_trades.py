"""Open trades as an offset sees them: what is free to be sold, and at what price now."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from application.book import Book
from application.processes.freshness import mark_of
from application.processes.offset_counting import unvalued_fees
from application.processes.parts import FreeLot, free_lots
from domain.instrument import Instrument, entry_side, exit_side, round_price
from domain.message import MarkSeen
from domain.money import ZERO
from domain.offset_plan import OffsetLeg, OffsetTrade, loss_percent, net_gain, ranked_winners
from domain.position_group import PositionGroup


def trade_of(book: Book, group: PositionGroup) -> OffsetTrade | None:
    """A trade as it could be sold now; what is being sold already is left out.

    None: the market's rules, its mark or the worth of a fee are not known, or nothing is free.
    How old the mark is, `is_fresh` tells.
    """
    if unvalued_fees(book, group):
        return None
    symbol = group.opened.symbol
    instrument, mark = book.instrument(symbol), mark_of(book, symbol)
    if instrument is None or not instrument.is_complete or mark is None:
        return None
    free = free_lots(book, group)
    price = _touch(group, instrument, mark)
    if not free or price <= ZERO:
        return None
    made = OffsetTrade(
        group_id=group.opened.group_id,
        symbol=symbol,
        side=group.opened.side,
        instrument=instrument,
        price=price,
        legs=tuple(_leg(lot) for lot in free),
        opened_at=group.opened.opened_at,
    )
    return made if made.cost > ZERO else None


def losing(trades: Iterable[OffsetTrade]) -> tuple[OffsetTrade, ...]:
    """The trades in loss. Spec §6: highest loss %, then highest loss in money, then oldest."""
    losers = [trade for trade in trades if net_gain(trade) < ZERO]
    return tuple(sorted(losers, key=_by_loss))


def winning(trades: Iterable[OffsetTrade]) -> tuple[OffsetTrade, ...]:
    """The trades in profit net of exit fees, the richest first, then the oldest."""
    return ranked_winners(trades)


def _by_loss(trade: OffsetTrade) -> tuple[Decimal, Decimal, datetime, str]:
    return loss_percent(trade), net_gain(trade), trade.opened_at, trade.group_id


def _leg(lot: FreeLot) -> OffsetLeg:
    """Of a lot that is being sold in part already, the free part's share of cost and fee."""
    held = lot.leg.lot
    is_whole = lot.quantity == held.quantity
    return OffsetLeg(
        leg_id=lot.leg.plan.leg_id,
        quantity=lot.quantity,
        cost=held.cost if is_whole else held.cost * lot.quantity / held.quantity,
        entry_fee=held.entry_fee if is_whole else held.entry_fee * lot.quantity / held.quantity,
        sold=lot.leg.sold,
    )


def _touch(group: PositionGroup, instrument: Instrument, mark: MarkSeen) -> Decimal:
    """What we would sell to, else the mark; between two ticks rounded against us."""
    touch = mark.bid if exit_side(group.opened.side) == "sell" else mark.ask
    is_told = touch is not None and touch.is_finite() and touch > ZERO
    price = touch if is_told and touch is not None else mark.price
    return round_price(instrument, price, entry_side(group.opened.side))
