"""Databases with a recorded history: made once, copied for every test that alters one."""

import asyncio
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from adapters.postgres.embedded import EmbeddedPostgres
from projections.rebuild import rebuild
from tests.cli.history import record_two_more_mornings
from tests.cli.market import Market, write_market
from tests.cli.shell import Shell
from tests.log.postgres import owner, saboteur

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return write_market(tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="session")
def night_url(
    postgres_server: EmbeddedPostgres,
    template_database: str,
    market: Market,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """A simulated night over midnight. Nobody may alter it."""
    with _copied(postgres_server, template_database) as name:
        url = postgres_server.url(name)
        shell = Shell(data_dir=tmp_path_factory.mktemp("home"))
        done = shell.run("simulate", *market.arguments(), "--database", url, "--json")
        assert done.code == 0, done.stderr
        yield url


@pytest.fixture(scope="session")
def days_url(postgres_server: EmbeddedPostgres, night_url: str) -> Iterator[str]:
    """The same night and what followed, with the read tables made. Nobody may alter it."""
    with _copied(postgres_server, _name(night_url)) as name:
        url = postgres_server.url(name)
        record_two_more_mornings(url)
        rebuilt = Shell(data_dir=Path("/nonexistent"), database_url=url).run(
            "projections", "rebuild", "--json"
        )
        assert rebuilt.code == 0, rebuilt.stderr
        yield url


@pytest.fixture(scope="session")
def copied_url(postgres_server: EmbeddedPostgres, days_url: str) -> Iterator[str]:
    """A copy of the recorded days, with a second copy of the events in a corner of its own."""
    with _copied(postgres_server, _name(days_url)) as name:
        url = postgres_server.url(name)
        with owner(url) as connection:
            connection.execute("CREATE TABLE public.kept AS TABLE plimsoll.events")
        yield url


@pytest.fixture
def altered_url(copied_url: str) -> Iterator[str]:
    """The recorded days, to be tampered with: whatever was done is put right again."""
    yield copied_url
    with saboteur(copied_url) as connection:
        connection.execute("DELETE FROM plimsoll.inbox")
        connection.execute("DELETE FROM plimsoll.events")
        connection.execute(
            "INSERT INTO plimsoll.events OVERRIDING SYSTEM VALUE SELECT * FROM public.kept"
        )
    asyncio.run(rebuild(copied_url))


@pytest.fixture
def shell(tmp_path: Path, days_url: str) -> Shell:
    """A shell on the recorded days, to be read only."""
    return Shell(data_dir=tmp_path / "home", database_url=days_url)


@pytest.fixture
def altered_shell(tmp_path: Path, altered_url: str) -> Shell:
    return Shell(data_dir=tmp_path / "home", database_url=altered_url)


@pytest.fixture(scope="session")
def empty_url(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    with _copied(postgres_server, template_database) as name:
        yield postgres_server.url(name)


@pytest.fixture
def empty_shell(tmp_path: Path, empty_url: str) -> Shell:
    """A shell on an installation in which nothing ever happened, to be read only."""
    return Shell(data_dir=tmp_path / "home", database_url=empty_url)


def _name(url: str) -> str:
    with psycopg.connect(url) as connection:
        return connection.info.dbname


@contextmanager
def _copied(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    """A copy of a database. Its name holds our process id, so that a later run can clear up."""
    name = f"test_{os.getpid()}_cli_{next(_numbers)}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    try:
        yield name
    finally:
        with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
            admin.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
