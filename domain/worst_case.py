"""The most that full groups can commit under some settings, before any market has moved."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from domain.money import HUNDRED, ONE, ZERO, plain, round_up
from domain.settings import Bound, Settings, resolve


class WorstCase(msgspec.Struct, frozen=True, kw_only=True):
    """What one full group commits at most, and all groups if each slot held such a one.

    Notional at the legs' own prices, in the capital currency; `of_equity`: in percent of the
    equity. Without a symbol it holds wherever no override does.
    """

    symbol: str | None
    timeframe: str | None
    group: Decimal
    slots: int
    all_groups: Decimal
    of_equity: bool

    @property
    def scope(self) -> str:
        """What it is about, in words."""
        if self.symbol is None:
            return "any symbol"
        return f"{self.symbol} on {self.timeframe}" if self.timeframe else self.symbol


class WorstCases(msgspec.Struct, frozen=True, kw_only=True):
    """Every worst case beside the limit of all committed capital; without a limit, none."""

    currency: str
    max_committed_capital: Decimal | None
    cases: tuple[WorstCase, ...]

    def told(self) -> Iterator[str]:
        """One line each for people."""
        for case in self.cases:
            unit = "% of the equity" if case.of_equity else self.currency
            yield (
                f"{case.scope}: a full group commits at most {plain(case.group)} {unit},"
                f" {case.slots} of them {plain(case.all_groups)} {unit}"
            )
        limit = self.max_committed_capital
        allowed = "nothing limits" if limit is None else f"the gate allows {plain(limit)} as"
        yield f"{allowed} committed capital in all (risk.max_committed_capital)"


def worst_cases(settings: Settings) -> WorstCases:
    """The default's worst case, then that of each override in their order."""
    cases = [_case(settings, None, None)]
    cases += [_case(settings, one.symbol, one.timeframe) for one in settings.overrides]
    return WorstCases(
        currency=settings.capital.currency,
        max_committed_capital=settings.risk.max_committed_capital,
        cases=tuple(cases),
    )


def _case(settings: Settings, symbol: str | None, timeframe: str | None) -> WorstCase:
    bound = resolve(settings, symbol or "", timeframe)
    pool = settings.pool.max_open_groups
    slots = _slots(settings, symbol)
    budget = _full_budget(bound)
    is_share = _is_share(bound)

    return WorstCase(
        symbol=symbol,
        timeframe=timeframe,
        group=_percent(budget, pool) if is_share else budget,
        slots=slots,
        all_groups=_percent(budget * slots, pool) if is_share else budget * slots,
        of_equity=is_share,
    )


def _slots(settings: Settings, symbol: str | None) -> int:
    slots, of_symbol = settings.pool.max_open_groups, settings.risk.max_open_groups_per_symbol
    return slots if symbol is None or of_symbol is None else min(slots, of_symbol)


def _is_share(bound: Bound) -> bool:
    """A list of amounts is what it says, whatever the rule for a group's budget."""
    is_listed = isinstance(bound.capital.pyramid_capital, tuple)
    return bound.capital.group_budget_rule == "equity_share" and not is_listed


def _full_budget(bound: Bound) -> Decimal:
    """Spec §3: the budget if it is split, times the pyramids if each gets it whole.

    Of a share of the equity it is the number of shares.
    """
    capital = bound.capital
    if isinstance(capital.pyramid_capital, tuple):
        return sum(capital.pyramid_capital, ZERO)
    pyramids = Decimal(bound.grid.max_pyramids) if capital.pyramid_capital == "full" else ONE
    return pyramids if _is_share(bound) else pyramids * capital.group_budget


def _percent(shares: Decimal, pool: int) -> Decimal:
    """So many shares of an equity cut into `pool`; to a hundredth, and never told too low."""
    return round_up(shares * HUNDRED / pool, Decimal("0.01"))
