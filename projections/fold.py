"""Applies row changes in memory: a batch of the runner, or in tests the whole history."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext

import msgspec

from domain.money import DECISION_CONTEXT
from projections.rows import Append, Change, Key, Put, Remove, Row, RowChange, Table, Value

# What a numeric column can hold; an alert may carry any number as a price.
EXPONENT_MAX = 1_000
NOT_SHOWN = Decimal("NaN")
NUL_SHOWN = "\N{REPLACEMENT CHARACTER}"


class ProjectionError(Exception):
    """An event asks to change a row that its stream should have begun."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A row between two positions; `until` None = still so. `stored`: the table has it."""

    values: Row
    since: int
    until: int | None = None
    stored: bool = False


class Fold:
    """The rows that changed since the last write, and those they changed from."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables
        self._current: dict[tuple[str, Key], Version] = {}
        self.ended: list[tuple[str, Key, Version]] = []
        self.appended: list[tuple[str, Row]] = []

    def hold(self, table: str, key: Key, version: Version) -> None:
        """Take a stored current row as what changes start from."""
        self._current[table, key] = version

    def apply(self, position: int, change: RowChange) -> None:
        """Do what a projection asked for at `position`. Raises ProjectionError, KeyError."""
        table = self._tables[change.table]
        match change:
            case Append():
                self.appended.append((table.name, storable(table.row(change.values))))
            case Put():
                key = storable_key(change.key)
                values = {**change.values, **dict(zip(table.key, key, strict=True))}
                self._begin(table.name, key, table.row(values), position)
            case Change():
                self._change(table, change, position)
            case Remove():
                self._end(table.name, storable_key(change.key), position)

    def current(self) -> Iterator[tuple[str, Key, Version]]:
        """Every row as it stands."""
        for (table, key), version in self._current.items():
            yield table, key, version

    def _change(self, table: Table, change: Change, position: int) -> None:
        key = storable_key(change.key)
        known = self._current.get((table.name, key))
        if known is None:
            if change.absent == "ignore":
                return
            if change.absent == "refuse":
                raise ProjectionError(
                    f"at position {position} table {table.name} had no row {key};"
                    " run `plimsoll audit verify`: the log may be cut at its beginning"
                )
            before = table.row(dict(zip(table.key, key, strict=True)))
        else:
            before = known.values
        if any(before[name] != value for name, value in change.when.items()):
            return
        sums = {name: _sum(before[name], more) for name, more in change.add.items()}
        values = table.row({**before, **change.assign, **sums})
        self._begin(table.name, key, values, position)

    def _begin(self, table: str, key: Key, values: Row, position: int) -> None:
        """A row has one version a position: what changes twice within an event is one change."""
        shown = storable(values)
        known = self._current.get((table, key))
        if known is not None and known.values == shown:
            return
        if known is not None and known.since == position:
            self._current[table, key] = msgspec.structs.replace(known, values=shown)
            return
        self._end(table, key, position)
        self._current[table, key] = Version(values=shown, since=position)

    def _end(self, table: str, key: Key, position: int) -> None:
        known = self._current.pop((table, key), None)
        if known is not None and known.since < position:
            self.ended.append((table, key, msgspec.structs.replace(known, until=position)))


def storable(values: Row) -> Row:
    """As a table can hold it: one strange alert must not stop every page."""
    return {name: _storable(value) for name, value in values.items()}


def storable_key(key: Key) -> Key:
    """A key as its row will hold it."""
    return tuple(_storable(part) for part in key)


def _storable(value: Value) -> Value:
    if isinstance(value, str) and "\0" in value:
        return value.replace("\0", NUL_SHOWN)
    if isinstance(value, Decimal) and abs(value.adjusted()) > EXPONENT_MAX:
        return NOT_SHOWN
    return value


def _sum(known: Value, more: Decimal | int) -> Value:
    if isinstance(known, Decimal):
        with localcontext(DECISION_CONTEXT):
            return known + more
    if isinstance(known, int) and isinstance(more, int):
        return known + more
    raise ProjectionError(f"{more} can only be added to a number, this was {known!r}")
