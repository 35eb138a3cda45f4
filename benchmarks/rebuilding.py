"""How fast the read tables are built anew from the log."""

import asyncio
import time

import asyncpg

from benchmarks.appending import our_log, timed
from benchmarks.bench import Bench, Benchmark
from benchmarks.figures import Figure, rate
from benchmarks.reading import BATCH
from benchmarks.recorded_day import STEPS_MAX, day
from projections.rebuild import rebuild
from projections.rows import SCHEMA
from projections.statements import identifier

BARE = "bare_rows"

_TABLES = """
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = $1 AND table_type = 'BASE TABLE' ORDER BY table_name
"""


def run(bench: Bench) -> list[Figure]:
    """A rebuild from the whole log, beside inserting the very rows that came of it."""
    stored = day(bench.pick(full=STEPS_MAX, quick=1_500, tiny=60)).stored
    url = bench.databases.make()
    with our_log(url) as append:
        timed(append, stored, BATCH)
    bench.say(f"rebuilding the read tables from {len(stored)} events")
    began = time.perf_counter()
    asyncio.run(rebuild(url))
    rebuilding = time.perf_counter() - began
    bench.say("inserting the same rows")
    rows, inserting = asyncio.run(_inserted_barely(url))
    return [
        rate(
            f"rebuild of the read tables, events ({rows:,} rows)",
            len(stored),
            rebuilding,
            ("bare INSERT of the same rows", len(stored) / inserting),
        )
    ]


async def _inserted_barely(url: str) -> tuple[int, float]:
    """How many rows the read tables hold, and the seconds it took to insert them elsewhere."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE SCHEMA {BARE}")
        count, seconds = 0, 0.0
        for row in await connection.fetch(_TABLES, SCHEMA):
            inserted, took = await _one_table(connection, row["table_name"])
            count, seconds = count + inserted, seconds + took
        return count, seconds
    finally:
        await connection.close()


async def _one_table(connection: asyncpg.Connection, name: str) -> tuple[int, float]:
    """Columns as arrays, a statement and a commit for each batch: how the runner does it."""
    ours, bare = f"{identifier(SCHEMA)}.{identifier(name)}", f"{BARE}.{identifier(name)}"
    await connection.execute(f"CREATE TABLE {bare} (LIKE {ours} INCLUDING ALL)")
    rows = await connection.fetch(f"SELECT * FROM {ours}")
    if not rows:
        return 0, 0.0
    marks = ", ".join(f"${number}" for number in range(1, len(rows[0]) + 1))
    statement = f"INSERT INTO {bare} VALUES ({marks})"
    began = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        async with connection.transaction():
            await connection.executemany(statement, rows[start : start + BATCH])
    return len(rows), time.perf_counter() - began


REBUILDING = Benchmark(name="rebuild", title="the read tables from the log", run=run)
