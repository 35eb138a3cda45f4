"""The SQL of the read tables, made from their definitions: one source for both."""

from collections.abc import Iterator, Sequence

from projections.models import TABLES
from projections.rows import Table

READER = "plimsoll_app"
"""The role web and exports read as, where it exists; see the first migration."""


def identifier(name: str) -> str:
    """A quoted name. Raises ValueError for one that is not letters, digits and underscores."""
    if not name.replace("_", "").isalnum() or not name.isascii():
        raise ValueError(f"{name!r} is no name for a table; use letters, digits and underscores")
    return f'"{name}"'


def create_statements(schema: str) -> Iterator[str]:
    """The schema, its tables and indexes, its position, and who may read them."""
    place = identifier(schema)
    yield f"CREATE SCHEMA {place}"
    yield (
        f"CREATE TABLE {place}.position"
        " (single boolean PRIMARY KEY DEFAULT true CHECK (single), at bigint NOT NULL)"
    )
    yield f"INSERT INTO {place}.position (at) VALUES (0)"  # noqa: S608 - our own name
    for table in TABLES.values():
        yield from _table_statements(schema, table)
    yield (
        "DO $$ BEGIN"
        f" IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{READER}') THEN"
        f" GRANT USAGE ON SCHEMA {place} TO {READER};"
        f" GRANT SELECT ON ALL TABLES IN SCHEMA {place} TO {READER};"
        " END IF; END $$"
    )


def load_statement(schema: str, table: Table) -> str:
    """The current rows of the keys given as one array a key column."""
    key = _names(table.key)
    return (
        f"SELECT {_names(table.names, 'held')}, held.since FROM {_place(schema, table)} AS held"  # noqa: S608 - names of our own tables
        f" JOIN unnest({_arrays(table)}) AS wanted ({key}) USING ({key})"
        " WHERE held.until IS NULL"
    )


def end_statement(schema: str, table: Table) -> str:
    """Set `until` of versions given as arrays of key columns, `since` and `until`."""
    first = len(table.key) + 1
    same = " AND ".join(f"held.{identifier(name)} = ended.{identifier(name)}" for name in table.key)
    return (
        f"UPDATE {_place(schema, table)} AS held SET until = ended.until"  # noqa: S608 - names of our own tables
        f" FROM unnest({_arrays(table)}, ${first}::bigint[], ${first + 1}::bigint[])"
        f" AS ended ({_names(table.key)}, since, until)"
        f" WHERE {same} AND held.since = ended.since AND held.until IS NULL"
    )


def ordered_statement(schema: str, columns: str, table: str, order: Sequence[str] = ()) -> str:
    """Every row of these columns, in this order."""
    by = f" ORDER BY {_names(order)}" if order else ""
    return f"SELECT {columns} FROM {identifier(schema)}.{identifier(table)}{by}"  # noqa: S608 - names of our own tables


def _table_statements(schema: str, table: Table) -> Iterator[str]:
    """Text is collated byte by byte, so that every server orders rows alike."""
    collated = {"text": 'text COLLATE "C"'}
    cells = [
        f"{identifier(column.name)} {collated.get(column.type, column.type)}"
        for column in table.columns
    ]
    key = list(table.key)
    if table.kind == "current":
        cells += ["since bigint NOT NULL", "until bigint CHECK (until > since)"]
        key.append("since")
    place = _place(schema, table)
    yield f"CREATE TABLE {place} ({', '.join(cells)}, PRIMARY KEY ({_names(key)}))"
    if table.kind == "current":
        yield f"CREATE UNIQUE INDEX ON {place} ({_names(table.key)}) WHERE until IS NULL"
    for columns in table.indexes:
        yield f"CREATE INDEX ON {place} ({_names(columns)})"


def _arrays(table: Table) -> str:
    types = {column.name: column.type for column in table.columns}
    return ", ".join(f"${place}::{types[name]}[]" for place, name in enumerate(table.key, start=1))


def _names(names: Sequence[str], alias: str = "") -> str:
    prefix = f"{alias}." if alias else ""
    return ", ".join(f"{prefix}{identifier(name)}" for name in names)


def _place(schema: str, table: Table) -> str:
    return f"{identifier(schema)}.{identifier(table.name)}"
