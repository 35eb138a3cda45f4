"""Attacks on exits that once succeeded: a lot offered twice, or by nobody, or held for ever."""

from decimal import Decimal

from application.inputs import Ended
from application.processes.exit_plan import RESERVED
from application.processes.protection import unprotected_legs
from domain.dca_leg import LegDustWrittenOff, LegExcessSold, LegExitFilled
from domain.identity import stop_id
from tests.application.desk import Desk, market, of
from tests.application.exit_desk import (
    SPOT,
    entry_at,
    fill,
    hear,
    ladder,
    reduce_group,
    settings,
    traded,
)
from tests.application.invariants import check_settled

D = Decimal


def test_while_its_lots_are_being_reduced_a_stop_that_counts_is_watched() -> None:
    listed = market("BTC", stops_reserve=True)
    guarded = settings(stop_loss_percent="5", stop_execution="resting", execution="watch")
    desk = Desk(guarded, markets=(listed,))
    desk.signal()
    (stop,) = desk.working("stop")

    reduce_group(desk, "40")
    hear(desk, stop, Ended(status="cancelled", filled=D(0)))

    known = desk.book.exit(stop_id(desk.group().opened.group_id))
    assert known.watched is not None
    assert (known.watched.reason, known.watched.quantity) == (RESERVED, D(5))


def test_where_stops_count_nothing_is_offered_twice_while_one_exit_makes_way_for_another() -> None:
    listed = market("BTC", stops_reserve=True)
    guarded = settings(stop_loss_percent="5", stop_execution="resting")
    desk = Desk(guarded, markets=(listed,))
    desk.signal()
    (take_profit,) = desk.working("take_profit")

    # Three refusals: its price is watched, and the stop may have the quantity.
    for _ in range(3):
        (take_profit,) = desk.working("take_profit")
        for report in desk.core.expire(take_profit.request.client_order_id, desk.now):
            desk.feed(report)
    (stop,) = desk.working("stop")
    assert (desk.working("take_profit"), stop.request.quantity) == ([], D(5))

    # A minute later it may rest again: the stop goes first.
    desk.wait_quietly(seconds=60)
    assert desk.working("take_profit") == []
    assert stop.request.client_order_id in {o.request.client_order_id for o in desk.working("stop")}
    desk.settle()

    (again,) = desk.working("take_profit")
    assert (again.request.quantity, desk.working("stop")) == (D(5), [])
    check_settled(desk)


def test_what_an_exit_sold_beyond_its_legs_leaves_the_other_lots_of_its_trade() -> None:
    desk = Desk(settings())
    desk.signal()
    desk.move("99")
    first = min(desk.working("take_profit"), key=lambda order: order.request.leg_id)
    assert first.request.quantity == D(5)

    happened = hear(desk, first, traded(desk, "7", "109"))

    assert [sold.quantity for sold in of(happened, LegExitFilled)] == [D(5), D(2)]
    assert of(happened, LegExcessSold) == []
    assert [leg.lot.quantity for leg in desk.legs()] == [D(0), D("3.05")]


def test_a_lot_is_protected_though_its_exit_takes_over_a_rest_another_exit_carried() -> None:
    """A rest under the step goes with the nearest exit; that must not hold the nearer one up."""
    grid = ladder(("0", "40", "6"), ("-1", "30", "2"), ("-2", "30", "4"))
    listed = market("BTC", symbol=SPOT, kind="spot")
    desk = Desk(settings(grid), markets=(listed,), kind="spot", leverage=1, price="100.5")
    desk.signal(symbol="BTCUSDT")
    fill(desk, entry_at(desk, "100"), "4")
    fill(desk, entry_at(desk, "99"), "3.03")
    (rest,) = [o for o in desk.working("take_profit") if o.request.price == D("101")]
    fill(desk, rest, str(rest.request.quantity))
    small = desk.legs()[1].lot.quantity
    assert D(0) < small < D("0.001")
    (host,) = desk.working("take_profit")
    assert len(host.request.covers) == 2

    fill(desk, entry_at(desk, "98"), "3.061")

    assert unprotected_legs(desk.book, desk.group()) == ()
    covers = sorted(len(order.request.covers) for order in desk.working("take_profit"))
    assert covers == [1, 2]
    check_protected_once(desk)


def check_protected_once(desk: Desk) -> None:
    """No leg is offered by two take-profits."""
    every = [leg for order in desk.working("take_profit") for leg in order.request.covers]
    assert len(every) == len(set(every))


def test_a_trade_of_which_an_ended_exit_left_only_dust_frees_its_slot() -> None:
    desk = Desk(settings(), markets=(market("BTC", min_quantity=D("0.5")),))
    desk.signal()
    (take_profit,) = desk.working("take_profit")
    fill(desk, take_profit, "4.8")
    assert desk.group().is_open

    for report in desk.core.expire(take_profit.request.client_order_id, desk.now):
        desk.feed(report)

    assert [dust.quantity for dust in of(desk.recorded, LegDustWrittenOff)] == [D("0.2")]
    assert desk.book.open_groups() == ()
    assert desk.book.risk.slots == {}
