"""What the API answers with, field by field: the schema's own shapes with their words."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType

import msgspec

import application.offset_outlook
import domain.offset
import domain.offset_terms
import domain.position_group
import domain.settings_outlook
import domain.settings_ranges
import domain.worst_case
import projections.equity_views
import projections.offset_views
import projections.position_views
import projections.risk_views
import projections.views
import web.answers
import web.api
import web.documents
import web.operator_api

_NONE = re.compile(r"\bNone\b")
_PREFIX = "#/components/schemas/"
_DEFINED_IN: Sequence[ModuleType] = (
    projections.views,
    projections.equity_views,
    projections.offset_views,
    projections.position_views,
    projections.risk_views,
    application.offset_outlook,
    domain.offset,
    domain.offset_terms,
    domain.position_group,
    domain.worst_case,
    domain.settings_outlook,
    domain.settings_ranges,
    web.answers,
    web.api,
    web.documents,
    web.operator_api,
)


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field and what it holds; `shape` names what it is made of, if that has fields too."""

    name: str
    kind: str
    shape: str


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A named object of the API."""

    name: str
    description: str
    fields: tuple[Field, ...]


def shapes_of(schema: Mapping[str, object]) -> Iterator[Shape]:
    """Every shape of the schema, by name. Two that are named alike read alike: one is told."""
    known = _mapping(_mapping(schema.get("components")).get("schemas"))
    by_name = {_short(name): (name, described) for name, described in sorted(known.items())}
    for name, described in by_name.values():
        fields = _mapping(_mapping(described).get("properties"))
        yield Shape(
            name=_short(name),
            description=_told(name),
            fields=tuple(_field(field, _mapping(told)) for field, told in fields.items()),
        )


def shape_of(described: Mapping[str, object]) -> str:
    """The name of the shape that a schema speaks of, itself or in a list; empty if of none."""
    reference = described.get("$ref")
    if isinstance(reference, str):
        return _short(reference.removeprefix(_PREFIX))
    parts = [_mapping(described.get("items")), *_choices(described)]
    return next(filter(None, (shape_of(part) for part in parts if part)), "")


def kind_of(described: Mapping[str, object]) -> str:
    """`text`, `number`, `list of QueueRow`, `text or null`: what a schema allows, in words."""
    if "$ref" in described:
        return shape_of(described)
    if "enum" in described:
        values = described["enum"]
        if not isinstance(values, list):
            return "text"
        return " | ".join("null" if value is None else str(value) for value in values)
    choices = _choices(described)
    if choices:
        return " or ".join(dict.fromkeys(kind_of(choice) for choice in choices))
    if described.get("type") == "array":
        return f"list of {kind_of(_mapping(described.get('items')))}"
    return _KINDS.get(str(described.get("type")), "any")


_KINDS = {
    "string": "text",
    "integer": "number",
    "boolean": "true or false",
    "null": "null",
    "object": "object",
}


def _field(name: str, described: Mapping[str, object]) -> Field:
    return Field(name=name, kind=kind_of(described), shape=shape_of(described))


def _choices(described: Mapping[str, object]) -> list[Mapping[str, object]]:
    found = described.get("oneOf", described.get("anyOf"))
    return [_mapping(choice) for choice in found] if isinstance(found, list) else []


def _told(name: str) -> str:
    """The words beside the definition, in JSON's terms.

    Two of one name bear their module in the schema.
    """
    for module in _DEFINED_IN:
        prefix = module.__name__.replace(".", "_") + "_"
        found = getattr(module, name.removeprefix(prefix), None)
        if inspect.isclass(found) and found.__module__ == module.__name__:
            return _NONE.sub("null", " ".join((inspect.getdoc(found) or "").split()))
    return ""


def _short(name: str) -> str:
    return name.rpartition("_")[2] if "_" in name else name


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
