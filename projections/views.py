"""What a trader sees: the pages of the dashboard as data, every amount an exact decimal.

Percentages are in percent, amounts in the account's capital currency, prices in quote units,
quantities in contracts, times in UTC. None means unknown: never shown as zero.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from domain.day_terms import AlertKind, AlertSeverity
from domain.instrument import PositionSide
from projections.risk_views import HoldRow

Severity = Literal["debug", "info", "warning", "critical"]
Kind = Literal[
    "alert",
    "signal",
    "queue",
    "risk",
    "group",
    "leg",
    "order",
    "fill",
    "account",
    "operator",
    "engine",
]
ViewName = Literal[
    "overview",
    "groups",
    "queue",
    "risk",
    "equity",
    "offsets",
    "plan",
    "refusals",
    "signals",
    "log",
    "performance",
]


class SettingsRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """The latest change of settings, which the engine refused when it came to rule."""

    refusal: str
    actor: str
    reason: str
    at: datetime


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """One account, for the switcher and the settings page. `settings` is the JSON document.

    `refused` is a change that did not come to rule, until a later one does.
    """

    account: str
    venue: str
    market_kind: str
    paper: bool
    currency: str
    trading_state: str
    settings_version: int
    settings: str
    refused: SettingsRefusal | None = None


class LedgerCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Signals by current outcome. `received`, counted by itself, is the sum of the others."""

    received: int = 0
    admitted: int = 0
    queued: int = 0
    replaced: int = 0
    removed: int = 0
    expired: int = 0
    duplicate: int = 0
    no_effect: int = 0
    refused: int = 0
    rejected: int = 0

    @property
    def judged(self) -> int:
        """The sum of the outcomes: the ledger balances if it is all that was received."""
        every: tuple[int, ...] = msgspec.structs.astuple(self)
        return sum(every) - self.received


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """One event in words. `subject` is the order, leg, group or signal it is about."""

    position: int
    at: datetime
    account: str
    name: str
    kind: Kind
    severity: Severity
    symbol: str
    subject: str
    group_id: str
    text: str
    event_id: str
    causation_id: str
    correlation_id: str


class AlertRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator was told. `subject` is the trade, leg, order, signal or symbol.

    `position` is where the log has it; `symbol` and `group_id` are empty if it has none.
    """

    position: int
    at: datetime
    kind: AlertKind
    severity: AlertSeverity
    subject: str
    symbol: str
    group_id: str
    text: str
    correlation_id: str


class QueuedFor(msgspec.Struct, frozen=True, kw_only=True):
    """How many signals wait for the same reason."""

    reason: str
    count: int


class OverviewView(msgspec.Struct, frozen=True, kw_only=True):
    """How the account stands. `unrealized` covers marked groups; `unmarked` counts the others.

    `position` is the newest log position shown, `moment` the time of this view: now, or for
    history the time of that position. `marks_at` is the oldest mark an open group is valued at.
    `worst_case` is what full groups in all slots commit under these settings, `fees_pending`
    how many fees have no value yet, `alerts` those of the last 24 hours, newest first.
    `holds` are all causes that hold trading back, the one that rules first. `drawdown_percent`
    and `day_loss` are None while a mark they need is missing; their limits None = off.
    """

    account: str
    position: int
    moment: datetime
    currency: str
    venue: str
    paper: bool
    trading_state: str
    state_reason: str
    holds: tuple[HoldRow, ...]
    open_groups: int
    max_open_groups: int
    queued: int
    queued_for: tuple[QueuedFor, ...]
    realized_total: Decimal
    realized_today: Decimal
    unrealized: Decimal
    unmarked: int
    starting_balance: Decimal
    capital: Decimal
    equity: Decimal
    peak: Decimal
    drawdown_percent: Decimal | None
    max_drawdown_percent: Decimal | None
    day_loss: Decimal | None
    max_daily_loss: Decimal | None
    committed: Decimal
    worst_case: Decimal
    max_committed_capital: Decimal | None
    balance_total: Decimal | None
    balance_free: Decimal | None
    marks_at: datetime | None
    last_signal_at: datetime | None
    last_event_at: datetime | None
    engine_version: str
    engine_started_at: datetime | None
    discrepancies: int
    unprotected_legs: int
    unknown_orders: int
    waiting_groups: int
    fees_pending: int
    signals: LedgerCounts
    alerts: tuple[AlertRow, ...]


class ReversedTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that a waiting reversal turns, not flat yet. `quantity` is what it still holds."""

    group_id: str
    timeframe: str
    side: PositionSide
    quantity: Decimal


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """A waiting signal. `rank` counts from 1; `rank_tuple` is what gave it, rule by rule.

    `loss_percent` is negative in loss; `expected_profit` = sum of weight x take-profit.
    A signal that `turns` a trade waits until those of `waits_for` are flat, then comes first.
    """

    rank: int
    rank_tuple: tuple[str, ...]
    signal_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    price: Decimal | None
    mark: Decimal | None
    loss_percent: Decimal | None
    replacements: int
    expected_profit: Decimal
    waiting_since: datetime
    waiting_seconds: int
    reason: str
    turns: bool
    waits_for: tuple[ReversedTrade, ...]


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """All that waits, best first. `limit` None = unlimited."""

    rows: tuple[QueueRow, ...]
    limit: int | None
    free_slots: int


class SignalRow(msgspec.Struct, frozen=True, kw_only=True):
    """One signal with its one current outcome. `body` is the JSON text without the secret."""

    signal_id: str
    position: int
    received_at: datetime
    source: str
    kind: str
    symbol: str
    timeframe: str
    side: str
    outcome: str
    reason: str
    group_id: str
    judged_at: datetime | None
    body: str


class SignalsView(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger, newest first; `counts` are of the whole ledger, not of this page."""

    counts: LedgerCounts
    rows: tuple[SignalRow, ...]


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which log rows: empty = all. `start` and `end` bound [start, end).

    Pages backwards with `before` (newest first), follows with `after` (still newest first).
    `text` is looked for anywhere in text, subject, NAME and group, whatever the case.
    """

    kinds: tuple[Kind, ...] = ()
    severities: tuple[Severity, ...] = ()
    symbol: str = ""
    text: str = ""
    group_id: str = ""
    correlation_id: str = ""
    start: datetime | None = None
    end: datetime | None = None
    before: int | None = None
    after: int | None = None
    limit: int = 100


class LogView(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the log, newest first. `next_before` goes on with older rows; None = no more."""

    rows: tuple[LogRow, ...]
    next_before: int | None


class DayRow(msgspec.Struct, frozen=True, kw_only=True):
    """One UTC day. `equity` = starting balance + all realized so far; drawdown from its peak."""

    date: str
    realized: Decimal
    fees: Decimal
    trades_closed: int
    wins: int
    losses: int
    equity: Decimal
    drawdown_percent: Decimal | None


class PerformanceTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Over closed trades. Without trades (or without losses for the factor) ratios are None."""

    realized: Decimal
    fees: Decimal
    trades_closed: int
    wins: int
    losses: int
    gross_profit: Decimal
    gross_loss: Decimal
    win_rate_percent: Decimal | None
    profit_factor: Decimal | None
    expectancy: Decimal | None
    average_win: Decimal | None
    average_loss: Decimal | None
    max_drawdown_percent: Decimal | None


class BreakdownRow(msgspec.Struct, frozen=True, kw_only=True):
    """Closed trades of one symbol, timeframe or side (`by` says which)."""

    by: Literal["symbol", "timeframe", "side"]
    name: str
    realized: Decimal
    fees: Decimal
    trades_closed: int
    wins: int
    losses: int


class PerformanceView(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it, day by day, in all, and by what was traded."""

    currency: str
    days: tuple[DayRow, ...]
    totals: PerformanceTotals
    breakdown: tuple[BreakdownRow, ...]
