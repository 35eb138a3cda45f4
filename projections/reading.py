"""Connections to the read tables, for whoever shows the pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from projections import store
from projections.rows import SCHEMA

POOL_SIZE_MAX = 6

READ_FAILURES: tuple[type[Exception], ...] = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a page may raise while the database, or the way to it, is gone."""


@asynccontextmanager
async def open_pool(url: str) -> AsyncIterator[asyncpg.Pool]:
    """A small pool, for as long as it is needed. Raises OSError or asyncpg.PostgresError.

    The tables are there from then on: a page may be asked for before a runner's first turn.
    """
    async with asyncpg.create_pool(url, min_size=1, max_size=POOL_SIZE_MAX) as pool:
        async with pool.acquire() as connection:
            await store.create(connection, SCHEMA)
        yield pool
