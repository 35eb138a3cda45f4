"""Entries the market has left behind: called off too far away, closed if nothing ever filled."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from domain.order import OrderCancelRequested
from domain.position_group import PositionGroupClosed, PositionGroupClosing
from domain.pyramid import PyramidEntriesHalted
from domain.settings import GridSettings, LegSettings, Settings
from tests.application.desk import PROMPT, Desk, of

D = Decimal


def far(limit: str | None = "3", **grid: Any) -> Settings:
    beyond = None if limit is None else D(limit)
    return msgspec.structs.replace(
        PROMPT, grid=GridSettings(cancel_dca_beyond_percent=beyond, **grid)
    )


@pytest.mark.parametrize(
    ("price", "halts"), [("103", False), ("103.1", True), ("97", False), ("96.9", True)]
)
def test_farther_than_allowed_from_its_entry_either_way_a_pyramid_buys_no_more(
    price: str, halts: bool
) -> None:
    desk = Desk(far(), price="101")
    desk.signal(price="100")
    desk.core.begin_move(desk.group().opened.symbol, D(price), desk.now)
    while desk.core.next_fill() is not None:
        pass

    happened = desk.wait_quietly(seconds=10)

    assert bool(of(happened, PyramidEntriesHalted)) is halts
    assert len(of(happened, OrderCancelRequested)) == (5 if halts else 0)


def test_a_group_with_lots_goes_on_without_its_unfilled_legs() -> None:
    legs = tuple(
        LegSettings(gap_percent=D(gap), weight_percent=D(50), take_profit_percent=D(1))
        for gap in (0, -10)
    )
    desk = Desk(far(legs=legs))
    desk.signal()
    desk.move("96.5")

    desk.wait(seconds=10)

    (halted,) = of(desk.recorded, PyramidEntriesHalted)
    assert halted.reason == "cancel_dca_beyond_percent: 3.5 % from its entry, 3 allowed"
    assert desk.working("entry") == []
    assert [leg.entry_open for leg in desk.legs()] == [False, False]
    assert desk.group().is_open
    assert len(desk.working("take_profit")) == 1


def test_a_group_that_never_filled_closes_when_its_ladder_is_called_off() -> None:
    desk = Desk(far(), price="104")
    desk.signal(price="100")

    desk.wait(seconds=10)

    (closed,) = of(desk.recorded, PositionGroupClosed)
    assert closed.reason == "no entry could fill"
    assert desk.book.risk.committed() == 0


def test_each_pyramid_is_measured_from_its_own_entry_and_called_off_once() -> None:
    desk = Desk(far(), price="101")
    desk.signal(price="100")
    desk.signal(price="104")
    desk.core.begin_move(desk.group().opened.symbol, D("103.5"), desk.now)
    while desk.core.next_fill() is not None:
        pass

    first = of(desk.wait(seconds=10), PyramidEntriesHalted)
    second = of(desk.wait(seconds=10), PyramidEntriesHalted)

    assert [halted.pyramid_id[-2:] for halted in first] == ["p0"]
    assert second == []


def test_null_turns_it_off() -> None:
    desk = Desk(far(None), price="101")
    desk.signal(price="100")
    desk.move("150")

    assert of(desk.wait(seconds=10), PyramidEntriesHalted) == []


@pytest.mark.parametrize(("minutes", "waits"), [(240, 239), (30, 29)])
def test_nothing_filled_in_time_is_cancelled_and_closed(minutes: int, waits: int) -> None:
    desk = Desk(far(None, unfilled_minutes=minutes), price="101")
    desk.signal()

    assert of(desk.wait(minutes=waits, seconds=59), PositionGroupClosing) == []
    desk.wait(seconds=1)

    (closed,) = of(desk.recorded, PositionGroupClosed)
    assert closed.reason == "nothing filled in time"
    assert desk.core.open_orders() == ()


def test_one_fill_is_enough_to_stay_and_null_waits_for_ever() -> None:
    filled = Desk(far(None, unfilled_minutes=30))
    filled.signal()
    patient = Desk(far(None, unfilled_minutes=None), price="101")
    patient.signal()

    filled.wait(hours=9)
    patient.wait(hours=9)

    assert filled.group().is_open
    assert patient.group().is_open
