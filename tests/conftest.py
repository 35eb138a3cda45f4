"""A real Postgres for every test that asks: one server a checkout, one fresh database a test."""

import hashlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import MIGRATIONS, upgrade

CHECKOUT = Path(__file__).resolve().parents[1]
TEMPLATE_LOCK = 7001009
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """The server that all workers and all runs of this checkout share.

    It stops by itself after its last user. Its directory lies directly in the temporary
    directory: pytest's own is closed to the unprivileged user a server needs where we are root.
    """
    name = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]
    data_dir = Path(tempfile.gettempdir()) / f"plimsoll-tests-{os.getuid()}-{name}"
    with EmbeddedPostgres.start(data_dir) as server:
        _drop_leftovers(server)
        yield server


@pytest.fixture(scope="session")
def template_database(postgres_server: EmbeddedPostgres) -> str:
    """A migrated database to copy, made once for these migrations, whoever comes first."""
    name = f"template_{_migrations_digest()}"
    with _postgres(postgres_server) as admin:
        admin.execute("SELECT pg_advisory_lock(%s)", (TEMPLATE_LOCK,))
        if not _exists(admin, name):
            # Renamed when finished, so that a killed run leaves no half template behind.
            for old in _databases(admin, "template_"):
                _drop(admin, old)
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier("template_next")))
            upgrade(postgres_server.url("template_next"))
            admin.execute(
                sql.SQL("ALTER DATABASE template_next RENAME TO {}").format(sql.Identifier(name))
            )
    return name


@pytest.fixture
def postgres_url(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """A fresh, migrated database; its user is the owner of everything in it."""
    with _database(postgres_server, template_database) as name:
        yield postgres_server.url(name)


@pytest.fixture
def empty_postgres_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A fresh database in which nothing was migrated."""
    with _database(postgres_server, "template1") as name:
        yield postgres_server.url(name)


@contextmanager
def _database(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with _postgres(server) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    try:
        yield name
    finally:
        with _postgres(server) as admin:
            _drop(admin, name)


def _postgres(server: EmbeddedPostgres) -> psycopg.Connection:
    return psycopg.connect(server.url("postgres"), autocommit=True)


def _migrations_digest() -> str:
    hasher = hashlib.sha256()
    for path in sorted(MIGRATIONS.rglob("*")):
        if path.suffix in {".sql", ".py"}:
            hasher.update(path.name.encode() + path.read_bytes())
    return hasher.hexdigest()[:16]


def _drop_leftovers(server: EmbeddedPostgres) -> None:
    """Databases of test runs that were killed."""
    with _postgres(server) as admin:
        for name in _databases(admin, "test_"):
            if not _runs(int(name.split("_")[1])):
                _drop(admin, name)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _databases(admin: psycopg.Connection, prefix: str) -> list[str]:
    rows = admin.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (prefix,)
    ).fetchall()
    return [name for (name,) in rows]


def _exists(admin: psycopg.Connection, name: str) -> bool:
    return name in _databases(admin, name)


def _drop(admin: psycopg.Connection, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
