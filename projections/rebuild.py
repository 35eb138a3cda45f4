"""Builds the read tables anew from the log, and proves that the live ones say the same."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from projections import store
from projections.rows import SCHEMA
from projections.runner import apply_upto, connect
from projections.statements import identifier

NEXT = f"{SCHEMA}_next"
OLD = f"{SCHEMA}_old"
CHECK = f"{SCHEMA}_check"
REBUILD_LOCK = 7001003

Progress = Callable[[int, int], None]
"""Told (position reached, position of the newest event)."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the live tables are what the log makes of them, up to `position`."""

    position: int
    differing: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """Whether every table is the same."""
        return not self.differing


async def rebuild(url: str, progress: Progress | None = None) -> int:
    """Build beside the live tables, switch, and drop the old; the position reached.

    Readers see the old tables until the switch. A runner at work goes on with the new ones.
    """
    async with _alone(url) as connection:
        await store.create(connection, SCHEMA)
        await store.drop(connection, NEXT)
        await store.drop(connection, OLD)
        await store.create(connection, NEXT)
        await apply_upto(connection, NEXT, progress=await _reporter(connection, progress))
        reached = await _switch(connection)
        await store.drop(connection, OLD)
        return reached


async def fingerprint(url: str) -> dict[str, str]:
    """The SHA-256 of every live table, its versions included, by table name."""
    connection = await connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await store.fingerprints(connection, SCHEMA)
    finally:
        await connection.close()


async def verify(url: str, progress: Progress | None = None) -> Verdict:
    """Project the log beside the live tables, as far as they are, and compare every row."""
    async with _alone(url) as connection:
        await store.create(connection, SCHEMA)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            position = await store.position(connection, SCHEMA)
            live = await store.fingerprints(connection, SCHEMA)
        await store.drop(connection, CHECK)
        await store.create(connection, CHECK)
        try:
            reporter = await _reporter(connection, progress)
            await apply_upto(connection, CHECK, position, reporter)
            async with connection.transaction():
                anew = await store.fingerprints(connection, CHECK)
        finally:
            await store.drop(connection, CHECK)
    differing = tuple(name for name in sorted(live) if live[name] != anew[name])
    return Verdict(position=position, differing=differing)


async def _switch(connection: asyncpg.Connection) -> int:
    """What came meanwhile is projected before the names change.

    A runner waits at the row it claims; it must find the row moved, or it would go on with
    the old position and, the names having changed, with the new tables.
    """
    async with connection.transaction():
        await connection.execute(
            f"UPDATE {identifier(SCHEMA)}.position SET at = -1"  # noqa: S608 - our own name
        )
        reached = await apply_upto(connection, NEXT)
        for name, becomes in ((SCHEMA, OLD), (NEXT, SCHEMA)):
            await connection.execute(
                f"ALTER SCHEMA {identifier(name)} RENAME TO {identifier(becomes)}"
            )
    return reached


@asynccontextmanager
async def _alone(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection under the lock that lets one rebuild or verification run at a time."""
    connection = await connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", REBUILD_LOCK)
        yield connection
    finally:
        await connection.close()


async def _reporter(
    connection: asyncpg.Connection, progress: Progress | None
) -> Callable[[int], None] | None:
    if progress is None:
        return None
    newest: int = await connection.fetchval(
        "SELECT coalesce(max(notification_id), 0) FROM plimsoll.events"
    )
    return lambda at: progress(at, max(at, newest))
