"""Whatever dies, restarts or runs twice: each event stands in the read tables exactly once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from application.journal import GENESIS
from projections import store
from projections.log_reader import read_batch
from projections.models import TABLES
from projections.rebuild import fingerprint, rebuild, verify
from projections.rows import SCHEMA
from projections.runner import ALL_VIEWS, ProjectionRunner, apply_batch, apply_upto, connect
from tests.projections.offsetting import whole_offset
from tests.projections.risks import whole_risk
from tests.projections.story import Story, append
from tests.projections.trading import whole_trade

DEADLINE_SECONDS = 20


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, not for a time."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def running(*runners: ProjectionRunner) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(runner.run()) for runner in runners]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes


async def projected(url: str, limit: int = 2_000) -> dict[str, str]:
    """Project the log in batches of at most `limit`; the tables' fingerprints."""
    async with connected(url) as connection:
        await store.create(connection, SCHEMA)
        at = await store.position(connection, SCHEMA)
        while batch := await read_batch(connection, at, limit=limit):
            await apply_batch(connection, SCHEMA, at, batch)
            at = batch[-1].position
    return await fingerprint(url)


@pytest.fixture
def story(postgres_url: str) -> Story:
    told = whole_offset(whole_risk(whole_trade()))
    append(postgres_url, told.events)
    return told


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
async def test_batches_leave_no_trace_in_the_tables(
    postgres_url: str, story: Story, limit: int
) -> None:
    at_once = await projected(postgres_url)
    async with connected(postgres_url) as connection:
        await store.drop(connection, SCHEMA)
    assert await projected(postgres_url, limit) == at_once
    assert len(set(at_once.values())) > len(TABLES) // 2


async def test_a_batch_never_ends_between_an_input_and_what_it_caused(
    postgres_url: str, story: Story
) -> None:
    async with connected(postgres_url) as connection:
        after, starts = 0, 0
        while batch := await read_batch(connection, after, limit=25):
            assert not batch[0].recorded.causation_id
            after, starts = batch[-1].position, starts + 1
    assert starts > 1


@pytest.mark.parametrize("step", ["claimed", "written"])
async def test_a_runner_killed_within_a_batch_leaves_nothing_and_the_next_does_it_once(
    postgres_url: str, story: Story, step: str
) -> None:
    expected = await projected(postgres_url)
    async with connected(postgres_url) as connection:
        await store.drop(connection, SCHEMA)
        await store.create(connection, SCHEMA)
    doomed = await connect(postgres_url)
    batch = await read_batch(doomed, 0)
    transaction = doomed.transaction()
    await transaction.start()
    if step == "claimed":
        await store.advance(doomed, SCHEMA, 0, batch[-1].position)
    else:
        await apply_batch(doomed, SCHEMA, 0, batch)
    async with connected(postgres_url) as killer:
        await killer.execute("SELECT pg_terminate_backend($1)", doomed.get_server_pid())
        await until(doomed.is_closed)
        assert await store.position(killer, SCHEMA) == 0
        assert await killer.fetchval("SELECT count(*) FROM read_4.audit_log") == 0
    assert await projected(postgres_url) == expected


async def test_of_two_runners_with_the_same_batch_one_loses_and_writes_nothing(
    postgres_url: str, story: Story
) -> None:
    async with connected(postgres_url) as first, connected(postgres_url) as second:
        await store.create(first, SCHEMA)
        batch = await read_batch(first, 0)
        results = await asyncio.gather(
            apply_batch(first, SCHEMA, 0, batch),
            apply_batch(second, SCHEMA, 0, batch),
            return_exceptions=True,
        )
    assert sum(isinstance(result, store.Overtaken) for result in results) == 1
    assert (await verify(postgres_url)).intact


async def test_two_runners_at_work_tell_all_there_is_and_duplicate_nothing(
    postgres_url: str,
) -> None:
    told: list[list[int]] = [[], []]
    runners = [
        ProjectionRunner(postgres_url, on_change=lambda _, at: told[0].append(at)),
        ProjectionRunner(postgres_url, on_change=lambda _, at: told[1].append(at)),
    ]
    events = whole_trade().events
    async with running(*runners):
        head = GENESIS
        for start in range(0, len(events), 5):
            head = append(postgres_url, events[start : start + 5], head)
        await until(lambda: all(runner.position >= len(events) for runner in runners))
    assert (await verify(postgres_url)).intact
    for positions in told:
        assert positions == sorted(set(positions))


async def test_a_runner_hears_of_news_and_tells_which_views_changed(postgres_url: str) -> None:
    told: list[tuple[frozenset[str], int]] = []
    runner = ProjectionRunner(postgres_url, on_change=lambda views, at: told.append((views, at)))
    events = whole_trade().events
    async with running(runner):
        await until(lambda: bool(told))
        assert told == [(ALL_VIEWS, 0)]
        append(postgres_url, events[:3])
        await until(lambda: runner.position == 3)
    assert told[1] == (frozenset({"overview", "risk", "log"}), 3)


async def test_a_runner_outlives_the_loss_of_its_connection(postgres_url: str) -> None:
    runner = ProjectionRunner(postgres_url)
    events = whole_trade().events
    async with running(runner), connected(postgres_url) as killer:
        head = append(postgres_url, events[:3])
        await until(lambda: runner.position == 3)
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'plimsoll projections' AND pid <> pg_backend_pid()"
            " AND datname = current_database()"
        )
        append(postgres_url, events[3:], head)
        await until(lambda: runner.position == len(events))
        await until(lambda: not runner.trouble)
    assert (await verify(postgres_url)).intact


async def test_an_event_that_cannot_be_read_is_told_and_never_skipped(postgres_url: str) -> None:
    runner = ProjectionRunner(postgres_url)
    async with running(runner), connected(postgres_url) as saboteur:
        await until(lambda: runner.position == 0)
        await saboteur.execute(
            "INSERT INTO plimsoll.events (originator_id, originator_version, topic, state)"
            " VALUES ('order:alpha:x', 1, 'order.from_the_future.v9', '{}')"
        )
        await until(lambda: "from_the_future" in runner.trouble or "x@1" in runner.trouble)
        assert runner.position == 0


async def test_a_rebuild_beside_a_working_runner_gives_identical_tables(
    postgres_url: str,
) -> None:
    runner = ProjectionRunner(postgres_url)
    events = whole_trade().events
    progress: list[tuple[int, int]] = []
    async with running(runner):
        head = append(postgres_url, events[:20])
        await until(lambda: runner.position == 20)
        before = await fingerprint(postgres_url)
        reached = await rebuild(postgres_url, lambda at, of: progress.append((at, of)))
        assert reached == 20
        assert await fingerprint(postgres_url) == before
        append(postgres_url, events[20:], head)
        await until(lambda: runner.position == len(events))
    assert progress == [(20, 20)]
    assert (await verify(postgres_url)).intact
    async with connected(postgres_url) as connection:
        left = await connection.fetch(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read%' ORDER BY 1"
        )
    assert [row["nspname"] for row in left] == [SCHEMA]


async def test_a_runner_that_waited_for_the_switch_starts_over_with_the_new_tables(
    postgres_url: str, story: Story
) -> None:
    """It must not claim the old position and then write into the new tables."""
    async with connected(postgres_url) as late, connected(postgres_url) as holder:
        await store.create(late, SCHEMA)
        batch = await read_batch(late, 0)
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("UPDATE read_4.position SET at = -1")
        waiting = asyncio.create_task(apply_batch(late, SCHEMA, 0, batch))
        pid = late.get_server_pid()

        async def blocked() -> bool:
            async with connected(postgres_url) as watcher:
                found: bool = await watcher.fetchval(
                    "SELECT cardinality(pg_blocking_pids($1)) > 0", pid
                )
                return found

        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await blocked():
                await asyncio.sleep(0.01)
        await transaction.commit()
        with pytest.raises(store.Overtaken):
            await waiting


async def test_verification_names_the_table_that_was_altered(
    postgres_url: str, story: Story
) -> None:
    await projected(postgres_url)
    assert (await verify(postgres_url)).intact
    async with connected(postgres_url) as saboteur:
        await saboteur.execute("UPDATE read_4.legs SET realized = realized + 0.01")
    verdict = await verify(postgres_url)
    assert (verdict.intact, verdict.differing) == (False, ("legs",))


async def test_versions_of_a_row_follow_each_other_without_gap_or_overlap(
    postgres_url: str, story: Story
) -> None:
    await projected(postgres_url)
    async with connected(postgres_url) as connection:
        for name, table in TABLES.items():
            if table.kind != "current":
                continue
            keys = ", ".join(table.key)
            broken = await connection.fetchval(
                f"SELECT count(*) FROM (SELECT until, lead(since) OVER (PARTITION BY {keys}"
                f" ORDER BY since) AS next FROM read_4.{name}) AS version"
                " WHERE next IS NOT NULL AND (until IS NULL OR until > next)"
            )
            assert broken == 0, name
        assert await connection.fetchval("SELECT count(*) FROM read_4.legs") > 5


async def test_history_is_what_a_projection_up_to_there_would_show(
    postgres_url: str, story: Story
) -> None:
    """The rows as of a position equal the current rows of a log that ended there."""
    await projected(postgres_url)
    async with connected(postgres_url) as connection:
        await store.create(connection, "read_part")
        for end in range(4, len(story.events), 9):
            await apply_upto(connection, "read_part", end)
            for name, table in TABLES.items():
                if table.kind != "current":
                    continue
                columns = ", ".join(f'"{column}"' for column in table.names)
                now = f"SELECT {columns} FROM read_part.{name} WHERE until IS NULL ORDER BY 1, 2"
                then = (
                    f"SELECT {columns} FROM read_4.{name} WHERE since <= $1"
                    " AND (until IS NULL OR until > $1) ORDER BY 1, 2"
                )
                assert await connection.fetch(now) == await connection.fetch(then, end), name
