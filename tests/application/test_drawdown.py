"""Equity by the minute, and the drawdown that is looked at twice before everything ends."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from application.inputs import FundingReported, SettingsSubmitted
from domain.equity import (
    DrawdownBreached,
    DrawdownRecovered,
    EmergencyStopped,
    EquitySampled,
)
from domain.position_group import PositionGroupClosed
from domain.settings import CapitalSettings
from tests.application.desk import BTC, ETH, Desk, names, of
from tests.application.drawdown_desk import (
    ONE_LEG,
    aged,
    alerts,
    holding,
    limited,
    tick,
    venue_name,
)
from tests.application.exit_desk import TWO_LEGS
from tests.application.invariants import check_record

D = Decimal
START = D(1_000_000)


def test_each_whole_minute_with_something_open_leaves_one_sample() -> None:
    venue = holding()
    venue.move("95")

    (sample,) = of(tick(venue), EquitySampled)
    assert (sample.equity, sample.unrealized, sample.peak) == (START - 50, D(-50), START)
    assert sample.capital == START
    assert sample.committed == D(1000)
    assert of(tick(venue, seconds=1, minute=False), EquitySampled) == []
    check_record(venue)


def test_without_anything_open_nothing_is_sampled() -> None:
    desk = Desk(limited())
    assert tick(desk) == []


def test_the_curve_ends_with_what_the_last_trade_left_also_amid_a_sampled_minute() -> None:
    venue = holding(BTC, ETH)
    venue.move("120", BTC)
    first = venue.signal("long", kind="exit", symbol=venue_name(ETH), price=None)
    assert of(first, EquitySampled) == []

    tick(venue)
    happened = venue.signal("long", kind="exit", price=None)

    (sample,) = of(happened, EquitySampled)
    assert (sample.equity, sample.peak, sample.committed) == (START + 200, START + 200, D(0))
    assert sample.sampled_at == venue.now


def test_an_unknown_mark_is_never_guessed() -> None:
    venue = holding(BTC, ETH)
    venue.start()
    venue.now += timedelta(seconds=1)
    marks = venue.marks()
    del marks[ETH]

    happened = tick(venue, marks=marks)

    assert of(happened, EquitySampled) == []
    assert of(happened, DrawdownBreached) == []


def test_a_limit_reached_exactly_is_a_breach_and_told() -> None:
    venue = holding()
    venue.move("90")

    happened = tick(venue)

    (breached,) = of(happened, DrawdownBreached)
    assert (breached.equity, breached.peak) == (START - 100, START)
    assert breached.drawdown_percent == breached.limit_percent == D("0.01")
    (alert,) = alerts(happened, "drawdown")
    assert alert.severity == "critical"
    assert "999900 is 0.01 % below its peak of 1000000" in alert.text


def test_a_tick_short_of_the_limit_is_none() -> None:
    venue = holding()
    venue.move("90.1")
    assert of(tick(venue), DrawdownBreached) == []


@pytest.mark.parametrize(("seconds", "stops"), [(9.999999, 0), (10, 1)])
def test_the_second_look_counts_from_ten_seconds_on(seconds: float, stops: int) -> None:
    venue = holding()
    venue.move("90")
    tick(venue)

    assert len(of(tick(venue, seconds=seconds), EmergencyStopped)) == stops


def test_the_tick_of_a_second_is_no_look() -> None:
    venue = holding()
    venue.move("90")
    tick(venue)
    assert of(tick(venue, seconds=30, minute=False), EmergencyStopped) == []


def test_one_bad_print_closes_nothing() -> None:
    venue = holding()
    venue.move("10")
    tick(venue)
    venue.move("100")

    assert len(of(tick(venue), DrawdownRecovered)) == 1
    venue.move("90")
    assert len(of(tick(venue), DrawdownBreached)) == 1
    assert of(venue.recorded, EmergencyStopped) == []


def test_each_fill_is_a_look() -> None:
    venue = holding()
    venue.signal(symbol=venue_name(ETH))
    (entry,) = venue.working("entry")
    venue.move("90", BTC)

    assert len(of(venue.fill(entry, "1", "100"), DrawdownBreached)) == 1
    venue.now += timedelta(seconds=10)
    assert len(of(venue.fill(entry, "1", "100"), EmergencyStopped)) == 1


def test_an_old_mark_of_one_symbol_keeps_the_whole_look_away() -> None:
    venue = holding(BTC, ETH)
    venue.move("80", BTC)
    old = aged(venue, ETH, then=60, old=31)
    happened = tick(venue, marks=old)
    assert len(of(happened, EquitySampled)) == 1
    assert of(happened, DrawdownBreached) == []

    assert len(of(tick(venue), DrawdownBreached)) == 1
    assert of(tick(venue, marks=aged(venue, ETH, then=60, old=31)), EmergencyStopped) == []
    exact = aged(venue, ETH, then=60, old=30)
    assert len(of(tick(venue, marks=exact), EmergencyStopped)) == 1


def test_the_mark_of_a_symbol_without_lots_may_be_old() -> None:
    venue = holding()
    venue.signal(symbol=venue_name(ETH))
    venue.move("90", BTC)
    old = aged(venue, ETH, then=60, old=600)
    assert len(of(tick(venue, marks=old), DrawdownBreached)) == 1


def test_without_a_limit_of_age_any_known_mark_will_do() -> None:
    venue = holding(settings=limited(max_mark_age_seconds=None))
    venue.move("90", BTC)
    old = aged(venue, BTC, then=60, old=86_400)
    assert len(of(tick(venue, marks=old), DrawdownBreached)) == 1


def test_an_old_high_makes_no_peak() -> None:
    venue = holding(BTC, ETH)
    venue.move("200", ETH)

    (sample,) = of(tick(venue, marks=aged(venue, ETH, then=60, old=31)), EquitySampled)

    assert (sample.equity, sample.peak) == (START + 1000, START)


def test_a_trade_that_many_legs_share_is_looked_at_as_a_whole() -> None:
    """Leg by leg the profit would be missing for a moment: a fall that never was."""
    settings = msgspec.structs.replace(limited("0.001"), grid=TWO_LEGS)
    desk = Desk(settings)
    desk.signal()
    desk.move("98.9")
    desk.move("104")
    tick(desk)

    happened = desk.signal("long", kind="exit", price=None)

    (closed,) = of(happened, PositionGroupClosed)
    assert closed.realized > D(30)
    assert of(desk.recorded, DrawdownBreached) == []


def test_midnight_neither_loses_a_breach_nor_decides_it_without_marks() -> None:
    venue = holding()
    venue.move("90")
    tick(venue)
    venue.now = venue.now.replace(hour=23, minute=59)
    night = tick(venue, seconds=60, marks={})
    assert "equity.opened" in names(night)
    assert of(night, EmergencyStopped) == []
    assert of(night, DrawdownRecovered) == []

    assert len(of(tick(venue), EmergencyStopped)) == 1
    check_record(venue)


def test_a_restart_neither_loses_a_breach_nor_decides_it_without_marks() -> None:
    venue = holding()
    venue.move("90")
    tick(venue)
    venue.start()
    venue.answer()
    assert of(tick(venue, marks={}), EmergencyStopped) == []

    assert len(of(tick(venue), EmergencyStopped)) == 1
    check_record(venue)


def test_a_breach_is_looked_at_again_with_nothing_open_any_more() -> None:
    venue = holding()
    venue.move("80")
    closed = venue.signal("long", kind="exit", price=None)
    assert len(of(closed, DrawdownBreached)) == 1
    assert venue.book.open_groups() == ()

    assert len(of(tick(venue), EmergencyStopped)) == 1
    assert venue.book.risk.trading_state == "halted"


def test_funding_that_is_paid_is_a_look() -> None:
    venue = holding()
    paid = FundingReported(
        funding_id="f1", symbol=BTC, amount=D(-100), asset="USDT", settled_at=venue.now
    )
    (breached,) = of(venue.feed(paid), DrawdownBreached)
    assert breached.equity == START - 100


def test_another_allocation_of_a_live_account_moves_the_peak_with_it() -> None:
    settings = msgspec.structs.replace(
        limited("1"), grid=ONE_LEG, capital=CapitalSettings(allocation=D(10_000))
    )
    venue = holding(settings=settings, live=True)
    assert of(tick(venue), EquitySampled)[-1].peak == D(10_000)
    smaller = msgspec.structs.replace(settings, capital=CapitalSettings(allocation=D(5_000)))
    venue.feed(SettingsSubmitted(settings=smaller, actor="ann", reason="less"))

    (sample,) = of(tick(venue), EquitySampled)

    assert (sample.equity, sample.peak) == (D(5_000), D(5_000))
    assert of(venue.recorded, DrawdownBreached) == []
