"""The rules of the gate, each with its value and its limit; what cannot be judged is denied."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal

import msgspec

from domain.gate import Assessment, EntryProposal, GateFacts, RiskedNow, Rule, RuleCheck
from domain.money import HUNDRED, ZERO, plain


def assess(proposal: EntryProposal, facts: GateFacts, risked: RiskedNow) -> Assessment:
    """Judge a proposal by every rule, the passed ones included."""
    others = _without_own(proposal, risked)
    receipt = tuple(rule(proposal, facts, others) for rule in _RULES)
    failed = [check for check in receipt if not check.passed]
    permanent = [check for check in failed if _is_permanent(check, failed, proposal)]
    first = permanent[0] if permanent else failed[0] if failed else None
    return Assessment(
        receipt=receipt,
        reason=first.rule if first else "",
        transient=first is not None and not permanent,
    )


def _without_own(proposal: EntryProposal, risked: RiskedNow) -> RiskedNow:
    """What an entry that waited holds already is not counted a second time."""
    if risked.reserved == ZERO:
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

    Measured by no mark or by an old one it says nothing: the mark may pass with time.
    """
    if check.rule == "max_entry_deviation":
        return not proposal.promoted and not any(each.rule == "mark_fresh" for each in failed)
    return check.rule in ("currency", "symbol_allowed", "leverage")


def _trading_state(_: EntryProposal, __: GateFacts, risked: RiskedNow) -> RuleCheck:
    return RuleCheck(
        rule="trading_state",
        value=risked.trading_state,
        limit="active",
        passed=risked.trading_state == "active",
    )


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
    limit = facts.risk.max_leverage
    return _at_most("leverage", Decimal(facts.leverage), None if limit is None else Decimal(limit))


def _discrepancy(_: EntryProposal, facts: GateFacts, __: RiskedNow) -> RuleCheck:
    return RuleCheck(
        rule="discrepancy",
        value="open" if facts.has_discrepancy else "none",
        limit="none",
        passed=not facts.has_discrepancy,
    )


def _foreign_position(_: EntryProposal, facts: GateFacts, __: RiskedNow) -> RuleCheck:
    """Spec §4: what is not ours on a futures symbol must be flat before we trade it."""
    foreign = facts.foreign
    return _at_most("foreign_position", Decimal("NaN") if foreign is None else foreign, ZERO)


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
    return _at_most(
        "max_open_groups_per_symbol", Decimal(taken), None if limit is None else Decimal(limit)
    )


def _max_committed_capital(
    proposal: EntryProposal, facts: GateFacts, risked: RiskedNow
) -> RuleCheck:
    return _at_most(
        "max_committed_capital",
        risked.committed + proposal.reserve,
        facts.risk.max_committed_capital,
    )


def _max_committed_capital_per_symbol(
    proposal: EntryProposal, facts: GateFacts, risked: RiskedNow
) -> RuleCheck:
    return _at_most(
        "max_committed_capital_per_symbol",
        risked.committed_symbol + proposal.reserve,
        facts.risk.max_committed_capital_per_symbol,
    )


def _max_daily_loss(_: EntryProposal, facts: GateFacts, risked: RiskedNow) -> RuleCheck:
    """A day's loss that reaches the limit trips it: spec §6, `>=`."""
    limit = facts.risk.max_daily_loss
    if not risked.realized_today.is_finite():
        return _at_most("max_daily_loss", risked.realized_today, limit)
    return RuleCheck(
        rule="max_daily_loss",
        value=plain(max(ZERO, -risked.realized_today)),
        limit=None if limit is None else plain(limit),
        passed=loss_allows(risked.realized_today, limit),
    )


def loss_allows(realized_today: Decimal, limit: Decimal | None) -> bool:
    """Whether the day's realized loss leaves room for new exposure; both in the same currency."""
    return limit is None or (realized_today.is_finite() and max(ZERO, -realized_today) < limit)


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
    limit, mark = facts.risk.max_entry_deviation_percent, facts.mark_price
    if limit is None:
        return RuleCheck(rule="max_entry_deviation", value=None, limit=None, passed=True)
    if mark is None:
        return RuleCheck(rule="max_entry_deviation", value=None, limit=plain(limit), passed=False)
    deviation = abs(proposal.entry_price - mark) / mark * HUNDRED
    return _at_most("max_entry_deviation", deviation, limit)


def _at_most(rule: Rule, value: Decimal, limit: Decimal | None) -> RuleCheck:
    """Not a number is never at most anything: it fails closed."""
    return RuleCheck(
        rule=rule,
        value=plain(value) if value.is_finite() else None,
        limit=None if limit is None else plain(limit),
        passed=limit is None or (value.is_finite() and value <= limit),
    )


_RULES: tuple[Callable[[EntryProposal, GateFacts, RiskedNow], RuleCheck], ...] = (
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
)
