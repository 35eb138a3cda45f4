"""What TradingView believed before a signal, laid beside what the books hold."""

from collections.abc import Iterator

from application.book import Book
from domain.message import Command
from domain.money import ZERO
from domain.trading_day import AlertRaised, RaiseAlert, SignalRead


def missed_alerts(book: Book, read: SignalRead) -> Iterator[Command]:
    """Tell of a difference: an alert may never have reached us.

    A trade that is closing is still held, and one that waits in the queue is known: its alert
    came. Where the signal says nothing of the position before it, or contradicts itself,
    nothing is judged.
    """
    believed = _believed(read)
    ours = _held(book, read)
    if believed in ("", *ours) or (believed == "flat" and not _open(book, read)):
        return
    if believed == "a position" and ours:
        return
    held = " and ".join(_open(book, read)) or "nothing"
    subject = f"{read.symbol} {read.timeframe}".rstrip()
    text = f"TradingView believed {believed}, the books hold {held}: look for an alert that failed"
    alert = AlertRaised(kind="missed_alert", severity="warning", subject=subject, text=text)
    yield RaiseAlert(alert=alert)


def _believed(read: SignalRead) -> str:
    """`long`, `short`, `flat`, `a position` of either side, or nothing that can be judged."""
    position, size = read.prev_market_position, read.prev_market_position_size
    if size is None:
        return position
    if position == "":
        return "flat" if size == ZERO else "a position"
    is_consistent = (position == "flat") == (size == ZERO)
    return position if is_consistent else ""


def _open(book: Book, read: SignalRead) -> list[str]:
    """The sides of the open groups of the signal's chart; no timeframe means all."""
    opened = [group.opened for group in book.open_groups() if group.is_open]
    sides = {
        each.side
        for each in opened
        if each.symbol == read.symbol and read.timeframe in ("", each.timeframe)
    }
    return sorted(sides)


def _held(book: Book, read: SignalRead) -> list[str]:
    """The sides TradingView may rightly believe in: open, closing, or waiting."""
    known = [group.opened for group in book.open_groups()]
    trades = [(each.symbol, each.timeframe, each.side) for each in known]
    trades += [(entry.symbol, entry.timeframe, entry.side) for entry in book.queue.waiting]
    return sorted(
        side
        for symbol, timeframe, side in trades
        if symbol == read.symbol and read.timeframe in ("", timeframe)
    )
