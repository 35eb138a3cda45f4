"""Every hold reaches the risk engine as one trading state, and entries that were not sent yet."""

from collections.abc import Iterator
from datetime import datetime

from application.book import Book
from application.journal import Recorded
from domain.brakes import Brakes, HoldLifted, HoldPlaced
from domain.holds import Hold
from domain.message import Command
from domain.order import RequestOrderCancel
from domain.order_terms import OrderStatus
from domain.risk_engine import ChangeTradingState, TradingStateChanged


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Tell the state that all holds together make, and the hold that rules it."""
    match recorded.event:
        case HoldPlaced(hold=hold):
            yield ruling_state(book, reason=hold.reason, actor=hold.actor)
            if hold.cause != "breaker":
                # The breaker calls off more than these, and of some trades none.
                yield from unsent_called_off(book, hold)
        case HoldLifted(reason=reason, actor=actor):
            yield ruling_state(book, reason=reason, actor=actor)
        case _:
            return


def unsent_called_off(book: Book, hold: Hold) -> Iterator[Command]:
    """A venue that cannot be reached now would take them later, when nothing is to be entered.

    What is known to rest there goes on; what is not known is not sent again (`may_still_enter`).
    """
    for order in book.working_orders():
        is_entry = order.request.purpose == "entry" and not order.cancel_requested
        if is_entry and order.status is OrderStatus.REQUESTED:
            identity = order.request.client_order_id
            yield RequestOrderCancel(client_order_id=identity, reason=hold.reason)


def ruling_state(book: Book, *, reason: str, actor: str) -> ChangeTradingState:
    """What trading is now, by the tightest hold; without any, why the last one went."""
    rules = book.brakes.ruling
    changed = TradingStateChanged(
        state=book.brakes.trading_state,
        reason=rules.reason if rules is not None else reason,
        actor=rules.actor if rules is not None else actor,
    )
    return ChangeTradingState(changed=changed)


def brakes_of(book: Book, now: datetime) -> Brakes:
    """The open day's brakes; of a day opened by an earlier release what its log knows.

    That is the trading state alone, which an operator's resume ended: it must not end by itself.
    """
    risk = book.risk
    is_kept = book.state(book.stream_of("brakes", "")) is not None
    if is_kept or risk.trading_state == "active":
        return book.brakes
    hold = Hold(
        cause="operator",
        state=risk.trading_state,
        reason=risk.state_reason or "held back under an earlier release",
        actor="engine",
        since=now,
    )
    return Brakes(holds={hold.cause: hold})
