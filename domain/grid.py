"""The ladder of one pyramid: where its legs lie, how much each buys, where each takes profit."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import Literal

import msgspec

from domain.instrument import (
    Instrument,
    PositionSide,
    entry_side,
    exit_side,
    is_undersized,
    notional,
    round_price,
    round_quantity,
)
from domain.money import HUNDRED, ONE, ZERO, percent_of, round_up
from domain.settings import CapitalSettings, GridSettings, LegSettings, UndersizedLeg

SkipReason = Literal["price", "min_quantity", "min_notional", "unsellable", "merged", "rejected"]

# The smallest budget that works is told to this unit of the quote asset: a satoshi.
BUDGET_UNIT = Decimal("0.00000001")


class AtMarket(msgspec.Struct, frozen=True, kw_only=True):
    """How legs without a gap enter at once: `bound` is the worst price they may trade at.

    `cost` is the most that one base unit may count as notional: for a long the bound, for a
    short, which may sell above its bound, at least the mark.
    """

    bound: Decimal
    cost: Decimal


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan is made of. Entry price unrounded; capital is notional, in quote units."""

    instrument: Instrument
    side: PositionSide
    entry_price: Decimal
    pyramid_capital: Decimal
    legs: tuple[LegSettings, ...]
    undersized_leg: UndersizedLeg = "skip"
    at_market: AtMarket | None = None


class PlannedLeg(msgspec.Struct, frozen=True, kw_only=True):
    """A leg to place: price on the tick, quantity on the step, notional in quote units.

    `weight_percent` includes the weights merged into it.
    """

    index: int
    price: Decimal
    quantity: Decimal
    notional: Decimal
    gap_percent: Decimal
    weight_percent: Decimal
    take_profit_percent: Decimal


class SkippedLeg(msgspec.Struct, frozen=True, kw_only=True):
    """A leg that is not placed, with the price and quantity it would have had.

    `reason` is the rule it broke (`unsellable`: spot, too small to sell after the base fee),
    `merged` if another leg took its capital, `rejected` if it fell with an undersized one.
    """

    index: int
    reason: SkipReason
    price: Decimal
    quantity: Decimal


class LegPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A pyramid's legs. Without any, `smallest_budget` is the least capital that works.

    That is None too where no budget could: every leg's price rounds to nothing.
    """

    legs: tuple[PlannedLeg, ...]
    skipped: tuple[SkippedLeg, ...] = ()
    smallest_budget: Decimal | None = None


def plan_legs(request: PlanRequest) -> LegPlan:
    """Lay out a pyramid by the market's rules; no leg of the plan breaks any of them."""
    plan = _PLANNERS[request.undersized_leg](request)

    if plan.legs:
        return plan
    return msgspec.structs.replace(plan, smallest_budget=_smallest_budget(request))


def planned_notional(plan: LegPlan) -> Decimal:
    """What all legs of the plan would commit, in quote units."""
    return sum((leg.notional for leg in plan.legs), ZERO)


def leg_price(
    instrument: Instrument, side: PositionSide, entry_price: Decimal, gap_percent: Decimal
) -> Decimal:
    """Entry price times (1 + gap/100), mirrored for shorts, on the tick and never worse for us."""
    gap = gap_percent if side == "long" else -gap_percent
    return round_price(instrument, percent_of(entry_price, HUNDRED + gap), entry_side(side))


def take_profit_price(
    instrument: Instrument,
    side: PositionSide,
    average_entry: Decimal,
    take_profit_percent: Decimal,
) -> Decimal:
    """Average entry times (1 + target/100), mirrored for shorts, on the tick.

    Rounded never worse for us than asked. A short cannot earn more than its whole price:
    beyond that its target is the lowest price there is.
    """
    target = take_profit_percent if side == "long" else -take_profit_percent
    price = round_price(instrument, percent_of(average_entry, HUNDRED + target), exit_side(side))
    return max(price, instrument.tick)


def pyramid_capital(
    capital: CapitalSettings,
    grid: GridSettings,
    equity: Decimal | None,
    max_open_groups: int,
    index: int,
) -> Decimal:
    """What pyramid `index` (from 0) may commit, notional, in the capital currency.

    Raises ValueError if the budget is a share of an equity that is not known.
    """
    if isinstance(capital.pyramid_capital, tuple):
        return capital.pyramid_capital[index]

    budget = _group_budget(capital, equity, max_open_groups)
    if capital.pyramid_capital == "full":
        return budget

    # Rounded down, so that a full group never exceeds its budget.
    with localcontext(rounding=ROUND_FLOOR):
        return budget / grid.max_pyramids


def _group_budget(
    capital: CapitalSettings, equity: Decimal | None, max_open_groups: int
) -> Decimal:
    if capital.group_budget_rule == "fixed":
        return capital.group_budget
    if equity is None:
        msg = "the group budget is a share of the equity, which was None: wait until it is known"
        raise ValueError(msg)
    with localcontext(rounding=ROUND_FLOOR):
        return max(equity, ZERO) / max_open_groups


def _plan_skipping(request: PlanRequest) -> LegPlan:
    legs: list[PlannedLeg] = []
    skipped: list[SkippedLeg] = []

    for index, leg in enumerate(request.legs):
        planned = _sized(request, index, leg.weight_percent)
        flaw = _flaw(request, planned)
        if flaw is None:
            legs.append(planned)
        else:
            skipped.append(_skipped(planned, flaw))

    return LegPlan(legs=tuple(legs), skipped=tuple(skipped))


def _plan_merging(request: PlanRequest) -> LegPlan:
    """Capital of an undersized leg goes to the next one, that of the last ones backwards."""
    legs: list[PlannedLeg] = []
    undersized: list[SkippedLeg] = []
    carried = ZERO

    for index, leg in enumerate(request.legs):
        planned = _sized(request, index, carried + leg.weight_percent)
        flaw = _flaw(request, planned)
        if flaw is None:
            legs.append(planned)
            carried = ZERO
        else:
            undersized.append(_skipped(planned, flaw))
            carried = planned.weight_percent

    if not legs:
        return LegPlan(legs=(), skipped=tuple(undersized))

    last = legs[-1]
    legs[-1] = _sized(request, last.index, last.weight_percent + carried)
    merged = (msgspec.structs.replace(leg, reason="merged") for leg in undersized)
    return LegPlan(legs=tuple(legs), skipped=tuple(merged))


def _plan_rejecting(request: PlanRequest) -> LegPlan:
    """One undersized leg takes the whole pyramid with it."""
    plan = _plan_skipping(request)
    if not plan.skipped:
        return plan

    fallen = (_skipped(leg, "rejected") for leg in plan.legs)
    return LegPlan(
        legs=(), skipped=tuple(sorted((*plan.skipped, *fallen), key=lambda leg: leg.index))
    )


_PLANNERS = {"skip": _plan_skipping, "merge": _plan_merging, "reject": _plan_rejecting}


def _sized(request: PlanRequest, index: int, weight_percent: Decimal) -> PlannedLeg:
    leg = request.legs[index]
    price, cost = _terms(request, leg)
    quantity = _affordable(request, cost, weight_percent) if price > ZERO else ZERO

    return PlannedLeg(
        index=index,
        price=price,
        quantity=quantity,
        notional=notional(request.instrument, price, quantity),
        gap_percent=leg.gap_percent,
        weight_percent=weight_percent,
        take_profit_percent=leg.take_profit_percent,
    )


def _terms(request: PlanRequest, leg: LegSettings) -> tuple[Decimal, Decimal]:
    """The price of the leg's order, and the most that one base unit of it may count.

    What enters at once may pay more than the leg's own price: it buys so much less that the
    leg's share of the capital is kept even at the bound.
    """
    price = leg_price(request.instrument, request.side, request.entry_price, leg.gap_percent)
    market = request.at_market
    if market is None or leg.gap_percent != ZERO:
        return price, price
    return market.bound, max(price, market.bound, market.cost)


def _affordable(request: PlanRequest, cost: Decimal, weight_percent: Decimal) -> Decimal:
    """Contracts that the weight's share of the capital buys at `cost`, on the step.

    Never more than the venue takes in one order: a leg is one order.
    """
    whole_contract = _whole(request) * cost * request.instrument.contract_size
    # Rounded down: a quotient a hair too large would cost a step more than the share.
    with localcontext(rounding=ROUND_FLOOR):
        quantity = request.pyramid_capital * weight_percent / whole_contract
    limit = request.instrument.max_quantity
    return round_quantity(request.instrument, quantity if limit is None else min(quantity, limit))


def _whole(request: PlanRequest) -> Decimal:
    """What weights are parts of: 100, or their sum where they are a hair more together."""
    return max(HUNDRED, sum((leg.weight_percent for leg in request.legs), ZERO))


def _flaw(request: PlanRequest, leg: PlannedLeg) -> SkipReason | None:
    """The first of the market's rules that the leg would break."""
    instrument = request.instrument
    if leg.price <= ZERO:
        return "price"
    if leg.quantity <= ZERO or leg.quantity < instrument.min_quantity:
        return "min_quantity"
    if is_undersized(instrument, leg.price, leg.quantity):
        return "min_notional"
    if instrument.kind == "spot" and _is_unsellable(request, leg):
        return "unsellable"
    return None


def _is_unsellable(request: PlanRequest, leg: PlannedLeg) -> bool:
    instrument = request.instrument
    kept = round_quantity(instrument, leg.quantity * _kept_of_one(instrument))
    target = take_profit_price(instrument, request.side, leg.price, leg.take_profit_percent)
    return is_undersized(instrument, target, kept)


def _kept_of_one(instrument: Instrument) -> Decimal:
    """What is left of one unit bought on spot after the dearer of its two fees."""
    fee = max(instrument.maker_fee_percent, instrument.taker_fee_percent)
    return ONE - percent_of(ONE, fee)


def _skipped(leg: PlannedLeg, reason: SkipReason) -> SkippedLeg:
    return SkippedLeg(index=leg.index, reason=reason, price=leg.price, quantity=leg.quantity)


def _smallest_budget(request: PlanRequest) -> Decimal | None:
    """The least capital with which the same request has a leg, told in BUDGET_UNIT.

    Skipping needs the cheapest leg, rejecting all of them; merging the cheapest of the legs
    when each also holds the weights of those before it.
    """
    budgets: list[Decimal] = []
    weight = ZERO

    # Rounded up throughout: a budget a hair too small would buy a step too little.
    with localcontext(rounding=ROUND_CEILING):
        for leg in request.legs:
            merging = request.undersized_leg == "merge"
            weight = leg.weight_percent + (weight if merging else ZERO)
            least = _least_notional(request, leg)
            if least is not None:
                budgets.append(round_up(least * _whole(request) / weight, BUDGET_UNIT))

    return _needed(request, budgets)


def _needed(request: PlanRequest, budgets: Sequence[Decimal]) -> Decimal | None:
    if request.undersized_leg == "reject":
        return max(budgets) if len(budgets) == len(request.legs) else None
    return min(budgets, default=None)


def _least_notional(request: PlanRequest, leg: LegSettings) -> Decimal | None:
    """Cost of the smallest quantity that breaks no rule at the leg's price."""
    instrument = request.instrument
    price, cost = _terms(request, leg)
    if price <= ZERO:
        return None

    least = _least_quantity(instrument, price)
    if instrument.kind == "spot":
        target = take_profit_price(instrument, request.side, price, leg.take_profit_percent)
        bought = _least_quantity(instrument, target) / _kept_of_one(instrument)
        least = max(least, round_up(bought, instrument.step))

    return notional(instrument, cost, least)


def _least_quantity(instrument: Instrument, price: Decimal) -> Decimal:
    by_notional = instrument.min_notional / (price * instrument.contract_size)
    return round_up(max(instrument.min_quantity, by_notional, instrument.step), instrument.step)
