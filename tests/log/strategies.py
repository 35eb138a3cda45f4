"""Any event, with any values its fields admit."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

from domain.message import Event

# JSON text cannot hold lone surrogates, and msgspec refuses them on the way in.
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
_TIMES = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    timezones=st.just(UTC),
)


def events(event_type: type[Event]) -> st.SearchStrategy[Event]:
    """Instances of one event type."""
    return _values(inspect.type_info(event_type))


def _values(node: inspect.Type) -> st.SearchStrategy[Any]:
    match node:
        case inspect.StructType():
            fields = {field.name: _values(field.type) for field in node.fields}
            return st.builds(node.cls, **fields)
        case inspect.UnionType():
            return st.one_of([_values(item) for item in node.types])
        case inspect.LiteralType():
            return st.sampled_from(node.values)
        case inspect.EnumType():
            return st.sampled_from(list(node.cls))
        case inspect.VarTupleType():
            return st.lists(_values(node.item_type), max_size=2).map(tuple)
        case inspect.TupleType():
            return st.tuples(*map(_values, node.item_types))
        case inspect.FrozenSetType():
            return st.frozensets(_values(node.item_type), max_size=2)
        case inspect.DictType():
            return st.dictionaries(_values(node.key_type), _values(node.value_type), max_size=2)
        case _:
            return _scalars(node)


def _scalars(node: inspect.Type) -> st.SearchStrategy[Any]:
    scalars: dict[type[inspect.Type], st.SearchStrategy[Any]] = {
        inspect.StrType: _TEXT,
        inspect.DecimalType: _DECIMALS,
        inspect.DateTimeType: _TIMES,
        inspect.BoolType: st.booleans(),
        inspect.IntType: st.integers(-(2**53), 2**53),
        inspect.NoneType: st.none(),
    }
    if type(node) not in scalars:
        raise TypeError(f"no strategy for {node}; add one, and an example in tests/golden")
    return scalars[type(node)]
