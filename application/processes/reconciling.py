"""What the venue holds is compared with the books; a difference stops the symbol's entries."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from application.book import Book
from application.inputs import ReconciliationSeen
from application.journal import Recorded
from application.processes.adoption import settled
from application.processes.positions import expected_positions, is_nothing
from domain.brakes import PlaceHold
from domain.holding_terms import Discrepancy, Held, HeldPosition, position_key
from domain.holdings import (
    BaselineTaken,
    ClearDiscrepancy,
    DiscrepancyCleared,
    RecordDiscrepancy,
    TakeBaseline,
)
from domain.holds import Hold
from domain.message import Command
from domain.money import ZERO
from domain.order import Order, RecordOrderUnknown
from domain.order_terms import OrderStatus, proves_absence

# A venue's position may lag behind its trades: what is missing must be seen missing twice.
CONFIRMED_AFTER = timedelta(seconds=10)


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Judge a snapshot against the Book as it stands after it arrived."""
    if not isinstance(recorded.event, ReconciliationSeen):
        return
    snapshot = recorded.event
    yield from _halt_if_behind(book, snapshot, recorded.at)
    yield from _ask_for_missing(book, snapshot, recorded.at)
    seen, known = _seen(book, snapshot), expected_positions(book)
    disputed = [found.held for _, found in sorted(book.holdings.discrepancies.items())]
    every = sorted({*seen, *known, *disputed})
    if book.holdings.baseline_at is None:
        untouched = [held for held in every if not _is_touched(book, held[0])]
        yield _baseline(seen, untouched, snapshot.asked_at)
        every = [held for held in every if held not in untouched]
    for held in every:
        if not _is_moving(book, held[0], snapshot.asked_at):
            pair = (known.get(held, ZERO), seen.get(held, ZERO))
            yield from _compare(book, recorded, snapshot, _difference(held, pair, snapshot))


def _halt_if_behind(book: Book, snapshot: ReconciliationSeen, now: datetime) -> Iterator[Command]:
    """An order of ours that the log never asked for means that the log is not the newest.

    After a restore or a failover the books may have forgotten positions too: trade nothing
    new until an operator has looked.
    """
    if snapshot.asked_at.date().isoformat() != book.date:
        # Asked before midnight: what ended meanwhile has left the Book with the day.
        return
    strangers = [one for one in snapshot.open_client_order_ids if book.order(one) is None]
    if strangers:
        hold = Hold(
            cause="foreign_orders",
            state="halted",
            reason=f"the venue works an order of ours the log does not know: {strangers[0]}",
            actor="engine",
            since=now,
        )
        yield PlaceHold(hold=hold)


def _ask_for_missing(book: Book, snapshot: ReconciliationSeen, now: datetime) -> Iterator[Command]:
    """An order we believe to work, that the venue does not list, must be asked for."""
    for order in book.working_orders():
        identity = order.request.client_order_id
        listed = identity in snapshot.open_client_order_ids
        older = order.request.requested_at < snapshot.asked_at
        if order.status is OrderStatus.OPEN and older and not listed:
            yield RecordOrderUnknown(
                client_order_id=identity,
                detail="the venue does not list it among the open orders",
                now=now,
            )


def _is_moving(book: Book, symbol: str, asked_at: datetime) -> bool:
    """Whether something of the symbol was in flight since the snapshot was asked for.

    An order that was nowhere to be found long enough is not: what it is proven by, or not, is
    the position itself, which could never be settled while it was waited for.
    """
    for order in book.orders():
        if order.request.symbol != symbol:
            continue
        is_unknown = order.status is OrderStatus.UNKNOWN and not _is_nowhere(order)
        if order.status is OrderStatus.REQUESTED or is_unknown:
            return True
        if order.trades_missing is not None or order.request.requested_at >= asked_at:
            return True
        if order.last_traded_at is not None and order.last_traded_at >= asked_at:
            return True
    return False


def _is_nowhere(order: Order) -> bool:
    first, last = order.first_missed_at, order.last_missed_at
    return first is not None and last is not None and proves_absence(order.missed, first, last)


def _compare(
    book: Book, recorded: Recorded, snapshot: ReconciliationSeen, found: Discrepancy
) -> Iterator[Command]:
    """A new difference stops the symbol's entries, and has its open orders asked for trades.

    Once it was seen again, unchanged and a while later, what is missing leaves the books.
    """
    known = book.holdings.discrepancies.get(position_key(*found.held))
    if is_nothing(book, found.symbol, found.difference):
        if known is not None:
            yield _agreed(known)
    elif known is None or known.seen_at is None or known.difference != found.difference:
        yield RecordDiscrepancy(discrepancy=found)
        yield from _ask_for_trades(book, found.symbol, recorded.at)
    elif snapshot.asked_at - known.seen_at >= CONFIRMED_AFTER:
        since = msgspec.structs.replace(found, seen_at=known.seen_at)
        yield from settled(book, recorded, snapshot, since)


def _difference(
    held: Held, pair: tuple[Decimal, Decimal], snapshot: ReconciliationSeen
) -> Discrepancy:
    return Discrepancy(
        symbol=held[0],
        side=held[1],
        expected=pair[0],
        seen=pair[1],
        detail="the venue's position differs from lots, dust and baseline",
        seen_at=snapshot.asked_at,
    )


def _agreed(known: Discrepancy) -> ClearDiscrepancy:
    cleared = DiscrepancyCleared(
        symbol=known.symbol,
        side=known.side,
        reason="venue and books agree again",
        actor="engine",
    )
    return ClearDiscrepancy(cleared=cleared)


def _seen(book: Book, snapshot: ReconciliationSeen) -> dict[Held, Decimal]:
    """The venue's positions as the account's mode keeps them: net, or by side."""
    is_hedged = book.account.settings.capital.hedge_mode
    seen: dict[Held, Decimal] = {}
    for position in snapshot.positions:
        side = position.side if is_hedged else "both"
        if is_hedged and side == "both":
            side = "short" if position.quantity < ZERO else "long"
        held: Held = (position.symbol, side)
        seen[held] = seen.get(held, ZERO) + position.quantity
    return seen


def _is_touched(book: Book, symbol: str) -> bool:
    """Whether we have traded it: what is there may be ours then, and is compared instead."""
    ordered = any(order.request.symbol == symbol for order in book.orders())
    return ordered or any(group.opened.symbol == symbol for group in book.open_groups())


def _baseline(seen: dict[Held, Decimal], untouched: list[Held], at: datetime) -> TakeBaseline:
    """What an account holds when the venue is first asked was there when it was added."""
    positions = tuple(
        HeldPosition(symbol=held[0], side=held[1], quantity=seen[held])
        for held in untouched
        if seen.get(held, ZERO) != ZERO
    )
    return TakeBaseline(taken=BaselineTaken(positions=positions, taken_at=at))


def _ask_for_trades(book: Book, symbol: str, now: datetime) -> Iterator[Command]:
    """A trade whose news was lost belongs to an order that still works."""
    for order in book.working_orders():
        if order.request.symbol == symbol and order.status is OrderStatus.OPEN:
            yield RecordOrderUnknown(
                client_order_id=order.request.client_order_id,
                detail="the venue's position differs: a trade may have been missed",
                now=now,
            )
