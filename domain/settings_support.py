"""Which valid settings this release cannot act on yet, so that none is silently ignored."""

from collections.abc import Iterator, Sequence

import msgspec

from domain.settings import Bound, Settings, resolve
from domain.settings_ranges import Problem


class Supported(msgspec.Struct, frozen=True, kw_only=True):
    """A field and the values of it that the engine acts on."""

    field: str
    values: tuple[object, ...]


_OF_ACCOUNT = (
    Supported(field="signals.allow_stop_loss", values=(False,)),
    Supported(field="capital.hedge_mode", values=(False,)),
    Supported(field="risk.daily_loss_includes_open", values=(False,)),
    Supported(field="risk.cooldown_minutes_after_loss", values=(0,)),
    Supported(field="risk.countdown_seconds", values=(None,)),
)

_OF_GROUP = (
    Supported(field="exits.mode", values=("per_leg",)),
    Supported(field="exits.execution", values=("resting",)),
    Supported(field="exits.stop_loss_percent", values=(None,)),
    Supported(field="exits.trailing_stop_percent", values=(None,)),
)


def unsupported(settings: Settings) -> tuple[Problem, ...]:
    """Every setting this release cannot act on, overrides included."""
    default = Bound(grid=settings.grid, exits=settings.exits, capital=settings.capital)
    problems = [*_outside(settings, _OF_ACCOUNT), *_outside(default, _OF_GROUP)]
    known = tuple(problems)

    for index, override in enumerate(settings.overrides):
        bound = resolve(settings, override.symbol, override.timeframe)
        problems.extend(
            msgspec.structs.replace(problem, field=f"overrides[{index}].{problem.field}")
            for problem in _outside(bound, _OF_GROUP)
            if problem not in known
        )

    return tuple(problems)


def _outside(root: msgspec.Struct, supported: Sequence[Supported]) -> Iterator[Problem]:
    for rule in supported:
        value: object = root
        for name in rule.field.split("."):
            value = getattr(value, name)
        if value not in rule.values:
            choices = " or ".join(_written(choice) for choice in rule.values)
            yield Problem(
                field=rule.field,
                value=_written(value),
                remedy=f"this release acts only on {choices}: write that",
            )


def _written(value: object) -> str:
    """As the document writes it."""
    return msgspec.json.encode(value, order="deterministic").decode()
