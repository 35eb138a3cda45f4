"""What the venue holds is compared with the books; a difference stops the symbol's entries."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from application.book import Book
from application.inputs import ReconciliationSeen
from application.journal import Recorded
from domain.instrument import is_undersized
from domain.message import Command
from domain.money import ZERO
from domain.order import OrderStatus, RecordOrderUnknown
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
    expected = _expected(book)
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


def _expected(book: Book) -> dict[str, Decimal]:
    """Signed lots of all groups by symbol: positive long, negative short."""
    totals: dict[str, Decimal] = {}
    for group in book.open_groups():
        sign = 1 if group.opened.side == "long" else -1
        for leg in book.legs_of(group):
            symbol = group.opened.symbol
            totals[symbol] = totals.get(symbol, ZERO) + sign * leg.lot.quantity
    return totals


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
    if not _is_dust(book, symbol, expected - seen):
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


def _is_dust(book: Book, symbol: str, difference: Decimal) -> bool:
    """What was written off because it could not be sold stays at the venue, and is no news."""
    instrument = book.instrument(symbol)
    if difference == ZERO or instrument is None:
        return difference == ZERO
    mark = book.marks.get(symbol)
    price = mark.price if mark is not None else ZERO
    is_small = abs(difference) < instrument.min_quantity
    return is_small or (
        price > ZERO and is_undersized(instrument, price, abs(difference), reduce_only=True)
    )


def _ask_for_trades(book: Book, symbol: str, now: datetime) -> Iterator[Command]:
    """A trade whose news was lost belongs to an order that still works."""
    for order in book.working_orders():
        if order.request.symbol == symbol and order.status is OrderStatus.OPEN:
            yield RecordOrderUnknown(
                client_order_id=order.request.client_order_id,
                detail="the venue's position differs: a trade may have been missed",
                now=now,
            )
