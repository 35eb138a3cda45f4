"""Nobody changes what was recorded, and the application's role cannot even write past the door."""

from collections.abc import Iterator

import psycopg
import pytest

from adapters.postgres.connection import connect, is_confined
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.lease import Lease
from tests.log.postgres import owner
from tests.log.story import day_stream, stored, ticks, write

CHANGES = (
    "UPDATE plimsoll.events SET topic = 'x'",
    "DELETE FROM plimsoll.events",
    "DELETE FROM plimsoll.events WHERE false",
    "TRUNCATE plimsoll.events",
)
INSERT = (
    "INSERT INTO plimsoll.events (originator_id, originator_version, topic, state)"
    " VALUES ('order:paper:x', 1, 'x', '')"
)


@pytest.fixture
def log_url(postgres_url: str) -> Iterator[str]:
    """A log with three events."""
    with Lease.open(postgres_url) as lease, PostgresEventLog(postgres_url, lease) as log:
        lease.take("paper")
        write(log, ticks(day_stream("paper"), 3))
    yield postgres_url
    with owner(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM plimsoll.events").fetchone() == (3,)


@pytest.mark.parametrize("change", CHANGES)
def test_the_owner_cannot_change_what_was_recorded(log_url: str, change: str) -> None:
    with owner(log_url) as connection, pytest.raises(psycopg.Error, match="append-only"):
        connection.execute(change)


@pytest.mark.parametrize("change", [*CHANGES, INSERT])
def test_the_application_is_not_permitted_to_write_the_table(log_url: str, change: str) -> None:
    with connect(log_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(change)


@pytest.mark.parametrize(
    "change", ["DELETE FROM plimsoll.inbox", "UPDATE plimsoll.inbox SET account = 'other'"]
)
def test_the_application_cannot_lose_or_redirect_an_acknowledged_input(
    log_url: str, change: str
) -> None:
    with connect(log_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(change)


def test_every_connection_of_the_application_is_confined(log_url: str) -> None:
    with connect(log_url) as connection, Lease.open(log_url) as lease:
        assert is_confined(connection)
        assert is_confined(lease.connection)
    with PostgresEventLog(log_url) as log, log.recorder.datastore.get_connection() as reading:
        row = reading.execute("SELECT current_user::text AS name").fetchone()
        assert row == {"name": "plimsoll_app"}


def test_a_connection_of_the_owner_is_not_taken_for_confined(log_url: str) -> None:
    with owner(log_url) as connection:
        assert not is_confined(connection)


def test_even_the_owners_insert_waits_for_its_turn_in_commit_order(postgres_url: str) -> None:
    with owner(postgres_url) as first, owner(postgres_url) as second:
        second.execute("SET lock_timeout = '200ms'")
        with first.transaction():
            first.execute(INSERT)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                second.execute(INSERT.replace("order:paper:x", "order:paper:y"))


def test_appending_without_the_accounts_lease_is_refused(log_url: str) -> None:
    sealed = stored(ticks(day_stream("paper"), 1, first=4))
    with Lease.open(log_url) as lease, PostgresEventLog(log_url, lease) as log:
        lease.take("live")
        with pytest.raises(RuntimeError, match="were not leased"):
            log.append(sealed)


def test_a_log_opened_for_reading_refuses_to_append(log_url: str) -> None:
    with PostgresEventLog(log_url) as log, pytest.raises(RuntimeError, match="for reading"):
        log.append(stored(ticks(day_stream("paper"), 1, first=4)))


def test_the_view_shows_each_event_as_readable_json(log_url: str) -> None:
    with connect(log_url) as connection:
        row = connection.execute(
            "SELECT account, name, stream, version, event ->> 'due_at', length(digest), unreadable"
            " FROM plimsoll.log ORDER BY position LIMIT 1"
        ).fetchone()

    assert row == (
        "paper",
        "trading_day.clock_ticked.v1",
        day_stream("paper"),
        1,
        "2026-01-05T08:00:01Z",
        64,
        None,
    )


def test_the_view_survives_an_event_that_jsonb_cannot_hold(postgres_url: str) -> None:
    with owner(postgres_url) as connection:
        connection.execute(
            "SELECT plimsoll.append_events('{order:a:1,order:a:2,order:a:3}', '{1,1,1}',"
            " '{x,x,x}', %s, '{}')",
            ([b'{"event":{"a":"\\u0000"}}', b"\xff", b'{"event":{}}'],),
        )
        rows = connection.execute("SELECT unreadable IS NULL FROM plimsoll.log ORDER BY position")

        assert [readable for (readable,) in rows] == [False, False, True]
