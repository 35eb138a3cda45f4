"""The pre-trade gate: every rule with its value and its limit; what cannot be judged is denied."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

import msgspec

from domain.grid import PlannedLeg, SkippedLeg
from domain.identity import trade_key
from domain.instrument import PositionSide
from domain.message import MarkSeen
from domain.money import HUNDRED, ZERO, plain
from domain.settings import PoolSettings, RiskSettings

Rule = Literal[
    "trading_state",
    "currency",
    "symbol_allowed",
    "leverage",
    "discrepancy",
    "key_free",
    "one_direction",
    "max_open_groups",
    "max_open_groups_per_symbol",
    "max_committed_capital",
    "max_committed_capital_per_symbol",
    "max_daily_loss",
    "mark_fresh",
    "max_entry_deviation",
]


class ProposedLeg(msgspec.Struct, frozen=True, kw_only=True):
    """A leg as it would be ordered, and what to reserve for it as notional."""

    leg_id: str
    leg: PlannedLeg
    reserve_price: Decimal
    reserve: Decimal


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """An open group in the execution pool."""

    group_id: str
    symbol: str
    timeframe: str
    side: PositionSide

    @property
    def key(self) -> str:
        """What at most one group may be open for: symbol, timeframe and side."""
        return trade_key(self.symbol, self.timeframe, self.side)


class Commitment(msgspec.Struct, frozen=True, kw_only=True):
    """What one leg risks: resting entries and the cost of its lot, as notional."""

    group_id: str
    symbol: str
    resting: Decimal = ZERO
    open_cost: Decimal = ZERO


class EntryProposal(msgspec.Struct, frozen=True, kw_only=True):
    """One pyramid somebody wants to enter; `index` 0 would open its group."""

    signal_id: str
    group_id: str
    pyramid_id: str
    index: int
    symbol: str
    timeframe: str
    side: PositionSide
    entry_price: Decimal
    capital: Decimal
    contract_size: Decimal
    legs: tuple[ProposedLeg, ...]
    skipped: tuple[SkippedLeg, ...]
    promoted: bool = False

    @property
    def reserve(self) -> Decimal:
        """Notional of all legs together."""
        return sum((leg.reserve for leg in self.legs), ZERO)

    @property
    def commitments(self) -> dict[str, Commitment]:
        """What each leg risks from the moment of its approval."""
        return {
            leg.leg_id: Commitment(group_id=self.group_id, symbol=self.symbol, resting=leg.reserve)
            for leg in self.legs
        }

    @property
    def slot(self) -> Slot:
        """The place in the execution pool its group holds."""
        return Slot(
            group_id=self.group_id, symbol=self.symbol, timeframe=self.timeframe, side=self.side
        )

    @property
    def key(self) -> str:
        """What at most one group may be open for: symbol, timeframe and side."""
        return trade_key(self.symbol, self.timeframe, self.side)

    @property
    def is_pyramid(self) -> bool:
        """Whether it joins a group that is already open."""
        return self.index > 0


class GateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate reads beside the risk engine's own state."""

    risk: RiskSettings
    pool: PoolSettings
    currency: str
    settle: str
    leverage: int
    mark: MarkSeen | None
    now: datetime

    @property
    def mark_price(self) -> Decimal | None:
        """What is no positive number is no mark."""
        price = self.mark.price if self.mark is not None else None
        return price if price is not None and price.is_finite() and price > ZERO else None


class RuleCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the receipt. `value` none = unknown, which fails; `limit` none = off."""

    rule: Rule
    value: str | None
    limit: str | None
    passed: bool


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """The whole receipt. `reason` is the first failed rule, permanent ones before transient."""

    receipt: tuple[RuleCheck, ...]
    reason: str
    transient: bool

    @property
    def passed(self) -> bool:
        """Whether every rule passed."""
        return not self.reason


class RiskedNow(msgspec.Struct, frozen=True, kw_only=True):
    """What the risk engine holds at the moment of the question."""

    trading_state: str
    slots: tuple[Slot, ...]
    committed: Decimal
    committed_symbol: Decimal
    realized_today: Decimal
    discrepancy: bool


def assess(proposal: EntryProposal, facts: GateFacts, risked: RiskedNow) -> Assessment:
    """Judge a proposal by every rule, the passed ones included."""
    receipt = tuple(rule(proposal, facts, risked) for rule in _RULES)
    failed = [check for check in receipt if not check.passed]
    permanent = [check for check in failed if _is_permanent(check, failed, proposal)]
    first = permanent[0] if permanent else failed[0] if failed else None
    return Assessment(
        receipt=receipt,
        reason=first.rule if first else "",
        transient=first is not None and not permanent,
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


def _discrepancy(_: EntryProposal, __: GateFacts, risked: RiskedNow) -> RuleCheck:
    return RuleCheck(
        rule="discrepancy",
        value="open" if risked.discrepancy else "none",
        limit="none",
        passed=not risked.discrepancy,
    )


def _key_free(proposal: EntryProposal, _: GateFacts, risked: RiskedNow) -> RuleCheck:
    """At most one open group per symbol, timeframe and side; a pyramid joins its own."""
    same = [slot for slot in risked.slots if slot.key == proposal.key]
    taken = [slot.group_id for slot in same if slot.group_id != proposal.group_id]
    return RuleCheck(
        rule="key_free", value=taken[0] if taken else "free", limit="free", passed=not taken
    )


def _one_direction(proposal: EntryProposal, _: GateFacts, risked: RiskedNow) -> RuleCheck:
    """One-way mode: a symbol has one direction across all timeframes."""
    against = [
        slot.group_id
        for slot in risked.slots
        if slot.symbol == proposal.symbol and slot.side != proposal.side
    ]
    return RuleCheck(
        rule="one_direction",
        value=against[0] if against else "free",
        limit="free",
        passed=not against,
    )


def _max_open_groups(proposal: EntryProposal, facts: GateFacts, risked: RiskedNow) -> RuleCheck:
    taken = len(risked.slots)
    if not proposal.is_pyramid:
        taken += 1
    return _at_most("max_open_groups", Decimal(taken), Decimal(facts.pool.max_open_groups))


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
    _symbol_allowed,
    _leverage,
    _discrepancy,
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
