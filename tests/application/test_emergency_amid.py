"""An emergency stop amid whatever else is under way: nothing slips in, nothing is forgotten."""

from datetime import timedelta
from decimal import Decimal

from application.inputs import AnswerLost, CancelRefused, ClockTicked, Ended, OrderReported
from application.journal import Recorded
from domain.equity import DrawdownBreached, EmergencyStopped
from domain.holdings import DiscrepancyCleared, PositionAdopted
from domain.order import OrderCancelRequested, OrderRequested
from domain.position_group import (
    PositionGroupClosed,
    PositionGroupClosing,
    PositionGroupOpened,
    ReductionStarted,
)
from domain.risk_engine import RiskDenied
from domain.waiting_entry import EntryAwaitEnded
from tests.application.desk import BTC, ETH, SOL, Desk, names, of
from tests.application.drawdown_desk import (
    holding,
    ordered,
    tick,
    venue_name,
    wish,
)
from tests.application.emergency_desk import REASON, assert_out, fallen, two_trades
from tests.application.exit_desk import TWO_LEGS, reduce_group, settings, traded
from tests.application.invariants import check_record, check_settled
from tests.application.test_waiting_rules import waiting_desk

D = Decimal
START = D(1_000_000)


def test_in_the_input_of_the_stop_nothing_is_promoted_any_more() -> None:
    desk = fallen(BTC, ETH)
    desk.operator("pause")
    desk.signal(symbol=venue_name(SOL))
    assert desk.outcome()[0] == "queued"
    desk.handle(wish("resume", ""))
    desk.settle()

    happened = tick(desk, promotion=True)

    assert len(of(happened, EmergencyStopped)) == 1
    (denied,) = of(happened, RiskDenied)
    assert denied.reason == "trading_state"
    assert_out(desk)


def test_what_was_approved_a_moment_before_the_stop_is_called_off_with_the_rest() -> None:
    """A dispute is cleared, and lets a signal in, in the input whose loss ends everything."""
    venue = holding(ETH)
    venue.by_hand("buy", "1", "100", symbol=BTC)
    venue.by_hand("sell", "5", "50", symbol=ETH)
    venue.look()
    venue.signal()
    assert venue.outcome()[0] == "queued"
    venue.move("80", ETH)
    assert len(of(tick(venue), DrawdownBreached)) == 1
    venue.move("100", ETH)
    venue.by_hand("sell", "1", "100", symbol=BTC)
    venue.answer()
    venue.now += timedelta(seconds=11)

    happened = venue.feed(venue.seen())

    for kind in (DiscrepancyCleared, PositionAdopted, PositionGroupOpened, EmergencyStopped):
        assert of(happened, kind), kind
    assert_out(venue)
    check_record(venue)


def test_an_entry_that_waits_for_its_markets_rules_is_given_up() -> None:
    desk = waiting_desk()
    desk.signal()
    assert desk.book.risk.commitments

    happened = ordered(desk, "emergency_stop")

    assert len(of(happened, EntryAwaitEnded)) == 1
    assert_out(desk)
    assert desk.book.risk.commitments == {}
    tick(desk)
    assert of(desk.recorded, OrderRequested) == []


def test_an_order_of_unknown_fate_is_asked_for_and_what_it_bought_is_sold() -> None:
    desk = Desk(settings(TWO_LEGS))
    desk.signal(price="97")
    lost = desk.working("entry")[0]
    identity = lost.request.client_order_id
    desk.feed(OrderReported(client_order_id=identity, report=AnswerLost(detail="timed out")))
    desk.core.fill(identity, lost.request.quantity, desk.now)

    desk.handle(wish("emergency_stop"))
    unheard = OrderCancelRequested(client_order_id=identity, reason=REASON)
    desk.errands.remove(unheard)
    desk.settle()
    tick(desk)
    assert [order.request.client_order_id for order in desk.working()] == [identity]
    assert desk.book.risk.trading_state == "halted"
    desk.ask()
    tick(desk)

    assert_out(desk)
    check_settled(desk)
    check_record(desk)


def test_a_fill_that_crosses_the_cancel_is_sold_as_well() -> None:
    desk = Desk(settings(TWO_LEGS))
    desk.signal(price="97")
    entry = desk.working("entry")[0]
    identity = entry.request.client_order_id
    desk.handle(wish("emergency_stop"))
    reports = desk.core.fill(identity, entry.request.quantity, desk.now)
    for report in reports:
        desk.handle(report)
    refused = CancelRefused(code="-2011", message="Unknown order sent.")
    desk.handle(OrderReported(client_order_id=identity, report=refused))
    desk.settle()
    for _ in range(3):
        tick(desk)

    assert_out(desk)
    check_settled(desk)
    check_record(desk)


def test_a_fill_after_its_order_ended_is_sold_as_well() -> None:
    venue = holding(BTC, ETH)
    venue.signal(symbol=venue_name(SOL))
    (entry,) = venue.working("entry")
    identity = entry.request.client_order_id
    venue.handle(wish("emergency_stop"))
    ended = OrderReported(client_order_id=identity, report=Ended(status="cancelled", filled=D(0)))
    late = OrderReported(client_order_id=identity, report=traded(venue, "1", "100"))
    venue.held[(SOL, "both")] = D(1)
    venue.handle(late)
    venue.handle(ended)
    venue.settle()
    for _ in range(3):
        tick(venue)
    assert_out(venue)


def test_it_takes_over_from_a_reduction() -> None:
    desk = Desk(settings(TWO_LEGS))
    desk.signal()
    desk.move("98.9")
    assert len(of(reduce_group(desk, "50"), ReductionStarted)) == 1

    desk.handle(wish("emergency_stop"))
    desk.settle()
    tick(desk)

    assert_out(desk)
    check_settled(desk)
    check_record(desk)


def test_a_trade_that_closes_already_closes_once() -> None:
    desk = Desk(settings(TWO_LEGS))
    desk.signal()
    desk.move("98.9")
    desk.handle(desk.received("long", kind="exit", price=None))

    desk.handle(wish("emergency_stop"))
    desk.settle()

    (closing,) = of(desk.recorded, PositionGroupClosing)
    assert closing.reason == "exit signal"
    assert len(of(desk.recorded, PositionGroupClosed)) == 1
    assert_out(desk)
    check_settled(desk)


def test_a_stop_lasts_over_midnight_and_a_restart() -> None:
    desk = fallen()
    desk.now = desk.now.replace(hour=23, minute=59, second=50)
    desk.handle(wish("emergency_stop"))
    desk.now += timedelta(seconds=20)
    desk.start()
    desk.settle()
    tick(desk)
    assert_out(desk)
    desk.now += timedelta(days=1)
    desk.signal(price="90")
    assert desk.outcome() == ("queued", "trading_state")
    assert_out(desk)
    check_record(desk)


def test_the_first_input_of_a_day_may_be_the_stop() -> None:
    desk = fallen(BTC, ETH)
    desk.now = desk.now.replace(hour=0, minute=0, second=0) + timedelta(days=1)

    happened = tick(desk, seconds=0)

    assert "trading_day.opened" in names(happened)
    assert len(of(happened, EmergencyStopped)) == 1
    assert_out(desk)
    check_record(desk)


def test_what_is_open_while_stopped_is_closed_with_the_next_tick() -> None:
    """Nothing can open then; should it all the same, it is not forgotten."""
    desk = two_trades()
    book = desk.book
    stream = book.stream_of("equity", "")
    stopped = EmergencyStopped(trigger="operator", reason="", actor="ann", stopped_at=desk.now)
    happened = Recorded(
        stream=stream,
        version=book.version(stream) + 1,
        event=stopped,
        at=desk.now,
        causation_id="",
        correlation_id="",
    )
    book.apply(happened)

    ticked = ClockTicked(due_at=desk.now)
    held_back = desk.engine.handle(ticked, desk.now, desk.marks()).recorded
    closed = desk.engine.handle(ticked, desk.now, desk.marks()).recorded

    assert "brakes.hold_placed" in names(held_back)
    assert len(of(closed, PositionGroupClosing)) == 2
    assert {group.is_open for group in book.open_groups()} == {False}
    assert all(order.cancel_requested for order in book.working_orders())
    assert book.risk.trading_state == "halted"
