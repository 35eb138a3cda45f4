"""Where a trade takes its profit: by leg, by pyramid, together, or both; resting or watched."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from application.inputs import ClockTicked
from domain.dca_leg import LegExitFilled
from domain.exit import ExitWatched
from domain.order import OrderRequested
from domain.position_group import PositionGroupClosed, PositionGroupClosing, ReductionEnded
from domain.settings import ExitSettings, GridSettings, LegSettings, Settings
from tests.application.desk import Desk, of
from tests.application.invariants import check_record, check_settled

D = Decimal

# Two legs of 500 each with a budget of 1000: 5 at 100, and 5.05 at 99.
LEGS = (
    LegSettings(gap_percent=D(0), weight_percent=D(50), take_profit_percent=D(3)),
    LegSettings(gap_percent=D(-1), weight_percent=D(50), take_profit_percent=D(4)),
)


def settings(**exits: Any) -> Settings:
    return Settings(
        grid=GridSettings(legs=LEGS),
        exits=ExitSettings(coalesce_ms=0, take_profit_percent=D(2), **exits),
    )


def exits_of(desk: Desk) -> list[tuple[Decimal | None, Decimal]]:
    return sorted(
        (order.request.price or D(0), order.request.quantity)
        for order in desk.working("take_profit")
    )


def watched_of(desk: Desk) -> list[tuple[Decimal, Decimal]]:
    exits = (known for _, known in desk.book.exits_of(desk.group()))
    return [(each.watched.price, each.watched.quantity) for each in exits if each.watched]


def bought_both(desk: Desk) -> Desk:
    desk.signal()
    desk.move("99")
    return desk


def test_an_aggregate_exit_rests_at_the_average_of_all_lots_and_is_replaced_on_each_fill() -> None:
    desk = Desk(settings(mode="aggregate"))
    desk.signal()
    assert exits_of(desk) == [(D(102), D(5))]

    desk.move("99")

    # (5 x 100 + 5.05 x 99) / 10.05 = 99.4975…, plus 2 % = 101.487…, a sale: up
    assert exits_of(desk) == [(D("101.5"), D("10.05"))]
    check_settled(desk)


def test_an_aggregate_exit_that_fills_closes_the_trade() -> None:
    desk = bought_both(Desk(settings(mode="aggregate")))

    desk.move("101.5")

    (closed,) = of(desk.recorded, PositionGroupClosed)
    assert closed.reason == "took profit on every lot"
    sold = of(desk.recorded, LegExitFilled)
    assert [fill.quantity for fill in sold] == [D(5), D("5.05")]
    check_settled(desk)
    check_record(desk)


def test_what_an_aggregate_exit_has_left_keeps_its_price() -> None:
    desk = bought_both(Desk(settings(mode="aggregate")))
    (order,) = desk.working("take_profit")

    for report in desk.core.fill(order.request.client_order_id, D(6), desk.now):
        desk.feed(report)

    (still,) = desk.working("take_profit")
    assert still.request.client_order_id == order.request.client_order_id
    assert [leg.lot.quantity for leg in desk.legs()] == [D(0), D("4.05")]  # oldest first
    check_settled(desk)


def test_each_pyramid_takes_profit_by_its_own_average_and_target() -> None:
    desk = Desk(settings(mode="pyramid_aggregate", pyramid_targets={1: D(1)}))
    bought_both(desk)
    desk.signal(price="98")
    desk.move("97")

    first = D("101.5")
    # 5.102 at 98 and 5.154 at 97: 97.497…, plus 1 % = 98.472…, up
    assert exits_of(desk) == [(D("98.5"), D("10.256")), (first, D("10.05"))]
    assert {order.request.pyramid_id for order in desk.working("take_profit")} == set(
        desk.group().pyramid_ids
    )
    check_settled(desk)


def test_in_hybrid_mode_each_leg_rests_and_the_whole_is_watched() -> None:
    desk = bought_both(Desk(settings(mode="hybrid")))

    assert exits_of(desk) == [(D(103), D(5)), (D(103), D("5.05"))]
    assert watched_of(desk) == [(D("101.5"), D("10.05"))]


def test_hybrids_first_trigger_wins_and_the_other_recalculates_on_the_rest() -> None:
    desk = bought_both(Desk(settings(mode="hybrid", close_when_flat=True)))
    first = next(o for o in desk.working("take_profit") if o.request.quantity == D(5))

    for report in desk.core.fill(first.request.client_order_id, D(5), desk.now):
        desk.feed(report)

    assert watched_of(desk) == [(D("101"), D("5.05"))]  # 99 plus 2 % = 100.98, up
    desk.move("101")
    (closing,) = of(desk.recorded, PositionGroupClosing)
    assert closing.reason == "take-profit touched at 101"
    check_settled(desk)
    check_record(desk)


def test_hybrid_without_closing_when_flat_sells_the_whole_and_keeps_its_entries() -> None:
    desk = Desk(settings(mode="hybrid", close_when_flat=False))
    desk.signal()

    desk.move("102")

    assert of(desk.recorded, PositionGroupClosing) == []
    assert len(of(desk.recorded, ReductionEnded)) == 1
    assert [leg.lot.quantity for leg in desk.legs()] == [D(0), D(0)]
    assert len(desk.working("entry")) == 1
    check_settled(desk)


@pytest.mark.parametrize("mode", ["per_leg", "aggregate", "pyramid_aggregate", "hybrid"])
def test_a_watched_exit_leaves_nothing_at_the_venue_and_sells_when_touched(mode: str) -> None:
    desk = bought_both(Desk(settings(mode=mode, execution="watch")))
    assert exits_of(desk) == []

    desk.move("103")

    (closed,) = of(desk.recorded, PositionGroupClosed)
    assert closed.realized > D(20)
    sales = [o for o in of(desk.recorded, OrderRequested) if o.purpose in ("close", "reduce")]
    assert all(order.time_in_force == "ioc" and order.reduce_only for order in sales)
    check_settled(desk)
    check_record(desk)


def test_a_watched_leg_is_sold_alone_and_named_in_its_order() -> None:
    desk = Desk(settings(mode="per_leg", execution="watch", close_when_flat=False))
    desk.signal()

    desk.move("103")

    (order,) = [o for o in of(desk.recorded, OrderRequested) if o.purpose == "reduce"]
    assert order.leg_id == desk.legs()[0].plan.leg_id
    assert order.pyramid_id == desk.legs()[0].plan.pyramid_id
    assert len(desk.working("entry")) == 1


def test_a_watched_price_one_tick_short_is_not_touched() -> None:
    desk = bought_both(Desk(settings(mode="aggregate", execution="watch")))

    desk.move("101.4")

    assert of(desk.recorded, PositionGroupClosing) == []
    assert watched_of(desk) == [(D("101.5"), D("10.05"))]


def test_a_price_already_beyond_its_level_when_it_is_watched_fires_with_the_next_tick() -> None:
    desk = Desk(settings(mode="aggregate", execution="watch"), price="100")
    desk.handle(desk.received())
    desk.core.begin_move("BTC/USDT:USDT", D(105), desk.now)
    assert desk.core.next_fill() is None

    desk.settle()

    # The entry at 100 rests below a market of 105; it is filled late, by hand.
    entry = next(o for o in desk.working("entry") if o.request.price == D(100))
    for report in desk.core.fill(entry.request.client_order_id, D(5), desk.now):
        desk.feed(report)
    assert of(desk.recorded, ExitWatched)[-1].price == D(102)
    desk.wait(seconds=1)
    assert of(desk.recorded, PositionGroupClosing) != []


def test_shorts_take_profit_below() -> None:
    desk = Desk(settings(mode="aggregate"))
    desk.signal("sell")
    desk.move("101")

    # 5 at 100 and 4.95 at 101: 100.497…, less 2 % = 98.487…, a purchase: down
    assert exits_of(desk) == [(D("98.4"), D("9.95"))]
    desk.move("98.4")
    (closed,) = of(desk.recorded, PositionGroupClosed)
    assert closed.realized > D(0)
    check_settled(desk)


def test_a_mark_from_before_a_level_does_not_touch_it() -> None:
    """The feed died at 103; a later fill brings a level the dead mark would be beyond."""
    desk = Desk(settings(mode="aggregate", execution="watch"), price="103")
    desk.signal(price="100")
    entry = next(o for o in desk.working("entry") if o.request.price == D(100))
    old = desk.marks()
    desk.now += timedelta(seconds=5)
    (traded, ended) = desk.core.fill(entry.request.client_order_id, D(5), desk.now)
    for report in (traded, ended):
        handled = desk.engine.handle(report, desk.now, old)
        desk.commit(handled.stored, handled.recorded)

    ticked = desk.engine.handle(ClockTicked(due_at=desk.now), desk.now, old)
    desk.commit(ticked.stored, ticked.recorded)
    assert of(desk.recorded, PositionGroupClosing) == []

    desk.wait(seconds=1)
    assert of(desk.recorded, PositionGroupClosing) != []
