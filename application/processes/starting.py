"""At a start nothing in flight is certain: what was requested must be asked for first."""

from collections.abc import Iterator
from datetime import datetime

from application.book import Book
from application.journal import Recorded
from application.processes.braking import brakes_of
from domain.brakes import OpenBrakes
from domain.equity import Equity, OpenEquity
from domain.message import Command
from domain.offset_watch import OffsetWatch, OpenOffsetWatch
from domain.order import RecordOrderUnknown
from domain.order_terms import OrderStatus
from domain.trading_day import EngineStarted


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Turn every order that may have been on its way into an unknown one."""
    if not isinstance(recorded.event, EngineStarted):
        return
    yield from _new_books(book, recorded.at)
    for order in book.orders():
        if order.status is OrderStatus.REQUESTED:
            yield RecordOrderUnknown(
                client_order_id=order.request.client_order_id,
                detail="an engine started before the answer came",
                now=recorded.at,
            )


def _new_books(book: Book, now: datetime) -> Iterator[Command]:
    """A release that keeps further books opens them in a day that began without; else nothing."""
    yield OpenBrakes(state=brakes_of(book, now), date=book.date)
    yield OpenEquity(state=Equity())
    yield OpenOffsetWatch(state=OffsetWatch())
