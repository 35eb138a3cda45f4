"""What is put before the pre-trade gate, the facts it reads, and the receipt it gives."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from domain.day_loss import DayLoss
from domain.grid import PlannedLeg, SkippedLeg
from domain.holds import TradingState
from domain.identity import trade_key
from domain.instrument import Instrument, PositionSide
from domain.liquidation import Stake
from domain.message import MarkSeen
from domain.money import ZERO
from domain.settings import ExitSettings, PoolSettings, RiskSettings

Rule = Literal[
    "trading_state",
    "currency",
    "market_rules",
    "symbol_allowed",
    "leverage",
    "discrepancy",
    "foreign_position",
    "key_free",
    "one_direction",
    "max_open_groups",
    "max_open_groups_per_symbol",
    "max_committed_capital",
    "max_committed_capital_per_symbol",
    "max_daily_loss",
    "mark_fresh",
    "max_entry_deviation",
    "max_drawdown",
    "cooldown",
    "free_balance",
    "max_quantity",
    "open_orders",
    "price_band",
    "position_limit",
    "liquidation_distance",
]

# A limit that is on and cannot be told: nothing keeps within it.
UNKNOWN = "unknown"

# Whose tick, step and minimums the legs are made of; missing ones are waited for.
MarketRules = Literal["venue", "fallback", "missing"]


class ProposedLeg(msgspec.Struct, frozen=True, kw_only=True):
    """A leg as it would be ordered, and what to reserve for it as notional."""

    leg_id: str
    leg: PlannedLeg
    reserve_price: Decimal
    reserve: Decimal


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """An open group in the execution pool, with the pyramids admitted to it so far."""

    group_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    pyramids: int = 1

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
    stop_loss: Decimal | None = None
    max_slippage_percent: Decimal | None = None

    @property
    def waits_for_rules(self) -> bool:
        """Whether it has no legs yet, since its market's rules are not known."""
        return not self.legs

    @property
    def reserve(self) -> Decimal:
        """Notional of all legs together; before there are any, the whole capital."""
        if self.waits_for_rules:
            return self.capital
        return sum((leg.reserve for leg in self.legs), ZERO)

    @property
    def commitments(self) -> dict[str, Commitment]:
        """What each leg, or the pyramid that waits for some, risks from its approval on."""
        if self.waits_for_rules:
            return {
                self.pyramid_id: Commitment(
                    group_id=self.group_id, symbol=self.symbol, resting=self.capital
                )
            }
        return {
            leg.leg_id: Commitment(group_id=self.group_id, symbol=self.symbol, resting=leg.reserve)
            for leg in self.legs
        }

    @property
    def slot(self) -> Slot:
        """The place in the execution pool its group holds."""
        return Slot(
            group_id=self.group_id,
            symbol=self.symbol,
            timeframe=self.timeframe,
            side=self.side,
            pyramids=self.index + 1,
        )

    def seat(self, known: Slot | None) -> Slot:
        """Its group's slot from its approval on; a pyramid that waited may be an earlier one."""
        return known if known is not None and known.pyramids > self.index else self.slot

    @property
    def key(self) -> str:
        """What at most one group may be open for: symbol, timeframe and side."""
        return trade_key(self.symbol, self.timeframe, self.side)

    @property
    def is_pyramid(self) -> bool:
        """Whether it joins a group that is already open."""
        return self.index > 0


class GateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate reads beside the risk engine's own state; none = not known.

    `foreign`: contracts of the symbol that are not ours and stand in the way of futures.
    `forced`: an operator adds the group over the limit of slots, and over that limit alone.
    `equity` and its `peak`, `free_balance`: in the capital currency, the last as estimated for
    now. `last_loss_at`: when a group of the symbol last closed negative; none = never.
    `orders`: working orders of the symbol and the exits still to come for what they fill.
    `position`: contracts of the symbol and side, held and resting. `stakes`: the same by part.
    `exits` are those the group is, or would be, bound to; `best` is what its stop trails.
    `reserved_leverage`: what a group that waits reserved its margin at; none = it did not wait.
    `held`: what all holds make of trading. One placed amid an input counts at once, before the
    risk engine was told of it.
    """

    risk: RiskSettings
    pool: PoolSettings
    currency: str
    settle: str
    leverage: int
    mark: MarkSeen | None
    now: datetime
    has_discrepancy: bool
    foreign: Decimal | None
    instrument: Instrument | None
    day_loss: DayLoss
    equity: Decimal | None
    peak: Decimal | None
    free_balance: Decimal | None
    last_loss_at: datetime | None
    orders: int
    position: Decimal
    stakes: tuple[Stake, ...]
    exits: ExitSettings
    stop_loss: Decimal | None = None
    best: Decimal | None = None
    hedge_mode: bool = False
    forced: bool = False
    market_rules: MarketRules = "venue"
    held: TradingState = "active"
    reserved_leverage: int | None = None

    @property
    def mark_price(self) -> Decimal | None:
        """What is no positive number is no mark."""
        price = self.mark.price if self.mark is not None else None
        return price if price is not None and price.is_finite() and price > ZERO else None


class RuleCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the receipt.

    `value` none = unknown, which fails; `limit` none = off, `UNKNOWN` = none can be told.
    """

    rule: Rule
    value: str | None
    limit: str | None
    passed: bool

    @property
    def is_unknown(self) -> bool:
        """Whether nothing could be compared."""
        return self.value is None or self.limit == UNKNOWN


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """The whole receipt. `reason` is the first failed rule, permanent ones before transient."""

    receipt: tuple[RuleCheck, ...]
    reason: str
    transient: bool

    @property
    def passed(self) -> bool:
        """Whether every rule passed."""
        return not self.reason

    @property
    def is_undecided(self) -> bool:
        """Whether it only fails for what is not known yet, or by a mark that is too old."""
        decided = [check for check in self.receipt if check.rule == self.reason]
        return any(check.rule == "mark_fresh" or check.is_unknown for check in decided)


class RiskedNow(msgspec.Struct, frozen=True, kw_only=True):
    """What the risk engine holds at the moment of the question.

    `reserved` of it is the proposal's own: it was let in before, and waited for market rules.
    """

    trading_state: str
    slots: tuple[Slot, ...]
    committed: Decimal
    committed_symbol: Decimal
    reserved: Decimal = ZERO
