"""Every setting acts: code that decides or carries out reads it, not only what defines it."""

from collections.abc import Iterator
from typing import Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from domain.settings import Override, Settings
from tests.application.settings_readers import Reading, Sources

# Read as a whole by one function, which everything that binds or resolves settings calls.
BY_RESOLVING = "resolve"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the document: its path, the struct that has it, and the field."""

    path: str
    struct: str
    field: str


def structs_in(hint: object) -> list[type[msgspec.Struct]]:
    """The structs an annotation may hold, in unions and collections."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return [hint]
    parts = get_args(hint) if get_origin(hint) not in (None, type(Union)) else ()
    return [found for part in parts for found in structs_in(part)]


def settings_of(struct: type[msgspec.Struct], path: str = "") -> Iterator[Setting]:
    """Every key of a struct but its sections, recursively; a list counts, and what it holds."""
    hints = get_type_hints(struct)
    for field in struct.__struct_fields__:
        hint, inner = hints[field], structs_in(hints[field])
        dotted = f"{path}{field}"
        if hint not in inner:
            yield Setting(path=dotted, struct=struct.__name__, field=field)
        for each in inner:
            if each is not Override:
                yield from settings_of(each, f"{dotted}.")


SETTINGS = tuple(settings_of(Settings))
SOURCES = Sources.of_rooms()
READINGS = SOURCES.readings()


def readers(setting: Setting, readings: list[Reading]) -> list[str]:
    """`file:line` of every place that reads it."""
    wanted = (setting.struct, setting.field)
    return [f"{r.file}:{r.line}" for r in readings if (r.struct, r.field) == wanted]


def test_the_whole_document_is_looked_at() -> None:
    paths = {setting.path for setting in SETTINGS}
    assert {
        *("pool.max_open_groups", "queue.limit", "grid.legs.gap_percent", "overrides"),
        *("risk.offset.max_winners", "precision.fallback.tick", "grid.generator.sizes"),
        *("capital.currency", "exits.pyramid_targets", "signals.source_allow_list"),
    } <= paths
    assert len(paths) == len(SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.path)
def test_a_setting_is_read_by_what_acts_on_it(setting: Setting) -> None:
    if setting.path == "overrides":
        found = SOURCES.callers(BY_RESOLVING)
    else:
        found = readers(setting, READINGS)
    print(setting.path, *found, sep="\n  ")  # noqa: T201 - shown by pytest where it fails, or -rP
    assert found, f"{setting.path} is validated and never read: act on it, or refuse it"


EXAMPLE = """
class Facts:
    risk: RiskSettings

class RiskSettings:
    limit: int | None

class Queue:
    limit: int

def by_chain(facts: Facts, queue: Queue):
    rules, most = facts.risk, queue.limit
    return rules.limit

def untyped(settings):
    return settings.risk.limit
"""


def test_only_what_is_known_to_be_the_setting_counts_as_a_reading() -> None:
    found = Sources({"application/example.py": EXAMPLE}).readings()

    told = [(r.struct, r.field, r.line) for r in found if r.field == "limit"]
    assert told == [("Queue", "limit", 12), ("RiskSettings", "limit", 13)]


def test_what_defines_or_checks_a_setting_does_not_count() -> None:
    assert Sources({"domain/settings_rules.py": EXAMPLE}).readings() == []
