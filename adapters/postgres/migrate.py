"""Brings the database to the shape this version needs, one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from adapters.postgres.connection import CONNECT_SECONDS, SCHEMA

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
# Held for the whole run: whoever starts meanwhile waits, then finds nothing left to do.
MIGRATION_LOCK = 7001002


def upgrade(url: str, revision: str = "head") -> None:
    """Apply what is missing. Does nothing where nothing is."""
    with _locked(url) as config:
        command.upgrade(config, revision)


def downgrade(url: str, revision: str) -> None:
    """Go back to `revision`; "base" is before the first. Refused while the log holds events."""
    with _locked(url) as config:
        command.downgrade(config, revision)


@contextmanager
def _locked(url: str) -> Iterator[Config]:
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: _connect(url), poolclass=NullPool
    )
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        connection.commit()
        try:
            yield _config(connection)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, connect_timeout=CONNECT_SECONDS)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
