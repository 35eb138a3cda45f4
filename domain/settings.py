"""What the operator may set for one account, and what of it binds one position group."""

from decimal import Decimal
from typing import Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from domain.timeframe import normalize_timeframe

QueueRule = Literal["continuation", "deepest_loss", "replacements", "expected_profit", "oldest"]
Progression = Literal["fixed", "arithmetic", "geometric"]
UndersizedLeg = Literal["skip", "merge", "reject"]
EntryOrder = Literal["limit", "market"]
ExitMode = Literal["per_leg", "aggregate", "pyramid_aggregate", "hybrid"]
Execution = Literal["resting", "watch"]
BudgetRule = Literal["fixed", "equity_share"]
PyramidCapital = Literal["split", "full"] | tuple[Decimal, ...]
MarginMode = Literal["isolated", "cross"]


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the document. A misspelt key would silently leave a limit off: refused."""


class PoolSettings(Strict, frozen=True, kw_only=True):
    """The execution slots of the account."""

    max_open_groups: int = 10
    pyramids_need_slot: bool = False


class QueueSettings(Strict, frozen=True, kw_only=True):
    """How waiting signals are ranked, replaced and expired."""

    limit: int | None = None
    max_age_minutes: int | None = 1440
    rules: tuple[QueueRule, ...] = ("continuation", "deepest_loss", "replacements", "oldest")
    replace: bool = True
    anchor: Literal["better", "signal"] = "better"


class SignalSettings(Strict, frozen=True, kw_only=True):
    """What is accepted as a signal. `source_allow_list`: addresses, networks, `tradingview`."""

    max_age_seconds: int | None = 300
    duplicate_window_seconds: int = 20
    opposite: Literal["queue", "reverse", "reject"] = "queue"
    source_allow_list: tuple[str, ...] = ()
    allow_stop_loss: bool = False


class LegSettings(Strict, frozen=True, kw_only=True):
    """One rung of the ladder, in percent: gap from the entry price, weight of the capital."""

    gap_percent: Decimal
    weight_percent: Decimal
    take_profit_percent: Decimal


def _leg(gap: str, weight: str, take_profit: str) -> LegSettings:
    return LegSettings(
        gap_percent=Decimal(gap),
        weight_percent=Decimal(weight),
        take_profit_percent=Decimal(take_profit),
    )


class GeneratorSettings(Strict, frozen=True, kw_only=True):
    """A ladder by formula: `legs` rungs whose gaps and sizes stay, add up or multiply.

    The first rung lies at the entry price. A step to the next one is `gap_percent` ≤ 0, then
    (arithmetic) deeper by `gap_step` each time or (geometric) multiplied by it; a size starts
    at 1 and grows by `size_step` likewise, then all are scaled to weights that sum to 100.
    """

    legs: int = 5
    gaps: Progression = "fixed"
    gap_percent: Decimal = Decimal("-0.5")
    gap_step: Decimal = Decimal(1)
    sizes: Progression = "fixed"
    size_step: Decimal = Decimal(1)
    take_profit_percent: Decimal = Decimal(1)


class GridSettings(Strict, frozen=True, kw_only=True):
    """The ladder of a pyramid: what `pyramid_legs` gives its index, else the generator, else legs.

    With `entry_order` market its legs without a gap buy at once, within the slippage allowed.
    """

    legs: tuple[LegSettings, ...] = (
        _leg("0", "20", "1"),
        _leg("-0.5", "20", "0.5"),
        _leg("-1", "20", "2"),
        _leg("-1.5", "20", "1.5"),
        _leg("-2", "20", "1"),
    )
    generator: GeneratorSettings | None = None
    pyramid_legs: dict[int, tuple[LegSettings, ...]] = {}
    max_pyramids: int = 5
    entry_order: EntryOrder = "limit"
    post_only: bool = False
    undersized_leg: UndersizedLeg = "skip"
    cancel_dca_beyond_percent: Decimal | None = None
    unfilled_minutes: int | None = 240


class ExitSettings(Strict, frozen=True, kw_only=True):
    """How a group takes profit and stops. `pyramid_targets`: percent by pyramid index."""

    mode: ExitMode = "per_leg"
    take_profit_percent: Decimal = Decimal(1)
    pyramid_targets: dict[int, Decimal] = {}
    execution: Execution = "resting"
    close_when_flat: bool = True
    coalesce_ms: int = 500
    stop_loss_percent: Decimal | None = None
    trailing_stop_percent: Decimal | None = None
    trailing_step_percent: Decimal = Decimal("0.1")
    stop_execution: Literal["watch", "resting"] = "watch"
    max_slippage_percent: Decimal = Decimal(1)


class CapitalSettings(Strict, frozen=True, kw_only=True):
    """What a group may spend. Amounts are notional, in units of `currency`."""

    currency: str = "USDT"
    allocation: Decimal | None = None
    group_budget_rule: BudgetRule = "fixed"
    group_budget: Decimal = Decimal(5000)
    pyramid_capital: PyramidCapital = "split"
    leverage: int = 1
    margin_mode: MarginMode = "isolated"
    hedge_mode: bool = False


class OffsetSettings(Strict, frozen=True, kw_only=True):
    """When winners pay for a loser. A loss is negative: -5 means 5 % under cost."""

    enabled: bool = True
    require_full_pyramids: bool = True
    required_pyramids: int = 5
    timer_start: Literal["pyramids_full", "all_legs_submitted", "all_legs_filled"] = "pyramids_full"
    post_full_wait_minutes: int = 60
    reset_timer_on_replacement: bool = False
    loss_threshold_percent: Decimal = Decimal(-5)
    min_age_minutes: int | None = None
    max_winners: int = 3
    partial_cover: Literal["abort", "reduce_loser"] = "abort"
    min_close_notional: Decimal = Decimal(20)
    evaluate_seconds: int = 10


class RiskSettings(Strict, frozen=True, kw_only=True):
    """The limits of the gate, the breaker, the emergency stop. Null turns a rule off."""

    max_open_groups_per_symbol: int | None = None
    max_committed_capital: Decimal | None = Decimal(50000)
    max_committed_capital_per_symbol: Decimal | None = None
    max_leverage: int | None = 5
    max_daily_loss: Decimal | None = Decimal(500)
    daily_loss_includes_open: bool = False
    breaker_dca: Literal["cancel", "keep"] = "cancel"
    max_drawdown_percent: Decimal | None = Decimal(20)
    max_mark_age_seconds: int | None = 30
    max_entry_deviation_percent: Decimal | None = Decimal(5)
    cooldown_minutes_after_loss: int = 0
    symbols_allowed: tuple[str, ...] = ()
    min_liquidation_distance_percent: Decimal | None = Decimal(10)
    stale_seconds: int | None = 60
    countdown_seconds: int | None = None
    countdown_with_positions: bool = False
    offset: OffsetSettings = OffsetSettings()


class FallbackRules(Strict, frozen=True, kw_only=True):
    """Market rules to trade by while the venue's own are missing."""

    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    min_notional: Decimal


class PrecisionSettings(Strict, frozen=True, kw_only=True):
    """Where the tick, step and minimums come from."""

    refresh_seconds: int = 3600
    on_missing: Literal["wait", "fallback"] = "wait"
    wait_seconds: int = 300
    fallback: FallbackRules | None = None


class GridPatch(Strict, frozen=True, kw_only=True):
    """The part of the grid that an override changes."""

    legs: tuple[LegSettings, ...] | UnsetType = UNSET
    generator: GeneratorSettings | UnsetType | None = UNSET
    pyramid_legs: dict[int, tuple[LegSettings, ...]] | UnsetType = UNSET
    max_pyramids: int | UnsetType = UNSET
    entry_order: EntryOrder | UnsetType = UNSET
    post_only: bool | UnsetType = UNSET
    undersized_leg: UndersizedLeg | UnsetType = UNSET
    cancel_dca_beyond_percent: Decimal | UnsetType | None = UNSET
    unfilled_minutes: int | UnsetType | None = UNSET


class ExitsPatch(Strict, frozen=True, kw_only=True):
    """The part of the exits that an override changes."""

    mode: ExitMode | UnsetType = UNSET
    take_profit_percent: Decimal | UnsetType = UNSET
    pyramid_targets: dict[int, Decimal] | UnsetType = UNSET
    execution: Execution | UnsetType = UNSET
    close_when_flat: bool | UnsetType = UNSET
    coalesce_ms: int | UnsetType = UNSET
    stop_loss_percent: Decimal | UnsetType | None = UNSET
    trailing_stop_percent: Decimal | UnsetType | None = UNSET
    trailing_step_percent: Decimal | UnsetType = UNSET
    stop_execution: Literal["watch", "resting"] | UnsetType = UNSET
    max_slippage_percent: Decimal | UnsetType = UNSET


class CapitalPatch(Strict, frozen=True, kw_only=True):
    """The part of the capital that an override changes.

    An account has one currency, allocation and position mode: these have no place here.
    """

    group_budget_rule: BudgetRule | UnsetType = UNSET
    group_budget: Decimal | UnsetType = UNSET
    pyramid_capital: PyramidCapital | UnsetType = UNSET
    leverage: int | UnsetType = UNSET
    margin_mode: MarginMode | UnsetType = UNSET


class Override(Strict, frozen=True, kw_only=True):
    """Other values for one symbol, or for one timeframe of it; null = all timeframes."""

    symbol: str
    timeframe: str | None = None
    grid: GridPatch = GridPatch()
    exits: ExitsPatch = ExitsPatch()
    capital: CapitalPatch = CapitalPatch()


class Settings(Strict, frozen=True, kw_only=True):
    """The settings document of one account. Percentages in percent, amounts notional."""

    pool: PoolSettings = PoolSettings()
    queue: QueueSettings = QueueSettings()
    signals: SignalSettings = SignalSettings()
    grid: GridSettings = GridSettings()
    exits: ExitSettings = ExitSettings()
    capital: CapitalSettings = CapitalSettings()
    risk: RiskSettings = RiskSettings()
    precision: PrecisionSettings = PrecisionSettings()
    overrides: tuple[Override, ...] = ()


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """What a group keeps from its opening to its end, whatever is edited meanwhile."""

    grid: GridSettings
    exits: ExitSettings
    capital: CapitalSettings


def resolve(settings: Settings, symbol: str, timeframe: str | None) -> Bound:
    """Default, then the symbol's override, then that of its timeframe; lists count whole.

    `symbol` in unified form. Without a timeframe only the symbol's own override applies.
    """
    bound = Bound(grid=settings.grid, exits=settings.exits, capital=settings.capital)
    wanted = None if timeframe is None else canonical_timeframe(timeframe)

    for override in settings.overrides:
        if override.symbol == symbol and override.timeframe is None:
            bound = _patched(bound, override)

    for override in settings.overrides:
        if override.symbol != symbol or override.timeframe is None or wanted is None:
            continue
        if canonical_timeframe(override.timeframe) == wanted:
            bound = _patched(bound, override)

    return bound


def canonical_timeframe(text: str) -> str:
    """The one way to write it; a text that names no timeframe stays as it is."""
    return normalize_timeframe(text) or text


def _patched(bound: Bound, override: Override) -> Bound:
    return Bound(
        grid=_merged(bound.grid, override.grid),
        exits=_merged(bound.exits, override.exits),
        capital=_merged(bound.capital, override.capital),
    )


S = TypeVar("S", bound=Strict)


def _merged(whole: S, patch: Strict) -> S:
    """`whole` with every key that `patch` sets; objects merge by key, lists are replaced."""
    changes: dict[str, object] = {}

    for name in patch.__struct_fields__:
        value = getattr(patch, name)
        if value is UNSET:
            continue
        changes[name] = getattr(whole, name) | value if isinstance(value, dict) else value

    return msgspec.structs.replace(whole, **changes)
