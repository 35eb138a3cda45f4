"""What the end-to-end proofs stand on: fresh databases by the dozen, and private directories."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from adapters.postgres.embedded import EmbeddedPostgres

_numbers = itertools.count(1)


class Databases:
    """Makes databases on the tests' one server, copied from a migrated one or from each other."""

    def __init__(self, server: EmbeddedPostgres, template: str) -> None:
        self._server = server
        self._template = template
        self._made: list[str] = []

    def make(self, copy_of: str | None = None) -> str:
        """A new database's URL. `copy_of` is the URL of one that nobody is connected to."""
        name = f"test_{os.getpid()}_e2e_{next(_numbers)}"
        template = self._name(copy_of) if copy_of else self._template
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as admin:
            admin.execute(command.format(sql.Identifier(name), sql.Identifier(template)))
        self._made.append(name)
        return self._server.url(name)

    def drop_all(self) -> None:
        """Whoever is still connected is cut off."""
        command = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as admin:
            for name in reversed(self._made):
                admin.execute(command.format(sql.Identifier(name)))

    def _name(self, url: str) -> str:
        return next(name for name in self._made if self._server.url(name) == url)


@pytest.fixture
def databases(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[Databases]:
    made = Databases(postgres_server, template_database)
    yield made
    made.drop_all()


@pytest.fixture
def private_dir() -> Iterator[Path]:
    """Not below pytest's own directory, which is closed to the user a server runs as for root."""
    path = Path(tempfile.mkdtemp(prefix="plimsoll-e2e-"))
    path.chmod(0o711 if os.geteuid() == 0 else 0o700)
    yield path
    # A database server of a failed test may still be clearing up its own files.
    shutil.rmtree(path, ignore_errors=True)
