"""What is risked as a trader sees it: limits, committed capital, what is held beside the trades.

Amounts in the account's capital currency, quantities in contracts, percentages in percent, times
in UTC. None means unknown: never shown as zero.
"""

from datetime import datetime
from decimal import Decimal

import msgspec

from domain.equity import EmergencyTrigger
from domain.holds import HoldCause, TradingState
from domain.instrument import PositionMode
from domain.worst_case import WorstCases


class HoldRow(msgspec.Struct, frozen=True, kw_only=True):
    """One cause that keeps new exposure away, how tightly, why, by whom and since when."""

    cause: HoldCause
    state: TradingState
    reason: str
    actor: str
    since: datetime


class BreakerView(msgspec.Struct, frozen=True, kw_only=True):
    """The breaker of the day's loss.

    `day_loss` is what the day lost so far, None while a mark that counts is missing: `realized`
    and, if they count, `open_loss` (zero or more), from the result `reference` on.
    `tripped_at`, `tripped_loss` and `tripped_limit` are of the latest trip, `ended_at` of what
    ended it; `tripped`: it is latched now.
    """

    tripped: bool
    day_loss: Decimal | None
    limit: Decimal | None
    realized: Decimal
    open_loss: Decimal | None
    includes_open: bool
    reference: Decimal
    tripped_at: datetime | None
    tripped_loss: Decimal | None
    tripped_limit: Decimal | None
    ended_at: datetime | None
    ended_by: str
    ended_reason: str


class WorthView(msgspec.Struct, frozen=True, kw_only=True):
    """What the account is worth at these marks: equity = capital + realized + unrealized.

    `capital` includes `transfers`; `unsettled` is what the venue's balance moved beyond all that
    the books and transfers explain. `unrealized`, and what follows from it, is None while the mark
    of an open lot is missing. Drawdown is measured from `peak`. `breached_at`: a first look found
    it too deep, the second one decides. `stopped_at`: the emergency stop holds since then.
    """

    capital: Decimal
    transfers: Decimal
    unsettled: Decimal
    realized: Decimal
    unrealized: Decimal | None
    equity: Decimal | None
    peak: Decimal
    drawdown_percent: Decimal | None
    limit_percent: Decimal | None
    breached_at: datetime | None
    breach_percent: Decimal | None
    stopped_at: datetime | None
    stop_trigger: EmergencyTrigger | None
    stop_reason: str
    stop_actor: str
    stop_percent: Decimal | None


class CooldownRow(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol that takes no new group until then, since one of it closed negative."""

    symbol: str
    group_id: str
    realized: Decimal
    lost_at: datetime
    until: datetime


class LimitRow(msgspec.Struct, frozen=True, kw_only=True):
    """A limit with what stands against it. `limit` None = off, `value` None = unknown.

    `unit` is `money` (the capital currency), `%`, `s`, `x`, or empty for a count. `detail` says
    what the value is made of, or of which symbol it is.
    """

    rule: str
    value: Decimal | None
    limit: Decimal | None
    used_percent: Decimal | None
    unit: str = ""
    detail: str = ""


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
    """What is risked, what may be, what holds it back, and what was refused last.

    `holds` are all causes that hold trading back, the one that rules first.
    """

    trading_state: str
    state_reason: str
    state_actor: str
    state_changed_at: datetime | None
    holds: tuple[HoldRow, ...]
    breaker: BreakerView
    worth: WorthView
    limits: tuple[LimitRow, ...]
    cooldowns: tuple[CooldownRow, ...]
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
