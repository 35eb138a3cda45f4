"""The least and the most each number of the settings may be."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from domain.money import plain

LEGS_MAX = 7
PYRAMIDS_MAX = 50
AMOUNT_MAX = Decimal(10) ** 15


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with a settings document: where, what it was, what to do."""

    field: str
    value: str
    remedy: str

    def __str__(self) -> str:
        """As one line to show to the operator."""
        return f"{self.field} was {self.value}: {self.remedy}"


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """The values a field may have: `low` (or only above it) to `high`, both in its unit."""

    field: str
    low: Decimal
    high: Decimal = AMOUNT_MAX
    above: bool = False

    @property
    def remedy(self) -> str:
        """The range in words."""
        start = "above" if self.above else "from"
        return f"write a value {start} {plain(self.low)} up to {plain(self.high)}"

    def admits(self, value: Decimal) -> bool:
        """Whether `value` lies within."""
        return self.low <= value <= self.high and not (self.above and value == self.low)


def _from(field: str, low: int, high: int | Decimal = AMOUNT_MAX) -> Range:
    return Range(field=field, low=Decimal(low), high=Decimal(high))


def _above(field: str, low: int, high: int | Decimal = AMOUNT_MAX) -> Range:
    return Range(field=field, low=Decimal(low), high=Decimal(high), above=True)


_YEAR_MINUTES = 527_040
_DAY_SECONDS = 86_400

ACCOUNT_RANGES = (
    _from("pool.max_open_groups", 1, 1000),
    _from("queue.limit", 0, 10_000),
    _from("queue.max_age_minutes", 1, _YEAR_MINUTES),
    _from("signals.max_age_seconds", 1, _DAY_SECONDS),
    _from("signals.duplicate_window_seconds", 0, _DAY_SECONDS),
    _from("risk.max_open_groups_per_symbol", 1, 1000),
    _above("risk.max_committed_capital", 0),
    _above("risk.max_committed_capital_per_symbol", 0),
    _from("risk.max_leverage", 1, 125),
    _above("risk.max_daily_loss", 0),
    _above("risk.max_drawdown_percent", 0, 100),
    _from("risk.max_mark_age_seconds", 1, _DAY_SECONDS),
    _above("risk.max_entry_deviation_percent", 0, 100),
    _from("risk.cooldown_minutes_after_loss", 0, _YEAR_MINUTES),
    _above("risk.min_liquidation_distance_percent", 0, 100),
    _from("risk.stale_seconds", 1, _DAY_SECONDS),
    _from("risk.countdown_seconds", 5, _DAY_SECONDS),
    _from("risk.offset.required_pyramids", 1, PYRAMIDS_MAX),
    _from("risk.offset.post_full_wait_minutes", 0, _YEAR_MINUTES),
    _from("risk.offset.min_age_minutes", 0, _YEAR_MINUTES),
    _from("risk.offset.max_winners", 1, 100),
    _from("risk.offset.min_close_notional", 0),
    _from("risk.offset.evaluate_seconds", 1, 3600),
    _from("precision.refresh_seconds", 60, _DAY_SECONDS),
    _from("precision.wait_seconds", 0, _DAY_SECONDS),
    _above("precision.fallback.tick", 0),
    _above("precision.fallback.step", 0),
    _from("precision.fallback.min_quantity", 0),
    _from("precision.fallback.min_notional", 0),
)

GROUP_RANGES = (
    _from("grid.max_pyramids", 1, PYRAMIDS_MAX),
    _above("grid.cancel_dca_beyond_percent", 0, 1000),
    _from("grid.unfilled_minutes", 1, _YEAR_MINUTES),
    _from("grid.generator.legs", 1, LEGS_MAX),
    _above("grid.generator.gap_step", 0, 100),
    _above("grid.generator.size_step", 0, 100),
    _above("grid.generator.take_profit_percent", 0, 1000),
    _above("exits.take_profit_percent", 0, 1000),
    _from("exits.coalesce_ms", 0, 60_000),
    _above("exits.stop_loss_percent", 0, 100),
    _above("exits.trailing_stop_percent", 0, 100),
    _above("exits.trailing_step_percent", 0, 100),
    _above("exits.max_slippage_percent", 0, 50),
    _above("capital.allocation", 0),
    _above("capital.group_budget", 0),
    _from("capital.leverage", 1, 125),
)

TAKE_PROFIT = _above("take_profit_percent", 0, 1000)
WEIGHT = _above("weight_percent", 0, 100)


def out_of_range(root: msgspec.Struct, ranges: Iterable[Range]) -> Iterator[Problem]:
    """A problem for each dotted field below `root` that has a value and leaves its range."""
    for allowed in ranges:
        value: object = root
        for name in allowed.field.split("."):
            value = None if value is None else getattr(value, name)
        if isinstance(value, int | Decimal):
            yield from unless_admitted(allowed, Decimal(value), allowed.field)


def unless_admitted(allowed: Range, value: Decimal, field: str) -> Iterator[Problem]:
    """The one problem of `field`, if its value leaves the range."""
    if not allowed.admits(value):
        yield Problem(field=field, value=plain(value), remedy=allowed.remedy)
