"""Attacks that once succeeded: each is a way to lose money, sight or sleep, and now fails."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Self, TypeVar

from eventsourcing.persistence import StoredEvent

from adapters.memory_log import MemoryEventLog, MemoryInbox
from application.book import Book
from application.engine import AccountEngine
from application.inputs import (
    InstrumentsSeen,
    OrderReported,
    PositionSeen,
    ReconciliationSeen,
    Traded,
)
from application.journal import EventLog
from application.work_list import snapshot_of
from application.writer import Committed, Writer, WriterDeps
from domain.dca_leg import LegDustWrittenOff
from domain.holdings import DiscrepancyFound
from domain.message import Event, Input
from domain.order import OrderRequested
from domain.position_group import CloseAttempted, PositionGroupClosed
from tests.application.desk import ACCOUNT, BTC, MARKETS, Desk, market, of
from tests.exchanges.test_reconciliation import Round

D = Decimal
E = TypeVar("E", bound=Event)
DEADLINE_SECONDS = 10.0


class FailingLog:
    """A log whose next append breaks off without an answer, when told to."""

    def __init__(self, log: MemoryEventLog) -> None:
        self._log = log
        self.fails = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._log, name)

    def events(self, kind: type[E]) -> list[E]:
        """The account's events of one kind, in order."""
        return of([recorded for _, recorded in self._log.since(ACCOUNT, 0)], kind)

    def append(self, events: Sequence[StoredEvent], inbox_ids: Sequence[int] = ()) -> Sequence[int]:
        """Append, or break off once."""
        if self.fails:
            self.fails = False
            raise ConnectionError("the connection broke off within a commit")
        return self._log.append(events, inbox_ids)


class MemorySession:
    """A hold on a database in memory. Its lease is never lost."""

    def __init__(self, log: FailingLog, inbox: MemoryInbox) -> None:
        self.log: EventLog = log  # type: ignore[assignment] # the rest is handed on by name
        self.inbox = inbox

    def take(self, account: str) -> None:
        """Nobody else wants it."""

    def confirm(self) -> float:
        """It is held now."""
        return time.monotonic()

    def close(self) -> None:
        """Nothing is held open."""


class House:
    """What listens to a writer: which orders it would send, and what it was told."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.inbox = MemoryInbox()
        self.log = FailingLog(copied(desk, self.inbox))
        self.engines: dict[str, AccountEngine] = {}
        self.told: list[str] = []
        self.sent: set[str] = set()
        self.writer = Writer(
            WriterDeps(
                connect=lambda: MemorySession(self.log, self.inbox),
                clock=self,
                marks=lambda _: desk.marks(),
                version="1",
                committed=self._committed,
                restarted=self._restarted,
                lost=lambda account: self.told.append(f"lost {account}"),
            ),
            (ACCOUNT,),
        )

    def __enter__(self) -> Self:
        self.writer.start()
        until(lambda: self.writer.is_working)
        return self

    def __exit__(self, *_exc: object) -> None:
        self.log.fails = False
        self.writer.stop()

    def now(self) -> datetime:
        """The desk's own time."""
        return self.desk.now

    def submit(self, received: Input) -> None:
        """Hand an input to the writer."""
        self.writer.submit(ACCOUNT, received)

    def logged(self) -> set[str]:
        """The client ids of every order in the log."""
        return {event.client_order_id for event in self.log.events(OrderRequested)}

    def _committed(self, committed: Committed) -> None:
        for account, _ in committed.handled:
            self._tell(self.engines[account])

    def _restarted(self, account: str, engine: AccountEngine) -> None:
        self.told.append(f"restarted {account}")
        self.engines[account] = engine
        self._tell(engine)

    def _tell(self, engine: AccountEngine) -> None:
        works = snapshot_of(engine.book).works
        self.sent |= {work.client_order_id for work in works if work.state == "requested"}


def copied(desk: Desk, inbox: MemoryInbox) -> MemoryEventLog:
    """A log of the same inputs, beside another inbox."""
    log, engine = MemoryEventLog(inbox), AccountEngine(Book(ACCOUNT))
    for received in of(desk.recorded, Input):
        log.append(engine.handle(received, desk.now, {}).stored)
    return log


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread does, and fail loudly if it never does."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < end, "not true in time"
        time.sleep(0.002)


def seen(desk: Desk, *, asked_at: datetime | None = None) -> ReconciliationSeen:
    """What the venue holds now."""
    held = sorted(desk.core.positions().items())
    return ReconciliationSeen(
        asked_at=asked_at or desk.now,
        open_client_order_ids=tuple(order.client_order_id for order in desk.core.open_orders()),
        positions=tuple(PositionSeen(symbol=symbol, quantity=held) for symbol, held in held),
    )


def test_orders_of_a_commit_that_failed_are_never_handed_to_the_venue() -> None:
    with House(Desk()) as house:
        house.log.fails = True
        house.submit(house.desk.received())
        until(lambda: f"lost {ACCOUNT}" in house.told)

    assert house.sent == house.logged() == set()


def test_reports_that_went_down_with_a_failed_commit_make_the_venue_be_asked() -> None:
    with House(Desk()) as house:
        house.log.fails = True
        house.submit(house.desk.received())
        until(lambda: f"lost {ACCOUNT}" in house.told)

    restarts = [f"restarted {ACCOUNT}"] * 2
    assert house.told == [*restarts, f"lost {ACCOUNT}"]


def test_an_inbox_row_that_changes_nothing_leaves_the_inbox_all_the_same() -> None:
    with House(Desk()) as house:
        house.inbox.put(ACCOUNT, InstrumentsSeen(instruments=MARKETS))
        house.writer.wake()
        until(lambda: house.inbox.waiting(10) == [])

    assert len(house.log.events(InstrumentsSeen)) == 1


async def test_an_error_nobody_thought_of_does_not_end_reconciliation_for_ever() -> None:
    round_ = Round()
    round_.exchange.snapshot = KeyError("a field the venue renamed")
    round_.reconciliation.start()
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(round_.exchange.calls) < 2:
            await asyncio.sleep(0.005)

        round_.open()
        while not round_.inbox.inputs:
            await asyncio.sleep(0.005)
    await round_.reconciliation.stop()


def test_an_order_the_book_holds_for_final_is_no_open_order_it_knows() -> None:
    desk = Desk()
    desk.signal()
    (filled,) = [o for o in desk.book.orders() if o.is_final]
    snapshot = snapshot_of(desk.book)

    assert filled.request.client_order_id not in snapshot.known_orders
    working = {order.request.client_order_id for order in desk.working()}
    assert snapshot.known_orders == working


def test_a_snapshot_from_before_midnight_does_not_halt_an_account_for_yesterdays_orders() -> None:
    desk = Desk(price="100.5")
    desk.signal()
    desk.now = desk.now.replace(hour=23, minute=59, second=59)
    snapshot = seen(desk)
    desk.signal("long", kind="exit", price=None)

    desk.now += timedelta(seconds=2)
    desk.signal(symbol="ETHUSDT.P")
    desk.handle(snapshot)

    assert desk.book.date == "2026-01-06"
    assert desk.book.risk.trading_state == "active"


def test_dust_that_was_written_off_does_not_block_its_symbol() -> None:
    desk = Desk(markets=(market("BTC", min_quantity=D("0.01")),), price="100.5")
    desk.handle(seen(desk))
    desk.signal()
    first = next(o.request for o in desk.working("entry") if o.request.price == D(100))
    for report in desk.core.fill(first.client_order_id, D("0.005"), desk.now):
        desk.feed(report)
    closed = desk.signal("long", kind="exit", price=None)
    assert len(of(closed, LegDustWrittenOff)) == 1
    assert desk.core.positions() == {BTC: D("0.005")}

    desk.now += timedelta(seconds=60)
    assert desk.handle(seen(desk)) == []


def test_what_could_be_sold_is_a_discrepancy_however_small() -> None:
    desk = Desk()
    desk.handle(seen(desk))
    desk.now += timedelta(seconds=1)
    snapshot = seen(desk)
    positions = (PositionSeen(symbol=BTC, quantity=D("0.001")),)
    desk.now += timedelta(seconds=1)
    found = desk.handle(
        ReconciliationSeen(
            asked_at=snapshot.asked_at, open_client_order_ids=(), positions=positions
        )
    )

    assert [each.discrepancy.seen for each in of(found, DiscrepancyFound)] == [D("0.001")]


def with_its_position_gone() -> Desk:
    """A group whose position was closed by hand, or liquidated, behind our back."""
    desk = Desk()
    desk.signal()
    instrument = desk.core.instrument(BTC)
    assert instrument is not None
    desk.core.holdings.set_position(instrument, "both", D(0), D(100))
    return desk


def test_a_close_the_venue_refuses_for_ever_is_tried_ever_more_slowly() -> None:
    desk = with_its_position_gone()
    desk.signal("long", kind="exit", price=None)
    for _ in range(600):
        desk.wait(seconds=1)

    attempts = [a.attempted_at for a in of(desk.recorded, CloseAttempted)]
    waits = [(later - sooner).total_seconds() for sooner, later in pairwise(attempts)]
    assert waits[:9] == [1, 1, 1, 1, 2, 4, 8, 16, 32]
    assert set(waits[9:]) == {32}


def test_a_group_whose_position_is_gone_closes_once_the_venue_was_seen_to_hold_nothing() -> None:
    desk = with_its_position_gone()
    desk.now += timedelta(seconds=1)
    desk.feed(seen(desk))
    desk.ask()
    desk.signal("long", kind="exit", price=None)
    for second in range(180):
        desk.wait(seconds=1)
        if second % 60 == 0:
            desk.now += timedelta(milliseconds=1)
            desk.handle(seen(desk))

    (closed,) = of(desk.recorded, PositionGroupClosed)
    began = of(desk.recorded, CloseAttempted)[0].attempted_at
    assert closed.closed_at - began > timedelta(seconds=60)
    assert desk.book.risk.slots == {}
    desk.handle(seen(desk))
    assert desk.book.holdings.discrepancies == {}


def test_refusals_alone_never_take_a_position_off_the_books() -> None:
    desk = with_its_position_gone()
    desk.signal("long", kind="exit", price=None)
    for _ in range(300):
        desk.wait(seconds=1)

    assert of(desk.recorded, LegDustWrittenOff) == []
    assert len(desk.book.open_groups()) == 1


def test_what_a_closed_group_still_bought_does_not_bind_capital_for_ever() -> None:
    desk = Desk()
    desk.signal()
    entry = desk.working("entry")[0].request
    desk.signal("long", kind="exit", price=None)
    late = Traded(
        trade_id="late",
        price=D(99),
        quantity=D(1),
        fee=D(0),
        fee_asset="USDT",
        liquidity="maker",
        traded_at=desk.now,
    )
    desk.feed(OrderReported(client_order_id=entry.client_order_id, report=late))
    assert desk.book.holdings.disputes(BTC) != ()

    desk.now += timedelta(days=1)
    desk.signal(symbol="ETHUSDT.P")

    held = {commitment.group_id for commitment in desk.book.risk.commitments.values()}
    assert held == {desk.group().opened.group_id}
    assert desk.book.holdings.disputes(BTC) != ()
