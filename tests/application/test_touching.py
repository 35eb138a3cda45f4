"""A watched price is touched: its lots are sold, and nothing else is asked for them meanwhile."""

from decimal import Decimal

import msgspec

from application.inputs import MarkMoved, OperatorActed
from domain.exit import ExitRequested, ExitTouched, ExitWatched
from domain.order import OrderRequested
from domain.position_group import CloseAttempted, PositionGroupClosing, StopTrailed
from domain.settings import ExitSettings
from domain.trading_day import AlertRaised
from tests.application.desk import BTC, PROMPT, Desk, market, of

D = Decimal
WATCHED = msgspec.structs.replace(PROMPT, exits=ExitSettings(coalesce_ms=0, execution="watch"))

STOPPED = ExitSettings(coalesce_ms=0, stop_loss_percent=D(4))


def test_a_price_that_a_tick_finds_touched_is_not_watched_again() -> None:
    desk = Desk(WATCHED)
    desk.signal()
    quietly(desk, "101")

    happened = desk.wait_quietly(seconds=10)

    assert len(of(happened, ExitTouched)) == 1
    assert of(happened, ExitWatched) == []
    assert of(happened, AlertRaised) == [], "a lot that is being sold is not unprotected"
    assert len(desk.working("reduce")) == 1


def test_a_failing_exit_that_is_touched_as_it_may_rest_again_is_sold_once() -> None:
    desk = Desk()
    desk.signal()
    for _ in range(3):
        (working,) = desk.working("take_profit")
        desk.reports.extend(desk.core.expire(working.request.client_order_id, desk.now))
        desk.settle()
    assert desk.book.exit(desk.legs()[0].plan.leg_id).watched is not None
    quietly(desk, "101")

    happened = desk.wait_quietly(minutes=2)

    assert len(of(happened, ExitTouched)) == 1
    assert of(happened, ExitRequested) == [], "its lot would be offered twice"
    assert len(desk.working("reduce")) == 1


def test_a_trail_that_moves_as_a_target_is_touched_brings_no_exit_back() -> None:
    trailing = ExitSettings(coalesce_ms=0, execution="watch", trailing_stop_percent=D(3))
    desk = Desk(msgspec.structs.replace(PROMPT, exits=trailing))
    desk.signal()
    quietly(desk, "101")

    happened = desk.feed(MarkMoved(symbol=BTC))

    assert len(of(happened, StopTrailed)) == 1
    (leg_id,) = [touched.exit_id for touched in of(happened, ExitTouched)]
    assert leg_id not in [watched.exit_id for watched in of(happened, ExitWatched)]


def test_a_touched_exit_sells_the_small_lots_that_joined_it() -> None:
    """A lot under the minimum goes with the exit nearest to its own."""
    coarse = market("BTC", min_quantity=D("0.5"))
    desk = Desk(WATCHED, markets=(coarse,))
    desk.signal()
    second = desk.legs()[1]
    entry = next(o for o in desk.working("entry") if o.request.leg_id == second.plan.leg_id)
    desk.reports.extend(desk.core.fill(entry.request.client_order_id, D("0.2"), desk.now))
    desk.settle()
    quietly(desk, "101")

    desk.wait(seconds=10)

    assert desk.book.holdings.dust == {}
    assert desk.core.position(BTC).quantity == D(0)


def test_a_sale_decided_as_its_trade_is_stopped_remains_a_reduction() -> None:
    """It covers its own lots only: what is left is closed by an order of its own."""
    desk = Desk(msgspec.structs.replace(PROMPT, exits=STOPPED))
    desk.signal()
    desk.core.max_fill_quantity = D("0.1")
    group_id = desk.group().opened.group_id
    reduced = OperatorActed(
        action="reduce_group", subject=group_id, actor="ann", reason="less", percent=D(50)
    )
    desk.feed(reduced)
    desk.core.max_fill_quantity = None
    desk.core.begin_move(BTC, D(95), desk.now)
    while desk.core.next_fill() is not None:
        continue

    happened = desk.wait_quietly(seconds=2)

    assert len(of(happened, PositionGroupClosing)) == 1
    (sale,) = of(happened, OrderRequested)
    (attempted,) = of(happened, CloseAttempted)
    assert (sale.purpose, sale.covers) == ("reduce", attempted.covers)
    assert sale.covers != ()


def quietly(desk: Desk, price: str) -> None:
    """The market moves and nobody says so before the next tick."""
    desk.core.begin_move(BTC, D(price), desk.now)
    assert desk.core.next_fill() is None
