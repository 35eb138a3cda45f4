"""What the end-to-end proofs stand on: databases, private directories, prepared accounts."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.embedded import EmbeddedPostgres

# Theirs are the assertions that say what went wrong.
pytest.register_assert_rewrite(
    *(f"tests.e2e.{module}" for module in ("journey", "live_account", "mortal", "ways"))
)

from tests.e2e.databases import Databases  # noqa: E402 - only after the line above
from tests.e2e.prepared import Prepared  # noqa: E402


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


@pytest.fixture
def prepared(private_dir: Path, databases: Databases) -> Prepared:
    return Prepared(private_dir, databases)
