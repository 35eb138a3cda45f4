from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from projections import store
from projections.rows import SCHEMA
from web.views import PooledViews, Views


@pytest.fixture
async def views(postgres_url: str) -> AsyncIterator[Views]:
    """The real read tables, before anything has happened."""
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=2) as pool:
        async with pool.acquire() as connection:
            await store.create(connection, SCHEMA)
        yield PooledViews(pool)


async def test_every_question_of_the_web_is_one_the_read_tables_answer(views: Views) -> None:
    assert await views.accounts() == ()
    assert await views.overview("paper") is None
    assert await views.groups("paper", ("LIVE", "CLOSING"), limit=5) == ()
    assert (await views.queue("paper")).rows == ()
    assert await views.risk("paper") is None
    assert await views.denials("paper") == ()
    assert (await views.offsets("paper", limit=5)).offsets == ()
    assert await views.equity("paper") is None
    assert (await views.signals("paper", limit=5, offset=5)).counts.received == 0
    assert (await views.log("paper")).rows == ()
    assert await views.performance("paper") is None
    assert await views.position_at("paper", datetime(2026, 1, 5, tzinfo=UTC)) == 0
