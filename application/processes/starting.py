"""At a start nothing in flight is certain: what was requested must be asked for first."""

from collections.abc import Iterator

from application.book import Book
from application.journal import Recorded
from domain.message import Command
from domain.order import RecordOrderUnknown
from domain.order_terms import OrderStatus
from domain.trading_day import EngineStarted


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Turn every order that may have been on its way into an unknown one."""
    if not isinstance(recorded.event, EngineStarted):
        return
    for order in book.orders():
        if order.status is OrderStatus.REQUESTED:
            yield RecordOrderUnknown(
                client_order_id=order.request.client_order_id,
                detail="an engine started before the answer came",
                now=recorded.at,
            )
