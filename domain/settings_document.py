"""The settings document as JSON text: read with every problem named, written one way only."""

import difflib
import hashlib
import types
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UnsetType

from domain.money import plain
from domain.settings import CapitalPatch, Settings, canonical_timeframe
from domain.settings_ranges import Problem
from domain.settings_rules import validate

DOCUMENT_BYTES_MAX = 1_048_576

_NOT_OVERRIDABLE = ("currency", "allocation", "hedge_mode")
_SHOWN_MAX = 80

# The answer of a reader that has already named its problem.
_BROKEN: Final = object()


class SettingsRefused(Exception):  # noqa: N818 - a refusal is named by what happened
    """The document cannot be used; `problems` names every reason found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep the problems, and show them one a line."""
        self.problems = problems
        super().__init__("settings refused:\n" + "\n".join(f"  {problem}" for problem in problems))


def parse_settings(text: str | bytes) -> Settings:
    """Read a document over the defaults. Raises SettingsRefused with all problems at once.

    Amounts may be JSON strings or numbers; both are read as exact decimals.
    """
    problems: list[Problem] = []
    settings = _struct(Settings, _decoded(text), "", problems)
    if not isinstance(settings, Settings):
        raise SettingsRefused(tuple(problems))

    settings = _with_canonical_timeframes(settings)
    problems.extend(validate(settings))
    if problems:
        raise SettingsRefused(tuple(problems))
    return settings


def render_settings(settings: Settings) -> str:
    """The whole document as JSON, two spaces indented; parsing it gives equal settings."""
    return msgspec.json.format(_encoded(settings), indent=2).decode() + "\n"


def settings_hash(settings: Settings) -> str:
    """SHA-256, in hex, of the canonical JSON; `1.50` and `1.5` are the same setting."""
    return hashlib.sha256(_encoded(settings)).hexdigest()


def _encoded(settings: Settings) -> bytes:
    builtin = msgspec.to_builtins(
        settings, builtin_types=(Decimal,), str_keys=True, order="deterministic"
    )
    return msgspec.json.encode(_with_plain_decimals(builtin))


def _with_plain_decimals(value: object) -> object:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, dict):
        return {key: _with_plain_decimals(value[key]) for key in value}
    if isinstance(value, list):
        return [_with_plain_decimals(item) for item in value]
    return value


def _decoded(text: str | bytes) -> object:
    if len(text) > DOCUMENT_BYTES_MAX:
        raise SettingsRefused(
            (_whole(f"{len(text)} bytes long", f"keep it under {DOCUMENT_BYTES_MAX} bytes"),)
        )
    try:
        return msgspec.json.Decoder(float_hook=Decimal).decode(text)
    except (msgspec.DecodeError, InvalidOperation, UnicodeDecodeError, RecursionError) as error:
        raise SettingsRefused((_whole("not JSON", f"correct it: {error}"),)) from error


def _whole(value: str, remedy: str) -> Problem:
    return Problem(field="document", value=value, remedy=remedy)


def _with_canonical_timeframes(settings: Settings) -> Settings:
    overrides = tuple(
        override
        if override.timeframe is None
        else msgspec.structs.replace(override, timeframe=canonical_timeframe(override.timeframe))
        for override in settings.overrides
    )
    return msgspec.structs.replace(settings, overrides=overrides)


def _value(hint: object, value: object, at: str, problems: list[Problem]) -> object:
    """Read one value as its declared type; every problem below it is named by its own path."""
    inner = _without_absence(hint)
    if value is None and type(None) in get_args(hint):
        return None
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return _struct(inner, value, at, problems)
    if get_origin(inner) is tuple and isinstance(value, list):
        return _tuple(get_args(inner)[0], value, at, problems)
    if get_origin(inner) is dict and isinstance(value, dict):
        return _by_index(get_args(inner)[1], value, at, problems)
    return _scalar(hint, value, at, problems)


def _without_absence(hint: object) -> object:
    """The type of a value that is there: what may be null or unset is one type otherwise."""
    if get_origin(hint) not in {Union, types.UnionType}:
        return hint
    kinds = [kind for kind in get_args(hint) if kind not in {type(None), UnsetType}]
    return kinds[0] if len(kinds) == 1 else hint


def _struct(kind: type[msgspec.Struct], value: object, at: str, problems: list[Problem]) -> object:
    if not isinstance(value, dict):
        problems.append(
            Problem(field=at or "document", value=_shown(value), remedy="write a JSON object")
        )
        return _BROKEN

    hints = get_type_hints(kind)
    fields: dict[str, object] = {}
    for key in value:
        path = f"{at}.{key}".lstrip(".")
        if key not in kind.__struct_fields__:
            problems.append(_unknown(kind, key, value[key], path))
            continue
        fields[key] = _value(hints[key], value[key], path, problems)

    missing = [
        field.name
        for field in msgspec.structs.fields(kind)
        if field.required and field.name not in fields
    ]
    problems.extend(
        Problem(field=f"{at}.{name}", value="missing", remedy=f"write {_described(hints[name])}")
        for name in missing
    )
    return _built(kind, fields, complete=not missing)


def _built(kind: type[msgspec.Struct], fields: dict[str, object], *, complete: bool) -> object:
    """The struct, with defaults in place of what was broken, so that the rest is judged too."""
    sound = {name: fields[name] for name in fields if fields[name] is not _BROKEN}
    required = (field.name for field in msgspec.structs.fields(kind) if field.required)
    if not complete or any(name not in sound for name in required):
        return _BROKEN
    return kind(**sound)


def _unknown(kind: type[msgspec.Struct], key: str, value: object, path: str) -> Problem:
    if kind is CapitalPatch and key in _NOT_OVERRIDABLE:
        remedy = "an account has only one: set it in capital, not in an override"
    else:
        near = difflib.get_close_matches(key, kind.__struct_fields__, n=1)
        known = f"did you mean {near[0]}?" if near else _listed(kind.__struct_fields__)
        remedy = f"no such setting, remove it or correct it; {known}"
    return Problem(field=path, value=_shown(value), remedy=remedy)


def _listed(names: Iterable[str]) -> str:
    return f"known here: {', '.join(names)}"


def _tuple(hint: object, items: list[object], at: str, problems: list[Problem]) -> object:
    read = [_value(hint, item, f"{at}[{index}]", problems) for index, item in enumerate(items)]
    return _BROKEN if _BROKEN in read else tuple(read)


def _by_index(hint: object, items: dict[str, object], at: str, problems: list[Problem]) -> object:
    read: dict[int, object] = {}
    for key, item in sorted(items.items()):
        if not key.isdecimal() or not key.isascii():
            problems.append(
                Problem(field=f"{at}.{key}", value=key, remedy="write the pyramid's index, from 0")
            )
            return _BROKEN
        read[int(key)] = _value(hint, item, f"{at}.{key}", problems)
    return _BROKEN if any(read[index] is _BROKEN for index in read) else read


def _scalar(hint: object, value: object, at: str, problems: list[Problem]) -> object:
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError:
        problems.append(Problem(field=at, value=_shown(value), remedy=f"write {_described(hint)}"))
        return _BROKEN


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "…"


def _described(hint: object) -> str:
    """What to write for a type, in the operator's words."""
    names = {
        int: "a whole number",
        Decimal: 'a decimal as a string, such as "1.5"',
        bool: "true or false",
        str: "a text in quotes",
        type(None): "null",
    }
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "one of " + ", ".join(inner)
    if origin is tuple:
        return f"a list, each {_described(inner[0])}"
    if origin in {Union, types.UnionType}:
        return ", or ".join(_described(kind) for kind in inner if kind is not UnsetType)
    return next((names[kind] for kind in names if kind is hint), "a JSON object")
