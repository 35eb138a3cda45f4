"""Connections to the read tables, for whoever shows the pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

POOL_SIZE_MAX = 6


@asynccontextmanager
async def open_pool(url: str) -> AsyncIterator[asyncpg.Pool]:
    """A small pool, for as long as it is needed. Raises OSError or asyncpg.PostgresError."""
    async with asyncpg.create_pool(url, min_size=1, max_size=POOL_SIZE_MAX) as pool:
        yield pool
