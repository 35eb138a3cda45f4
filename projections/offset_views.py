"""Losers paid down by winners as a trader sees them: who waits, who is kept out, what was done.

Amounts in the account's capital currency, prices in quote units, quantities in contracts,
percentages in percent, times in UTC.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from domain.instrument import PositionSide
from domain.offset import OffsetOutcome, OffsetTrigger, PlannedWinner
from domain.offset_watch import Bar


class TimerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A full trade that waits; from `due_at` on it may be paid down, if it is a loser then."""

    group_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    started_at: datetime
    due_at: datetime
    reason: str


class BarRow(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that an operator keeps out, or passes over once as a loser."""

    group_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    how: Bar
    reason: str
    actor: str
    barred_at: datetime


class DeclinedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A loser whose turn came and for whom nothing could be done, and why."""

    group_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    reason: str
    needed: Decimal
    available: Decimal
    declined_at: datetime


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One sale of an offset. `ended_at` None: it is under way, and `amount` is not known yet.

    `budget` of a winner is what it is to earn, of the loser what it may lose at most; `amount`
    what it earned or realized. No `started_at`: it was passed over. `attempt` counts the loser's
    sales; `bound` is the worst price it may sell at.
    """

    role: Literal["winner", "loser"]
    group_id: str
    symbol: str
    attempt: int
    budget: Decimal | None
    quantity: Decimal | None
    bound: Decimal | None
    amount: Decimal | None
    outcome: str
    started_at: datetime | None
    ended_at: datetime | None


class OffsetView(msgspec.Struct, frozen=True, kw_only=True):
    """One offset: the plan, its steps and its sums; `outcome` None while it is under way.

    `needed` closes the whole loser; `expected` is what the winners are to earn. `result` =
    `earned` by winners + `realized` by the loser, exactly.
    """

    offset_id: str
    group_id: str
    symbol: str
    side: PositionSide
    price: Decimal
    quantity: Decimal
    loss: Decimal
    loss_percent: Decimal
    winners: tuple[PlannedWinner, ...]
    needed: Decimal
    expected: Decimal
    trigger: OffsetTrigger
    reason: str
    actor: str
    planned_at: datetime
    steps: tuple[StepRow, ...]
    earned: Decimal
    realized: Decimal
    result: Decimal
    outcome: OffsetOutcome | None
    settled_reason: str
    settled_at: datetime | None


class OffsetsView(msgspec.Struct, frozen=True, kw_only=True):
    """The offset's watch, and all offsets so far, newest first; the first may be under way.

    The sums are of all that were settled.
    """

    enabled: bool
    wait_minutes: int
    loss_threshold_percent: Decimal
    timers: tuple[TimerRow, ...]
    barred: tuple[BarRow, ...]
    declined: tuple[DeclinedRow, ...]
    offsets: tuple[OffsetView, ...]
    settled: int
    earned: Decimal
    realized: Decimal
    result: Decimal
