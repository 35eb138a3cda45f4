"""Each limit of the settings with what stands against it at this moment."""

from datetime import timedelta
from decimal import Decimal, localcontext

import msgspec

from domain.money import DECISION_CONTEXT, HUNDRED, ZERO
from domain.settings import Settings
from projections.risk_views import BreakerView, CommittedRow, LimitRow, WorthView

CENT = Decimal("0.01")
MONEY = "money"


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What stands against the limits. `mark_age` is of the oldest mark of an open group."""

    open_by_symbol: dict[str, int]
    committed: tuple[CommittedRow, ...]
    mark_age: timedelta | None
    balance_total: Decimal | None
    balance_free: Decimal | None


def limits(
    settings: Settings, used: Used, worth: WorthView, breaker: BreakerView
) -> tuple[LimitRow, ...]:
    """Each limit by its settings key. Per-symbol limits show the symbol nearest to theirs."""
    with localcontext(DECISION_CONTEXT):
        return (
            _day_loss(breaker),
            _drawdown(worth),
            *_groups(settings, used),
            *_capital(settings, used, worth),
            _balance(used),
            _leverage(settings),
            _mark_age(settings, used),
        )


def _day_loss(breaker: BreakerView) -> LimitRow:
    parts = [f"realized {_signed(breaker.realized)}"]
    if breaker.includes_open:
        parts.append(f"open losses {_known(breaker.open_loss)}")
    if breaker.reference:
        parts.append(f"counted from {_signed(breaker.reference)}")
    return _limit(
        "max_daily_loss",
        breaker.day_loss,
        breaker.limit,
        LimitText(unit=MONEY, detail=", ".join(parts)),
    )


def _drawdown(worth: WorthView) -> LimitRow:
    told = LimitText(unit="%", detail=f"from the peak of {_known(worth.peak)}")
    return _limit("max_drawdown_percent", worth.drawdown_percent, worth.limit_percent, told)


def _groups(settings: Settings, used: Used) -> tuple[LimitRow, ...]:
    groups = used.open_by_symbol
    most = max(groups, key=lambda symbol: (groups[symbol], symbol), default="")
    return (
        _limit("max_open_groups", Decimal(sum(groups.values())), settings.pool.max_open_groups),
        _limit(
            "max_open_groups_per_symbol",
            Decimal(groups.get(most, 0)),
            settings.risk.max_open_groups_per_symbol,
            LimitText(detail=most),
        ),
    )


def _capital(settings: Settings, used: Used, worth: WorthView) -> tuple[LimitRow, ...]:
    """The exposure is what open lots cost, in percent of the equity; no setting bounds it."""
    rules = settings.risk
    committed = {row.symbol: row.resting + row.open_cost for row in used.committed}
    most = max(committed, key=lambda symbol: (committed[symbol], symbol), default="")
    held = sum((row.open_cost for row in used.committed), ZERO)
    exposure = held / worth.equity * HUNDRED if worth.equity else None
    return (
        _limit("max_committed_capital", sum(committed.values(), ZERO), rules.max_committed_capital),
        _limit(
            "max_committed_capital_per_symbol",
            committed.get(most, ZERO),
            rules.max_committed_capital_per_symbol,
            LimitText(unit=MONEY, detail=most),
        ),
        _limit("exposure", exposure, None, LimitText(unit="%", detail="open lots to equity")),
    )


def _balance(used: Used) -> LimitRow:
    """The venue's balance: a bar of what is not free any more."""
    total, free = used.balance_total, used.balance_free
    taken = None if total is None or free is None else total - free
    told = LimitText(unit=MONEY, detail="" if free is None else f"{_known(free)} free at the venue")
    return _limit("balance_in_use", taken, total, told)


def _leverage(settings: Settings) -> LimitRow:
    value, limit = Decimal(settings.capital.leverage), settings.risk.max_leverage
    return _limit("max_leverage", value, limit, LimitText(unit="x"))


def _mark_age(settings: Settings, used: Used) -> LimitRow:
    age = None if used.mark_age is None else Decimal(used.mark_age // timedelta(seconds=1))
    if not used.open_by_symbol:
        age = ZERO
    told = LimitText(unit="s", detail="the oldest of an open group")
    return _limit("max_mark_age_seconds", age, settings.risk.max_mark_age_seconds, told)


class LimitText(msgspec.Struct, frozen=True, kw_only=True):
    """What is said beside the figures of a limit."""

    unit: str = ""
    detail: str = ""


def _limit(
    rule: str,
    value: Decimal | None,
    limit: Decimal | int | None,
    told: LimitText | None = None,
) -> LimitRow:
    said = told or LimitText()
    bound = None if limit is None else Decimal(limit)
    used = None if value is None or not bound else value / bound * HUNDRED
    return LimitRow(
        rule=rule,
        value=value,
        limit=bound,
        used_percent=used,
        unit=said.unit,
        detail=said.detail,
    )


def _known(value: Decimal | None) -> str:
    """To the cent: it is read beside the exact figure."""
    return "unknown" if value is None else f"{value.quantize(CENT):,f}"


def _signed(value: Decimal) -> str:
    return ("+" if value > ZERO else "") + _known(value).replace("-", "\N{MINUS SIGN}")
