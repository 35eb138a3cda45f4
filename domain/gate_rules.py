"""The rules of the gate, each with its value and its limit; what cannot be judged is denied."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import get_args

import msgspec

from domain.equity import drawdown_percent
from domain.gate import (
    UNKNOWN,
    Assessment,
    EntryProposal,
    GateFacts,
    RiskedNow,
    Rule,
    RuleCheck,
)
from domain.gate_limits import (
    at_most,
    below,
    free_balance,
    is_amount,
    liquidation_distance,
    max_quantity,
    open_orders,
    position_limit,
    price_band,
    total,
)
from domain.money import HUNDRED, ZERO, plain

Given = tuple[EntryProposal, GateFacts, RiskedNow]
Check = Callable[[EntryProposal, GateFacts, RiskedNow], RuleCheck]

MICROSECONDS_A_MINUTE = 60_000_000
# Minutes are compared exactly, and told to this unit.
SHOWN_MINUTES = Decimal("0.01")
PERMANENT: tuple[Rule, ...] = (
    "currency",
    "symbol_allowed",
    "leverage",
    "max_quantity",
    "liquidation_distance",
)


def assess(proposal: EntryProposal, facts: GateFacts, risked: RiskedNow) -> Assessment:
    """Judge a proposal by every rule, the passed ones included."""
    others = _without_own(proposal, risked)
    receipt = tuple(_checked(rule, check, (proposal, facts, others)) for rule, check in _NAMED)
    failed = [check for check in receipt if not check.passed]
    permanent = [check for check in failed if _is_permanent(check, failed, proposal)]
    first = permanent[0] if permanent else failed[0] if failed else None
    return Assessment(
        receipt=receipt,
        reason=first.rule if first else "",
        transient=first is not None and not permanent,
    )


def _checked(rule: Rule, check: Check, given: Given) -> RuleCheck:
    """What cannot even be computed fails closed."""
    try:
        return check(*given)
    except ArithmeticError:
        return RuleCheck(rule=rule, value=None, limit=UNKNOWN, passed=False)


def _without_own(proposal: EntryProposal, risked: RiskedNow) -> RiskedNow:
    """What an entry that waited holds already is not counted a second time."""
    if not is_amount(risked.reserved) or risked.reserved == ZERO:
        return risked
    slots = [slot for slot in risked.slots if slot.group_id != proposal.group_id]
    own = [slot for slot in risked.slots if slot.group_id == proposal.group_id]
    if proposal.is_pyramid:
        slots += [msgspec.structs.replace(slot, pyramids=slot.pyramids - 1) for slot in own]
    return msgspec.structs.replace(
        risked,
        slots=tuple(slots),
        committed=risked.committed - risked.reserved,
        committed_symbol=risked.committed_symbol - risked.reserved,
    )


def _is_permanent(check: RuleCheck, failed: Sequence[RuleCheck], proposal: EntryProposal) -> bool:
    """Spec §5: a deviation rejects on arrival only; in the queue the price may come back.

    Measured by no mark or by an old one it says nothing: the mark may pass with time. So may
    whatever is not known yet.
    """
    if check.rule == "max_entry_deviation":
        return not proposal.promoted and not any(each.rule == "mark_fresh" for each in failed)
    return check.rule in PERMANENT and not check.is_unknown


def _trading_state(_: EntryProposal, facts: GateFacts, risked: RiskedNow) -> RuleCheck:
    state = facts.held if risked.trading_state == "active" else risked.trading_state
    return RuleCheck(rule="trading_state", value=state, limit="active", passed=state == "active")


def _currency(_: EntryProposal, facts: GateFacts, __: RiskedNow) -> RuleCheck:
    return RuleCheck(
        rule="currency",
        value=facts.settle,
        limit=facts.currency,
        passed=facts.settle == facts.currency,
    )


def _market_rules(_: EntryProposal, facts: GateFacts, __: RiskedNow) -> RuleCheck:
    """No limit: it tells whose rules the legs were made by, or that they are waited for."""
    return RuleCheck(rule="market_rules", value=facts.market_rules, limit=None, passed=True)


def _symbol_allowed(proposal: EntryProposal, facts: GateFacts, _: RiskedNow) -> RuleCheck:
    allowed = facts.risk.symbols_allowed
    return RuleCheck(
        rule="symbol_allowed",
        value=proposal.symbol,
        limit=", ".join(allowed) if allowed else None,
        passed=not allowed or proposal.symbol in allowed,
    )


def _leverage(_: EntryProposal, facts: GateFacts, __: RiskedNow) -> RuleCheck:
    """A venue keeps the leverage a position stands at: what joins it is levered no less."""
    limit = facts.risk.max_leverage
    leverages = (facts.leverage, *(stake.leverage for stake in facts.stakes))
    value = Decimal(max(leverages)) if min(leverages) >= 1 else None
    return at_most("leverage", value, None if limit is None else Decimal(limit))


def _discrepancy(_: EntryProposal, facts: GateFacts, __: RiskedNow) -> RuleCheck:
    return RuleCheck(
        rule="discrepancy",
        value="open" if facts.has_discrepancy else "none",
        limit="none",
        passed=not facts.has_discrepancy,
    )


def _foreign_position(_: EntryProposal, facts: GateFacts, __: RiskedNow) -> RuleCheck:
    """Spec §4: what is not ours on a futures symbol must be flat before we trade it."""
    return at_most("foreign_position", facts.foreign, ZERO)


def _key_free(proposal: EntryProposal, _: GateFacts, risked: RiskedNow) -> RuleCheck:
    """At most one open group per symbol, timeframe and side; a pyramid joins its own."""
    same = [slot for slot in risked.slots if slot.key == proposal.key]
    taken = [slot.group_id for slot in same if slot.group_id != proposal.group_id]
    return RuleCheck(
        rule="key_free", value=taken[0] if taken else "free", limit="free", passed=not taken
    )


def _one_direction(proposal: EntryProposal, facts: GateFacts, risked: RiskedNow) -> RuleCheck:
    """One-way mode: a symbol has one direction across all timeframes. Hedge mode: off."""
    against = [
        slot.group_id
        for slot in risked.slots
        if slot.symbol == proposal.symbol and slot.side != proposal.side
    ]
    return RuleCheck(
        rule="one_direction",
        value=against[0] if against else "free",
        limit=None if facts.hedge_mode else "free",
        passed=facts.hedge_mode or not against,
    )


def _max_open_groups(proposal: EntryProposal, facts: GateFacts, risked: RiskedNow) -> RuleCheck:
    """Spec §5: a group takes a slot; each of its further pyramids only if the settings say so."""
    every_pyramid = facts.pool.pyramids_need_slot
    taken = sum(slot.pyramids for slot in risked.slots) if every_pyramid else len(risked.slots)
    needs_slot = every_pyramid or not proposal.is_pyramid
    if needs_slot:
        taken += 1
    limit = facts.pool.max_open_groups
    return RuleCheck(
        rule="max_open_groups",
        value=str(taken),
        limit=f"{limit}, forced by the operator" if facts.forced else str(limit),
        passed=facts.forced or not needs_slot or taken <= limit,
    )


def _max_open_groups_per_symbol(
    proposal: EntryProposal, facts: GateFacts, risked: RiskedNow
) -> RuleCheck:
    taken = len([slot for slot in risked.slots if slot.symbol == proposal.symbol])
    if not proposal.is_pyramid:
        taken += 1
    limit = facts.risk.max_open_groups_per_symbol
    return at_most(
        "max_open_groups_per_symbol", Decimal(taken), None if limit is None else Decimal(limit)
    )


def _max_committed_capital(
    proposal: EntryProposal, facts: GateFacts, risked: RiskedNow
) -> RuleCheck:
    return at_most(
        "max_committed_capital",
        total(risked.committed, proposal.reserve),
        facts.risk.max_committed_capital,
    )


def _max_committed_capital_per_symbol(
    proposal: EntryProposal, facts: GateFacts, risked: RiskedNow
) -> RuleCheck:
    return at_most(
        "max_committed_capital_per_symbol",
        total(risked.committed_symbol, proposal.reserve),
        facts.risk.max_committed_capital_per_symbol,
    )


def _max_daily_loss(_: EntryProposal, facts: GateFacts, __: RiskedNow) -> RuleCheck:
    """A day's loss that reaches the limit trips it: spec §6, `>=`."""
    return below("max_daily_loss", facts.day_loss.amount, facts.risk.max_daily_loss)


def _mark_fresh(_: EntryProposal, facts: GateFacts, __: RiskedNow) -> RuleCheck:
    limit = facts.risk.max_mark_age_seconds
    seen_at = facts.mark.at if facts.mark is not None and facts.mark_price is not None else None
    age = None if seen_at is None else facts.now - seen_at
    return RuleCheck(
        rule="mark_fresh",
        value=None if age is None else str(max(age, timedelta(0)).total_seconds()),
        limit=None if limit is None else str(limit),
        passed=limit is None or (age is not None and age <= timedelta(seconds=limit)),
    )


def _max_entry_deviation(proposal: EntryProposal, facts: GateFacts, _: RiskedNow) -> RuleCheck:
    mark, price = facts.mark_price, proposal.entry_price
    is_price = is_amount(price) and price > ZERO
    deviation = abs(price - mark) / mark * HUNDRED if mark is not None and is_price else None
    return at_most("max_entry_deviation", deviation, facts.risk.max_entry_deviation_percent)


def _max_drawdown(_: EntryProposal, facts: GateFacts, __: RiskedNow) -> RuleCheck:
    """How far the equity is below its peak, in percent of the peak; reaching the limit trips."""
    equity, peak, drawdown = facts.equity, facts.peak, None
    if equity is not None and peak is not None and (equity + peak).is_finite():
        drawdown = drawdown_percent(equity, peak)
    return below("max_drawdown", drawdown, facts.risk.max_drawdown_percent)


def _cooldown(_: EntryProposal, facts: GateFacts, __: RiskedNow) -> RuleCheck:
    """Minutes since a group of the symbol last closed negative; zero minutes are off."""
    wanted, last = facts.risk.cooldown_minutes_after_loss, facts.last_loss_at
    limit = str(wanted) if wanted else None
    if last is None:
        return RuleCheck(rule="cooldown", value="no loss", limit=limit, passed=True)
    since = facts.now - last
    minutes = Decimal(since // timedelta(microseconds=1)) / MICROSECONDS_A_MINUTE
    return RuleCheck(
        rule="cooldown",
        value=plain(minutes.quantize(SHOWN_MINUTES, ROUND_FLOOR)),
        limit=limit,
        passed=not wanted or since >= timedelta(minutes=wanted),
    )


_RULES: tuple[Check, ...] = (
    _trading_state,
    _currency,
    _market_rules,
    _symbol_allowed,
    _leverage,
    _discrepancy,
    _foreign_position,
    _key_free,
    _one_direction,
    _max_open_groups,
    _max_open_groups_per_symbol,
    _max_committed_capital,
    _max_committed_capital_per_symbol,
    _max_daily_loss,
    _mark_fresh,
    _max_entry_deviation,
    _max_drawdown,
    _cooldown,
    free_balance,
    max_quantity,
    open_orders,
    price_band,
    position_limit,
    liquidation_distance,
)
# The receipt is written in the order in which the rules are named.
_NAMED: tuple[tuple[Rule, Check], ...] = tuple(zip(get_args(Rule), _RULES, strict=True))
