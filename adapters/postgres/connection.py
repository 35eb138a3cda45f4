"""Connections to the database, each working as the role that can append and read only."""

from typing import Any

import asyncpg
import psycopg

APP_ROLE = "plimsoll_app"
SCHEMA = "plimsoll"
LOG_CHANNEL = "plimsoll_log"
INBOX_CHANNEL = "plimsoll_inbox"
CONNECT_SECONDS = 5

# One statement that also works where the role could not be created: then it changes nothing.
BECOME_APP_ROLE = """
    SELECT set_config('role', rolname, false) FROM pg_roles
    WHERE rolname = 'plimsoll_app' AND pg_has_role(current_user, oid, 'MEMBER')
"""


def connect(url: str, **parameters: Any) -> psycopg.Connection:  # noqa: ANN401 - libpq's own
    """A connection in autocommit mode. `parameters` are libpq's, over those of the URL.

    Raises psycopg.OperationalError if the server cannot be reached.
    """
    settings = {"connect_timeout": CONNECT_SECONDS, "application_name": "plimsoll", **parameters}
    connection = psycopg.connect(url, autocommit=True, **settings)
    connection.execute(BECOME_APP_ROLE)
    return connection


async def connect_async(url: str, *, seconds: float = CONNECT_SECONDS) -> asyncpg.Connection:
    """An asyncpg connection. Raises OSError, TimeoutError or asyncpg.PostgresError.

    `seconds` bounds both the connecting and every later statement.
    """
    connection = await asyncpg.connect(
        url,
        timeout=seconds,
        command_timeout=seconds,
        server_settings={"application_name": "plimsoll"},
    )
    try:
        await connection.execute(BECOME_APP_ROLE)
    except BaseException:
        # Also if we are cancelled here: nobody else knows of it yet.
        connection.terminate()
        raise
    return connection


def is_confined(connection: psycopg.Connection) -> bool:
    """Whether this connection works as the role that may not write past `append_events`.

    False where the migration was not allowed to create the role: a fact for `doctor`.
    """
    row = connection.execute("SELECT current_user::text").fetchone()
    return row is not None and row[0] == APP_ROLE
