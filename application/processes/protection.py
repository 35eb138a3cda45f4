"""Every lot has one working exit for its whole quantity, and gets another when it loses it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from application.book import Book
from application.inputs import ClockTicked
from application.journal import Recorded
from application.processes.entry import order_prefix
from domain.dca_leg import (
    DCALeg,
    LegEntryFilled,
    LegExitEnded,
    LegExitFilled,
    LegExitRequested,
    ProtectLeg,
    target_price,
)
from domain.identity import client_order_id
from domain.instrument import Instrument, exit_side, is_undersized, round_quantity
from domain.message import Command
from domain.money import ZERO
from domain.order import OrderRequested, RequestOrder, RequestOrderCancel
from domain.position_group import PositionGroup

# Three exits that failed within this span let the leg rest until the span is over.
FAILURES_MAX = 3
FAILURE_SPAN = timedelta(seconds=60)


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Place, replace or wait, leg by leg."""
    match recorded.event:
        case LegExitRequested() as requested:
            wanted = _exit_order(book, requested)
            yield RequestOrder(client_order_id=wanted.client_order_id, requested=wanted)
        case (
            LegEntryFilled(leg_id=leg_id)
            | LegExitEnded(leg_id=leg_id)
            | LegExitFilled(leg_id=leg_id)
        ):
            leg = book.leg(leg_id)
            assert leg is not None, f"leg {leg_id} spoke without being planned"
            yield from _protect(book, leg, recorded.at)
        case ClockTicked():
            for group in book.open_groups():
                for leg in book.legs_of(group):
                    yield from _protect(book, leg, recorded.at)
        case _:
            return


def _protect(book: Book, leg: DCALeg, now: datetime) -> Iterator[Command]:
    is_covered = leg.exit is not None and leg.exit.quantity == leg.lot.quantity
    if is_covered or leg.lot.quantity <= ZERO:
        return
    group = book.group(leg.plan.group_id)
    instrument = book.instrument(leg.plan.symbol)
    if group is None or not group.is_open or instrument is None:
        return
    if leg.exit is None:
        quantity = round_quantity(instrument, leg.lot.quantity)
        too_small = is_undersized(instrument, leg.plan.price, quantity, reduce_only=True)
        if not too_small and not _is_failing(leg, now):
            wanted = _wanted_exit(book, leg, instrument, now)
            yield ProtectLeg(leg_id=leg.plan.leg_id, requested=wanted)
    elif _is_outgrown(leg, group, now) and leg.exit.quantity != round_quantity(
        instrument, leg.lot.quantity
    ):
        yield RequestOrderCancel(
            client_order_id=leg.exit.client_order_id, reason="its lot has changed"
        )


def _is_failing(leg: DCALeg, now: datetime) -> bool:
    """Whether the last three exits all failed so recently that a fourth would only add noise."""
    failures = leg.exit_failed_at
    return len(failures) >= FAILURES_MAX and now - failures[0] < FAILURE_SPAN


def _is_outgrown(leg: DCALeg, group: PositionGroup, now: datetime) -> bool:
    """Fills that come in a burst are joined: at most one change every `coalesce_ms`."""
    assert leg.exit is not None, f"leg {leg.plan.leg_id} has no exit to outgrow"
    patience = timedelta(milliseconds=group.opened.exits.coalesce_ms)
    return now - leg.exit.requested_at >= patience


def _wanted_exit(
    book: Book, leg: DCALeg, instrument: Instrument, now: datetime
) -> LegExitRequested:
    """One exit for the whole lot, at the leg's own target."""
    attempt = leg.exit_attempts + 1
    return LegExitRequested(
        leg_id=leg.plan.leg_id,
        client_order_id=client_order_id(
            order_prefix(book), leg.plan.leg_id, "take_profit", attempt
        ),
        attempt=attempt,
        price=target_price(leg, instrument),
        quantity=round_quantity(instrument, leg.lot.quantity),
        requested_at=now,
    )


def _exit_order(book: Book, requested: LegExitRequested) -> OrderRequested:
    leg = book.leg(requested.leg_id)
    assert leg is not None, f"leg {requested.leg_id} asked for an exit without being planned"
    return OrderRequested(
        client_order_id=requested.client_order_id,
        purpose="take_profit",
        symbol=leg.plan.symbol,
        side=exit_side(leg.plan.side),
        quantity=requested.quantity,
        price=requested.price,
        time_in_force="gtc",
        reduce_only=is_reduce_only(book, leg.plan.symbol),
        group_id=leg.plan.group_id,
        pyramid_id=leg.plan.pyramid_id,
        leg_id=requested.leg_id,
        signal_id=leg.plan.signal_id,
        attempt=requested.attempt,
        requested_at=requested.requested_at,
        send_before=None,
    )


def is_reduce_only(book: Book, symbol: str) -> bool:
    """How an exit is flagged. Spot has no such flag: what is held is all that can be sold."""
    instrument = book.instrument(symbol)
    return instrument is None or instrument.kind != "spot"
