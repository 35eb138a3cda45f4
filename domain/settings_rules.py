"""What a settings document must keep before money is trusted to it."""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec import UNSET

from domain.ladders import generated
from domain.money import HUNDRED, ZERO, plain
from domain.settings import (
    Bound,
    CapitalSettings,
    ExitSettings,
    GeneratorSettings,
    GridSettings,
    LegSettings,
    Override,
    Settings,
    canonical_timeframe,
    resolve,
)
from domain.settings_ranges import (
    ACCOUNT_RANGES,
    AMOUNT_MAX,
    GROUP_RANGES,
    LEGS_MAX,
    TAKE_PROFIT,
    WEIGHT,
    Problem,
    Range,
    out_of_range,
    unless_admitted,
)
from domain.timeframe import normalize_timeframe
from domain.worst_case import worst_cases

WEIGHT_TOLERANCE = Decimal("0.01")
DECIMAL_PLACES_MAX = 12

_CURRENCY = re.compile(r"[A-Z0-9]{2,20}")
_UNIFIED_SYMBOL = re.compile(r"[^/:\s]+/[^/:\s]+(:[^/:\s]+)?")


def validate(settings: Settings) -> tuple[Problem, ...]:
    """Every problem of the document, in its own order; none means it may be used."""
    strange = tuple(_strange_numbers("", msgspec.to_builtins(settings, builtin_types=(Decimal,))))
    if strange:
        # Nothing can be compared with NaN, so the other rules would only raise.
        return strange

    default = Bound(grid=settings.grid, exits=settings.exits, capital=settings.capital)
    of_group = tuple(_group_problems(default, settings.risk.max_leverage))

    return (
        *out_of_range(settings, ACCOUNT_RANGES),
        *_account_problems(settings),
        *of_group,
        *_override_problems(settings, known=of_group),
    )


def _strange_numbers(path: str, value: object) -> Iterator[Problem]:
    """Infinite, absurdly large or absurdly fine numbers, which could not be counted exactly."""
    if isinstance(value, Decimal) and not _is_plain(value):
        yield Problem(
            field=path,
            value=str(value),
            remedy=f"write a number under 10^15 with at most {DECIMAL_PLACES_MAX} decimals",
        )
    if isinstance(value, dict):
        for key in value:
            yield from _strange_numbers(f"{path}.{key}".lstrip("."), value[key])
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strange_numbers(f"{path}[{index}]", item)


def _is_plain(value: Decimal) -> bool:
    if not value.is_finite():
        return False
    exponent = value.as_tuple().exponent
    return (
        isinstance(exponent, int)
        and exponent >= -DECIMAL_PLACES_MAX
        and value.copy_abs() < AMOUNT_MAX
    )


def _account_problems(settings: Settings) -> Iterator[Problem]:
    yield from _queue_problems(settings.queue.rules)
    for index, source in enumerate(settings.signals.source_allow_list):
        if source != "tradingview" and not _is_network(source):
            yield Problem(
                field=f"signals.source_allow_list[{index}]",
                value=source,
                remedy="write an address, a network such as 10.0.0.0/8, or tradingview",
            )

    for index, symbol in enumerate(settings.risk.symbols_allowed):
        yield from _symbol_problems(f"risk.symbols_allowed[{index}]", symbol)

    if settings.risk.offset.loss_threshold_percent >= ZERO:
        yield Problem(
            field="risk.offset.loss_threshold_percent",
            value=plain(settings.risk.offset.loss_threshold_percent),
            remedy="a loss is negative: write -5 for 5 % under cost",
        )

    if settings.precision.on_missing == "fallback" and settings.precision.fallback is None:
        yield Problem(
            field="precision.fallback",
            value="null",
            remedy="write tick, step, min_quantity and min_notional, or set on_missing to wait",
        )


def _queue_problems(rules: Sequence[str]) -> Iterator[Problem]:
    if not rules:
        yield Problem(field="queue.rules", value="[]", remedy="keep at least one rule, e.g. oldest")

    for index, rule in enumerate(rules):
        if rule in rules[:index]:
            yield Problem(field=f"queue.rules[{index}]", value=rule, remedy="name each rule once")


def _is_network(source: str) -> bool:
    try:
        ipaddress.ip_network(source, strict=False)
    except ValueError:
        return False
    return True


def _symbol_problems(field: str, symbol: str) -> Iterator[Problem]:
    if not _UNIFIED_SYMBOL.fullmatch(symbol):
        yield Problem(
            field=field, value=symbol, remedy="write it as BTC/USDT (spot) or BTC/USDT:USDT"
        )


def _group_problems(bound: Bound, max_leverage: int | None) -> Iterator[Problem]:
    out = tuple(out_of_range(bound, GROUP_RANGES))
    yield from out
    yield from _grid_problems(bound.grid)
    if not any(problem.field.startswith("grid.generator.") for problem in out):
        yield from _generator_problems(bound.grid.generator)
    yield from _exit_problems(bound.exits, bound.grid.max_pyramids)
    yield from _capital_problems(bound.capital, bound.grid.max_pyramids)

    if max_leverage is not None and bound.capital.leverage > max_leverage:
        yield Problem(
            field="capital.leverage",
            value=str(bound.capital.leverage),
            remedy=f"write at most risk.max_leverage, which is {max_leverage}",
        )


def _grid_problems(grid: GridSettings) -> Iterator[Problem]:
    yield from _ladder_problems("grid.legs", grid.legs)
    for index in sorted(grid.pyramid_legs):
        yield from _ladder_problems(f"grid.pyramid_legs.{index}", grid.pyramid_legs[index])

    yield from _index_problems("grid.pyramid_legs", grid.pyramid_legs, grid.max_pyramids)


def _generator_problems(generator: GeneratorSettings | None) -> Iterator[Problem]:
    """A ladder whose own numbers are in range may still grow too deep, or leave a leg nothing."""
    if generator is None:
        return

    of_first = tuple(_gap_problems("grid.generator.gap_percent", generator.gap_percent))
    yield from of_first
    last = generated(generator)[-1]
    if not of_first and last.gap_percent <= -HUNDRED:
        yield Problem(
            field="grid.generator",
            value=f"a last gap of {plain(last.gap_percent)}",
            remedy="take fewer legs or smaller steps: every gap must be above -100",
        )
    if last.weight_percent <= ZERO:
        yield Problem(
            field="grid.generator.size_step",
            value=plain(generator.size_step),
            remedy="write a larger one: the last leg's weight would be nothing",
        )


def _ladder_problems(field: str, legs: Sequence[LegSettings]) -> Iterator[Problem]:
    if not 1 <= len(legs) <= LEGS_MAX:
        yield Problem(field=field, value=f"{len(legs)} legs", remedy=f"write 1 to {LEGS_MAX} legs")

    for index, leg in enumerate(legs):
        at = f"{field}[{index}]"
        yield from _gap_problems(f"{at}.gap_percent", leg.gap_percent)
        yield from unless_admitted(WEIGHT, leg.weight_percent, f"{at}.weight_percent")
        yield from unless_admitted(
            TAKE_PROFIT, leg.take_profit_percent, f"{at}.take_profit_percent"
        )

    total = sum((leg.weight_percent for leg in legs), ZERO)
    if legs and abs(total - HUNDRED) > WEIGHT_TOLERANCE:
        yield Problem(
            field=field,
            value=f"a weight sum of {plain(total)}",
            remedy="make the weight_percent of all legs sum to 100",
        )


def _gap_problems(field: str, gap: Decimal) -> Iterator[Problem]:
    if not -HUNDRED < gap <= ZERO:
        yield Problem(
            field=field,
            value=plain(gap),
            remedy="write 0 or a negative gap above -100; a short's ladder is mirrored by itself",
        )


def _index_problems(field: str, by_index: Mapping[int, object], count: int) -> Iterator[Problem]:
    for index in sorted(by_index):
        if not 0 <= index < count:
            yield Problem(
                field=f"{field}.{index}",
                value=str(index),
                remedy=f"pyramids are counted from 0 to {count - 1} (grid.max_pyramids)",
            )


def _exit_problems(exits: ExitSettings, max_pyramids: int) -> Iterator[Problem]:
    for index in sorted(exits.pyramid_targets):
        target = exits.pyramid_targets[index]
        yield from unless_admitted(TAKE_PROFIT, target, f"exits.pyramid_targets.{index}")
    yield from _index_problems("exits.pyramid_targets", exits.pyramid_targets, max_pyramids)

    trailing = exits.trailing_stop_percent
    if trailing is not None and exits.trailing_step_percent > trailing:
        yield Problem(
            field="exits.trailing_step_percent",
            value=plain(exits.trailing_step_percent),
            remedy=f"write at most exits.trailing_stop_percent, which is {plain(trailing)}",
        )


def _capital_problems(capital: CapitalSettings, max_pyramids: int) -> Iterator[Problem]:
    if not _CURRENCY.fullmatch(capital.currency):
        yield Problem(
            field="capital.currency",
            value=capital.currency,
            remedy="write the asset in capitals, such as USDT",
        )

    if isinstance(capital.pyramid_capital, str):
        return

    if len(capital.pyramid_capital) != max_pyramids:
        yield Problem(
            field="capital.pyramid_capital",
            value=f"{len(capital.pyramid_capital)} amounts",
            remedy=f"write one amount for each of the {max_pyramids} pyramids (grid.max_pyramids)",
        )
    for index, amount in enumerate(capital.pyramid_capital):
        field = f"capital.pyramid_capital[{index}]"
        yield from unless_admitted(Range(field=field, low=ZERO, above=True), amount, field)


def _override_problems(settings: Settings, known: Sequence[Problem]) -> Iterator[Problem]:
    seen: list[tuple[str, str | None]] = []

    for index, override in enumerate(settings.overrides):
        at = f"overrides[{index}]"
        yield from _symbol_problems(f"{at}.symbol", override.symbol)
        yield from _timeframe_problems(at, override)

        timeframe = override.timeframe
        subject = (override.symbol, timeframe and canonical_timeframe(timeframe))
        if subject in seen:
            yield Problem(
                field=at,
                value=f"{override.symbol} {timeframe or 'on all timeframes'} again",
                remedy="write one override for each symbol and timeframe",
            )
        seen.append(subject)

        bound = resolve(settings, override.symbol, timeframe)
        for problem in _group_problems(bound, settings.risk.max_leverage):
            if problem not in known:
                yield msgspec.structs.replace(problem, field=f"{at}.{problem.field}")


def _timeframe_problems(at: str, override: Override) -> Iterator[Problem]:
    if override.timeframe is None:
        return

    if normalize_timeframe(override.timeframe) is None:
        yield Problem(
            field=f"{at}.timeframe",
            value=override.timeframe,
            remedy="write minutes such as 15 or 240, or 30S, 1D, 1W, 1M",
        )

    for name in ("leverage", "margin_mode"):
        value = getattr(override.capital, name)
        if value is not UNSET:
            yield Problem(
                field=f"{at}.capital.{name}",
                value=str(value),
                remedy="the venue keeps it per symbol: set it in an override without timeframe",
            )


def warnings(settings: Settings) -> tuple[Problem, ...]:
    """What is allowed but probably not meant: a full group over the limits of all capital."""
    return tuple(_warnings(settings))


def _warnings(settings: Settings) -> Iterator[Problem]:
    limits = {
        "risk.max_committed_capital": settings.risk.max_committed_capital,
        "risk.max_committed_capital_per_symbol": settings.risk.max_committed_capital_per_symbol,
    }
    default, *others = worst_cases(settings).cases
    numbered = [(f"overrides[{place}].", case) for place, case in enumerate(others)]
    unlike = [(at, case) for at, case in numbered if case.group != default.group]
    for at, case in (("", default), *unlike):
        for name, limit in sorted(limits.items()):
            if limit is not None and not case.of_equity and case.group > limit:
                yield Problem(
                    field=f"{at}capital.group_budget",
                    value=f"{plain(case.group)} for one full group",
                    remedy=f"the gate will deny above {name}, {plain(limit)}",
                )
