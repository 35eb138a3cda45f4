"""The gate's rules that the venue sets: what it takes, what it has free, when it liquidates."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from domain.gate import UNKNOWN, EntryProposal, GateFacts, RiskedNow, Rule, RuleCheck
from domain.grid import PlannedLeg
from domain.instrument import Instrument, PositionSide, round_quantity
from domain.liquidation import Stake, average_price, distance_percent, liquidation_price
from domain.money import HUNDRED, ZERO, percent_of, plain
from domain.settings import ExitSettings
from domain.stop import StopFacts, stop_price

NOT_A_NUMBER = Decimal("NaN")


def at_most(rule: Rule, value: Decimal | None, limit: Decimal | None) -> RuleCheck:
    """Neither may be below zero. Not a number is never at most anything: it fails closed."""
    known = value if value is not None and is_amount(value) else None
    return RuleCheck(
        rule=rule,
        value=_told(known),
        limit=_told(limit) if limit is None or is_amount(limit) else UNKNOWN,
        passed=limit is None or (known is not None and is_amount(limit) and known <= limit),
    )


def below(rule: Rule, value: Decimal | None, limit: Decimal | None) -> RuleCheck:
    """As `at_most`, but reaching the limit fails."""
    check = at_most(rule, value, limit)
    reached = limit is not None and is_amount(limit) and value == limit
    return RuleCheck(
        rule=rule, value=check.value, limit=check.limit, passed=check.passed and not reached
    )


def is_amount(value: Decimal) -> bool:
    """Whether it is a number of zero or more."""
    return value.is_finite() and value >= ZERO


def total(*parts: Decimal) -> Decimal | None:
    """Their sum; none if one of them is no amount."""
    return sum(parts, ZERO) if all(is_amount(part) for part in parts) else None


def free_balance(proposal: EntryProposal, facts: GateFacts, risked: RiskedNow) -> RuleCheck:
    """The margin of all legs, with the fee of taking, is free at the venue.

    What an entry that waited reserved before is taken from the free balance already.
    """
    needed = margin_needed(proposal.reserve, facts)
    free, own = facts.free_balance, margin_needed(risked.reserved, _as_reserved(facts))
    if free is None or needed is None or own is None or not free.is_finite():
        return RuleCheck(rule="free_balance", value=_told(needed), limit=UNKNOWN, passed=False)
    return RuleCheck(
        rule="free_balance",
        value=plain(needed),
        limit=plain(free + own),
        passed=needed <= free + own,
    )


def _as_reserved(facts: GateFacts) -> GateFacts:
    """What was kept back of the free balance was reckoned by the leverage bound at that time."""
    if facts.reserved_leverage is None:
        return facts
    return msgspec.structs.replace(facts, leverage=facts.reserved_leverage, stakes=())


def margin_needed(reserve: Decimal, facts: GateFacts) -> Decimal | None:
    """Notional ÷ leverage (spot: the whole) + the fee as taker, in the capital currency.

    Where a position already stands at less leverage, that is what the venue asks of it.
    """
    instrument = facts.instrument
    if instrument is None or not is_amount(reserve):
        return None
    leverages = (facts.leverage, *(stake.leverage for stake in facts.stakes))
    leverage = 1 if instrument.kind == "spot" else min(leverages)
    fee = percent_of(reserve, instrument.taker_fee_percent)
    return reserve / leverage + fee if leverage >= 1 and is_amount(fee) else None


def max_quantity(proposal: EntryProposal, facts: GateFacts, _: RiskedNow) -> RuleCheck:
    """The largest leg against what the venue takes in one order, in contracts.

    A leg is never laid out larger than that: what counts is what its capital would buy.
    """
    if facts.instrument is None:
        return _without_market("max_quantity")
    wanted = [_wanted(proposal, facts.instrument, each.leg) for each in proposal.legs]
    value = _largest(wanted)
    return at_most("max_quantity", value, facts.instrument.max_quantity)


def _wanted(proposal: EntryProposal, instrument: Instrument, leg: PlannedLeg) -> Decimal:
    limit, quantity = instrument.max_quantity, leg.quantity
    figures = (quantity, leg.price, proposal.capital, proposal.contract_size)
    if not all(figure.is_finite() and figure > ZERO for figure in figures):
        return NOT_A_NUMBER
    is_cut = limit is not None and is_amount(limit) and quantity + instrument.step > limit
    if not is_cut:
        return quantity
    share = percent_of(proposal.capital, leg.weight_percent)
    bought = share / (leg.price * proposal.contract_size)
    return max(quantity, round_quantity(instrument, bought))


def open_orders(proposal: EntryProposal, facts: GateFacts, _: RiskedNow) -> RuleCheck:
    """Working orders of the symbol, the proposal's entries, and every exit they will need.

    A leg filled in part has its entry and its exit at the venue; a stop may rest beside them.
    """
    if facts.instrument is None:
        return _without_market("open_orders")
    needs_stop = not proposal.is_pyramid and rests_a_stop(facts.exits, facts.stop_loss)
    value = Decimal(facts.orders + 2 * len(proposal.legs) + needs_stop)
    limit = facts.instrument.max_open_orders
    return at_most("open_orders", value, None if limit is None else Decimal(limit))


def rests_a_stop(exits: ExitSettings, of_signal: Decimal | None) -> bool:
    """Whether a group with these exits has a stop that rests at the venue."""
    levels = (exits.stop_loss_percent, exits.trailing_stop_percent, of_signal)
    return exits.stop_execution == "resting" and any(level is not None for level in levels)


def price_band(proposal: EntryProposal, facts: GateFacts, _: RiskedNow) -> RuleCheck:
    """The leg farthest from the mark, in percent of it, against the venue's band."""
    if facts.instrument is None:
        return _without_market("price_band")
    mark = facts.mark_price
    if mark is None:
        limit = facts.instrument.band_percent
        return RuleCheck(rule="price_band", value=None, limit=_told(limit), passed=limit is None)
    distances = [
        _distance(proposal.side, each.leg.price, mark, facts.instrument) for each in proposal.legs
    ]
    return at_most("price_band", _largest(distances), facts.instrument.band_percent)


def _distance(side: PositionSide, price: Decimal, mark: Decimal, instrument: Instrument) -> Decimal:
    if not price.is_finite() or price <= ZERO:
        return NOT_A_NUMBER
    beyond = (price - mark if side == "long" else mark - price) / mark * HUNDRED
    return max(ZERO, beyond) if instrument.band_taking_only else abs(beyond)


def position_limit(proposal: EntryProposal, facts: GateFacts, _: RiskedNow) -> RuleCheck:
    """Contracts held, resting and proposed against the most the venue lets anyone hold."""
    if facts.instrument is None:
        return _without_market("position_limit")
    value = total(facts.position, *(each.leg.quantity for each in proposal.legs))
    return at_most("position_limit", value, facts.instrument.position_limit)


def liquidation_distance(proposal: EntryProposal, facts: GateFacts, _: RiskedNow) -> RuleCheck:
    """With every leg filled, liquidation must lie beyond the deepest leg and beyond the stop.

    Of the whole position, since a venue keeps one for all groups of a symbol and side. The
    value is in percent of the nearer of the two; below zero the liquidation comes first.
    """
    if facts.instrument is None:
        return _without_market("liquidation_distance")
    limit = facts.risk.min_liquidation_distance_percent
    if facts.instrument.kind == "spot":
        return RuleCheck(rule="liquidation_distance", value="spot", limit=None, passed=True)
    distance = _liquidation_distance(proposal, facts, facts.instrument)
    return RuleCheck(
        rule="liquidation_distance",
        value=_told(distance),
        limit=_told(limit),
        passed=limit is None or (distance is not None and limit.is_finite() and distance >= limit),
    )


def _liquidation_distance(
    proposal: EntryProposal, facts: GateFacts, instrument: Instrument
) -> Decimal | None:
    stakes = (*facts.stakes, *_proposed(proposal, facts))
    entry = average_price(stakes)
    if entry is None:
        return None
    leverage = max(stake.leverage for stake in stakes)
    liquidation = liquidation_price(
        proposal.side, entry, leverage, instrument.maintenance_margin_percent
    )
    if liquidation is None or min(stake.leverage for stake in stakes) < 1:
        return None
    levels = [stake.price for stake in stakes]
    stop = _stop(proposal, facts, instrument, stakes)
    if stop is not None:
        levels.append(stop)
    deepest = min(levels) if proposal.side == "long" else max(levels)
    return distance_percent(proposal.side, deepest, liquidation)


def _proposed(proposal: EntryProposal, facts: GateFacts) -> tuple[Stake, ...]:
    """The legs; before there are any, the whole capital at the entry price."""
    group, leverage = proposal.group_id, facts.leverage
    if proposal.waits_for_rules:
        return (
            Stake(
                group_id=group,
                price=proposal.entry_price,
                quantity=proposal.capital,
                leverage=leverage,
            ),
        )
    return tuple(
        Stake(group_id=group, price=each.leg.price, quantity=each.leg.quantity, leverage=leverage)
        for each in proposal.legs
    )


def _stop(
    proposal: EntryProposal, facts: GateFacts, instrument: Instrument, stakes: Sequence[Stake]
) -> Decimal | None:
    """Where the group's own stop would then act; a trail has begun at its average entry."""
    average = average_price([stake for stake in stakes if stake.group_id == proposal.group_id])
    if average is None:
        return None
    return stop_price(
        StopFacts(
            instrument=instrument,
            side=proposal.side,
            average_entry=average,
            exits=facts.exits,
            best=facts.best or average,
            of_signal=facts.stop_loss,
        )
    )


def _largest(values: Sequence[Decimal]) -> Decimal | None:
    """None if one of them is no number."""
    return max(values, default=ZERO) if all(value.is_finite() for value in values) else None


def _told(figure: Decimal | None) -> str | None:
    return None if figure is None else plain(figure)


def _without_market(rule: Rule) -> RuleCheck:
    """Nothing is known of a market that is not listed."""
    return RuleCheck(rule=rule, value=None, limit=UNKNOWN, passed=False)
