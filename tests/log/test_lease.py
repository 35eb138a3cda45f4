"""One engine an account: whoever holds the lock, on the connection that commits."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.lease import (
    Lease,
    LeaseLostError,
    LeaseTakenError,
    PoolerFoundError,
    lock_key,
)
from application.journal import StreamConflict
from tests.log.postgres import owner
from tests.log.story import day_stream, ticks, write


class Stopwatch:
    """A monotonic clock that stands still until told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_second_engine_cannot_take_a_leased_account(postgres_url: str) -> None:
    with Lease.open(postgres_url) as first, Lease.open(postgres_url) as second:
        first.take("paper")

        with pytest.raises(LeaseTakenError, match="'paper'"):
            second.take("paper")
        second.take("live")

        assert (first.accounts, second.accounts) == (["paper"], ["live"])


def test_a_released_account_is_free_for_the_next(postgres_url: str) -> None:
    with Lease.open(postgres_url) as first, Lease.open(postgres_url) as second:
        first.take("paper")
        first.release("paper")
        second.take("paper")

        assert second.holds("paper")
        assert not first.holds("paper")


def test_taking_twice_needs_only_one_release(postgres_url: str) -> None:
    with Lease.open(postgres_url) as first, Lease.open(postgres_url) as second:
        first.take("paper")
        first.take("paper")
        first.release("paper")
        second.take("paper")

        assert second.confirm()


def test_a_lost_connection_is_a_lost_lease(postgres_url: str) -> None:
    with Lease.open(postgres_url) as first, Lease.open(postgres_url) as second:
        first.take("paper")
        with owner(postgres_url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(%s, 5000)", (first.connection.info.backend_pid,)
            )

        with pytest.raises(LeaseLostError):
            first.confirm()
        second.take("paper")


def test_a_lock_given_up_behind_our_back_is_noticed(postgres_url: str) -> None:
    with Lease.open(postgres_url) as lease:
        for account in ("paper", "live"):
            lease.take(account)
        lease.connection.execute("SELECT pg_advisory_unlock(%s)", (lock_key("live"),))

        with pytest.raises(LeaseLostError, match="live"):
            lease.confirm()


def test_confirmation_ages_and_both_asking_and_committing_renew_it(postgres_url: str) -> None:
    clock = Stopwatch()
    with Lease.open(postgres_url, clock) as lease, PostgresEventLog(postgres_url, lease) as log:
        assert not lease.confirmed_within(3)
        lease.take("paper")
        assert lease.confirmed_within(3)
        clock.seconds += 3.5
        assert not lease.confirmed_within(3)
        assert lease.confirm() == clock.seconds
        assert lease.confirmed_within(3)
        clock.seconds += 3.5
        write(log, ticks(day_stream("paper"), 1))
        assert lease.confirmed_within(3)


def test_a_closed_lease_is_not_confirmed(postgres_url: str) -> None:
    lease = Lease.open(postgres_url)
    lease.take("paper")
    lease.close()

    assert not lease.confirmed_within(3)


def test_the_day_streams_version_fences_off_an_engine_that_lost_its_lease(
    postgres_url: str,
) -> None:
    with Lease.open(postgres_url) as old, PostgresEventLog(postgres_url, old) as late:
        old.take("paper")
        write(late, ticks(day_stream("paper"), 2))
        old.connection.execute("SELECT pg_advisory_unlock_all()")
        with Lease.open(postgres_url) as new, PostgresEventLog(postgres_url, new) as log:
            new.take("paper")
            write(log, ticks(day_stream("paper"), 1, first=3))

        with pytest.raises(StreamConflict):
            write(late, ticks(day_stream("paper"), 1, first=3))


def test_lock_keys_fit_into_a_signed_64_bit_number_and_differ() -> None:
    keys = {lock_key(f"account-{number}") for number in range(1_000)}

    assert len(keys) == 1_000
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_a_server_that_is_not_there_is_a_lost_lease(tmp_path: Path) -> None:
    with pytest.raises(LeaseLostError, match="could not be reached"):
        Lease.open(f"postgresql://nobody@/nothing?host={tmp_path}")


def test_a_pooler_in_between_is_refused(postgres_url: str, tmp_path: Path) -> None:
    with _pooler(postgres_url, tmp_path) as url, pytest.raises(PoolerFoundError, match="direct"):
        Lease.open(url)


@contextmanager
def _pooler(url: str, directory: Path) -> Iterator[str]:
    """A relay that, like PgBouncer, tells its own process id at log-in instead of the server's."""
    parts = urlsplit(url)
    server = Path(parse_qs(parts.query)["host"][0]) / ".s.PGSQL.5432"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(directory / ".s.PGSQL.5432"))
    listener.listen()
    relay = threading.Thread(target=_relay, args=(listener, server), daemon=True)
    relay.start()
    try:
        yield f"postgresql://{parts.username}@{parts.path}?host={directory}"
    finally:
        listener.close()
        relay.join(10)
        assert not relay.is_alive()


def _relay(listener: socket.socket, server: Path) -> None:
    """Serve one client, one turn after the other, until either side hangs up."""
    client, _ = listener.accept()
    upstream = socket.socket(socket.AF_UNIX)
    upstream.connect(str(server))
    with client, upstream:
        upward = threading.Thread(target=_pump, args=(client, upstream))
        upward.start()
        _pump(upstream, client, disguise=True)
        upward.join()


def _pump(source: socket.socket, sink: socket.socket, *, disguise: bool = False) -> None:
    """Copy until the end. BackendKeyData is 'K', length, then four bytes of process id."""
    try:
        while data := source.recv(65_536):
            at = data.find(b"K\0\0\0", 0) if disguise else -1
            if at >= 0:
                data = data[: at + 5] + (4_242).to_bytes(4, "big") + data[at + 9 :]
                disguise = False
            sink.sendall(data)
    except OSError:
        return
    finally:
        _hang_up(sink)


def _hang_up(sink: socket.socket) -> None:
    if sink.fileno() >= 0:
        try:
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            sink.close()
