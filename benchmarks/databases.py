"""Fresh, migrated databases on one server: the given one, or an embedded one."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.migrate import upgrade

UrlOf = Callable[[str], str]


class Databases:
    """Makes databases, all from one migrated template."""

    def __init__(self, admin_url: str, url_of: UrlOf) -> None:
        self._admin_url = admin_url
        self._url_of = url_of
        self._prefix = f"plimsoll_bench_{os.getpid()}"
        self._numbers = itertools.count(1)
        self._made: list[str] = []
        self._template = ""

    def make(self) -> str:
        """The URL of a new database in which everything is migrated and nothing happened."""
        if not self._template:
            self._template = self._create("template1")
            upgrade(self._url_of(self._template))
        return self._url_of(self._create(self._template))

    def drop_all(self) -> None:
        """Remove every one; whoever is still connected is cut off."""
        with psycopg.connect(self._admin_url, autocommit=True) as admin:
            for name in reversed(self._made):
                admin.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
                )

    def _create(self, template: str) -> str:
        name = f"{self._prefix}_{next(self._numbers)}"
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        with psycopg.connect(self._admin_url, autocommit=True) as admin:
            admin.execute(command.format(sql.Identifier(name), sql.Identifier(template)))
        self._made.append(name)
        return name


@contextmanager
def open_databases(data_dir: Path) -> Iterator[Databases]:
    """Databases on the server of DATABASE_URL, whose user must be allowed to create some."""
    given = os.environ.get("DATABASE_URL")
    if given:
        databases = Databases(given, lambda name: _renamed(given, name))
        try:
            yield databases
        finally:
            databases.drop_all()
        return
    # Its databases go with its directory; to drop each would only take time.
    server = EmbeddedPostgres.start(data_dir)
    try:
        yield Databases(server.url("postgres"), server.url)
    finally:
        server.stop(wait=True)


def _renamed(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
