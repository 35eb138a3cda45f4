"""Ways into the database that the application itself does not have."""

import psycopg

from adapters.postgres.connection import connect
from application.journal import encode_input
from domain.message import Input


def put_directly(url: str, account: str, occurrence: Input) -> int:
    """Put one input into the inbox as the application's role would."""
    with connect(url) as connection:
        row = connection.execute(
            "INSERT INTO plimsoll.inbox (account, kind, payload) VALUES (%s, %s, %s) RETURNING id",
            (account, "test", encode_input(occurrence)),
        ).fetchone()
    assert row is not None
    return int(row[0])


def owner(url: str) -> psycopg.Connection:
    """A connection of the owner, here also a superuser, who is not confined."""
    return psycopg.connect(url, autocommit=True)


def saboteur(url: str) -> psycopg.Connection:
    """A connection of a superuser whose changes no trigger sees."""
    connection = owner(url)
    connection.execute("SET session_replication_role = replica")
    return connection
