"""The engine: deterministic, undone where it fails, turning the day with its whole state."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from adapters.memory_log import MemoryEventLog
from application import engine as engine_module
from application.book import Book
from application.engine import AccountEngine
from application.inputs import (
    BalanceSeen,
    ClockTicked,
    OrderReported,
    SignalReceived,
    Traded,
)
from application.journal import GENESIS, Recorded
from application.loading import load_book
from application.processes.roster import PROCESSES
from application.replay import replay_day
from domain.message import Command, Input
from domain.order import OrderRequested
from domain.queue import QueueOpened
from domain.risk_engine import RiskEngineOpened
from domain.trading_day import (
    EngineStarted,
    InputFailed,
    ReportUnmatched,
    TradingDayClosed,
    TradingDayOpened,
)
from tests.application.desk import ACCOUNT, BTC, Desk, names, of

D = Decimal


def traded(desk: Desk) -> Traded:
    return Traded(
        trade_id="hand-1",
        price=D(100),
        quantity=D(1),
        fee=D(0),
        fee_asset="USDT",
        liquidity="maker",
        traded_at=desk.now,
    )


def busy_days() -> Desk:
    """Three days with entries, fills, exits, restarts and a night in between."""
    desk = Desk()
    desk.signal()
    desk.move("99")
    desk.signal(symbol="ETHUSDT.P", timeframe="60")
    desk.start()
    desk.wait(hours=10)
    desk.signal("sell")
    desk.wait(hours=10)
    desk.signal("long", kind="exit", price=None)
    desk.move("102")
    desk.wait(hours=30)
    desk.operator("pause")
    return desk


def days_of(desk: Desk) -> list[str]:
    return [opened.date for opened in of(desk.recorded, TradingDayOpened)]


def story_of(desk: Desk) -> list[tuple[Any, ...]]:
    """The causes of a desk's log, as somebody who only read it would repeat them."""
    story: list[tuple[Any, ...]] = []
    for recorded in desk.recorded:
        if isinstance(recorded.event, EngineStarted):
            story.append((recorded.at, None, recorded.event))
        elif isinstance(recorded.event, Input) and not recorded.causation_id:
            story.append((recorded.at, recorded.event, recorded.event))
    return story


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@for_all(st.data())
def test_the_same_inputs_give_the_same_bytes_wherever_the_book_is_read_back(
    data: st.DataObject,
) -> None:
    first, again = busy_days(), MemoryEventLog()
    engine = AccountEngine(Book(ACCOUNT))
    waiting: list[Any] = []

    for at, received, event in story_of(first):
        if received is None:
            handled = engine.start(event.version, event.settings_hash, at)
        else:
            marks = {mark.symbol: mark for mark in received.marks}
            plain = msgspec.structs.replace(received, marks=())
            handled = engine.handle(plain, at, marks)
        waiting.extend(handled.stored)
        cut, reload = data.draw(st.tuples(st.booleans(), st.booleans()))
        if cut or reload:
            again.append(waiting)
            waiting = []
        if reload:
            engine = AccountEngine(load_book(again, ACCOUNT))
    if waiting:
        again.append(waiting)

    assert [e.state for e in again.stored()] == [e.state for e in first.log.stored()]


def test_every_day_of_several_comes_out_the_same_again() -> None:
    desk = busy_days()

    reports = [replay_day(desk.log, ACCOUNT, date) for date in days_of(desk)]

    assert [report.difference for report in reports] == [None] * 3
    assert all(report.identical for report in reports)
    assert reports[-1].digest == desk.book.head
    turns = 2  # each day's closing belongs to it
    assert sum(report.events for report in reports) == len(desk.recorded)
    assert sum(report.inputs for report in reports) <= len(desk.recorded) - turns
    assert reports[0].recorded_versions == ("1",)


def test_a_changed_event_is_the_first_difference_with_both_sides() -> None:
    desk = busy_days()
    stored = desk.log.stored()
    place = next(n for n, e in enumerate(stored) if e.topic == OrderRequested.NAME)
    original = stored[place]
    forged = StoredEvent(
        original.originator_id,
        original.originator_version,
        original.topic,
        original.state.replace(b'"price":"100"', b'"price":"101"'),
    )
    assert forged.state != original.state
    log = MemoryEventLog()
    log.append([*stored[:place], forged, *stored[place + 1 :]])

    report = replay_day(log, ACCOUNT, days_of(desk)[0])

    assert not report.identical
    assert report.difference is not None
    assert report.difference.event_id == f"{original.originator_id}@{original.originator_version}"
    assert '"price":"101"' in report.difference.recorded
    assert '"price":"100"' in report.difference.replayed


def test_a_day_nobody_recorded_cannot_be_replayed() -> None:
    with pytest.raises(LookupError, match="2031-01-01"):
        replay_day(busy_days().log, ACCOUNT, "2031-01-01")


class Broken:
    """A process that cannot bear one symbol."""

    def __init__(self, word: str) -> None:
        self._word = word

    def react(self, _: Book, recorded: Recorded) -> Iterator[Command]:
        event = recorded.event
        if isinstance(event, SignalReceived) and self._word in event.body:
            raise ValueError("this one is poison")
        return iter(())


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Broken("ETHUSDT")
    monkeypatch.setattr(engine_module, "PROCESSES", (*PROCESSES, broken.react))


@pytest.mark.usefixtures("poisoned")
def test_an_input_that_cannot_be_handled_is_set_aside_and_the_rest_goes_on() -> None:
    desk = Desk()
    desk.signal()
    before = desk.book.state_hash()

    happened = desk.signal(symbol="ETHUSDT.P")

    assert names(happened) == [
        "trading_day.signal_received",
        "trading_day.input_failed",
        "trading_day.signal_judged",
        "brakes.hold_placed",
        "risk_engine.trading_state_changed",
    ]
    (failed,) = of(happened, InputFailed)
    assert failed.error.startswith("ValueError: this one is poison (in react:")
    assert desk.outcome()[0] == "rejected"
    assert desk.book.risk.trading_state == "reducing"
    assert desk.book.state_hash() != before

    desk.signal(timeframe="60")
    assert desk.outcome() == ("queued", "trading_state")
    desk.signal("long", kind="exit", price=None)
    assert desk.outcome()[0] == "admitted"


@pytest.mark.usefixtures("poisoned")
def test_a_day_with_a_failure_comes_out_the_same_again(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    desk.signal()
    desk.now += timedelta(days=1)
    desk.signal(symbol="ETHUSDT.P")
    desk.signal("long", kind="exit", price=None)

    for process in ((*PROCESSES, Broken("ETHUSDT").react), PROCESSES):
        monkeypatch.setattr(engine_module, "PROCESSES", process)
        for date in days_of(desk):
            report = replay_day(desk.log, ACCOUNT, date)
            assert report.difference is None
            assert report.identical


def test_a_symbol_that_cannot_even_be_read_is_set_aside_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()

    def unreadable(_: Book, __: Input) -> tuple[str, ...]:
        raise RecursionError("too deep")

    monkeypatch.setattr(engine_module, "symbols_in_use", unreadable)
    happened = desk.signal()

    assert of(happened, InputFailed)[0].error.startswith("RecursionError: too deep")


def test_an_input_to_an_account_never_registered_is_set_aside() -> None:
    desk = Desk()
    engine = AccountEngine(Book(ACCOUNT))

    handled = engine.handle(desk.received(), desk.now, {})

    assert "was never opened" in handled.failure
    assert "trading_day.input_failed" in names(handled.recorded)


def test_processes_that_never_come_to_an_end_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    monkeypatch.setattr(engine_module, "EVENTS_PER_INPUT_MAX", 3)

    happened = desk.signal()

    (failed,) = of(happened, InputFailed)
    assert "one input caused more than 3 events" in failed.error


def test_an_observation_that_changes_nothing_leaves_no_trace() -> None:
    desk = Desk(price="101")
    desk.signal()
    head, last_at = desk.book.head, desk.book.last_at

    desk.now += timedelta(seconds=10)

    assert desk.handle(ClockTicked(due_at=desk.now, promotion=True)) == []
    assert (desk.book.head, desk.book.last_at) == (head, last_at)


def test_an_idle_account_does_not_turn_its_days() -> None:
    desk = Desk()
    desk.now += timedelta(days=3)

    assert desk.handle(ClockTicked(due_at=desk.now)) == []
    balance = BalanceSeen(currency="USDT", total=D(1_000_000), free=D(1_000_000))
    assert desk.handle(balance) == []
    assert desk.book.date == "2026-01-05"


def test_an_account_with_open_groups_turns_its_day_with_the_first_tick() -> None:
    desk = Desk()
    desk.signal()
    desk.now += timedelta(days=1)

    happened = desk.handle(ClockTicked(due_at=desk.now))

    assert names(happened)[:2] == ["trading_day.closed", "trading_day.opened"]
    assert names(happened)[-1] == "trading_day.clock_ticked"
    for date in days_of(desk):
        assert replay_day(desk.log, ACCOUNT, date).difference is None


def test_time_never_runs_backwards() -> None:
    desk = Desk()
    desk.signal()
    last = desk.book.last_at
    desk.now -= timedelta(days=2)

    (received, *_) = desk.signal(symbol="ETHUSDT.P")

    assert received.at == last
    assert desk.book.date == "2026-01-05"


def test_an_input_carries_the_marks_that_changed_of_symbols_in_use() -> None:
    desk = Desk()
    (received, *_) = desk.signal()
    assert isinstance(received.event, Input)
    assert [mark.symbol for mark in received.event.marks] == [BTC]

    (again, *_) = desk.signal()
    assert isinstance(again.event, Input)
    assert again.event.marks == ()


def test_marks_are_forgotten_when_an_engine_starts_or_a_day_begins() -> None:
    desk = Desk(price="101")
    desk.signal()
    assert desk.book.marks

    desk.start()
    assert desk.book.marks == {}

    desk.signal()
    desk.now += timedelta(days=1)
    desk.engine.start("1", "hash", desk.now)
    assert desk.book.marks == {}


def test_a_day_opens_with_the_state_the_last_one_closed_with() -> None:
    desk = Desk(price="101")
    desk.signal()
    desk.operator("pause")
    desk.signal(symbol="ETHUSDT.P")
    day, queue, risk = desk.book.day, desk.book.queue, desk.book.risk
    closing_hash, streams = desk.book.state_hash(), desk.book.open_streams()

    desk.now += timedelta(days=1)
    happened = desk.operator("resume")

    (closed,) = of(happened, TradingDayClosed)
    (opened,) = of(happened, TradingDayOpened)
    assert (closed.date, opened.date) == ("2026-01-05", "2026-01-06")
    assert closed.state_hash == opened.state_hash == closing_hash
    assert closed.inputs == day.inputs
    assert opened.streams == streams
    assert opened.state == day
    assert of(happened, QueueOpened)[0].state == queue
    assert of(happened, RiskEngineOpened)[0].state == risk


def test_what_closed_yesterday_leaves_the_memory() -> None:
    desk = Desk()
    (first, *_) = of(desk.signal(), OrderRequested)
    desk.move("101")
    desk.signal(symbol="ETHUSDT.P")
    kept = desk.group().opened.group_id
    assert desk.book.order(first.client_order_id) is not None

    desk.now += timedelta(days=1)
    desk.operator("pause")

    assert desk.book.order(first.client_order_id) is None
    open_streams = desk.book.open_streams()
    assert f"position_group:{ACCOUNT}:{kept}" in open_streams
    assert not any("2026-01-05" in stream for stream in open_streams)
    assert len([s for s in open_streams if s.startswith("position_group")]) == 1


def test_a_late_report_of_an_order_that_left_the_memory_is_kept() -> None:
    desk = Desk()
    (first, *_) = of(desk.signal(), OrderRequested)
    desk.move("101")
    desk.now += timedelta(days=1)

    late = OrderReported(client_order_id=first.client_order_id, report=traded(desk))
    happened = desk.feed(late)

    assert of(happened, ReportUnmatched) == [
        ReportUnmatched(client_order_id=first.client_order_id, detail="Traded")
    ]


def test_the_first_day_begins_from_nothing() -> None:
    desk = Desk()

    (opened,) = of(desk.recorded, TradingDayOpened)

    assert (opened.head, opened.streams) == (GENESIS, {})
    assert desk.recorded[0].event is opened
