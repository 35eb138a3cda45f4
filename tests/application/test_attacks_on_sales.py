"""Attacks on sales that once succeeded: sold twice, stuck for ever, or sent at an old price."""

from datetime import timedelta
from decimal import Decimal

import pytest

from application.inputs import AnswerLost, Ended, NotFound, Refused
from domain.dca_leg import LegDustWrittenOff, LegExitFilled
from domain.order import OrderResent
from domain.position_group import CloseAttempted, PositionGroupClosed, ReductionEnded
from domain.trading_day import AlertRaised
from tests.application.desk import BTC, Desk, market, of
from tests.application.exit_desk import (
    SPOT,
    entry_at,
    fill,
    hear,
    held,
    offered,
    reduce_group,
    sales,
    settings,
    traded,
)
from tests.application.hand_venue import HandVenue
from tests.application.invariants import check_record, check_settled

D = Decimal


def test_a_reduction_sells_its_part_once_when_a_take_profit_had_to_make_way() -> None:
    desk = Desk(settings())
    desk.signal()
    desk.move("99")

    happened = reduce_group(desk, "40") + desk.settle()

    assert sales(happened) == [D("4.02")]
    assert desk.core.position(BTC).quantity == D("6.03")
    check_settled(desk)
    check_record(desk)


def test_a_sale_whose_end_overtook_its_trade_is_followed_by_one_sale_not_two() -> None:
    desk = Desk(settings())
    desk.signal()
    desk.handle(desk.received("long", kind="exit", price=None))
    (take_profit,) = desk.working("take_profit")
    for entry in desk.working("entry"):
        hear(desk, entry, Ended(status="cancelled", filled=D(0)))

    hear(desk, take_profit, Ended(status="cancelled", filled=D(2)))
    assert of(desk.recorded, CloseAttempted) == []
    happened = hear(desk, take_profit, traded(desk, "2", "109"))

    assert sales(happened) == [D(3)]


@pytest.mark.parametrize("percent", ["30", "100"])
def test_on_spot_a_reduction_is_not_held_up_by_a_resting_stop(percent: str) -> None:
    listed = market("BTC", symbol=SPOT, kind="spot")
    guarded = settings(stop_loss_percent="5", stop_execution="resting", execution="watch")
    desk = Desk(guarded, markets=(listed,), kind="spot", leverage=1)
    desk.signal(symbol="BTCUSDT")
    (stop,) = desk.working("stop")
    assert stop.request.quantity == D("4.997")

    happened = reduce_group(desk, percent)
    while desk.errands or desk.reports:
        while desk.errands:
            desk.reports.extend(desk.carry_out(desk.errands.popleft()))
        if desk.reports:
            happened += desk.handle(desk.reports.popleft())
        assert offered(desk) <= held(desk)

    assert len(sales(happened)) == 1
    if percent == "100":
        assert of(happened, PositionGroupClosed) != []
        return
    assert len(of(happened, ReductionEnded)) == 1
    (again,) = desk.working("stop")
    assert again.request.quantity == desk.core.position(SPOT).quantity.quantize(D("0.001"))


def test_dust_of_the_other_direction_does_not_keep_a_trade_from_closing() -> None:
    desk = Desk(settings(), markets=(market("BTC", min_quantity=D("0.5")),), price="100.5")
    desk.signal()
    fill(desk, entry_at(desk, "100"), "0.2")
    desk.signal("long", kind="exit", price=None)
    assert desk.core.position(BTC).quantity == D("0.2")

    desk.signal("sell", price="100.5")
    assert desk.core.position(BTC).quantity == D("-4.775")
    happened = desk.signal("short", kind="exit", price=None)

    assert sales(happened) == [D("4.775")]
    assert [dust.quantity for dust in of(happened, LegDustWrittenOff)] == [D("0.2")]
    assert desk.book.open_groups() == ()
    assert (desk.core.position(BTC).quantity, desk.book.holdings.dust) == (D(0), {})


def test_a_lot_that_dust_of_the_other_direction_ate_is_not_reduced_again_with_every_tick() -> None:
    """What is left of the position cannot be sold: watching its price would sell nothing."""
    listed = market("BTC", min_quantity=D("0.5"), step=D("0.01"))
    desk = Desk(settings(execution="watch"), markets=(listed,), price="100.5")
    desk.signal()
    fill(desk, entry_at(desk, "100"), "0.4")
    desk.signal("long", kind="exit", price=None)
    desk.signal("sell", price="101")
    fill(desk, entry_at(desk, "101"), "0.6")
    assert desk.core.position(BTC).quantity == D("-0.2")

    desk.move("80")
    for _ in range(5):
        desk.wait(seconds=1)
    assert of(desk.recorded, ReductionEnded) == []

    happened = desk.signal("short", kind="exit", price=None)
    assert [dust.quantity for dust in of(happened, LegDustWrittenOff)] == [D("0.6")]
    assert desk.book.holdings.dust[f"{BTC}|both"].quantity == desk.core.position(BTC).quantity


def test_dust_bought_while_its_trade_closed_is_no_late_fill() -> None:
    desk = Desk(settings(), markets=(market("BTC", min_quantity=D("0.5")),), price="100.5")
    desk.signal()
    entry = entry_at(desk, "100")
    desk.handle(desk.received("long", kind="exit", price=None))
    other = entry_at(desk, "99")
    hear(desk, other, Ended(status="cancelled", filled=D(0)))
    hear(desk, entry, Ended(status="cancelled", filled=D("0.2")))

    happened = hear(desk, entry, traded(desk, "0.2", "100"))

    assert len(of(happened, PositionGroupClosed)) == 1
    assert desk.book.holdings.disputes(BTC) == ()
    assert desk.book.holdings.dust[f"{BTC}|both"].quantity == D("0.2")


def test_a_reduction_the_venue_refuses_for_ever_is_told() -> None:
    desk = HandVenue(settings(execution="watch"))
    desk.signal()
    desk.fill(entry_at(desk, "100"), "5", "100")
    reduce_group(desk, "50")
    desk.errands.clear()
    for _ in range(320):
        for sale in desk.working("reduce"):
            hear(desk, sale, Refused(code="-2022", message="ReduceOnly Order is rejected."))
        desk.wait_quietly(seconds=1)
        desk.errands.clear()

    told = [alert for alert in of(desk.recorded, AlertRaised) if alert.kind == "closing_stuck"]
    assert [alert.subject for alert in told] == [desk.group().opened.group_id]
    assert "reduc" in told[0].text
    assert len(of(desk.recorded, CloseAttempted)) < 20


def test_a_close_whose_answer_was_lost_ends_though_somebody_closed_by_hand() -> None:
    """The position waited for the order, the order for the position: neither ever moved again."""
    desk = HandVenue(settings())
    desk.feed(desk.seen())
    desk.signal()
    desk.fill(entry_at(desk, "100"), "5", "100")
    desk.handle(desk.received("long", kind="exit", price=None))
    while desk.errands and not desk.working("close"):
        desk.reports.extend(desk.carry_out(desk.errands.popleft()))
        while desk.reports:
            desk.handle(desk.reports.popleft())
    (sale,) = desk.working("close")
    desk.errands.clear()
    hear(desk, sale, AnswerLost(detail="timed out"))
    desk.by_hand("sell", "5", "97")

    for _ in range(4):
        desk.now += timedelta(seconds=15)
        hear(desk, sale, NotFound(asked_at=desk.now, position=D(0)))
    assert sale.request.client_order_id in {o.request.client_order_id for o in desk.working()}
    for _ in range(2):
        desk.now += timedelta(seconds=15)
        desk.feed(desk.seen())
    desk.now += timedelta(seconds=15)
    hear(desk, sale, NotFound(asked_at=desk.now, position=D(0)))
    desk.wait_quietly(seconds=1)

    (sold,) = of(desk.recorded, LegExitFilled)
    assert (sold.price, sold.quantity) == (D(97), D(5))
    assert of(desk.recorded, OrderResent) == []
    assert desk.book.open_groups() == ()
    assert desk.book.holdings.disputes(BTC) == ()
    check_record(desk)


def test_a_sale_that_never_arrived_is_decided_anew_and_not_sent_again_at_its_old_price() -> None:
    desk = HandVenue(settings())
    desk.signal()
    desk.fill(entry_at(desk, "100"), "5", "100")
    reduce_group(desk, "100")
    desk.errands.clear()
    (take_profit,) = desk.working("take_profit")
    hear(desk, take_profit, Ended(status="cancelled", filled=D(0)))
    (sale,) = desk.working("reduce")
    assert sale.request.price == D(99)
    hear(desk, sale, AnswerLost(detail="timed out"))
    desk.move("80")

    for _ in range(3):
        desk.now += timedelta(seconds=15)
        happened = hear(desk, sale, NotFound(asked_at=desk.now, position=D(5)))

    assert of(desk.recorded, OrderResent) == []
    (again,) = of(happened, CloseAttempted)
    assert (again.quantity, again.price) == (D(5), D("78.4"))  # 2 % under 80


def test_a_trade_of_which_a_reduction_left_only_dust_frees_its_slot() -> None:
    desk = Desk(settings(), markets=(market("BTC", min_quantity=D("0.5")),))
    desk.signal()
    reduce_group(desk, "100")
    desk.core.max_fill_quantity = D("4.8")

    happened = desk.settle()

    assert len(of(happened, ReductionEnded)) == 1
    assert [dust.quantity for dust in of(happened, LegDustWrittenOff)] == [D("0.2")]
    assert desk.book.open_groups() == ()
