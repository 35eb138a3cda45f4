"""What a pyramid may spend and how its ladder comes about: budgets, shares, generators, legs."""

from decimal import Decimal
from typing import Any

import msgspec

from application.inputs import SettingsSubmitted
from application.processes.equity import equity_of
from domain.dca_leg import LegPlanned
from domain.pyramid import PyramidPlanned
from domain.settings import (
    CapitalPatch,
    CapitalSettings,
    GeneratorSettings,
    GridPatch,
    GridSettings,
    LegSettings,
    Override,
    Settings,
)
from tests.application.desk import BTC, ETH, PROMPT, Desk, of

D = Decimal
SHARE = CapitalSettings(group_budget_rule="equity_share")


def with_settings(**parts: Any) -> Settings:
    return msgspec.structs.replace(PROMPT, **parts)


def planned(desk: Desk) -> list[Decimal]:
    """The capital of every pyramid that was laid out, in order."""
    return [pyramid.capital for pyramid in of(desk.recorded, PyramidPlanned)]


def test_a_share_of_the_equity_is_cut_by_slots_and_pyramids() -> None:
    desk = Desk(with_settings(capital=SHARE), price="101")

    desk.signal()

    # 1 000 000 over 10 slots, over 5 pyramids.
    assert planned(desk) == [D(20_000)]
    assert desk.outcome() == ("admitted", "approved")


def test_what_was_earned_and_what_is_open_count_in_the_equity() -> None:
    desk = Desk(with_settings(capital=CapitalSettings(group_budget=D(5000))))
    desk.signal()
    desk.move("102")
    desk.signal(symbol="ETHUSDT.P")
    desk.move("98.7", ETH)
    assert desk.book.risk.realized_total > 0
    assert desk.core.unrealized < 0
    settings = with_settings(capital=SHARE)
    desk.feed(SettingsSubmitted(settings=settings, actor="ann", reason="grow"))
    equity = desk.core.equity

    desk.handle(desk.received(symbol="SOLUSDT.P"))

    assert equity_of(desk.book) == equity
    assert planned(desk)[-1] == equity / 10 / 5


def test_an_unknown_mark_of_an_open_lot_is_never_guessed() -> None:
    desk = Desk(with_settings(capital=SHARE))
    desk.signal()
    assert desk.legs()[0].lot.quantity > 0
    desk.start()
    only_eth = {ETH: desk.marks()[ETH]}

    handled = desk.engine.handle(desk.received(symbol="ETHUSDT.P"), desk.now, only_eth)
    desk.commit(handled.stored, handled.recorded)
    assert equity_of(desk.book) is None
    assert desk.outcome() == ("queued", "mark_fresh")

    handled = desk.engine.handle(desk.received(), desk.now, only_eth)
    desk.commit(handled.stored, handled.recorded)
    assert desk.outcome() == ("refused", "mark_fresh")

    desk.wait(seconds=10)
    assert [group.opened.symbol for group in desk.book.open_groups()] == [BTC, ETH]


def test_without_open_lots_no_mark_is_needed_for_the_equity() -> None:
    desk = Desk(with_settings(capital=SHARE), price="101")
    desk.signal()
    desk.start()

    assert equity_of(desk.book) == D(1_000_000)


def test_a_list_gives_each_pyramid_its_own_amount() -> None:
    capital = CapitalSettings(pyramid_capital=(D(500), D(750)))
    desk = Desk(with_settings(capital=capital, grid=GridSettings(max_pyramids=2)), price="101")

    desk.signal()
    desk.signal()

    assert planned(desk) == [D(500), D(750)]


def test_an_override_gives_its_symbol_another_amount() -> None:
    own = Override(symbol=ETH, capital=CapitalPatch(group_budget=D(2500)))
    desk = Desk(with_settings(overrides=(own,)), price="101")

    desk.signal()
    desk.signal(symbol="ETHUSDT.P")

    assert planned(desk) == [D(1000), D(500)]


def test_a_generator_lays_out_the_ladder() -> None:
    martingale = GeneratorSettings(
        legs=4,
        gaps="geometric",
        gap_percent=D(-1),
        gap_step=D(2),
        sizes="geometric",
        size_step=D(2),
        take_profit_percent=D("1.5"),
    )
    capital = CapitalSettings(group_budget=D(7500))
    desk = Desk(with_settings(grid=GridSettings(generator=martingale), capital=capital))

    legs = of(desk.handle(desk.received()), LegPlanned)

    # 1500 in fifteenths of 100, 200, 400 and 800; gaps of 0, 1, 3 and 7 %.
    assert [(leg.price, leg.quantity) for leg in legs] == [
        (D(100), D(1)),
        (D(99), D("2.020")),
        (D(97), D("4.123")),
        (D(93), D("8.602")),
    ]
    assert {leg.take_profit_percent for leg in legs} == {D("1.5")}


def test_a_single_pyramid_may_have_legs_of_its_own() -> None:
    own = (LegSettings(gap_percent=D(-3), weight_percent=D(100), take_profit_percent=D(4)),)
    grid = GridSettings(pyramid_legs={1: own}, generator=GeneratorSettings(legs=2))
    desk = Desk(with_settings(grid=grid), price="101")

    first = of(desk.signal(), LegPlanned)
    second = of(desk.signal(), LegPlanned)

    assert [leg.gap_percent for leg in first] == [D(0), D("-0.5")]
    assert [(leg.price, leg.take_profit_percent) for leg in second] == [(D(97), D(4))]


def test_one_timeframe_of_a_symbol_may_have_a_ladder_of_its_own() -> None:
    hourly = Override(
        symbol=BTC, timeframe="60", grid=GridPatch(generator=GeneratorSettings(legs=2))
    )
    desk = Desk(with_settings(overrides=(hourly,)), price="101")

    desk.signal(timeframe="60")
    desk.signal(timeframe="15")

    legs = {g.opened.timeframe: len(desk.book.legs_of(g)) for g in desk.book.open_groups()}
    assert legs == {"60": 2, "15": 5}


def test_a_shorts_generated_ladder_goes_up() -> None:
    grid = GridSettings(generator=GeneratorSettings(legs=3, gap_percent=D(-2)))
    desk = Desk(with_settings(grid=grid), price="99")

    legs = of(desk.handle(desk.received("sell")), LegPlanned)

    assert [leg.price for leg in legs] == [D(100), D(102), D(104)]
