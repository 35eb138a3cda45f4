"""How fast a recorded day is read: replayed and compared, or loaded when the engine starts."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from eventsourcing.persistence import StoredEvent

from adapters.postgres.event_log import PostgresEventLog
from application.loading import load_book
from application.replay import replay_day
from benchmarks.appending import our_log, timed
from benchmarks.bench import Bench, Benchmark
from benchmarks.figures import Figure, rate
from benchmarks.recorded_day import ACCOUNT, DATE, STEPS_MAX, Day, day

BATCH = 2_000
_ROWS = "SELECT * FROM plimsoll.events ORDER BY notification_id"


def replay(bench: Bench) -> list[Figure]:
    """A day decided again and compared byte for byte, beside decoding the same events."""
    recorded = day(bench.pick(full=STEPS_MAX, quick=1_500, tiny=60))
    with written(bench, recorded.stored) as (log, _):
        bench.say(f"decoding {len(recorded.stored)} events")
        decoding = fastest(lambda: sum(1 for _ in log.since(ACCOUNT, 0)), _times(bench))
        bench.say("replaying them")
        seconds = fastest(lambda: _replayed(log, recorded), _times(bench))
    events, inputs = len(recorded.stored), len(recorded.calls)
    name = "reading and decoding alone"
    return [
        rate("replay of a day, events", events, seconds, (name, events / decoding)),
        rate("replay of a day, inputs", inputs, seconds, (name, inputs / decoding)),
    ]


def start(bench: Bench) -> list[Figure]:
    """The Book from all events of a day, as at each start, beside reading the bare rows."""
    recorded = day(bench.pick(full=STEPS_MAX, quick=1_500, tiny=60))
    events = len(recorded.stored)
    with written(bench, recorded.stored) as (log, url):
        bench.say(f"loading the Book from {events} events")
        loading = fastest(lambda: load_book(log, ACCOUNT), _times(bench))
        decoding = fastest(lambda: sum(1 for _ in log.since(ACCOUNT, 0)), _times(bench))
        rows = fastest(lambda: _bare_rows(url), _times(bench))
    return [
        Figure(
            name=f"loading the Book from {events:,} events",
            value=loading * 1000,
            unit="ms",
            limit=limit * 1000,
            limit_name=name,
        )
        for name, limit in (("reading and decoding alone", decoding), ("bare SELECT", rows))
    ]


@contextmanager
def written(bench: Bench, stored: Sequence[StoredEvent]) -> Iterator[tuple[PostgresEventLog, str]]:
    """A database that holds these events, and a log to read them."""
    url = bench.databases.make()
    with our_log(url) as append:
        timed(append, stored, BATCH)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE plimsoll.events")
    with PostgresEventLog(url) as log:
        yield log, url


def fastest(act: Callable[[], object], times: int) -> float:
    """Seconds of the fastest of some runs: what else the machine does only ever adds."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _times(bench: Bench) -> int:
    return bench.pick(full=3, quick=1, tiny=1)


def _replayed(log: PostgresEventLog, recorded: Day) -> None:
    report = replay_day(log, ACCOUNT, DATE)
    if not report.identical or report.events != len(recorded.stored):
        raise RuntimeError(f"the replay came out otherwise: {report}")


def _bare_rows(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(_ROWS).fetchall()


REPLAY = Benchmark(name="replay", title="a recorded day decided again", run=replay)
START = Benchmark(name="start", title="the Book at a start", run=start)
