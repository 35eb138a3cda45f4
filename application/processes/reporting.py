"""What a venue, or our own sender, said of an order becomes a fact of that order."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from application.book import Book
from application.inputs import (
    Accepted,
    AnswerLost,
    CancelRefused,
    Ended,
    Found,
    NotFound,
    OrderReported,
    Refused,
    Report,
    SendWindowMissed,
    Traded,
)
from application.journal import Recorded
from application.processes.entry import may_still_enter
from application.processes.positions import agrees
from domain.message import Command
from domain.money import ZERO
from domain.order import (
    RecordOrderAccepted,
    RecordOrderEnded,
    RecordOrderFill,
    RecordOrderNotFound,
    RecordOrderNotSent,
    RecordOrderRejected,
    RecordOrderUnknown,
)
from domain.trading_day import RecordUnmatchedReport


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Tell the order; a report of an order we do not hold is kept, never dropped."""
    if not isinstance(recorded.event, OrderReported):
        return
    reported = recorded.event
    detail = type(reported.report).__name__
    if book.order(reported.client_order_id) is None:
        yield RecordUnmatchedReport(client_order_id=reported.client_order_id, detail=detail)
        return
    if not _is_possible(reported.report):
        impossible = f"{detail} with an impossible figure: {reported.report}"
        yield RecordUnmatchedReport(client_order_id=reported.client_order_id, detail=impossible)
        return
    yield _as_fact(book, reported, recorded.at)


def _is_agreed(book: Book, client_order_id: str, position: Decimal | None) -> bool:
    """An order nowhere to be found may have filled all the same: the position must agree too."""
    order = book.order(client_order_id)
    assert order is not None, "an unmatched report was kept apart before"
    held = (order.request.symbol, order.request.position_side)
    return position is not None and agrees(book, held, position)


def _is_wanted(book: Book, client_order_id: str) -> bool:
    """Exits are wanted in every state; an entry only while nothing holds new exposure back."""
    order = book.order(client_order_id)
    assert order is not None, "an unmatched report was kept apart before"
    return order.request.purpose != "entry" or may_still_enter(book, order.request)


def _is_possible(report: Report) -> bool:
    """A trade moves something for a price; what is no number would spoil every sum after it."""
    match report:
        case Traded(price=price, quantity=quantity, fee=fee):
            finite = price.is_finite() and quantity.is_finite() and fee.is_finite()
            return finite and price > ZERO and quantity > ZERO
        case Ended(filled=filled) | Found(filled=filled):
            return filled.is_finite() and filled >= ZERO
        case _:
            return True


def _as_fact(book: Book, reported: OrderReported, now: datetime) -> Command:
    identity = reported.client_order_id
    match reported.report:
        case Accepted(venue_order_id=venue_id) | Found(venue_order_id=venue_id):
            return RecordOrderAccepted(client_order_id=identity, venue_order_id=venue_id)
        case Refused() as refused:
            return RecordOrderRejected(client_order_id=identity, **msgspec.structs.asdict(refused))
        case AnswerLost(detail=detail):
            return RecordOrderUnknown(client_order_id=identity, detail=detail, now=now)
        case CancelRefused(code=code, message=message):
            detail = f"the venue refused to cancel it: {code} {message}"
            return RecordOrderUnknown(client_order_id=identity, detail=detail, now=now)
        case Traded() as trade:
            return _fill(identity, trade)
        case Ended(status=status, filled=filled):
            return RecordOrderEnded(client_order_id=identity, status=status, filled=filled)
        case NotFound(asked_at=asked_at, position=position):
            return RecordOrderNotFound(
                client_order_id=identity,
                asked_at=asked_at,
                now=now,
                agreed=_is_agreed(book, identity, position),
                wanted=_is_wanted(book, identity),
            )
        case SendWindowMissed():
            return RecordOrderNotSent(client_order_id=identity)


def _fill(identity: str, trade: Traded) -> RecordOrderFill:
    return RecordOrderFill(
        client_order_id=identity,
        trade_id=trade.trade_id,
        price=trade.price,
        quantity=trade.quantity,
        fee=trade.fee,
        fee_asset=trade.fee_asset,
        liquidity=trade.liquidity,
        traded_at=trade.traded_at,
    )
