"""Examples of any event, built from its fields alone: the same ones on every run."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import inspect

from domain.message import Event

_SCALARS: Mapping[type[inspect.Type], object] = {
    inspect.DecimalType: Decimal("-1234.50000001"),
    inspect.DateTimeType: datetime(2026, 1, 5, 23, 59, 59, 999_999, tzinfo=UTC),
    inspect.BoolType: True,
    inspect.IntType: 7,
    inspect.NoneType: None,
}


def examples(event_type: type[Event]) -> list[Event]:
    """One event with the first choice everywhere, then one for each further choice.

    A choice is an alternative of a union (None among them) or a value of a Literal.
    """
    node = inspect.type_info(event_type)
    made: dict[bytes, Event] = {}
    for choice in range(_widest(node, ())):
        example = _build(node, event_type.__name__, choice)
        assert isinstance(example, event_type)
        made.setdefault(msgspec.json.encode(example), example)
    return list(made.values())


def _build(node: inspect.Type, name: str, choice: int) -> Any:
    match node:
        case inspect.StructType():
            fields = {f.name: _build(f.type, f.name, choice) for f in node.fields}
            return node.cls(**fields)
        case inspect.UnionType():
            offered = alternatives(node)
            return _build(offered[choice % len(offered)], name, choice)
        case inspect.LiteralType():
            return node.values[choice % len(node.values)]
        case inspect.VarTupleType():
            return (_build(node.item_type, name, choice),)
        case inspect.TupleType():
            return tuple(_build(item, name, choice) for item in node.item_types)
        case inspect.FrozenSetType():
            return frozenset({_build(node.item_type, name, choice)})
        case inspect.DictType():
            key = _build(node.key_type, name, choice)
            return {key: _build(node.value_type, name, choice)}
        case inspect.StrType():
            return f"{name} ×"
        case inspect.EnumType():
            return list(node.cls)[choice % len(list(node.cls))]
        case _:
            return _scalar(node, name)


def _scalar(node: inspect.Type, name: str) -> object:
    if type(node) not in _SCALARS:
        raise TypeError(
            f"field {name!r} has the type {node}, which no stored event had before;"
            " give it an example here and a strategy in tests/log/strategies.py"
        )
    return _SCALARS[type(node)]


def alternatives(node: inspect.UnionType) -> list[inspect.Type]:
    """The alternatives of a union, values before None, in a stable order."""
    return sorted(node.types, key=lambda item: (isinstance(item, inspect.NoneType), str(item)))


def children(node: inspect.Type) -> list[inspect.Type]:
    """The types directly within a type."""
    match node:
        case inspect.StructType():
            return [f.type for f in node.fields]
        case inspect.UnionType():
            return list(node.types)
        case inspect.VarTupleType() | inspect.FrozenSetType():
            return [node.item_type]
        case inspect.TupleType():
            return list(node.item_types)
        case inspect.DictType():
            return [node.key_type, node.value_type]
        case _:
            return []


def _widest(node: inspect.Type, above: tuple[type, ...]) -> int:
    """The largest number of choices anywhere within."""
    match node:
        case inspect.StructType() if node.cls in above:
            raise TypeError(f"{node.cls.__name__} contains itself, which no example can show")
        case inspect.StructType():
            above = (*above, node.cls)
            width = 1
        case inspect.UnionType():
            width = len(node.types)
        case inspect.LiteralType():
            width = len(node.values)
        case inspect.EnumType():
            width = len(list(node.cls))
        case _:
            width = 1
    return max([width, *(_widest(child, above) for child in children(node))])
