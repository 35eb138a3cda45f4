"""A signal against what is open: it waits, it is rejected, or it turns the trade around."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from application.book import Book
from application.processes.waiting import enqueue, waiting_read
from domain.instrument import PositionSide
from domain.message import Command
from domain.position_group import ClosePositionGroup, PositionGroup
from domain.queue import QueuedSignal, RemoveQueuedSignal
from domain.trading_day import SignalRead

UNTIL_FLAT = "waits until what it reverses is flat"


def against(book: Book, read: SignalRead, side: PositionSide) -> list[PositionGroup]:
    """The groups that stand against an entry, those that are closing included.

    One-way: a symbol has one direction across all timeframes. In hedge mode nothing is opposite
    by itself; an explicit reverse turns the trade of its own timeframe.
    """
    hedged = book.account.settings.capital.hedge_mode
    if hedged and read.kind != "reverse":
        return []
    return [
        group
        for group in book.open_groups()
        if group.opened.symbol == read.symbol
        and group.opened.side != side
        and (not hedged or group.opened.timeframe == read.timeframe)
    ]


def turns(book: Book, read: SignalRead) -> bool:
    """Whether what stands against this signal is closed for it."""
    by_settings = book.account.settings.signals.opposite == "reverse"
    return read.kind == "reverse" or (by_settings and not book.account.settings.capital.hedge_mode)


def closed_for(
    book: Book, read: SignalRead, side: PositionSide, now: datetime
) -> Iterator[Command]:
    """Close what stands against it, and call off what waits to go the other way."""
    for entry in book.queue.waiting:
        is_key = (entry.symbol, entry.timeframe) == (read.symbol, read.timeframe)
        if is_key and entry.side != side:
            reason = f"reverse {read.signal_id}"
            yield RemoveQueuedSignal(signal_id=entry.signal_id, reason=reason)
    for group in against(book, read, side):
        if group.is_open:
            yield ClosePositionGroup(
                group_id=group.opened.group_id,
                reason="reverse signal",
                signal_id=read.signal_id,
                now=now,
            )


def until_flat(book: Book, read: SignalRead, side: PositionSide) -> Command:
    """Wait for the groups that are being closed, with their slot in view."""
    entry = waiting_read(book, read, side, UNTIL_FLAT)
    reverses = tuple(group.opened.group_id for group in against(book, read, side))
    return enqueue(book, msgspec.structs.replace(entry, reverses=reverses))


def still_closing(book: Book, entry: QueuedSignal) -> tuple[str, ...]:
    """The groups a reversal has still to wait for."""
    return tuple(group_id for group_id in entry.reverses if group_id in book.risk.slots)
