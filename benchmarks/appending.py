"""How many events a second the log takes, by how many are committed at once."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median

import psycopg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.lease import Lease
from benchmarks.bench import Bench, Benchmark
from benchmarks.figures import Figure, rate
from benchmarks.recorded_day import ACCOUNT, STEPS_MAX, day

Append = Callable[[Sequence[StoredEvent]], object]

# Above, the stock recorder's pipeline waits for ever once the socket's buffer is full.
STOCK_BATCH_MAX = 100

_BARE_TABLE = "CREATE TABLE bare_events (LIKE plimsoll.events INCLUDING ALL)"
_BARE_INSERT = """
    INSERT INTO bare_events (originator_id, originator_version, topic, state)
    SELECT * FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::bytea[])
    RETURNING notification_id
"""


def run(bench: Bench) -> list[Figure]:
    """Our append beside one bare INSERT, and the stock recorder where it works."""
    stored = day(bench.pick(full=STEPS_MAX, quick=1_500, tiny=60)).stored
    figures: list[Figure] = []
    for size in bench.pick(full=(1, 10, 100, 1000), quick=(1, 10, 100, 1000), tiny=(1, 10)):
        bench.say(f"append in batches of {size}")
        commits = bench.pick(full=1500, quick=300, tiny=3)
        figures += _measured(bench, stored[: size * commits], size)
    return figures


def _measured(bench: Bench, events: Sequence[StoredEvent], size: int) -> list[Figure]:
    with ExitStack() as opened:
        bare = opened.enter_context(bare_log(bench.databases.make()))
        ours = opened.enter_context(our_log(bench.databases.make()))
        appends = [bare, ours]
        if size <= STOCK_BATCH_MAX:
            appends.append(opened.enter_context(_stock_log(bench.databases.make())))
        whole = events[: len(events) // size * size]
        seconds = median_commits(appends, whole, size)
    limit = ("bare INSERT … unnest", size / seconds[0])
    names = ("append_events", "eventsourcing's own recorder")
    return [
        rate(f"{name}, batches of {size:,}", size, took, limit)
        for name, took in zip(names, seconds[1:], strict=False)
    ]


def median_commits(
    appends: Sequence[Append], events: Sequence[StoredEvent], size: int
) -> list[float]:
    """Median seconds of a commit of each. In turns, so that a busy moment falls on all alike."""
    seconds: list[list[float]] = [[] for _ in appends]
    for start in range(0, len(events), size):
        batch = events[start : start + size]
        for number, append in enumerate(appends):
            seconds[number].append(timed(append, batch, size))
    return [median(samples) for samples in seconds]


def timed(append: Append, events: Sequence[StoredEvent], size: int) -> float:
    """Seconds for all events, `size` to a commit."""
    began = time.perf_counter()
    for start in range(0, len(events), size):
        append(events[start : start + size])
    return time.perf_counter() - began


@contextmanager
def our_log(url: str) -> Iterator[Append]:
    """The log as the writer appends to it: under the lease."""
    with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
        lease.take(ACCOUNT)
        yield log.append


@contextmanager
def bare_log(url: str) -> Iterator[Append]:
    """The same rows into the same table with the same indexes, and nothing else."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_BARE_TABLE)

        def append(batch: Sequence[StoredEvent]) -> None:
            columns = (
                [str(event.originator_id) for event in batch],
                [event.originator_version for event in batch],
                [event.topic for event in batch],
                [event.state for event in batch],
            )
            connection.execute(_BARE_INSERT, columns, prepare=True).fetchall()

        yield append


@contextmanager
def _stock_log(url: str) -> Iterator[Append]:
    """The library's own recorder with its own table, as it comes."""
    parameters = conninfo_to_dict(url)
    datastore = PostgresDatastore(
        dbname=str(parameters.get("dbname", "")),
        host=str(parameters.get("host", "")),
        port=str(parameters.get("port", "")),
        user=str(parameters.get("user", "")),
        password=str(parameters.get("password", "")),
        schema="public",
        originator_id_type="text",
    )
    with datastore:
        recorder = PostgresApplicationRecorder(datastore, events_table_name="stock_events")
        recorder.create_table()
        yield recorder.insert_events


APPENDING = Benchmark(name="append", title="events into the log", run=run)
