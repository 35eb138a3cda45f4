"""Stops: from the average, trailing, the signal's own; watched by us or resting at the venue."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from domain.exit import ExitWatched
from domain.identity import stop_id
from domain.order import OrderRequested
from domain.position_group import PositionGroupClosed, PositionGroupClosing, StopTrailed
from domain.settings import ExitSettings, GridSettings, LegSettings, Settings
from tests.application.desk import BTC, PROMPT, Desk, of
from tests.application.invariants import check_record, check_settled

D = Decimal

# 5 at 100 and 5.05 at 99: an average of 99.4975…
LEGS = (
    LegSettings(gap_percent=D(0), weight_percent=D(50), take_profit_percent=D(9)),
    LegSettings(gap_percent=D(-1), weight_percent=D(50), take_profit_percent=D(9)),
)


def settings(**exits: Any) -> Settings:
    changed: dict[str, Any] = {
        name: D(value) if name.endswith("percent") else value for name, value in exits.items()
    }
    return msgspec.structs.replace(
        PROMPT, grid=GridSettings(legs=LEGS), exits=ExitSettings(coalesce_ms=0, **changed)
    )


def stop_of(desk: Desk) -> ExitWatched | None:
    return desk.book.exit(stop_id(desk.group().opened.group_id)).watched


def test_a_stop_is_watched_from_the_average_and_recomputed_on_each_fill() -> None:
    desk = Desk(settings(stop_loss_percent="5"))
    desk.signal()
    assert (stop := stop_of(desk)) is not None
    assert (stop.price, stop.quantity) == (D(95), D(5))

    desk.move("99")

    assert (stop := stop_of(desk)) is not None
    assert (stop.price, stop.quantity) == (D("94.6"), D("10.05"))  # 94.5226…, up
    check_settled(desk)


def test_a_stop_that_is_touched_cancels_everything_and_sells_all() -> None:
    desk = Desk(settings(stop_loss_percent="5"))
    desk.signal()
    desk.move("99")

    desk.move("94.6")

    (closing,) = of(desk.recorded, PositionGroupClosing)
    (closed,) = of(desk.recorded, PositionGroupClosed)
    assert closing.reason == "stop loss touched at 94.6"
    assert closed.realized < D(-20)
    assert desk.working() == []
    check_settled(desk)
    check_record(desk)


def test_a_stop_one_tick_away_does_not_act() -> None:
    desk = Desk(settings(stop_loss_percent="5"))
    desk.signal("sell")
    desk.move("104.9")

    assert of(desk.recorded, PositionGroupClosing) == []


def test_a_shorts_stop_lies_above() -> None:
    desk = Desk(settings(stop_loss_percent="5"))
    desk.signal("sell")
    desk.move("101")
    assert (stop := stop_of(desk)) is not None
    assert stop.price == D("105.5")  # 5 at 100, 4.95 at 101: 100.497… + 5 % = 105.522…, down

    desk.move("105.5")

    assert of(desk.recorded, PositionGroupClosed) != []
    check_settled(desk)


def test_a_trail_follows_the_best_price_in_recorded_steps() -> None:
    desk = Desk(settings(trailing_stop_percent="3", trailing_step_percent="0.5"))
    desk.signal()
    assert (stop := stop_of(desk)) is not None
    assert stop.price == D(97)

    desk.move("100.4")
    assert [trailed.best for trailed in of(desk.recorded, StopTrailed)] == [D(100)]
    desk.move("102")
    assert [trailed.best for trailed in of(desk.recorded, StopTrailed)] == [D(100), D(102)]
    assert (stop := stop_of(desk)) is not None
    assert stop.price == D("99")  # 98.94, up

    desk.move("99")

    (closing,) = of(desk.recorded, PositionGroupClosing)
    assert closing.reason == "stop loss touched at 99"
    check_settled(desk)
    check_record(desk)


def test_a_trail_never_moves_back() -> None:
    desk = Desk(settings(trailing_stop_percent="3", trailing_step_percent="0.5"))
    desk.signal()
    desk.move("102")
    desk.move("101")

    assert of(desk.recorded, StopTrailed)[-1].best == D(102)


@pytest.mark.parametrize(
    ("loss", "trail", "at", "stop"), [("2", "9", "100", "98"), ("9", "2", "100", "98")]
)
def test_the_tighter_of_two_stops_acts(loss: str, trail: str, at: str, stop: str) -> None:
    desk = Desk(settings(stop_loss_percent=loss, trailing_stop_percent=trail))
    desk.signal(price=at)

    assert (watched := stop_of(desk)) is not None
    assert watched.price == D(stop)


def test_a_resting_stop_is_an_order_at_the_venue_and_follows_the_lots() -> None:
    desk = Desk(settings(stop_loss_percent="5", stop_execution="resting"))
    requested = of(desk.handle(desk.received()), OrderRequested)
    assert [order.purpose for order in requested] == ["entry", "entry"]

    first = of(desk.settle(), OrderRequested)

    stops = [order for order in first if order.purpose == "stop"]
    assert [(order.trigger_price, order.quantity, order.price) for order in stops] == [
        (D(95), D(5), None)
    ]
    assert stops[0].reduce_only
    assert desk.book.marks[BTC].price == D(100)
