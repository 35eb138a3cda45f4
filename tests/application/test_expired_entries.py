"""Entries that never reached the venue: decided anew, within every limit, and never twice."""

from datetime import timedelta
from decimal import Decimal

import msgspec

from application.inputs import (
    AnswerLost,
    NotFound,
    OperatorActed,
    OrderReported,
    SendWindowMissed,
    SettingsSubmitted,
    Traded,
)
from application.work_list import works_of
from domain.order import OrderRequested
from domain.settings import RiskSettings
from tests.application.desk import Desk

D = Decimal


def missed(desk: Desk, requested: OrderRequested) -> None:
    """The sender's word that an order's time had passed before its turn came."""
    report = SendWindowMissed()
    desk.handle(OrderReported(client_order_id=requested.client_order_id, report=report))
    desk.errands.clear()


def unsent(desk: Desk) -> list[OrderRequested]:
    """The entries that are requested and still in nobody's hands."""
    return [order.request for order in desk.working() if order.request.purpose == "entry"]


def test_an_entry_that_missed_its_time_is_asked_for_again_under_another_id() -> None:
    desk = Desk()
    desk.handle(desk.received())
    desk.errands.clear()
    first = unsent(desk)[0]

    missed(desk, first)

    (again,) = [entry for entry in unsent(desk) if entry.leg_id == first.leg_id]
    assert (first.attempt, again.attempt) == (1, 2)
    assert again.client_order_id != first.client_order_id
    assert (again.price, again.quantity) == (first.price, first.quantity)
    assert again.send_before == desk.now + timedelta(seconds=60)


def test_an_entry_is_given_up_after_three_times_and_frees_what_it_held() -> None:
    desk = Desk()
    desk.handle(desk.received())
    desk.errands.clear()
    before = desk.book.risk.committed()
    leg_id = unsent(desk)[0].leg_id

    for _ in range(3):
        missed(desk, next(entry for entry in unsent(desk) if entry.leg_id == leg_id))

    assert leg_id not in {entry.leg_id for entry in unsent(desk)}
    assert desk.book.risk.committed() < before


def test_an_entry_that_missed_its_time_stays_away_while_trading_is_paused() -> None:
    desk = Desk()
    desk.handle(desk.received())
    desk.handle(OperatorActed(action="pause", subject="", actor="ann", reason="because"))
    desk.errands.clear()
    first = unsent(desk)[0]

    missed(desk, first)

    assert first.leg_id not in {entry.leg_id for entry in unsent(desk)}


def test_an_entry_that_missed_its_time_stays_away_once_the_days_loss_is_reached() -> None:
    desk = Desk()
    desk.handle(desk.received())
    desk.errands.clear()
    first = unsent(desk)[0]
    tight = msgspec.structs.replace(
        desk.book.account.settings, risk=RiskSettings(max_daily_loss=D(0))
    )
    desk.handle(SettingsSubmitted(settings=tight, actor="ann", reason="enough"))
    missed(desk, first)

    assert first.leg_id not in {entry.leg_id for entry in unsent(desk)}


def test_an_entry_given_up_for_absent_that_filled_after_all_calls_its_successor_off() -> None:
    desk = Desk(price="101")
    desk.handle(desk.received())
    desk.errands.clear()
    first = unsent(desk)[0]
    identity = first.client_order_id
    desk.handle(OrderReported(client_order_id=identity, report=AnswerLost(detail="timed out")))
    desk.now += timedelta(seconds=61)
    for seconds in (0, 15, 30):
        absent = NotFound(asked_at=desk.now + timedelta(seconds=seconds), position=D(0))
        desk.handle(OrderReported(client_order_id=identity, report=absent))
    (second,) = [entry for entry in unsent(desk) if entry.leg_id == first.leg_id]
    assert second.attempt == 2

    trade = Traded(
        trade_id="late",
        price=first.price or D(0),
        quantity=first.quantity,
        fee=D(0),
        fee_asset="USDT",
        liquidity="maker",
        traded_at=desk.now,
    )
    desk.handle(OrderReported(client_order_id=identity, report=trade))

    wanted = {work.client_order_id: work.state for work in works_of(desk.book)}
    assert wanted[second.client_order_id] == "cancel_requested"
