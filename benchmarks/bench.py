"""What every benchmark is given: how much to do, fresh databases, a place for files, a voice."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import psycopg

from benchmarks.databases import Databases, open_databases
from benchmarks.figures import Figure

Size = Literal["full", "quick", "tiny"]
T = TypeVar("T")


class Bench:
    """One run. Everything it made is gone at its end."""

    def __init__(self, size: Size, databases: Databases, directory: Path) -> None:
        self.size = size
        self.databases = databases
        self.directory = directory

    def pick(self, *, full: T, quick: T, tiny: T) -> T:
        """The amount of work for this run's size."""
        return {"full": full, "quick": quick, "tiny": tiny}[self.size]

    def say(self, what: str) -> None:
        """One line of progress, on standard error."""
        sys.stderr.write(f"  … {what}\n")
        sys.stderr.flush()

    def fresh_directory(self, name: str) -> Path:
        """A new, empty directory that a server's unprivileged user can pass through."""
        path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))
        _let_the_server_in(path)
        return path


class Benchmark(msgspec.Struct, frozen=True, kw_only=True):
    """A named measurement."""

    name: str
    title: str
    run: Callable[[Bench], list[Figure]]


@contextmanager
def open_bench(size: Size) -> Iterator[Bench]:
    """A bench on the server of DATABASE_URL, else on an embedded one that ends with it."""
    directory = Path(tempfile.mkdtemp(prefix="plimsoll-benchmarks-"))
    _let_the_server_in(directory)
    try:
        with open_databases(directory / "server") as databases:
            yield Bench(size, databases, directory)
    finally:
        shutil.rmtree(directory)


def server_version(databases: Databases) -> str:
    """Which Postgres is measured, and whether its commits reach the disk."""
    with psycopg.connect(databases.make()) as connection:
        parameters = "SELECT current_setting('server_version'), current_setting('fsync')"
        row = connection.execute(parameters).fetchone()
    assert row is not None, "current_setting answers with one row"
    return f"{row[0]} (fsync {row[1]})"


def _let_the_server_in(path: Path) -> None:
    path.chmod(0o711 if os.geteuid() == 0 else 0o700)
