"""When the log does not answer, nobody guesses what it did."""

from collections.abc import Iterator

import psycopg
import pytest

from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.lease import Lease, LeaseLostError
from application.journal import LogUnavailable
from tests.log.postgres import owner, put_directly
from tests.log.story import day_stream, pause, ticks, write


@pytest.fixture
def lease(postgres_url: str) -> Iterator[Lease]:
    """The account's lease."""
    with Lease.open(postgres_url) as held:
        held.take("paper")
        yield held


def kill(url: str, backend: int) -> None:
    """End one backend as a crash of the network would; returns when it is gone."""
    with owner(url) as connection:
        row = connection.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,)).fetchone()
    assert row == (True,)


def test_an_append_on_a_dead_connection_has_an_unknown_outcome(
    postgres_url: str, lease: Lease
) -> None:
    with PostgresEventLog(postgres_url, lease) as log:
        write(log, ticks(day_stream("paper"), 1))
        kill(postgres_url, lease.connection.info.backend_pid)

        with pytest.raises(LogUnavailable, match="did not answer"):
            write(log, ticks(day_stream("paper"), 1, first=2))


def test_an_append_that_waits_too_long_for_its_turn_gives_up(
    postgres_url: str, lease: Lease
) -> None:
    lease.connection.execute("SET lock_timeout = '100ms'")
    with PostgresEventLog(postgres_url, lease) as log, owner(postgres_url) as other:
        with other.transaction():
            other.execute("SELECT pg_advisory_xact_lock(7001001)")
            with pytest.raises(LogUnavailable):
                write(log, ticks(day_stream("paper"), 1))

        assert len(write(log, ticks(day_stream("paper"), 1))) == 1


def test_after_an_outage_a_new_lease_goes_on_where_the_log_stands(
    postgres_url: str, lease: Lease
) -> None:
    with PostgresEventLog(postgres_url, lease) as log:
        write(log, ticks(day_stream("paper"), 2))
    kill(postgres_url, lease.connection.info.backend_pid)
    with pytest.raises(LeaseLostError):
        lease.confirm()

    with Lease.open(postgres_url) as again, PostgresEventLog(postgres_url, again) as log:
        again.take("paper")
        write(log, ticks(day_stream("paper"), 2, first=3))

        assert [event.version for event in log.stream(day_stream("paper"))] == [1, 2, 3, 4]


def test_a_log_whose_server_is_not_there_says_so(tmp_path: object) -> None:
    with PostgresEventLog(f"postgresql://nobody@/nothing?host={tmp_path}") as log:
        log.recorder.datastore.pool.timeout = 0.2
        with pytest.raises(LogUnavailable, match="could not be read"):
            log.head("paper")


def test_the_inbox_reader_connects_anew_after_an_outage(postgres_url: str) -> None:
    inbox = PostgresInbox(postgres_url)
    row_id = put_directly(postgres_url, "paper", pause())
    inbox.waiting(1)
    with owner(postgres_url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    with pytest.raises(LogUnavailable, match="inbox"):
        inbox.waiting(1)

    assert [row.id for row in inbox.waiting(1)] == [row_id]
    inbox.close()


def test_an_inbox_row_of_a_newer_release_stays_and_holds_up_nobody(postgres_url: str) -> None:
    with owner(postgres_url) as connection:
        connection.execute(
            "INSERT INTO plimsoll.inbox (account, kind, payload) VALUES ('paper', 'x', %s)",
            (b'{"name":"trading_day.of_the_future.v9","input":{}}',),
        )
    row_id = put_directly(postgres_url, "paper", pause())
    inbox = PostgresInbox(postgres_url)

    inbox.waiting(1)
    rows = inbox.waiting(1)

    assert [row.id for row in rows] == [row_id]
    assert "of_the_future" in next(iter(inbox.unreadable.values()))
    inbox.close()
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM plimsoll.inbox").fetchone() == (2,)
