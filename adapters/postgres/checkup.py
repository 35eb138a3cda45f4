"""What the database says of itself, for an operator who wants to sleep."""

from datetime import datetime

import msgspec
import psycopg
from sqlalchemy.exc import DBAPIError

from adapters.postgres.cluster import EmbeddedServerError
from adapters.postgres.connection import connect, is_confined
from adapters.postgres.lease import LeaseError
from adapters.postgres.server_user import UnreachableDataError
from application.inbox import InboxUnavailable
from application.journal import JournalError, LogUnavailable, SealError

DatabaseFailure = (psycopg.Error, DBAPIError, LeaseError, LogUnavailable, InboxUnavailable)
"""Anything the database or the way to it may raise; the migrations wrap it once more."""

ServerFailure = (EmbeddedServerError, UnreachableDataError)
"""What keeps the embedded server from starting; each message names its remedy."""

LogFailure = (JournalError, SealError)
"""The database answers, and what stands in the log cannot be read."""


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


def first_line(error: Exception) -> str:
    """What went wrong, without the statement and the links that libraries add."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return str(cause).strip().partition("\n")[0] or type(cause).__name__
