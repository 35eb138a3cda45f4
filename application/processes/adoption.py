"""Lots closed outside, by hand or by the venue, leave the books as they left the venue."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from application.book import Book
from application.inputs import ForeignTrade, ReconciliationSeen
from application.journal import Recorded
from application.processes.positions import baseline_of, dust_of, held_by
from application.processes.targets import closing_order
from domain.dca_leg import DCALeg, RecordLegExitFill
from domain.holding_terms import AdoptedPart, Discrepancy, Held, PriceSource, position_key
from domain.holdings import (
    AdoptPosition,
    ClearDiscrepancy,
    DiscrepancyCleared,
    MoveBaseline,
    PositionAdopted,
    RecordDiscrepancy,
    RecordDust,
)
from domain.instrument import PositionSide, exit_side
from domain.message import Command
from domain.money import ZERO, plain
from domain.position_group import PositionGroup
from domain.trading_day import AlertRaised, RaiseAlert


class LegPart(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a leg's lot is missing."""

    leg: DCALeg
    quantity: Decimal


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a difference comes from. Dust, baseline and `surplus` are signed contracts.

    What is missing left the groups of that side, oldest first, then the dust, then what was
    foreign anyway. What is no loss of anything is surplus: foreign, and never closed by us.
    """

    side: PositionSide
    lots: tuple[LegPart, ...]
    dust: Decimal
    baseline: Decimal
    surplus: Decimal


class _Source(msgspec.Struct, frozen=True, kw_only=True):
    """A trade, or the mark in place of one, with what of it is still to be given to legs."""

    trade_id: str
    price: Decimal
    left: Decimal
    traded_at: datetime
    parts: int = 0


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Sell from the legs what was adopted, and tell the operator."""
    if not isinstance(recorded.event, PositionAdopted):
        return
    adopted = recorded.event
    for part in adopted.parts:
        yield _leg_exit(book, part)
    yield _alert(adopted)


def origin(book: Book, held: Held, difference: Decimal) -> Origin:
    """Take a difference apart: `difference` is what the venue holds beyond the books, signed."""
    side: PositionSide = "long" if difference < ZERO else "short"
    sign = 1 if side == "long" else -1
    left = abs(difference)
    lots: list[LegPart] = []
    for leg in _legs(book, held, side):
        part = min(left, leg.lot.quantity)
        left -= part
        if part > ZERO:
            lots.append(LegPart(leg=leg, quantity=part))
    dust = min(left, max(ZERO, sign * dust_of(book, held)))
    left -= dust
    baseline = min(left, max(ZERO, sign * baseline_of(book, held)))
    left -= baseline
    return Origin(
        side=side,
        lots=tuple(lots),
        dust=-sign * dust,
        baseline=-sign * baseline,
        surplus=-sign * left,
    )


def settled(
    book: Book, recorded: Recorded, snapshot: ReconciliationSeen, found: Discrepancy
) -> Iterator[Command]:
    """Settle a confirmed difference as far as something of ours is missing.

    Nothing is settled while a lot that went has no price: the symbol stays blocked instead.
    """
    came = origin(book, found.held, found.difference)
    if not (came.lots or came.dust or came.baseline):
        return
    if came.lots:
        adopted = _adopted(book, recorded, snapshot, (found.held, came))
        if adopted is None:
            return
        yield AdoptPosition(adopted=adopted)
    yield from _less_apart(book, found.held, came)
    if came.surplus:
        books = found.seen - came.surplus
        yield RecordDiscrepancy(discrepancy=msgspec.structs.replace(found, expected=books))
        return
    cleared = DiscrepancyCleared(
        symbol=found.symbol,
        side=found.side,
        reason="what is missing was taken off the books",
        actor="engine",
    )
    yield ClearDiscrepancy(cleared=cleared)


def _less_apart(book: Book, held: Held, came: Origin) -> Iterator[Command]:
    symbol, side = held
    if came.dust:
        dust = book.holdings.dust[position_key(*held)]
        total = dust.quantity + came.dust
        yield RecordDust(
            symbol=symbol,
            side=side,
            total=total,
            value=dust.value * total / dust.quantity,
            reason="the venue does not hold it any more",
        )
    if came.baseline:
        yield MoveBaseline(
            symbol=symbol,
            side=side,
            total=baseline_of(book, held) + came.baseline,
            reason="the venue does not hold it any more",
            actor="engine",
        )


def _legs(book: Book, held: Held, side: PositionSide) -> Iterator[DCALeg]:
    """Groups in the order of their opening, their legs in closing order."""
    for group in book.open_groups():
        if held_by(group) == held and group.opened.side == side:
            yield from closing_order(book, group)


def _adopted(
    book: Book, recorded: Recorded, snapshot: ReconciliationSeen, what: tuple[Held, Origin]
) -> PositionAdopted | None:
    """At the prices of the foreign trades if they cover it, else at the mark, else not at all."""
    held, came = what
    quantity = sum((part.quantity for part in came.lots), ZERO)
    sources, priced_by = _trades(book, snapshot, held, came), _TRADE
    if sum((source.left for source in sources), ZERO) < quantity:
        mark = book.marks.get(held[0])
        if mark is None or mark.price <= ZERO:
            return None
        adoption = f"adopted:{recorded.event_id}:{held[1]}"
        at_mark = _Source(trade_id=adoption, price=mark.price, left=quantity, traded_at=recorded.at)
        sources, priced_by = [at_mark], _MARK
    return PositionAdopted(
        symbol=held[0],
        side=held[1],
        quantity=quantity,
        priced_by=priced_by,
        parts=tuple(_parts(came.lots, sources)),
        adopted_at=recorded.at,
    )


_TRADE: PriceSource = "trade"
_MARK: PriceSource = "mark"


def _trades(book: Book, snapshot: ReconciliationSeen, held: Held, came: Origin) -> list[_Source]:
    """The newest foreign trades that could have closed these lots, the oldest of them first.

    A trade from before the oldest lot's group cannot have, nor what was adopted before.
    """
    first = _group(book, came.lots[0].leg).opened.opened_at
    known = {(t.symbol, t.trade_id): t for t in book.holdings.adopted_trades}
    wanted = sum((part.quantity for part in came.lots), ZERO)
    found: list[_Source] = []
    for trade in reversed(snapshot.foreign_trades):
        if wanted <= ZERO:
            break
        if not _could_close(trade, held, came.side) or trade.traded_at < first:
            continue
        used = known.get((trade.symbol, trade.trade_id))
        left = min(wanted, trade.quantity - (used.quantity if used is not None else ZERO))
        if left > ZERO:
            wanted -= left
            source = _Source(
                trade_id=trade.trade_id,
                price=trade.price,
                left=left,
                traded_at=trade.traded_at,
                parts=used.parts if used is not None else 0,
            )
            found.append(source)
    return found[::-1]


def _could_close(trade: ForeignTrade, held: Held, side: PositionSide) -> bool:
    symbol, mode = held
    is_possible = trade.price.is_finite() and trade.price > ZERO and trade.quantity.is_finite()
    same_position = "both" in (mode, trade.position_side) or trade.position_side == mode
    return (
        is_possible and same_position and trade.symbol == symbol and trade.side == exit_side(side)
    )


def _parts(lots: tuple[LegPart, ...], sources: list[_Source]) -> Iterator[AdoptedPart]:
    """Deal the sources out to the legs, both in their order."""
    waiting = list(sources)
    for part in lots:
        need = part.quantity
        while need > ZERO:
            source = waiting[0]
            quantity = min(need, source.left)
            yield AdoptedPart(
                leg_id=part.leg.plan.leg_id,
                trade_id=source.trade_id,
                number=source.parts + 1,
                price=source.price,
                quantity=quantity,
                traded_at=source.traded_at,
            )
            need -= quantity
            left = source.left - quantity
            rest = msgspec.structs.replace(source, left=left, parts=source.parts + 1)
            waiting[0:1] = [rest] if left > ZERO else []


def _leg_exit(book: Book, part: AdoptedPart) -> RecordLegExitFill:
    """No order of ours sold it; what is not known of its fee is not guessed."""
    return RecordLegExitFill(
        leg_id=part.leg_id,
        client_order_id="",
        trade_id=part.counted_as,
        price=part.price,
        quantity=part.quantity,
        fee=ZERO,
        fee_asset=book.account.opened.currency,
        fee_value=ZERO,
        traded_at=part.traded_at,
    )


def _alert(adopted: PositionAdopted) -> RaiseAlert:
    price = "the venue's own trade price" if adopted.priced_by == "trade" else "the mark"
    text = (
        f"{plain(adopted.quantity)} of {adopted.symbol} was closed outside; booked at {price}"
        f" at {adopted.adopted_at.isoformat()}"
    )
    alert = AlertRaised(
        kind="position_adopted", severity="critical", subject=adopted.symbol, text=text
    )
    return RaiseAlert(alert=alert)


def _group(book: Book, leg: DCALeg) -> PositionGroup:
    group = book.group(leg.plan.group_id)
    assert group is not None, f"leg {leg.plan.leg_id} holds a lot of a group that is not open"
    return group
