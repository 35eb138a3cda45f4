"""Stops by hand: from the average, from the best price, from the signal; the tighter one acts."""

from decimal import Decimal
from typing import Any

import pytest

from domain.instrument import Instrument, PositionSide
from domain.settings import ExitSettings
from domain.stop import StopFacts, next_step, stop_price

D = Decimal
MARKET = Instrument(
    symbol="BTC/USDT:USDT",
    venue_symbol="BTCUSDT",
    kind="linear",
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick=D("0.1"),
    step=D("0.001"),
    min_quantity=D("0.001"),
    min_notional=D(5),
)


def facts(side: PositionSide = "long", **given: str) -> StopFacts:
    names = ("stop_loss_percent", "trailing_stop_percent", "trailing_step_percent")
    percents: dict[str, Any] = {name: D(given.pop(name)) for name in names if name in given}
    prices: dict[str, Any] = {name: D(value) for name, value in given.items()}
    return StopFacts(
        instrument=MARKET,
        side=side,
        average_entry=D(100),
        exits=ExitSettings(**percents),
        **prices,
    )


def test_without_any_stop_there_is_none() -> None:
    assert stop_price(facts(best="120")) is None


@pytest.mark.parametrize(("side", "price"), [("long", "97"), ("short", "103")])
def test_a_stop_loss_is_counted_from_the_average(side: PositionSide, price: str) -> None:
    assert stop_price(facts(side, stop_loss_percent="3")) == D(price)


@pytest.mark.parametrize(
    ("side", "best", "price"), [("long", "110", "104.5"), ("short", "90", "94.5")]
)
def test_a_trail_is_counted_from_the_best_price(side: PositionSide, best: str, price: str) -> None:
    assert stop_price(facts(side, trailing_stop_percent="5", best=best)) == D(price)


def test_a_trail_without_a_best_price_is_not_yet_there() -> None:
    assert stop_price(facts(trailing_stop_percent="5")) is None


@pytest.mark.parametrize(
    ("side", "best", "of_signal", "price"),
    [
        ("long", "100", "90", "97"),  # 3 % under the average is nearer than 5 % under 100, and 90
        ("long", "110", "90", "104.5"),  # the trail has overtaken it
        ("long", "110", "105", "105"),  # the signal's own is nearest
        ("short", "100", "110", "103"),
        ("short", "90", "110", "94.5"),
        ("short", "90", "94", "94"),
    ],
)
def test_the_tighter_one_acts(side: PositionSide, best: str, of_signal: str, price: str) -> None:
    whole = facts(
        side, stop_loss_percent="3", trailing_stop_percent="5", best=best, of_signal=of_signal
    )

    assert stop_price(whole) == D(price)


def test_a_stop_is_rounded_as_a_resting_exit_never_worse_for_us() -> None:
    assert stop_price(facts(stop_loss_percent="2.97")) == D("97.1")  # 97.03, a sale: up
    assert stop_price(facts("short", stop_loss_percent="2.97")) == D("102.9")  # 102.97: down


def test_the_best_price_is_recorded_anew_a_step_further() -> None:
    def step(side: PositionSide) -> Decimal | None:
        trail = facts(side, trailing_stop_percent="5", trailing_step_percent="0.25", best="110")
        return next_step(trail)

    assert step("long") == D("110.3")  # 110.275, a sale: up
    assert step("short") == D("109.7")  # 109.725: down


def test_nothing_moves_a_trail_that_is_off_or_has_not_begun() -> None:
    assert next_step(facts(best="110")) is None
    assert next_step(facts(trailing_stop_percent="5")) is None
