"""The read tables in Postgres: made, changed in batches, and compared."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg

from projections.description import amount
from projections.fold import Fold, Version, storable_key
from projections.models import TABLES
from projections.rows import Append, Key, Row, RowChange, Table, Value
from projections.statements import (
    create_statements,
    end_statement,
    identifier,
    load_statement,
    ordered_statement,
)

ROWS_PER_FETCH = 2_000
CREATE_LOCK = 7001004
Positioned = tuple[int, RowChange]


class Overtaken(Exception):  # noqa: N818 - what happened, not a fault
    """Another runner applied these events meanwhile."""


async def create(connection: asyncpg.Connection, schema: str) -> None:
    """Make the schema, if it is not there: all tables, or none."""
    async with connection.transaction():
        # Two processes may start at once; the second finds everything made.
        await connection.execute("SELECT pg_advisory_xact_lock($1)", CREATE_LOCK)
        if await exists(connection, schema):
            return
        for statement in create_statements(schema):
            await connection.execute(statement)


async def exists(connection: asyncpg.Connection, schema: str) -> bool:
    """Whether the schema was made."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema
    )
    return found


async def drop(connection: asyncpg.Connection, schema: str) -> None:
    """Remove the schema and everything in it, if it is there."""
    await connection.execute(f"DROP SCHEMA IF EXISTS {identifier(schema)} CASCADE")


async def position(connection: asyncpg.Connection, schema: str) -> int:
    """The position in the log up to which the tables are true; 0 before the first event."""
    at: int = await connection.fetchval(ordered_statement(schema, "at", "position"))
    return at


async def advance(connection: asyncpg.Connection, schema: str, old: int, new: int) -> None:
    """Claim the events between, within the transaction that writes them. Raises Overtaken.

    A second runner waits here for the first one's commit, then finds the position moved.
    """
    claim = f"UPDATE {identifier(schema)}.position SET at = $2 WHERE at = $1"  # noqa: S608 - our own name
    done: str = await connection.execute(claim, old, new)
    if done != "UPDATE 1":
        raise Overtaken(f"position {old} of {schema} was moved by another runner")


async def write(
    connection: asyncpg.Connection, schema: str, changes: Sequence[Positioned]
) -> frozenset[str]:
    """Apply changes in their order; the names of the tables that changed."""
    fold = Fold(TABLES)
    for table, keys in _touched(changes).items():
        await _load(connection, schema, fold, (TABLES[table], keys))
    for at, change in changes:
        fold.apply(at, change)
    return await _save(connection, schema, fold)


async def fingerprints(connection: asyncpg.Connection, schema: str) -> dict[str, str]:
    """The SHA-256 over every table's rows, ordered by key. Call within one snapshot."""
    found = {}
    for name, table in sorted(TABLES.items()):
        hasher = hashlib.sha256()
        async for row in _ordered(connection, schema, table):
            for value in row:
                shown = _shown(value).encode()
                hasher.update(len(shown).to_bytes(4, "big") + shown)
        found[name] = hasher.hexdigest()
    return found


def _touched(changes: Iterable[Positioned]) -> dict[str, dict[Key, None]]:
    """The keys to load, by table; dicts keep an order, so every run does the same."""
    touched: dict[str, dict[Key, None]] = {}
    for _, change in changes:
        if not isinstance(change, Append):
            touched.setdefault(change.table, {})[storable_key(change.key)] = None
    return touched


async def _load(
    connection: asyncpg.Connection,
    schema: str,
    fold: Fold,
    wanted: tuple[Table, Mapping[Key, None]],
) -> None:
    table, keys = wanted
    columns = [list(column) for column in zip(*keys, strict=True)]
    for record in await connection.fetch(load_statement(schema, table), *columns):
        values = {name: record[name] for name in table.names}
        key = tuple(values[name] for name in table.key)
        fold.hold(table.name, key, Version(values=values, since=record["since"], stored=True))


async def _save(connection: asyncpg.Connection, schema: str, fold: Fold) -> frozenset[str]:
    """Ends first: at most one version of a row may be open."""
    ends: dict[str, list[tuple[Key, Version]]] = {}
    rows: dict[str, list[tuple[Value, ...]]] = {}
    for table, key, version in fold.ended:
        if version.stored:
            ends.setdefault(table, []).append((key, version))
        else:
            rows.setdefault(table, []).append(_record(table, version))
    for table, _, version in fold.current():
        if not version.stored:
            rows.setdefault(table, []).append(_record(table, version))
    for table, values in fold.appended:
        rows.setdefault(table, []).append(_cells(table, values))
    for table, ended in ends.items():
        await connection.execute(end_statement(schema, TABLES[table]), *_end_columns(ended))
    for table, records in rows.items():
        await connection.copy_records_to_table(
            table, schema_name=schema, columns=_columns(table), records=records
        )
    return frozenset({*ends, *rows})


def _columns(table: str) -> tuple[str, ...]:
    names = TABLES[table].names
    return names if TABLES[table].kind == "appended" else (*names, "since", "until")


def _cells(table: str, values: Row) -> tuple[Value, ...]:
    return tuple(values[name] for name in TABLES[table].names)


def _record(table: str, version: Version) -> tuple[Value, ...]:
    return (*_cells(table, version.values), version.since, version.until)


def _end_columns(ended: Sequence[tuple[Key, Version]]) -> list[list[Value]]:
    keys = [list(column) for column in zip(*(key for key, _ in ended), strict=True)]
    since: list[Value] = [version.since for _, version in ended]
    until: list[Value] = [version.until for _, version in ended]
    return [*keys, since, until]


async def _ordered(
    connection: asyncpg.Connection, schema: str, table: Table
) -> AsyncIterator[tuple[Value, ...]]:
    order = (*table.key, "since") if table.kind == "current" else table.key
    statement = ordered_statement(
        schema, ", ".join(map(identifier, _columns(table.name))), table.name, order
    )
    async for record in connection.cursor(statement, prefetch=ROWS_PER_FETCH):
        yield tuple(record)


def _shown(value: Value) -> str:
    """One text a value: equal amounts are equal however many zeros they were written with."""
    if isinstance(value, Decimal):
        return amount(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return repr(value)
