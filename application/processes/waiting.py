"""How an entry comes to wait in the queue: with its price, its own stop and what it promises."""

from datetime import datetime
from decimal import Decimal

from application.book import Book
from domain.gate import EntryProposal
from domain.instrument import PositionSide
from domain.ladders import ladder_of
from domain.money import HUNDRED, ZERO
from domain.queue import EnqueueSignal, QueuedSignal
from domain.settings import resolve
from domain.trading_day import SignalRead


def waiting_read(book: Book, read: SignalRead, side: PositionSide, reason: str) -> QueuedSignal:
    """A signal that comes before no gate yet: it has no price, or waits for others to close."""
    return QueuedSignal(
        signal_id=read.signal_id,
        symbol=read.symbol,
        timeframe=read.timeframe,
        side=side,
        price=read.price,
        waiting_since=read.read_at,
        queued_at=read.read_at,
        number=book.day.inputs,
        reason=reason,
        expected_profit=expected_profit(book, read.symbol, read.timeframe),
        stop_loss=own_stop(book, read),
        max_slippage_percent=read.max_slippage_percent,
    )


def waiting_proposal(
    book: Book, proposal: EntryProposal, reason: str, now: datetime
) -> QueuedSignal:
    """A new entry that the gate denied for now."""
    return QueuedSignal(
        signal_id=proposal.signal_id,
        symbol=proposal.symbol,
        timeframe=proposal.timeframe,
        side=proposal.side,
        price=proposal.entry_price,
        waiting_since=now,
        queued_at=now,
        number=book.day.inputs,
        reason=reason,
        expected_profit=expected_profit(book, proposal.symbol, proposal.timeframe),
        stop_loss=proposal.stop_loss,
        max_slippage_percent=proposal.max_slippage_percent,
    )


def enqueue(book: Book, entry: QueuedSignal) -> EnqueueSignal:
    """Let it wait, as today's settings allow."""
    settings = book.account.settings.queue
    return EnqueueSignal(entry=entry, limit=settings.limit, replace=settings.replace)


def expected_profit(book: Book, symbol: str, timeframe: str) -> Decimal:
    """Spec §5: the sum of weight x take-profit over the legs, in percent of the capital."""
    legs = ladder_of(resolve(book.account.settings, symbol, timeframe).grid, 0)
    return sum((leg.weight_percent * leg.take_profit_percent / HUNDRED for leg in legs), ZERO)


def own_stop(book: Book, read: SignalRead) -> Decimal | None:
    """The signal's own stop price, where the settings allow one."""
    return read.stop_loss if book.account.settings.signals.allow_stop_loss else None


def is_beyond(stop: Decimal | None, price: Decimal, side: PositionSide) -> bool:
    """Whether a stop would be hit by the entry itself: it guards from the other side."""
    if stop is None:
        return False
    return stop >= price if side == "long" else stop <= price
