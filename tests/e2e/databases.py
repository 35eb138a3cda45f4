"""Fresh databases by the dozen, on the tests' one server."""

import itertools
import os

import psycopg
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

    def drop(self, url: str) -> None:
        """Whoever is still connected is cut off. It takes seconds: the server writes all it has."""
        name = self._name(url)
        command = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as admin:
            admin.execute(command.format(sql.Identifier(name)))
        self._made.remove(name)

    def drop_all(self) -> None:
        """Those that nobody dropped."""
        for name in self._made[::-1]:
            self.drop(self._server.url(name))

    def _name(self, url: str) -> str:
        return next(name for name in self._made if self._server.url(name) == url)
