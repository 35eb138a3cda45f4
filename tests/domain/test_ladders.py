"""Ladders by formula: steps and sizes that stay, add up or multiply; golden numbers by hand."""

from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ladders import generated, ladder_of
from domain.settings import GeneratorSettings, GridSettings, LegSettings, Settings
from domain.settings_rules import validate

D = Decimal


def gaps(**formula: Any) -> list[Decimal]:
    return [leg.gap_percent for leg in generated(GeneratorSettings(**formula))]


def weights(**formula: Any) -> list[Decimal]:
    return [leg.weight_percent for leg in generated(GeneratorSettings(**formula))]


def decimals(*texts: str) -> list[Decimal]:
    return [D(text) for text in texts]


def test_fixed_steps_lie_evenly_below_the_entry() -> None:
    assert gaps(legs=4, gap_percent=D("-0.5")) == decimals("0", "-0.5", "-1", "-1.5")


def test_arithmetic_steps_grow_deeper_by_the_same_each_time() -> None:
    # Steps of 0.5, 0.8, 1.1 and 1.4.
    grown = gaps(legs=5, gaps="arithmetic", gap_percent=D("-0.5"), gap_step=D("0.3"))

    assert grown == decimals("0", "-0.5", "-1.3", "-2.4", "-3.8")


def test_geometric_steps_multiply() -> None:
    # Steps of 1, 1.5, 2.25 and 3.375.
    grown = gaps(legs=5, gaps="geometric", gap_percent=D(-1), gap_step=D("1.5"))

    assert grown == decimals("0", "-1", "-2.5", "-4.75", "-8.125")


def test_fixed_sizes_share_alike() -> None:
    assert weights(legs=5) == decimals("20", "20", "20", "20", "20")
    assert weights(legs=1) == [D(100)]


def test_arithmetic_sizes_grow_by_the_same_each_time() -> None:
    # 1, 2, 3 and 4 tenths.
    assert weights(legs=4, sizes="arithmetic") == decimals("10", "20", "30", "40")
    # 1, 1.5 and 2 of 4.5.
    assert weights(legs=3, sizes="arithmetic", size_step=D("0.5")) == decimals(
        "22.222222222223", "33.333333333334", "44.444444444443"
    )


def test_geometric_sizes_double_and_the_last_takes_the_remainder() -> None:
    # 1, 2, 4 and 8 fifteenths: the martingale. The first three are cut upwards.
    assert weights(legs=4, sizes="geometric", size_step=D(2)) == decimals(
        "6.666666666667", "13.333333333334", "26.666666666667", "53.333333333332"
    )
    # 1, 2 and 4 sevenths.
    assert weights(legs=3, sizes="geometric", size_step=D(2)) == decimals(
        "14.285714285715", "28.571428571429", "57.142857142856"
    )


def test_every_leg_has_the_generators_target() -> None:
    legs = generated(GeneratorSettings(take_profit_percent=D("1.5")))

    assert {leg.take_profit_percent for leg in legs} == {D("1.5")}


def test_a_pyramids_own_legs_come_before_the_generator_and_that_before_the_grids() -> None:
    own = (LegSettings(gap_percent=D(0), weight_percent=D(100), take_profit_percent=D(9)),)
    formula = GeneratorSettings(legs=2)
    both = GridSettings(generator=formula, pyramid_legs={1: own})

    assert ladder_of(both, 0) == generated(formula)
    assert ladder_of(both, 1) == own
    assert ladder_of(GridSettings(), 1) == GridSettings().legs


@given(
    legs=st.integers(1, 7),
    gaps=st.sampled_from(["fixed", "arithmetic", "geometric"]),
    gap_percent=st.decimals(D("-5"), D(0), places=3),
    gap_step=st.decimals(D("0.001"), D(3), places=3),
    sizes=st.sampled_from(["fixed", "arithmetic", "geometric"]),
    size_step=st.decimals(D("0.05"), D(100), places=3),
)
def test_whatever_the_formula_a_valid_ladder_is_whole_and_only_descends(**formula: Any) -> None:
    generator = GeneratorSettings(**formula)
    if validate(Settings(grid=GridSettings(generator=generator))):
        return
    legs = generated(generator)

    assert len(legs) == generator.legs
    assert sum(leg.weight_percent for leg in legs) == D(100)
    assert all(leg.weight_percent > 0 for leg in legs)
    assert legs[0].gap_percent == 0
    depths = [leg.gap_percent for leg in legs]
    assert depths == sorted(depths, reverse=True)
    assert depths[-1] > -100


@pytest.mark.parametrize("sizes", ["fixed", "arithmetic", "geometric"])
def test_the_ladder_is_the_same_whatever_the_decimal_context(sizes: Any) -> None:
    formula = GeneratorSettings(legs=7, sizes=sizes, size_step=D("1.37"))
    wide = generated(formula)
    with localcontext() as narrow:
        narrow.prec = 9
        assert generated(formula) == wide
