"""What a venue says: matched or kept, possible or kept apart, and compared with the books."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from application.inputs import (
    Accepted,
    AnswerLost,
    BalanceSeen,
    CancelRefused,
    Ended,
    Found,
    NotFound,
    OrderReported,
    PositionSeen,
    ReconciliationSeen,
    Refused,
    Report,
    SendWindowMissed,
    Traded,
)
from application.processes.protection import unprotected_legs
from domain.holdings import BalanceRecorded, DiscrepancyCleared, DiscrepancyFound
from domain.order import OrderFilled, OrderRequested, OrderTradesMissing, OrderUnknown
from domain.order_terms import OrderStatus
from domain.risk_engine import CommitmentChanged
from domain.trading_day import InputFailed, ReportUnmatched
from tests.application.desk import BTC, MORNING, Desk, names, of

D = Decimal


def trade(number: int = 1, price: str = "100", quantity: str = "1", fee: str = "0") -> Traded:
    return Traded(
        trade_id=f"hand-{number}",
        price=D(price),
        quantity=D(quantity),
        fee=D(fee),
        fee_asset="USDT",
        liquidity="maker",
        traded_at=MORNING,
    )


EVERY_REPORT: tuple[Report, ...] = (
    Accepted(venue_order_id="7"),
    Refused(code="-1", message="no"),
    AnswerLost(detail="timed out"),
    trade(),
    Ended(status="cancelled", filled=D(0)),
    Found(venue_order_id="7", filled=D(0)),
    NotFound(asked_at=MORNING),
    CancelRefused(code="-2011", message="unknown order"),
    SendWindowMissed(),
)


def snapshot(desk: Desk, quantity: str, *, orders: Any = None) -> ReconciliationSeen:
    open_ids = [order.request.client_order_id for order in desk.working()]
    return ReconciliationSeen(
        asked_at=desk.now,
        open_client_order_ids=tuple(open_ids if orders is None else orders),
        positions=(PositionSeen(symbol=BTC, quantity=D(quantity)),),
    )


def settled() -> Desk:
    """A long of 2 at 100, everything at rest, some time ago. Nothing was held before."""
    desk = Desk()
    desk.feed(snapshot(desk, "0"))
    desk.signal()
    desk.now += timedelta(seconds=5)
    return desk


@pytest.mark.parametrize("report", EVERY_REPORT)
def test_a_report_of_an_order_nobody_knows_is_kept(report: Report) -> None:
    desk = Desk()

    happened = desk.feed(OrderReported(client_order_id="stranger", report=report))

    assert names(happened) == ["trading_day.order_reported", "trading_day.report_unmatched"]
    assert of(happened, ReportUnmatched)[0].detail == type(report).__name__


@pytest.mark.parametrize(
    "report",
    [
        trade(quantity="0"),
        trade(quantity="-1"),
        trade(quantity="NaN"),
        trade(price="0"),
        trade(price="Infinity"),
        trade(fee="NaN"),
        Ended(status="cancelled", filled=D("-1")),
        Ended(status="filled", filled=D("NaN")),
        Found(venue_order_id="7", filled=D("sNaN")),
    ],
)
def test_an_impossible_figure_never_reaches_the_books(report: Report) -> None:
    desk = Desk(price="101")
    (first, *_) = of(desk.signal(), OrderRequested)
    before = desk.book.order(first.client_order_id)

    happened = desk.feed(OrderReported(client_order_id=first.client_order_id, report=report))

    assert names(happened) == ["trading_day.order_reported", "trading_day.report_unmatched"]
    assert "impossible figure" in of(happened, ReportUnmatched)[0].detail
    assert desk.book.order(first.client_order_id) == before


@pytest.mark.parametrize("report", EVERY_REPORT)
@pytest.mark.parametrize("twice", [False, True])
def test_no_report_in_any_state_is_more_than_the_engine_can_take(
    report: Report, *, twice: bool
) -> None:
    desk = Desk(price="101")
    orders = of(desk.handle(desk.received()), OrderRequested)

    for first in EVERY_REPORT if twice else ():
        desk.handle(OrderReported(client_order_id=orders[0].client_order_id, report=first))
    for order in orders:
        desk.handle(OrderReported(client_order_id=order.client_order_id, report=report))

    assert of(desk.recorded, InputFailed) == []


def test_an_end_that_overtakes_its_trades_waits_for_them() -> None:
    desk = Desk(price="100.5")
    (first, *_) = of(desk.signal(), OrderRequested)
    trades = desk.core.fill(first.client_order_id, D("0.5"), desk.now)
    (end,) = desk.core.cancel(first.client_order_id, desk.now)

    happened = desk.feed(end)
    assert of(happened, OrderTradesMissing)[0].filled == D("0.5")
    assert desk.legs()[0].entry_open

    happened = desk.feed(trades[0])
    assert of(happened, OrderFilled)[0].filled == D("0.5")
    assert not desk.legs()[0].entry_open
    assert unprotected_legs(desk.book, desk.group()) == ()


def test_a_trade_of_a_group_already_closed_is_a_discrepancy_not_forgotten() -> None:
    desk = Desk(price="101")
    (first, *_) = of(desk.signal(), OrderRequested)
    desk.signal("long", kind="exit", price=None)
    assert desk.book.open_groups() == ()

    happened = desk.feed(OrderReported(client_order_id=first.client_order_id, report=trade()))

    (found,) = of(happened, DiscrepancyFound)
    assert (found.discrepancy.symbol, found.discrepancy.seen) == (BTC, D(1))
    desk.signal()
    assert desk.outcome() == ("queued", "discrepancy")


def test_a_snapshot_that_agrees_leaves_no_trace() -> None:
    desk = settled()
    before = len(desk.log.stored())

    assert desk.feed(snapshot(desk, "2")) == []
    assert len(desk.log.stored()) == before


def test_a_position_that_differs_blocks_the_symbol_and_clears_when_it_agrees() -> None:
    desk = settled()

    happened = desk.feed(snapshot(desk, "3"))
    (found,) = of(happened, DiscrepancyFound)
    assert (found.discrepancy.expected, found.discrepancy.seen) == (D(2), D(3))
    desk.signal(timeframe="60")
    assert desk.outcome() == ("queued", "discrepancy")
    desk.signal(symbol="ETHUSDT.P")
    assert desk.outcome() == ("admitted", "approved")

    desk.ask()
    desk.now += timedelta(seconds=5)
    happened = desk.feed(snapshot(desk, "2"))
    assert of(happened, DiscrepancyCleared)[0].actor == "engine"
    assert {group.opened.timeframe for group in desk.book.open_groups()} == {"15", "60"}


def test_an_operator_may_clear_a_discrepancy() -> None:
    desk = settled()
    desk.feed(snapshot(desk, "3"))

    (cleared,) = of(desk.operator("clear_discrepancy", BTC), DiscrepancyCleared)

    assert (cleared.actor, cleared.reason) == ("ann", "because")


def test_a_position_is_not_judged_while_something_of_the_symbol_moves() -> None:
    desk = settled()
    seen = snapshot(desk, "2")
    desk.handle(desk.received(timeframe="60"))

    assert of(desk.handle(seen), DiscrepancyFound) == []


def test_an_order_the_venue_does_not_list_must_be_asked_for() -> None:
    desk = settled()
    gone = desk.working("take_profit")[0].request.client_order_id
    desk.core.cancel(gone, desk.now)
    listed = [o.request.client_order_id for o in desk.working()]
    listed.remove(gone)

    (unknown,) = of(desk.feed(snapshot(desk, "2", orders=listed)), OrderUnknown)

    assert unknown.client_order_id == gone
    desk.ask()
    assert [o.request.attempt for o in desk.working("take_profit")] == [2]


def test_a_balance_is_recorded_only_when_it_changed() -> None:
    desk = Desk()
    seen = BalanceSeen(currency="USDT", total=D(900_000), free=D(900_000))

    assert len(of(desk.feed(seen), BalanceRecorded)) == 1
    assert desk.feed(seen) == []


def test_what_a_leg_commits_follows_its_fills() -> None:
    desk = Desk(price="100.5")
    (first, *_) = of(desk.signal(), OrderRequested)

    happened: list[Any] = []
    for report in desk.core.fill(first.client_order_id, D("0.5"), desk.now):
        happened += desk.feed(report)

    (changed,) = of(happened, CommitmentChanged)
    assert (changed.resting, changed.open_cost) == (D(150), D(50))


@pytest.mark.parametrize("held", [None, D(0), D("2.5")])
def test_an_order_nowhere_to_be_found_is_not_absent_while_the_position_disagrees(
    held: Decimal | None,
) -> None:
    desk = settled()
    resting = next(order for order in desk.working() if order.request.purpose == "entry")
    identity = resting.request.client_order_id
    desk.feed(OrderReported(client_order_id=identity, report=AnswerLost(detail="timed out")))

    for seconds in (0, 15, 30, 45):
        missing = NotFound(asked_at=desk.now + timedelta(seconds=seconds), position=held)
        desk.feed(OrderReported(client_order_id=identity, report=missing))

    order = desk.book.order(identity)
    assert order is not None
    assert (order.status, order.missed) == (OrderStatus.UNKNOWN, 4)


def test_an_order_nowhere_to_be_found_is_absent_once_the_position_agrees() -> None:
    desk = settled()
    resting = next(order for order in desk.working() if order.request.purpose == "entry")
    identity = resting.request.client_order_id
    desk.feed(OrderReported(client_order_id=identity, report=AnswerLost(detail="timed out")))

    for seconds in (0, 15, 30):
        missing = NotFound(asked_at=desk.now + timedelta(seconds=seconds), position=D(2))
        desk.feed(OrderReported(client_order_id=identity, report=missing))

    order = desk.book.order(identity)
    assert order is not None
    assert order.is_final
