"""Every hold reaches the risk engine as one trading state, in the same breath."""

from collections.abc import Iterator

from application.book import Book
from application.journal import Recorded
from domain.brakes import HoldLifted, HoldPlaced
from domain.message import Command
from domain.risk_engine import ChangeTradingState, TradingStateChanged


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Tell the state that all holds together make, and the hold that rules it."""
    match recorded.event:
        case HoldPlaced(hold=hold):
            yield ruling_state(book, reason=hold.reason, actor=hold.actor)
        case HoldLifted(reason=reason, actor=actor):
            yield ruling_state(book, reason=reason, actor=actor)
        case _:
            return


def ruling_state(book: Book, *, reason: str, actor: str) -> ChangeTradingState:
    """What trading is now, by the tightest hold; without any, why the last one went."""
    rules = book.brakes.ruling
    changed = TradingStateChanged(
        state=book.brakes.trading_state,
        reason=rules.reason if rules is not None else reason,
        actor=rules.actor if rules is not None else actor,
    )
    return ChangeTradingState(changed=changed)
