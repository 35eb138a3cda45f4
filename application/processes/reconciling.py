"""What the venue holds is compared with the books; a difference stops the symbol's entries."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from application.book import Book
from application.inputs import ReconciliationSeen
from application.journal import Recorded
from application.processes.positions import expected_positions, is_dust
from domain.message import Command
from domain.money import ZERO
from domain.order import RecordOrderUnknown
from domain.order_terms import OrderStatus
from domain.risk_engine import (
    ChangeTradingState,
    ClearDiscrepancy,
    Discrepancy,
    DiscrepancyCleared,
    RecordDiscrepancy,
    TradingStateChanged,
)


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Judge a snapshot against the Book as it stands after it arrived."""
    if not isinstance(recorded.event, ReconciliationSeen):
        return
    snapshot = recorded.event
    yield from _halt_if_behind(book, snapshot)
    yield from _ask_for_missing(book, snapshot, recorded.at)
    held = {position.symbol: position.quantity for position in snapshot.positions}
    expected = expected_positions(book)
    for symbol in sorted({**held, **expected, **book.risk.discrepancies}):
        if not _is_moving(book, symbol, snapshot.asked_at):
            pair = (expected.get(symbol, ZERO), held.get(symbol, ZERO))
            yield from _compare(book, symbol, pair, recorded.at)


def _halt_if_behind(book: Book, snapshot: ReconciliationSeen) -> Iterator[Command]:
    """An order of ours that the log never asked for means that the log is not the newest.

    After a restore or a failover the books may have forgotten positions too: trade nothing
    new until an operator has looked.
    """
    if snapshot.asked_at.date().isoformat() != book.date:
        # Asked before midnight: what ended meanwhile has left the Book with the day.
        return
    strangers = [one for one in snapshot.open_client_order_ids if book.order(one) is None]
    if strangers:
        changed = TradingStateChanged(
            state="halted",
            reason=f"the venue works an order of ours the log does not know: {strangers[0]}",
            actor="engine",
        )
        yield ChangeTradingState(changed=changed)


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
    """Whether something of the symbol was in flight since the snapshot was asked for."""
    for order in book.orders():
        if order.request.symbol != symbol:
            continue
        if order.status in (OrderStatus.REQUESTED, OrderStatus.UNKNOWN):
            return True
        if order.trades_missing is not None or order.request.requested_at >= asked_at:
            return True
        if order.last_traded_at is not None and order.last_traded_at >= asked_at:
            return True
    return False


def _compare(
    book: Book, symbol: str, pair: tuple[Decimal, Decimal], now: datetime
) -> Iterator[Command]:
    """A new difference stops the symbol's entries, and has its open orders asked for trades."""
    expected, seen = pair
    if not is_dust(book, symbol, expected - seen):
        found = Discrepancy(
            symbol=symbol,
            expected=expected,
            seen=seen,
            detail="the venue's position differs from the sum of the lots",
        )
        if book.risk.discrepancies.get(symbol) != found:
            yield RecordDiscrepancy(discrepancy=found)
            yield from _ask_for_trades(book, symbol, now)
    elif symbol in book.risk.discrepancies:
        cleared = DiscrepancyCleared(
            symbol=symbol, reason="venue and books agree again", actor="engine"
        )
        yield ClearDiscrepancy(cleared=cleared)


def _ask_for_trades(book: Book, symbol: str, now: datetime) -> Iterator[Command]:
    """A trade whose news was lost belongs to an order that still works."""
    for order in book.working_orders():
        if order.request.symbol == symbol and order.status is OrderStatus.OPEN:
            yield RecordOrderUnknown(
                client_order_id=order.request.client_order_id,
                detail="the venue's position differs: a trade may have been missed",
                now=now,
            )
