"""What the database says of itself, for an operator who wants to sleep."""

from datetime import datetime

import msgspec
import psycopg

from adapters.postgres.connection import connect, is_confined

DatabaseFailure = psycopg.Error
"""Anything the database or the way to it may raise."""


class Checkup(msgspec.Struct, frozen=True, kw_only=True):
    """The server, its clock, our role in it, and what waits in the inbox."""

    server: str
    now: datetime
    is_confined: bool
    inputs_waiting: int
    oldest_input_at: datetime | None


def examine(url: str) -> Checkup:
    """Look at a migrated database. Raises DatabaseFailure."""
    with connect(url) as connection:
        server = connection.execute("SELECT version(), clock_timestamp()").fetchone()
        inbox = connection.execute(
            "SELECT count(*), min(received_at) FROM plimsoll.inbox"
        ).fetchone()
        assert server is not None, "a SELECT without FROM gives one row"
        assert inbox is not None, "an aggregate gives one row"
        return Checkup(
            server=str(server[0]).split(",", maxsplit=1)[0],
            now=server[1],
            is_confined=is_confined(connection),
            inputs_waiting=inbox[0],
            oldest_input_at=inbox[1],
        )
