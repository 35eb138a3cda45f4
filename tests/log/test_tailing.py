"""A reader that follows the log by position misses nothing, however many write at once."""

import threading

import pytest

from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.lease import Lease
from application.journal import seal
from tests.log.story import day_stream, stored, ticks

ACCOUNTS = ("a", "b", "c", "d")
BATCHES = 60
ROWS_PER_BATCH = 15


def _write_all(url: str, account: str, failures: list[BaseException]) -> None:
    try:
        with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
            lease.take(account)
            head = log.head(account)
            for batch in range(BATCHES):
                story = ticks(day_stream(account), ROWS_PER_BATCH, first=1 + batch * ROWS_PER_BATCH)
                sealed, head = seal(head, stored(story))
                log.append(sealed)
    except BaseException as error:  # noqa: BLE001 - handed to the test, which fails with it
        failures.append(error)


def test_a_tailing_reader_sees_every_row_of_concurrent_writers_once(postgres_url: str) -> None:
    failures: list[BaseException] = []
    writers = [
        threading.Thread(target=_write_all, args=(postgres_url, account, failures))
        for account in ACCOUNTS
    ]
    for writer in writers:
        writer.start()
    seen: list[tuple[int, str, int]] = []
    with PostgresEventLog(postgres_url) as log:
        writing = True
        while True:
            writing = any(writer.is_alive() for writer in writers)
            position = seen[-1][0] if seen else 0
            page = log.recorder.select_notifications(position, 500, inclusive_of_start=False)
            seen += [(n.id, str(n.originator_id), n.originator_version) for n in page]
            if not page and not writing:
                break

    assert failures == []
    for account in ACCOUNTS:
        versions = [version for _, stream, version in seen if stream == day_stream(account)]
        assert versions == list(range(1, BATCHES * ROWS_PER_BATCH + 1))
    assert len(seen) == len(ACCOUNTS) * BATCHES * ROWS_PER_BATCH


def test_following_an_account_crosses_pages_without_gaps(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.postgres.event_log.READ_ROWS_MAX", 7)
    with Lease.open(postgres_url) as lease, PostgresEventLog(postgres_url, lease) as log:
        lease.take("a")
        sealed, _ = seal("0" * 64, stored(ticks(day_stream("a"), 28)))
        positions = list(log.append(sealed))

        assert [position for position, _ in log.since("a", 0)] == positions


def test_the_librarys_own_subscription_hears_of_new_events(postgres_url: str) -> None:
    with Lease.open(postgres_url) as lease, PostgresEventLog(postgres_url, lease) as log:
        lease.take("a")
        sealed, _ = seal("0" * 64, stored(ticks(day_stream("a"), 3)))
        with log.recorder.subscribe() as subscription:
            log.append(sealed)

            assert [next(subscription).originator_version for _ in sealed] == [1, 2, 3]
