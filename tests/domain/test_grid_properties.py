"""Any market, ladder, budget and side: no leg breaks a rule, and no plan its budget."""

from collections.abc import Iterator
from decimal import Decimal, localcontext

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.grid import (
    BUDGET_UNIT,
    AtMarket,
    PlanRequest,
    plan_legs,
    planned_notional,
    pyramid_capital,
)
from domain.instrument import Instrument, PositionSide, is_undersized
from domain.money import DECISION_CONTEXT, HUNDRED, ZERO
from domain.settings import CapitalSettings, GridSettings, LegSettings
from tests.domain.test_grid import BTC

D = Decimal


@pytest.fixture(autouse=True)
def decision_context() -> Iterator[None]:
    with localcontext(DECISION_CONTEXT):
        yield


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(D(low), D(high), places=places, allow_nan=False, allow_infinity=False)


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    step = draw(st.sampled_from([D("0.00001"), D("0.001"), D("0.5"), D(1), D(3)]))
    return msgspec.structs.replace(
        BTC,
        kind=draw(st.sampled_from(["spot", "linear"])),
        tick=draw(st.sampled_from([D("0.0001"), D("0.05"), D("0.1"), D(7)])),
        step=step,
        min_quantity=step * draw(st.integers(0, 20)),
        min_notional=draw(decimals("0", "200", 2)),
        contract_size=draw(st.sampled_from([D(1), D("0.01"), D(10)])),
        taker_fee_percent=draw(decimals("0", "1", 3)),
    )


@st.composite
def ladders(draw: st.DrawFn) -> tuple[LegSettings, ...]:
    parts = draw(st.lists(st.integers(1, 100), min_size=1, max_size=7))
    weights = [(D(part) * HUNDRED / sum(parts)).quantize(D("0.0001")) for part in parts]
    return tuple(
        LegSettings(
            gap_percent=draw(st.just(ZERO) | decimals("-90", "0", 3)),
            weight_percent=weight,
            take_profit_percent=draw(decimals("0.01", "50", 2)),
        )
        for weight in weights
    )


@st.composite
def market_terms(draw: st.DrawFn, side: PositionSide, tick: Decimal) -> AtMarket:
    bound = tick * draw(st.integers(1, 1_000_000))
    above = draw(decimals("0", "1000", 2)) if side == "short" else ZERO
    return AtMarket(bound=bound, cost=bound + above)


@st.composite
def requests(draw: st.DrawFn) -> PlanRequest:
    instrument = draw(instruments())
    drawn: PositionSide = draw(st.sampled_from(["long", "short"]))
    side: PositionSide = "long" if instrument.kind == "spot" else drawn
    return PlanRequest(
        instrument=instrument,
        side=side,
        at_market=draw(st.none() | market_terms(side, instrument.tick)),
        entry_price=draw(decimals("0.01", "100000", 6)),
        pyramid_capital=draw(decimals("0.01", "100000", 8)),
        legs=draw(ladders()),
        undersized_leg=draw(st.sampled_from(["skip", "merge", "reject"])),
    )


@given(requests())
def test_no_planned_leg_breaks_a_rule_of_the_market(planned: PlanRequest) -> None:
    instrument = planned.instrument

    for planned_leg in plan_legs(planned).legs:
        assert planned_leg.price % instrument.tick == ZERO
        assert planned_leg.quantity % instrument.step == ZERO
        assert not is_undersized(instrument, planned_leg.price, planned_leg.quantity)


@given(requests())
def test_every_leg_is_planned_or_skipped_once(planned: PlanRequest) -> None:
    plan = plan_legs(planned)
    planned_indexes = [leg.index for leg in plan.legs]
    indexes = sorted(planned_indexes + [leg.index for leg in plan.skipped])

    assert indexes == list(range(len(planned.legs)))


@given(requests())
def test_a_plan_never_commits_more_than_its_capital(planned: PlanRequest) -> None:
    plan = plan_legs(planned)
    weights = sum((leg.weight_percent for leg in planned.legs), ZERO)

    assert planned_notional(plan) <= planned.pyramid_capital * min(weights, HUNDRED) / HUNDRED


@given(requests())
def test_a_leg_at_once_costs_no_more_than_its_share_wherever_it_fills(planned: PlanRequest) -> None:
    market = planned.at_market
    for one in plan_legs(planned).legs if market is not None else ():
        if one.gap_percent == ZERO and market is not None:
            share = planned.pyramid_capital * one.weight_percent / HUNDRED
            size = planned.instrument.contract_size
            assert one.price == market.bound
            assert one.quantity * size * max(market.bound, market.cost) <= share


@given(requests())
def test_merging_conserves_the_weights(planned: PlanRequest) -> None:
    merging = msgspec.structs.replace(planned, undersized_leg="merge")
    plan = plan_legs(merging)

    if plan.legs:
        whole = sum((one.weight_percent for one in merging.legs), ZERO)
        assert sum((one.weight_percent for one in plan.legs), ZERO) == whole


@given(
    planned=requests(),
    budget=decimals("0.01", "100000", 8),
    pyramids=st.integers(1, 50),
    drifts=st.lists(decimals("0.5", "2", 4), min_size=1, max_size=5),
)
def test_a_full_group_never_exceeds_its_budget_if_it_is_split(
    planned: PlanRequest, budget: Decimal, pyramids: int, drifts: list[Decimal]
) -> None:
    capital = CapitalSettings(group_budget=budget)
    grid = GridSettings(max_pyramids=pyramids)
    total = ZERO

    for index in range(pyramids):
        made = msgspec.structs.replace(
            planned,
            entry_price=planned.entry_price * drifts[index % len(drifts)],
            pyramid_capital=pyramid_capital(capital, grid, None, 10, index),
        )
        total += planned_notional(plan_legs(made))

    assert total <= budget


@given(requests())
def test_no_leg_is_priced_worse_than_asked(planned: PlanRequest) -> None:
    for planned_leg in plan_legs(planned).legs:
        if planned.at_market is not None and planned_leg.gap_percent == ZERO:
            continue
        gap = planned_leg.gap_percent if planned.side == "long" else -planned_leg.gap_percent
        asked = planned.entry_price * (HUNDRED + gap) / HUNDRED
        worse = planned_leg.price - asked if planned.side == "long" else asked - planned_leg.price

        assert -planned.instrument.tick < worse <= ZERO


@given(requests())
def test_the_smallest_budget_works_and_the_next_smaller_does_not(planned: PlanRequest) -> None:
    poor = msgspec.structs.replace(planned, pyramid_capital=ZERO)
    budget = plan_legs(poor).smallest_budget

    if budget is None:
        rich = msgspec.structs.replace(planned, pyramid_capital=D(10) ** 12)
        assert plan_legs(rich).legs == ()
        return

    enough = msgspec.structs.replace(planned, pyramid_capital=budget)
    short = msgspec.structs.replace(planned, pyramid_capital=budget - BUDGET_UNIT)
    assert plan_legs(enough).legs
    assert plan_legs(short).legs == ()
    assert plan_legs(short).smallest_budget == budget
