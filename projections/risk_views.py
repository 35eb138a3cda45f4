"""What is risked as a trader sees it: limits, committed capital, what is held beside the trades.

Amounts in the account's capital currency, quantities in contracts, percentages in percent, times
in UTC. None means unknown: never shown as zero.
"""

from datetime import datetime
from decimal import Decimal

import msgspec

from domain.instrument import PositionMode
from domain.worst_case import WorstCases


class LimitRow(msgspec.Struct, frozen=True, kw_only=True):
    """A limit with what stands against it. `limit` None = off, `value` None = unknown."""

    rule: str
    value: Decimal | None
    limit: Decimal | None
    used_percent: Decimal | None


class CommittedRow(msgspec.Struct, frozen=True, kw_only=True):
    """Committed capital of one symbol: resting entries and cost of open lots, as notional."""

    symbol: str
    resting: Decimal
    open_cost: Decimal
    groups: int


class DiscrepancyRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where venue and books disagree, in contracts. `side` tells positions apart in hedge mode."""

    symbol: str
    expected: Decimal
    seen: Decimal
    detail: str
    found_at: datetime
    side: PositionMode = "both"


class DustRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was written off and is still held, in signed contracts; `value` is what it was then."""

    symbol: str
    side: PositionMode
    quantity: Decimal
    value: Decimal
    reason: str
    changed_at: datetime


class ForeignRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is held and not ours, in signed contracts: never closed by us."""

    symbol: str
    side: PositionMode
    quantity: Decimal
    reason: str
    changed_at: datetime


class PendingFeeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A fee in `asset` that no mark values yet: its trade's profit is shown without it."""

    leg_id: str
    trade_id: str
    group_id: str
    symbol: str
    fee: Decimal
    asset: str
    deferred_at: datetime


class CheckRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a gate's receipt."""

    rule: str
    value: str | None
    limit: str | None
    passed: bool


class DecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of the gate with its whole receipt; `reason` is empty when approved."""

    position: int
    at: datetime
    signal_id: str
    group_id: str
    symbol: str
    approved: bool
    reason: str
    transient: bool
    promoted: bool
    receipt: tuple[CheckRow, ...]


class RiskView(msgspec.Struct, frozen=True, kw_only=True):
    """What is risked, what may be, what is held beside the trades, and what was refused last."""

    trading_state: str
    state_reason: str
    state_actor: str
    state_changed_at: datetime | None
    limits: tuple[LimitRow, ...]
    committed: Decimal
    committed_by_symbol: tuple[CommittedRow, ...]
    worst_cases: WorstCases
    realized_today: Decimal
    balance_total: Decimal | None
    balance_free: Decimal | None
    discrepancies: tuple[DiscrepancyRow, ...]
    dust: tuple[DustRow, ...]
    foreign: tuple[ForeignRow, ...]
    pending_fees: tuple[PendingFeeRow, ...]
    denials: tuple[DecisionRow, ...]
