"""Prices that are watched by us rather than resting at the venue, and what their touch does."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from application.book import Book
from application.inputs import ClockTicked, MarkMoved
from application.journal import Recorded
from application.processes.exit_plan import stop_facts
from application.processes.positions import closable
from application.processes.targets import holding_legs
from domain.dca_leg import DCALeg, LegEntryFilled
from domain.exit import ExitWatched, TouchExit, is_touched
from domain.identity import group_of
from domain.instrument import is_undersized
from domain.message import Command
from domain.money import plain
from domain.position_group import (
    ClosePositionGroup,
    PositionGroup,
    ReductionPart,
    ReductionStarted,
    StartReduction,
    TrailStop,
)
from domain.stop import next_step


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A price that something waits for: it fires at a mark that has risen, or fallen, to it."""

    price: Decimal
    rises: bool


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Compare marks with what is watched when they are said to have moved, and with each tick.

    Not while a fill is handled: the mark beside it may be older than the fill.
    """
    match recorded.event:
        case MarkMoved(symbol=symbol):
            for group in book.open_groups():
                if group.opened.symbol == symbol:
                    yield from _look(book, group, recorded.at)
        case ClockTicked():
            for group in book.open_groups():
                yield from _look(book, group, recorded.at)
        case LegEntryFilled(leg_id=leg_id, price=price):
            yield from _begin_to_trail(book, leg_id, price, recorded.at)
        case _:
            return


def levels(book: Book, symbol: str) -> Iterator[Level]:
    """Every watched price of a symbol, groups in the order of their opening."""
    for group in book.open_groups():
        if group.opened.symbol != symbol or not group.is_open:
            continue
        is_long = group.opened.side == "long"
        step = _next_step(book, group)
        if step is not None:
            yield Level(price=step, rises=is_long)
        for _, known in book.exits_of(group):
            if known.watched is not None:
                rises = is_long == (known.watched.aim == "take_profit")
                yield Level(price=known.watched.price, rises=rises)


def _look(book: Book, group: PositionGroup, now: datetime) -> Iterator[Command]:
    """First the trail, then what is touched: a better price never fires a stop by itself."""
    if not group.is_open:
        return
    step, mark = _next_step(book, group), book.marks.get(group.opened.symbol)
    if step is not None and mark is not None:
        is_long = group.opened.side == "long"
        if mark.price >= step if is_long else mark.price <= step:
            yield TrailStop(group_id=group.opened.group_id, best=mark.price, now=now)
    yield from _touched(book, group, now)


def _begin_to_trail(book: Book, leg_id: str, price: Decimal, now: datetime) -> Iterator[Command]:
    """The best price since a trade has something to lose begins with its first fill."""
    group = book.group(group_of(leg_id))
    assert group is not None, f"leg {leg_id} was filled without a group"
    trails = group.opened.exits.trailing_stop_percent is not None
    if group.is_open and trails and group.best is None:
        yield TrailStop(group_id=group.opened.group_id, best=price, now=now)


def _touched(book: Book, group: PositionGroup, now: datetime) -> Iterator[Command]:
    mark = book.marks.get(group.opened.symbol)
    instrument = book.instrument(group.opened.symbol)
    if mark is None or instrument is None or not group.is_open:
        return
    is_long = group.opened.side == "long"
    # What may be sold at a bound alone makes way for an exit: it is free to be sold by it.
    must = group.reducing if group.bound is None else ()
    being_sold = {part.leg_id for part in must}
    for _, known in tuple(book.exits_of(group)):
        watched = known.watched
        if watched is None or not is_touched(watched, mark.price, is_long=is_long):
            continue
        # A mark from before the level says nothing of it: its stream may have died since.
        if mark.at < watched.watched_at:
            continue
        # What no venue would take is watched until it grows; touching it would change nothing.
        quantity = min(watched.quantity, closable(book, group))
        if is_undersized(instrument, mark.price, quantity, reduce_only=True):
            continue
        # Acted on at once: before that nobody may think that its lots have no exit.
        yield TouchExit(exit_id=watched.exit_id, mark=mark.price, now=now)
        legs = [leg for leg in holding_legs(book, group) if leg.plan.leg_id in watched.covers]
        free = [leg for leg in legs if leg.plan.leg_id not in being_sold]
        being_sold.update(watched.covers)
        yield _act(group, watched, free, mark.price, now)


def _act(
    group: PositionGroup,
    touched: ExitWatched,
    legs: Sequence[DCALeg],
    mark: Decimal,
    now: datetime,
) -> Command:
    """A stop, or the target of the whole, closes the trade; any other sells what it covers."""
    whole, is_stop = group.opened.group_id, touched.aim == "stop"
    if is_stop or (touched.exit_id == whole and group.opened.exits.close_when_flat):
        what = "stop loss" if is_stop else "take-profit"
        reason = f"{what} touched at {plain(mark)}"
        return ClosePositionGroup(group_id=whole, reason=reason, signal_id="", now=now)
    started = ReductionStarted(
        group_id=whole,
        reason=f"take-profit of {touched.exit_id} touched at {plain(mark)}",
        signal_id="",
        parts=tuple(_whole(leg) for leg in legs),
        started_at=now,
    )
    return StartReduction(group_id=whole, started=started)


def _whole(leg: DCALeg) -> ReductionPart:
    return ReductionPart(leg_id=leg.plan.leg_id, quantity=leg.lot.quantity, sold_before=leg.sold)


def _next_step(book: Book, group: PositionGroup) -> Decimal | None:
    """The mark at which a trailing stop moves, None if none trails."""
    legs = holding_legs(book, group)
    instrument = book.instrument(group.opened.symbol)
    if instrument is None or not legs:
        return None
    return next_step(stop_facts(group, instrument, legs))
