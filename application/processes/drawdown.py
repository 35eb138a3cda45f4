"""Equity is sampled each minute, and compared with its peak then and after each fill."""

from collections.abc import Iterator
from datetime import datetime

from application.book import Book
from application.inputs import ClockTicked
from application.journal import Recorded
from application.processes.equity import figure, worth_of
from application.processes.freshness import marks_are_fresh, marks_are_since
from domain.dca_leg import LegDustWrittenOff
from domain.equity import AssessDrawdown, DrawdownBreached, SampleEquity
from domain.holdings import FundingRecorded, PositionAdopted
from domain.message import Command
from domain.order import OrderFilled
from domain.risk_engine import SlotFreed
from domain.trading_day import AlertRaised, RaiseAlert


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Look at the whole minute and at whatever changes the worth; tell of a breach.

    A trade is looked at once, however many legs share it.
    """
    match recorded.event:
        case ClockTicked(minute=True) if book.is_opened:
            if book.risk.slots:
                yield from _sampled(book, recorded.at)
            if book.risk.slots or book.equity.breached is not None:
                yield from _assessed(book, recorded.at)
        case OrderFilled() | PositionAdopted() | LegDustWrittenOff() | FundingRecorded():
            yield from _assessed(book, recorded.at)
        case SlotFreed() if not book.risk.slots:
            # The minute never comes any more: the curve ends with what the last trade left.
            yield from _sampled(book, recorded.at)
        case DrawdownBreached() as breached:
            yield _alert(breached)
        case _:
            return


def _sampled(book: Book, now: datetime) -> Iterator[Command]:
    """Nothing while the mark of an open lot is not known: it is never guessed."""
    worth = worth_of(book)
    if worth is not None:
        yield SampleEquity(worth=worth, now=now, fresh=marks_are_fresh(book, now))


def _assessed(book: Book, now: datetime) -> Iterator[Command]:
    """Spec §6: by fresh marks only. Without them nothing is said, and a breach waits."""
    limit = book.account.settings.risk.max_drawdown_percent
    breached = book.equity.breached
    is_off = limit is None and breached is None
    if is_off or not marks_are_fresh(book, now):
        return
    if breached is not None and not marks_are_since(book, breached.breached_at):
        # The print of the first look, seen again, is no second one.
        return
    worth = worth_of(book)
    if worth is not None:
        yield AssessDrawdown(worth=worth, limit_percent=limit, now=now)


def _alert(breached: DrawdownBreached) -> RaiseAlert:
    text = (
        f"the equity of {figure(breached.equity)} is {figure(breached.drawdown_percent)} % below"
        f" its peak of {figure(breached.peak)}, max_drawdown_percent is"
        f" {figure(breached.limit_percent)}: if a look ten seconds later or more finds it so"
        " again, everything is closed"
    )
    alert = AlertRaised(kind="drawdown", severity="critical", subject="equity", text=text)
    return RaiseAlert(alert=alert)
