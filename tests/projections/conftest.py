from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import pytest

from projections import store
from projections.rows import SCHEMA
from projections.runner import apply_upto, connect
from tests.projections.story import ACCOUNT, Story, append


class World:
    """A database with a log and read tables."""

    def __init__(self, url: str, pool: asyncpg.Pool) -> None:
        self.url = url
        self.pool = pool

    async def given(self, story: Story) -> None:
        """These events happened and were projected."""
        append(self.url, story.events)
        connection = await connect(self.url)
        try:
            await store.create(connection, SCHEMA)
            await apply_upto(connection, SCHEMA)
        finally:
            await connection.close()

    async def mark(self, symbol: str, price: Decimal) -> None:
        """The market stands here."""
        await self.pool.execute(
            "INSERT INTO plimsoll.live_marks VALUES ($1, $2, $3, now())", ACCOUNT, symbol, price
        )


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=2) as pool:
        yield World(postgres_url, pool)
