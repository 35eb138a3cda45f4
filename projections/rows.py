"""What a projection asks of its tables, as data: so that projecting an event stays pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from application.journal import Recorded

SCHEMA = "read_4"
"""The schema of this version of the read tables. Another shape of any of them is a new one."""

Value = str | int | bool | Decimal | datetime | None
Row = Mapping[str, Value]
Key = tuple[Value, ...]
ColumnType = Literal["text", "numeric", "bigint", "boolean", "timestamptz"]


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column and what stands in it until something is known."""

    name: str
    type: ColumnType
    default: Value = None


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A read table; its key columns come first in `columns`.

    A `current` table keeps every version of a row with the positions [since, until) between
    which it held: now is `until IS NULL`. An `appended` one holds facts that never change;
    its key ends in `position`. `indexes` are further column lists to search by.
    """

    name: str
    kind: Literal["current", "appended"]
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    indexes: tuple[tuple[str, ...], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in their written order."""
        return tuple(column.name for column in self.columns)

    def row(self, values: Row) -> Row:
        """All columns, those not given at their defaults. Raises KeyError for a stranger."""
        strangers = sorted(set(values) - set(self.names))
        if strangers:
            raise KeyError(f"table {self.name} has no columns {strangers}; add them to it")
        return {column.name: values.get(column.name, column.default) for column in self.columns}


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """One more fact in an appended table."""

    table: str
    values: Row


class Put(msgspec.Struct, frozen=True, kw_only=True):
    """From now on the row of this key holds exactly these values, the others their defaults."""

    table: str
    key: Key
    values: Row


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """From now on the row of this key holds `assign` and is larger by `add`.

    Only if the row holds all of `when`: a condition on what it was, where the event can't tell.
    `absent` says what a missing row means: a broken log (`refuse`), a row that starts from its
    defaults (`create`), or one that never was shown (`ignore`).
    """

    table: str
    key: Key
    assign: Row = {}
    add: Mapping[str, Decimal | int] = {}
    when: Row = {}
    absent: Literal["refuse", "create", "ignore"] = "refuse"


class Remove(msgspec.Struct, frozen=True, kw_only=True):
    """From now on there is no row of this key. Nothing happens if there was none."""

    table: str
    key: Key


RowChange = Append | Put | Change | Remove
Project = Callable[[Recorded, int], tuple[RowChange, ...]]


class ReadModel(msgspec.Struct, frozen=True, kw_only=True):
    """Tables, the pure function from (event, position) to their rows, and the pages they feed."""

    tables: tuple[Table, ...]
    project: Project
    views: frozenset[str]


def text(name: str, default: str | None = "") -> Column:
    """A text column; empty until something is known."""
    return Column(name=name, type="text", default=default)


def number(name: str, default: Decimal | None = None) -> Column:
    """An exact decimal."""
    return Column(name=name, type="numeric", default=default)


def count(name: str, default: int | None = 0) -> Column:
    """A whole number."""
    return Column(name=name, type="bigint", default=default)


def flag(name: str, *, default: bool = False) -> Column:
    """Yes or no."""
    return Column(name=name, type="boolean", default=default)


def moment(name: str) -> Column:
    """A time in UTC."""
    return Column(name=name, type="timestamptz")


def same(event: object, *names: str) -> dict[str, Value]:
    """The event's own fields under their own names, for columns named alike."""
    return {name: getattr(event, name) for name in names}
