"""Planning a pyramid: prices and quantities by the market's rules, undersized legs, budgets."""

from collections.abc import Iterator
from decimal import Decimal, localcontext

import msgspec
import pytest

from domain.grid import (
    AtMarket,
    PlanRequest,
    leg_price,
    plan_legs,
    planned_notional,
    pyramid_capital,
    take_profit_price,
)
from domain.instrument import Instrument, PositionSide
from domain.ladders import ladder_of
from domain.money import DECISION_CONTEXT, ZERO
from domain.settings import CapitalSettings, GridSettings, LegSettings, UndersizedLeg

D = Decimal

BTC = Instrument(
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
SPOT = msgspec.structs.replace(
    BTC, symbol="BTC/USDT", kind="spot", settle="USDT", min_quantity=D("0.001")
)


@pytest.fixture(autouse=True)
def decision_context() -> Iterator[None]:
    with localcontext(DECISION_CONTEXT):
        yield


def leg(gap: str, weight: str, target: str = "1") -> LegSettings:
    return LegSettings(gap_percent=D(gap), weight_percent=D(weight), take_profit_percent=D(target))


def request(
    capital: str,
    *legs: LegSettings,
    undersized_leg: UndersizedLeg = "skip",
    instrument: Instrument = BTC,
) -> PlanRequest:
    return PlanRequest(
        instrument=instrument,
        side="long",
        entry_price=D(50000),
        pyramid_capital=D(capital),
        legs=legs or GridSettings().legs,
        undersized_leg=undersized_leg,
    )


def test_the_default_ladder_gives_five_working_legs_on_btc() -> None:
    plan = plan_legs(request("1000"))

    assert [leg.price for leg in plan.legs] == [D(50000), D(49750), D(49500), D(49250), D(49000)]
    assert [leg.quantity for leg in plan.legs] == [D("0.004")] * 5
    assert (plan.skipped, plan.smallest_budget) == ((), None)


def test_a_plan_commits_the_notional_of_its_legs() -> None:
    assert planned_notional(plan_legs(request("1000"))) == D("0.004") * D(247500)


def test_a_long_ladder_rounds_down_and_a_short_ladder_rounds_up() -> None:
    assert leg_price(BTC, "long", D("50000.07"), D("-0.5")) == D("49750.0")
    assert leg_price(BTC, "short", D("50000.07"), D("-0.5")) == D("50250.1")


def test_legs_start_from_the_unrounded_entry_price() -> None:
    coarse = msgspec.structs.replace(BTC, tick=D(10))

    assert leg_price(coarse, "long", D(1009), D("-0.1")) == D(1000)
    assert leg_price(coarse, "long", D(1019), D("-0.1")) == D(1010)


def test_quantity_is_the_capital_at_the_rounded_price_on_the_step() -> None:
    coarse = msgspec.structs.replace(BTC, tick=D(1000), step=D("0.00001"))
    plan = plan_legs(
        msgspec.structs.replace(
            request("1000", leg("0", "100"), instrument=coarse), entry_price=D(50900)
        )
    )

    assert (plan.legs[0].price, plan.legs[0].quantity) == (D(50000), D("0.02"))


def test_quantity_is_counted_in_contracts() -> None:
    contracts = msgspec.structs.replace(BTC, contract_size=D("0.01"), step=D(1), min_quantity=D(1))
    plan = plan_legs(request("1000", leg("0", "100"), instrument=contracts))

    assert plan.legs[0].quantity == D(2)
    assert planned_notional(plan) == D(1000)


def test_an_undersized_leg_is_skipped_with_its_reason() -> None:
    plan = plan_legs(request("1000", leg("0", "96"), leg("-1", "4")))

    assert [leg.index for leg in plan.legs] == [0]
    assert [(leg.index, leg.reason, leg.quantity) for leg in plan.skipped] == [
        (1, "min_quantity", ZERO)
    ]


def test_a_leg_under_the_minimum_notional_is_skipped() -> None:
    dear = msgspec.structs.replace(BTC, min_notional=D(100))
    plan = plan_legs(request("1000", leg("0", "94"), leg("-1", "6"), instrument=dear))

    assert [leg.reason for leg in plan.skipped] == ["min_notional"]


def test_a_spot_leg_that_could_not_be_sold_after_its_base_fee_is_skipped() -> None:
    bought = request("50", leg("0", "100"), instrument=SPOT)
    plan = plan_legs(bought)

    assert [leg.reason for leg in plan.skipped] == ["unsellable"]
    assert plan.smallest_budget == D(100)
    assert plan_legs(msgspec.structs.replace(bought, instrument=BTC)).skipped == ()


def test_a_price_that_rounds_to_nothing_is_skipped_and_no_budget_helps() -> None:
    coarse = msgspec.structs.replace(BTC, tick=D(100_000))
    plan = plan_legs(request("1000", leg("0", "100"), instrument=coarse))

    assert [leg.reason for leg in plan.skipped] == ["price"]
    assert plan.smallest_budget is None


def test_merging_passes_the_capital_on_to_the_next_leg() -> None:
    legs = (leg("0", "4"), leg("-1", "96"))
    plan = plan_legs(request("1000", *legs, undersized_leg="merge"))

    assert [(leg.index, leg.weight_percent) for leg in plan.legs] == [(1, D(100))]
    assert plan.legs[0].quantity == D("0.020")
    assert [(leg.index, leg.reason) for leg in plan.skipped] == [(0, "merged")]


def test_merging_the_last_legs_goes_backwards() -> None:
    legs = (leg("0", "96"), leg("-1", "2"), leg("-2", "2"))
    plan = plan_legs(request("1000", *legs, undersized_leg="merge"))

    assert [(leg.index, leg.weight_percent) for leg in plan.legs] == [(0, D(100))]
    assert plan.legs[0].quantity == D("0.020")
    assert [leg.index for leg in plan.skipped] == [1, 2]


def test_legs_too_small_alone_may_work_merged() -> None:
    legs = (leg("0", "50"), leg("-1", "50"))

    assert plan_legs(request("98", *legs)).legs == ()
    assert [leg.index for leg in plan_legs(request("98", *legs, undersized_leg="merge")).legs] == [
        1
    ]


def test_rejecting_lets_one_undersized_leg_end_the_pyramid() -> None:
    legs = (leg("0", "96"), leg("-1", "4"))
    plan = plan_legs(request("1000", *legs, undersized_leg="reject"))

    assert plan.legs == ()
    assert [(leg.index, leg.reason) for leg in plan.skipped] == [
        (0, "rejected"),
        (1, "min_quantity"),
    ]
    assert plan.smallest_budget == D("1237.5")


def test_all_legs_undersized_names_the_smallest_budget_that_works() -> None:
    plan = plan_legs(request("100"))

    assert plan.legs == ()
    assert plan.smallest_budget == D(245)


@pytest.mark.parametrize(
    ("side", "average", "target", "price"),
    [
        ("long", "50000", "1", "50500"),
        ("long", "50000.04", "1", "50500.1"),
        ("short", "50000", "1", "49500"),
        ("short", "50000.04", "1", "49500"),
        ("short", "50000", "100", "0.1"),
    ],
)
def test_a_take_profit_is_rounded_never_worse_than_asked(
    side: PositionSide, average: str, target: str, price: str
) -> None:
    assert take_profit_price(BTC, side, D(average), D(target)) == D(price)


def test_split_shares_the_budget_so_that_a_full_group_never_exceeds_it() -> None:
    capital = CapitalSettings(group_budget=D(5000))

    assert pyramid_capital(capital, GridSettings(), None, 10, 0) == D(1000)
    third = pyramid_capital(capital, GridSettings(max_pyramids=3), None, 10, 2)
    assert D(5000) - D("1e-20") < third * 3 <= D(5000)


def test_full_gives_each_pyramid_the_whole_budget() -> None:
    capital = CapitalSettings(pyramid_capital="full")

    assert pyramid_capital(capital, GridSettings(), None, 10, 4) == D(5000)


def test_a_list_gives_each_pyramid_its_own_amount() -> None:
    capital = CapitalSettings(pyramid_capital=(D(10), D(20)))

    assert pyramid_capital(capital, GridSettings(max_pyramids=2), None, 10, 1) == D(20)


def test_an_equity_share_is_divided_by_the_slots() -> None:
    capital = CapitalSettings(group_budget_rule="equity_share", pyramid_capital="full")

    assert pyramid_capital(capital, GridSettings(), D(20000), 10, 0) == D(2000)
    assert pyramid_capital(capital, GridSettings(), D(-1), 10, 0) == ZERO
    with pytest.raises(ValueError, match="equity"):
        pyramid_capital(capital, GridSettings(), None, 10, 0)


def test_a_pyramid_may_have_a_ladder_of_its_own() -> None:
    own = (leg("0", "100"),)
    grid = GridSettings(pyramid_legs={1: own})

    assert (ladder_of(grid, 0), ladder_of(grid, 1)) == (grid.legs, own)


def test_contracts_of_a_hundredth_are_counted_in_hundredths() -> None:
    # As OKX lists BTC: 0.01 BTC a contract, in steps of 0.01 contracts.
    okx = msgspec.structs.replace(
        BTC, contract_size=D("0.01"), step=D("0.01"), min_quantity=D("0.01"), min_notional=D(0)
    )
    plan = plan_legs(request("1000", instrument=okx))

    # 200 each at 50000, 49750, 49500, 49250 and 49000, a contract being a hundredth of that.
    assert [leg.quantity for leg in plan.legs] == [
        D("0.40"),
        D("0.40"),
        D("0.40"),
        D("0.40"),
        D("0.40"),
    ]
    assert planned_notional(plan) == D("0.4") * D("0.01") * D(247500)


def test_weights_a_hair_above_100_together_do_not_exceed_the_capital() -> None:
    legs = (leg("0", "50.005"), leg("0", "50.005"))
    fine = msgspec.structs.replace(BTC, step=D("0.00000001"), min_quantity=D(0))
    plan = plan_legs(request("1000", *legs, instrument=fine))

    assert planned_notional(plan) == D(1000)


def at_market(bound: str, cost: str, side: PositionSide = "long") -> PlanRequest:
    made = request("1000", leg("0", "50"), leg("-1", "50"))
    terms = AtMarket(bound=D(bound), cost=D(cost))
    return msgspec.structs.replace(made, side=side, at_market=terms)


def test_a_leg_without_a_gap_enters_at_its_bound_and_keeps_its_share_there() -> None:
    plan = plan_legs(at_market("50500", "50500"))

    # 500 at 50500 is 0.0099: bounded so that even the worst fill costs no more than 500.
    assert [(leg.price, leg.quantity) for leg in plan.legs] == [
        (D(50500), D("0.009")),
        (D(49500), D("0.01")),
    ]


def test_a_bound_below_the_legs_price_buys_no_more_than_the_leg() -> None:
    plan = plan_legs(at_market("49000", "49000"))

    assert (plan.legs[0].price, plan.legs[0].quantity) == (D(49000), D("0.01"))


def test_a_short_that_enters_at_once_counts_at_what_it_may_sell_for() -> None:
    plan = plan_legs(at_market("50500", "51010", "short"))

    assert (plan.legs[0].price, plan.legs[0].quantity) == (D(50500), D("0.009"))
    assert plan.legs[1].price == D(50500)
    assert plan.legs[1].quantity == D("0.009")


def test_the_smallest_budget_of_a_leg_at_once_counts_its_bound() -> None:
    poor = msgspec.structs.replace(at_market("50500", "50500"), pyramid_capital=D(1))
    plan = plan_legs(msgspec.structs.replace(poor, legs=(leg("0", "100"),)))

    assert plan.smallest_budget == D("50.5")


def test_no_leg_asks_for_more_than_the_venue_takes_in_one_order() -> None:
    small = msgspec.structs.replace(BTC, max_quantity=D("0.0155"))

    plan = plan_legs(request("10000", leg("0", "50"), leg("-1", "50"), instrument=small))

    assert [planned.quantity for planned in plan.legs] == [D("0.015"), D("0.015")]
