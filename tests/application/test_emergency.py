"""The emergency stop: all of it in one input, nothing forgotten, until an operator resumes."""

from datetime import timedelta
from decimal import Decimal

import pytest

from application.inputs import ClockTicked
from domain.equity import DrawdownBreached, EmergencyEnded, EmergencyStopped, EquitySampled
from domain.position_group import (
    PositionGroupClosing,
)
from tests.application.desk import BTC, ETH, SOL, Desk, names, of
from tests.application.drawdown_desk import (
    aged,
    alerts,
    holding,
    limited,
    ordered,
    tick,
    wish,
)
from tests.application.emergency_desk import REASON, assert_out, fallen, two_trades
from tests.application.hand_venue import HandVenue
from tests.application.invariants import check_record, check_settled

D = Decimal
START = D(1_000_000)


def test_the_second_look_ends_everything_in_one_input() -> None:
    desk = fallen(BTC, ETH)
    desk.now += timedelta(seconds=10)

    caused = desk.handle(ClockTicked(due_at=desk.now, minute=True))

    assert names(caused)[0] == "trading_day.clock_ticked"
    assert len(of(caused, EmergencyStopped)) == 1
    assert len(of(caused, PositionGroupClosing)) == 2
    assert {each.is_open for each in desk.book.open_groups()} == {False}
    assert all(order.cancel_requested for order in desk.book.working_orders())
    assert desk.book.risk.trading_state == "halted"
    desk.settle()
    assert_out(desk)
    check_record(desk)


def test_a_stop_is_told_with_all_its_figures() -> None:
    desk = fallen()

    (alert,) = alerts(tick(desk), "emergency_stop")

    assert alert.severity == "critical"
    for figure in ("equity 999900", "peak 1000000", "drawdown % 0.01", "percent 0.01", "1 trades"):
        assert figure in alert.text, figure


def test_a_stop_is_never_repeated() -> None:
    desk = fallen()
    tick(desk)
    desk.move("1")
    for _ in range(5):
        tick(desk)
    assert len(of(desk.recorded, EmergencyStopped)) == 1
    assert len(alerts(desk.recorded, "emergency_stop")) == 1


def test_an_operator_stops_entries_trades_and_all_that_is_new_but_keeps_the_queue() -> None:
    desk = two_trades()

    happened = ordered(desk, "emergency_stop")

    (stopped,) = of(happened, EmergencyStopped)
    assert (stopped.trigger, stopped.actor, stopped.peak) == ("operator", "ann", START)
    assert {closing.reason for closing in of(happened, PositionGroupClosing)} == {REASON}
    assert_out(desk)
    check_settled(desk)
    check_record(desk)
    assert [entry.symbol for entry in desk.book.queue.waiting] == [SOL]
    tick(desk, promotion=True)
    assert [entry.symbol for entry in desk.book.queue.waiting] == [SOL]


@pytest.mark.parametrize("typed", ["", "Paper", "paper ", "btc"])
def test_without_the_accounts_own_name_nothing_is_stopped(typed: str) -> None:
    desk = two_trades()

    happened = ordered(desk, "emergency_stop", typed)

    assert of(happened, EmergencyStopped) == []
    assert len(desk.book.open_groups()) == 2
    (alert,) = alerts(happened, "risk_order_refused")
    assert "name the account itself, paper" in alert.text


def test_with_nothing_open_a_stop_halts_all_the_same() -> None:
    desk = Desk(limited())
    ordered(desk, "emergency_stop")
    assert_out(desk)
    desk.signal()
    assert desk.outcome() == ("queued", "trading_state")


def test_a_second_order_to_stop_is_refused_in_words() -> None:
    desk = Desk(limited())
    ordered(desk, "emergency_stop")

    happened = ordered(desk, "emergency_stop")

    assert of(happened, EmergencyStopped) == []
    assert "only a resume ends that" in alerts(happened, "risk_order_refused")[0].text


@pytest.mark.parametrize("before", ["pause", "halt"])
def test_it_stops_in_any_trading_state(before: str) -> None:
    desk = two_trades()
    desk.operator(before)
    ordered(desk, "emergency_stop")
    assert_out(desk)


def test_a_resume_counts_the_drawdown_from_where_the_account_stands() -> None:
    desk = fallen()
    tick(desk)
    assert of(tick(desk), EmergencyStopped) == []

    happened = ordered(desk, "resume", "")

    (ended,) = of(happened, EmergencyEnded)
    assert (ended.peak, ended.capital, ended.actor) == (START - 100, START, "ann")
    assert desk.book.risk.trading_state == "active"
    assert desk.book.brakes.holds == {}
    bought_at_90(desk)
    assert of(tick(desk), DrawdownBreached) == []
    desk.move("79")
    (again,) = of(tick(desk), DrawdownBreached)
    assert again.peak == START - 100
    assert len(of(tick(desk), EmergencyStopped)) == 1
    check_record(desk)


def bought_at_90(desk: HandVenue) -> None:
    """The trade after a resume."""
    desk.signal(price="90")
    (entry,) = desk.working("entry")
    desk.fill(entry, entry.request.quantity, "90")


def test_a_resume_amid_old_marks_counts_from_the_next_sample_by_fresh_ones() -> None:
    desk = holding()
    desk.move("90")
    desk.handle(wish("emergency_stop"))
    desk.errands.clear()
    desk.now += timedelta(minutes=5)
    desk.engine.book.marks = {}
    handled = desk.engine.handle(wish("resume", ""), desk.now, {})
    desk.commit(handled.stored, handled.recorded)
    (ended,) = of(handled.recorded, EmergencyEnded)
    assert ended.peak is None

    old = tick(desk, marks=aged(desk, BTC, then=60, old=40))
    assert of(old, EquitySampled) == []
    (sample,) = of(tick(desk), EquitySampled)
    assert (sample.equity, sample.peak) == (START - 100, START - 100)


def test_a_resume_without_a_stop_ends_none() -> None:
    assert of(ordered(Desk(limited()), "resume", ""), EmergencyEnded) == []


def test_the_queue_is_walked_again_after_a_resume() -> None:
    desk = two_trades()
    ordered(desk, "emergency_stop")
    ordered(desk, "resume", "")
    assert desk.book.queue.waiting == ()
    assert [group.opened.symbol for group in desk.book.open_groups()] == [SOL]
