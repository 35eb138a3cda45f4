"""Which valid settings this release cannot act on yet, so that none is silently ignored."""

from collections.abc import Iterator

import msgspec

from domain.settings import Settings
from domain.settings_ranges import Problem


class Supported(msgspec.Struct, frozen=True, kw_only=True):
    """A field and the values of it that the engine acts on."""

    field: str
    values: tuple[object, ...]


_SUPPORTED = (
    Supported(field="risk.daily_loss_includes_open", values=(False,)),
    Supported(field="risk.cooldown_minutes_after_loss", values=(0,)),
    Supported(field="risk.countdown_seconds", values=(None,)),
)


def unsupported(settings: Settings) -> tuple[Problem, ...]:
    """Every setting this release cannot act on."""
    return tuple(_problems(settings))


def _problems(settings: Settings) -> Iterator[Problem]:
    for rule in _SUPPORTED:
        value: object = settings
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
