"""Closing the books at midnight UTC: the whole state is handed over, nothing carried by hand."""

from collections.abc import Iterator
from datetime import datetime

from application.book import Book
from application.processes.braking import brakes_of, ruling_state
from domain.brakes import Brakes, OpenBrakes
from domain.equity import Equity, OpenEquity
from domain.holdings import Holdings, OpenHoldings
from domain.message import Command
from domain.offset_watch import OffsetWatch, OpenOffsetWatch
from domain.queue import OpenQueue, Queue
from domain.risk_engine import OpenRiskEngine, RiskEngine
from domain.trading_day import CloseTradingDay, OpenTradingDay, TradingDay, TradingDayOpened


def turning_commands(book: Book, date: str, now: datetime) -> Iterator[Command]:
    """Close the open day, if there is one, and open `date` with the same state.

    The states are read before the first command is carried out; the first opening event
    takes yesterday's streams out of the Book.
    """
    state_hash = book.state_hash()
    day = book.day if book.date else TradingDay()
    queue = book.queue if book.date else Queue()
    risk = book.risk if book.date else RiskEngine()
    holdings = book.holdings if book.date else Holdings()
    brakes = brakes_of(book, now) if book.date else Brakes()
    equity = book.equity if book.date else Equity()
    watch = book.offset_watch if book.date else OffsetWatch()
    opened = TradingDayOpened(
        date=date,
        head=book.head,
        state_hash=state_hash,
        streams=book.open_streams(),
        state=day,
    )
    if book.date:
        yield CloseTradingDay(head=book.head, state_hash=state_hash)
    yield OpenTradingDay(opened=opened, now=now)
    yield OpenHoldings(state=holdings)
    yield OpenQueue(state=queue)
    yield OpenRiskEngine(state=risk, date=date)
    yield OpenBrakes(state=brakes, date=date)
    yield OpenEquity(state=equity)
    yield OpenOffsetWatch(state=watch)
    if brakes.is_tripped:
        # The breaker ended with its day.
        yield ruling_state(book, reason="a new trading day", actor="engine")
