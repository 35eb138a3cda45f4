"""The way out: take-profits, exits, closings, and every lot protected until then."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from application.inputs import AnswerLost, NotFound, OrderReported, Refused, Traded
from domain.dca_leg import LegDustWrittenOff, LegExcessSold
from domain.holdings import DiscrepancyFound
from domain.order import (
    OrderCancelRequested,
    OrderRequested,
    OrderResent,
)
from domain.position_group import CloseAttempted, PositionGroupClosed, PositionGroupClosing
from domain.risk_engine import SlotFreed
from domain.settings import ExitSettings, GridSettings
from tests.application.desk import BTC, PROMPT, Desk, market, of

D = Decimal


def traded(desk: Desk, number: int, price: str, quantity: str) -> Traded:
    return Traded(
        trade_id=f"hand-{number}",
        price=D(price),
        quantity=D(quantity),
        fee=D(0),
        fee_asset="USDT",
        liquidity="taker",
        traded_at=desk.now,
    )


def test_a_group_that_took_all_its_profit_cancels_the_rest_and_closes() -> None:
    desk = Desk()
    desk.signal()

    happened = desk.move("101")

    (closed,) = of(happened, PositionGroupClosed)
    assert closed.reason == "took profit on every lot"
    assert len(of(happened, OrderCancelRequested)) == 4
    assert of(happened, SlotFreed)
    assert desk.book.risk.commitments == {}
    # 2 × (101 − 100), less 0.05 % taker on 200 and 0.02 % maker on 202.
    assert closed.realized == D(2) - D("0.1") - D("0.0404")
    assert desk.core.equity == D(1_000_000) + closed.realized


def test_without_close_when_flat_it_waits_for_deeper_fills() -> None:
    exits = ExitSettings(coalesce_ms=0, close_when_flat=False)
    desk = Desk(msgspec.structs.replace(PROMPT, exits=exits))
    desk.signal()

    happened = desk.move("101")

    assert of(happened, PositionGroupClosed) == []
    assert len(desk.working("entry")) == 4


def test_an_entry_that_every_venue_refuses_closes_its_group() -> None:
    desk = Desk(price="101")
    happened = desk.handle(desk.received())
    desk.errands.clear()

    for order in of(happened, OrderRequested):
        report = Refused(code="-2019", message="no margin")
        happened += desk.feed(OrderReported(client_order_id=order.client_order_id, report=report))

    (closed,) = of(happened, PositionGroupClosed)
    assert (closed.reason, closed.realized) == ("no entry could fill", D(0))


def test_nothing_filled_in_time_closes_the_group() -> None:
    grid = GridSettings(unfilled_minutes=10)
    desk = Desk(msgspec.structs.replace(PROMPT, grid=grid), price="101")
    desk.signal()

    desk.wait(minutes=9, seconds=59)
    assert desk.group().is_open
    happened = desk.wait(seconds=1)

    (closed,) = of(happened, PositionGroupClosed)
    assert closed.reason == "nothing filled in time"


def test_a_group_that_has_filled_something_never_times_out() -> None:
    desk = Desk(msgspec.structs.replace(PROMPT, grid=GridSettings(unfilled_minutes=10)))
    desk.signal()

    desk.wait(minutes=60)

    assert desk.group().is_open


def test_an_exit_cancels_everything_and_sells_what_is_left_in_one_bounded_order() -> None:
    desk = Desk()
    desk.signal()
    desk.move("99")

    happened = desk.signal("long", kind="exit", price=None)

    (attempt,) = of(happened, CloseAttempted)
    assert (attempt.quantity, attempt.price) == (D("6.03"), D("98.1"))  # 1 % under 99, up a tick
    (closing,) = of(happened, PositionGroupClosing)
    assert closing.reason == "exit signal"
    assert desk.book.open_groups() == ()
    assert desk.core.position(BTC).quantity == 0
    assert desk.outcome() == ("admitted", "closes 1 group(s), calls off 0 queued signal(s)")


def test_an_exit_while_entries_are_filling_sells_what_they_bought() -> None:
    desk = Desk(price="101")
    desk.signal()
    first = next(o for o in desk.working("entry") if o.request.price == D(100))

    # The fill happens at the venue while the cancel is on its way.
    desk.handle(desk.received("long", kind="exit", price=None))
    desk.reports.extend(desk.core.fill(first.request.client_order_id, D(2), desk.now))
    happened = desk.settle()
    happened += desk.ask()

    (attempt,) = of(happened, CloseAttempted)
    assert attempt.quantity == D(2)
    assert desk.core.position(BTC).quantity == 0
    assert desk.book.open_groups() == ()


def test_an_exit_while_a_take_profit_is_filling_sells_only_the_rest() -> None:
    desk = Desk()
    desk.signal()
    (exit_order,) = desk.working("take_profit")

    desk.handle(desk.received("long", kind="exit", price=None))
    filled = desk.core.fill(exit_order.request.client_order_id, D("0.5"), desk.now)
    desk.reports.extend(filled)
    happened = desk.settle()

    (attempt,) = of(happened, CloseAttempted)
    assert attempt.quantity == D("1.5")
    assert of(happened, LegExcessSold) == []
    assert desk.core.position(BTC).quantity == 0


def test_a_close_waits_for_an_order_whose_fate_is_unknown() -> None:
    desk = Desk(price="101")
    requested = of(desk.handle(desk.received()), OrderRequested)
    desk.errands.clear()
    for order in requested[1:]:
        refused = Refused(code="-1", message="no")
        desk.feed(OrderReported(client_order_id=order.client_order_id, report=refused))
    lost = OrderReported(
        client_order_id=requested[0].client_order_id, report=AnswerLost(detail="timed out")
    )
    desk.feed(lost)

    desk.handle(desk.received("long", kind="exit", price=None))
    desk.errands.clear()
    assert not desk.group().is_open
    assert desk.group().closed is None

    for seconds in (0, 15, 30):
        at = desk.now + timedelta(seconds=seconds)
        missing = NotFound(asked_at=at, position=D(0))
        desk.feed(OrderReported(client_order_id=requested[0].client_order_id, report=missing))
    assert desk.book.open_groups() == ()
    assert of(desk.recorded, OrderResent) == []


def test_a_close_that_sells_only_a_part_is_attempted_again_with_a_wider_bound() -> None:
    desk = Desk()
    desk.signal()
    desk.handle(desk.received("long", kind="exit", price=None))
    desk.core.max_fill_quantity = D("0.5")

    first = of(desk.settle(), CloseAttempted)
    second = of(desk.wait(seconds=1), CloseAttempted)
    third = of(desk.wait(seconds=1), CloseAttempted)
    fourth = of(desk.wait(seconds=1), CloseAttempted)

    attempts = [*first, *second, *third, *fourth]
    assert [(a.attempt, a.quantity, a.price) for a in attempts] == [
        (1, D(2), D(99)),
        (2, D("1.5"), D(98)),
        (3, D(1), D(96)),
        (4, D("0.5"), None),
    ]
    assert desk.book.open_groups() == ()


def test_a_close_over_the_venues_maximum_is_split() -> None:
    desk = Desk(markets=(market("BTC", max_quantity=D("2.5")),))
    desk.signal()
    desk.move("99")

    happened = desk.signal("long", kind="exit", price=None)
    happened += desk.wait(seconds=1) + desk.wait(seconds=1)

    assert [a.quantity for a in of(happened, CloseAttempted)] == [D("2.5"), D("2.5"), D("1.03")]
    assert desk.book.open_groups() == ()


def test_an_exit_without_timeframe_closes_all_of_the_symbol() -> None:
    desk = Desk()
    desk.signal(timeframe="15")
    desk.signal(timeframe="60")
    desk.signal(symbol="ETHUSDT.P")

    desk.signal("long", kind="exit", timeframe=None, price=None)

    assert [g.opened.symbol for g in desk.book.open_groups()] == ["ETH/USDT:USDT"]
    assert desk.outcome() == ("admitted", "closes 2 group(s), calls off 0 queued signal(s)")


def test_an_exit_of_another_timeframe_or_side_has_no_effect() -> None:
    desk = Desk()
    desk.signal()

    desk.signal("long", kind="exit", timeframe="60", price=None)
    assert desk.outcome() == ("no_effect", "there was nothing to close")
    desk.signal("short", kind="exit", price=None)
    assert desk.outcome() == ("no_effect", "there was nothing to close")
    assert desk.group().is_open


def test_a_second_exit_is_not_doubled() -> None:
    desk = Desk(price="101")
    desk.signal()
    desk.handle(desk.received("long", kind="exit", price=None))

    happened = desk.handle(desk.received("long", kind="exit", price=None))

    assert of(happened, PositionGroupClosing) == []
    assert desk.outcome() == ("no_effect", "already closing")


@pytest.mark.parametrize("action", ["pause", "halt"])
def test_exits_work_in_every_trading_state(action: str) -> None:
    desk = Desk()
    desk.signal()
    desk.operator(action)

    desk.signal("long", kind="exit", price=None)

    assert desk.book.open_groups() == ()


def test_dust_is_written_off_and_does_not_hold_the_slot() -> None:
    desk = Desk(markets=(market("BTC", min_quantity=D("0.5")),), price="101")
    desk.signal()
    first = next(o for o in desk.working("entry") if o.request.price == D(100))
    for report in desk.core.fill(first.request.client_order_id, D("0.2"), desk.now):
        desk.feed(report)
    assert desk.working("take_profit") == []

    happened = desk.signal("long", kind="exit", price=None)

    (dust,) = of(happened, LegDustWrittenOff)
    assert (dust.quantity, dust.price) == (D("0.2"), D(101))
    assert desk.book.open_groups() == ()


def test_a_group_left_with_nothing_but_dust_closes_by_itself() -> None:
    desk = Desk(markets=(market("BTC", min_quantity=D("0.5")),), price="100.5")
    desk.signal()
    working = desk.working("entry")
    first = next(o for o in working if o.request.price == D(100)).request.client_order_id
    for report in desk.core.fill(first, D("0.2"), desk.now):
        desk.feed(report)

    for order in working:
        assert desk.group().is_open
        for report in desk.core.expire(order.request.client_order_id, desk.now):
            desk.feed(report)

    assert len(of(desk.recorded, LegDustWrittenOff)) == 1
    assert desk.book.open_groups() == ()


def test_a_close_that_sells_more_than_is_held_is_told_at_once() -> None:
    desk = Desk()
    desk.signal()
    happened = desk.handle(desk.received("long", kind="exit", price=None))
    while desk.errands:
        errand = desk.errands.popleft()
        for report in desk.carry_out(errand):
            happened += desk.handle(report)
        if of(happened, CloseAttempted):
            break
    desk.errands.clear()
    (attempt,) = of(happened, CloseAttempted)

    over = OrderReported(
        client_order_id=attempt.client_order_id, report=traded(desk, 1, "100", "2.3")
    )
    happened = desk.handle(over)

    (excess,) = of(happened, LegExcessSold)
    assert excess.quantity == D("0.3")
    (found,) = of(happened, DiscrepancyFound)
    assert (found.discrepancy.symbol, found.discrepancy.seen) == (BTC, D("-0.3"))
