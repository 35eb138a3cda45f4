"""Every lot is offered by a working exit, or its price is watched; changed lots change exits."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from application.book import Book
from application.inputs import ClockTicked
from application.journal import Recorded
from application.processes.entry import order_prefix
from application.processes.exit_plan import WantedExit, stops_count, wanted_exits
from application.processes.order_sides import is_reduce_only, position_side_of
from application.processes.targets import pyramid_of
from domain.dca_leg import DCALeg, LegDustWrittenOff, LegEntryFilled, LegExitFilled
from domain.exit import (
    Exit,
    ExitEnded,
    ExitRequested,
    ExitWatched,
    RequestExit,
    UnwatchExit,
    WatchExit,
)
from domain.identity import client_order_id, group_of
from domain.instrument import exit_side, is_undersized, round_quantity
from domain.message import Command
from domain.money import ZERO
from domain.order import Order, OrderRequested, RequestOrder, RequestOrderCancel
from domain.position_group import PositionGroup, ReductionEnded, StopTrailed
from domain.trading_day import AlertRaised, RaiseAlert


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Place, replace, watch or wait, exit by exit."""
    match recorded.event:
        case ExitRequested() as requested:
            wanted = _exit_order(book, requested)
            yield RequestOrder(client_order_id=wanted.client_order_id, requested=wanted)
        case (
            LegEntryFilled(leg_id=part)
            | LegExitFilled(leg_id=part)
            | LegDustWrittenOff(leg_id=part)
            | ExitEnded(exit_id=part)
            | ReductionEnded(group_id=part)
            | StopTrailed(group_id=part)
        ):
            group = book.group(group_of(part))
            if group is not None:
                yield from _protect(book, group, recorded.at)
        case ClockTicked():
            for group in book.open_groups():
                yield from _protect(book, group, recorded.at)
                yield from _warned(book, group)
        case _:
            return


def unprotected_legs(book: Book, group: PositionGroup) -> tuple[DCALeg, ...]:
    """Legs whose lot, big enough to be sold, no exit offers and nobody watches or is selling."""
    if not group.is_open or group.reducing:
        return ()
    covered = {leg_id for _, known in book.exits_of(group) for leg_id in known.covers}
    legs = (leg for leg in book.legs_of(group) if leg.plan.leg_id not in covered)
    return tuple(leg for leg in legs if leg.lot.quantity > ZERO and not _is_dust(book, leg))


def _is_dust(book: Book, leg: DCALeg) -> bool:
    instrument = book.instrument(leg.plan.symbol)
    if instrument is None:
        return False
    quantity = round_quantity(instrument, leg.lot.quantity)
    return is_undersized(instrument, leg.plan.price, quantity, reduce_only=True)


def _protect(book: Book, group: PositionGroup, now: datetime) -> Iterator[Command]:
    if not group.is_open:
        return
    wanted = wanted_exits(book, group, now)
    for exit_id, known in tuple(book.exits_of(group)):
        wish = wanted.get(exit_id)
        if known.working is not None:
            yield from _amended(book, group, known, wish, now)
        elif wish is None:
            if known.watched is not None:
                yield UnwatchExit(exit_id=exit_id)
        elif wish.watch:
            yield from _watched(known, group, wish, now)
        elif not _is_taken(book, group, wish):
            yield _requested(book, group, wish, now)


def _amended(
    book: Book, group: PositionGroup, known: Exit, wish: WantedExit | None, now: datetime
) -> Iterator[Command]:
    """Fills that come in a burst are joined: at most one change every `coalesce_ms`."""
    assert known.working is not None, "only a working exit can be amended"
    order = book.order(known.working.client_order_id)
    if order is None:
        # It was asked for a moment ago; its order follows within the same input.
        return
    legs = (book.leg(leg_id) for leg_id in known.working.covers)
    offered = {leg.plan.leg_id for leg in legs if leg is not None and leg.lot.quantity > ZERO}
    if wish is not None and _is_as_wished(order, known.working, wish, offered):
        return
    patience = timedelta(milliseconds=group.opened.exits.coalesce_ms)
    if wish is None or now - known.working.requested_at >= patience:
        reason = "its lots have changed" if wish is not None else "its lots are sold otherwise"
        yield RequestOrderCancel(client_order_id=order.request.client_order_id, reason=reason)


def _is_as_wished(
    order: Order, working: ExitRequested, wish: WantedExit, offered: set[str]
) -> bool:
    """What an order's own fills leave keeps its price; a stop follows its price as well.

    `offered`: the legs it covers that hold something still. One that is to go with another exit
    now would keep that exit waiting for ever, so it must be the same legs on both sides.
    """
    same = order.request.quantity - order.filled == wish.quantity
    moved = wish.aim == "stop" and wish.price != working.price
    return same and not moved and not wish.watch and set(wish.covers) == offered


def _is_taken(book: Book, group: PositionGroup, wish: WantedExit) -> bool:
    """Whether another exit still offers its lots, or part of them: then it must wait.

    A stop shares its lots with the take-profits, but where the venue counts both.
    """
    instrument = book.instrument(group.opened.symbol)
    others = [
        known.working
        for exit_id, known in book.exits_of(group)
        if exit_id != wish.exit_id and known.working is not None
    ]
    if instrument is not None and stops_count(instrument):
        held = sum((leg.lot.quantity for leg in book.legs_of(group)), ZERO)
        offered = sum((_offered(book, other) for other in others), ZERO)
        if offered + wish.quantity > held:
            return True
    return wish.aim == "take_profit" and any(
        other.aim == "take_profit" and not set(other.covers).isdisjoint(wish.covers)
        for other in others
    )


def _offered(book: Book, working: ExitRequested) -> Decimal:
    """What the order of an exit may still sell, in contracts."""
    order = book.order(working.client_order_id)
    return working.quantity - (order.filled if order is not None else ZERO)


def _watched(
    known: Exit, group: PositionGroup, wish: WantedExit, now: datetime
) -> Iterator[Command]:
    watched = ExitWatched(
        exit_id=wish.exit_id,
        group_id=group.opened.group_id,
        aim=wish.aim,
        covers=wish.covers,
        price=wish.price,
        quantity=wish.quantity,
        reason=wish.watch,
        watched_at=now,
    )
    yield WatchExit(exit_id=wish.exit_id, watched=watched)
    if known.is_failing(now):
        alert = AlertRaised(
            kind="exit_failing",
            severity="critical",
            subject=wish.exit_id,
            text=f"{wish.watch}: its price of {wish.price} is watched instead",
        )
        yield RaiseAlert(alert=alert)


def _requested(book: Book, group: PositionGroup, wish: WantedExit, now: datetime) -> RequestExit:
    attempt = book.exit(wish.exit_id).attempts + 1
    requested = ExitRequested(
        exit_id=wish.exit_id,
        group_id=group.opened.group_id,
        aim=wish.aim,
        covers=wish.covers,
        price=wish.price,
        quantity=wish.quantity,
        client_order_id=client_order_id(order_prefix(book), wish.exit_id, wish.aim, attempt),
        attempt=attempt,
        requested_at=now,
    )
    return RequestExit(exit_id=wish.exit_id, requested=requested)


def _exit_order(book: Book, requested: ExitRequested) -> OrderRequested:
    """A take-profit is a resting limit; a stop waits for its price, then sells at market."""
    group = book.group(requested.group_id)
    assert group is not None, f"exit {requested.exit_id} serves a group that is not open"
    is_stop = requested.aim == "stop"
    is_legs_own = requested.exit_id in requested.covers
    is_groups_own = is_stop or requested.exit_id == requested.group_id
    return OrderRequested(
        client_order_id=requested.client_order_id,
        purpose=requested.aim,
        symbol=group.opened.symbol,
        side=exit_side(group.opened.side),
        quantity=requested.quantity,
        price=None if is_stop else requested.price,
        time_in_force="gtc",
        reduce_only=is_reduce_only(book, group),
        group_id=requested.group_id,
        pyramid_id="" if is_groups_own else pyramid_of(book, requested.covers),
        leg_id=requested.exit_id if is_legs_own else "",
        signal_id=group.opened.signal_id,
        attempt=requested.attempt,
        requested_at=requested.requested_at,
        send_before=None,
        position_side=position_side_of(group),
        trigger_price=requested.price if is_stop else None,
        covers=requested.covers,
    )


def _warned(book: Book, group: PositionGroup) -> Iterator[Command]:
    """A lot without an exit must not last: the operator hears of it."""
    for leg in unprotected_legs(book, group):
        alert = AlertRaised(
            kind="unprotected",
            severity="critical",
            subject=leg.plan.leg_id,
            text="its lot has neither a working nor a watched exit",
        )
        yield RaiseAlert(alert=alert)
