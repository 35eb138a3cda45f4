"""The web's questions, answered from one pool of connections to the read tables."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from projections import pages
from projections.views import (
    AccountView,
    GroupState,
    GroupView,
    LogFilter,
    LogView,
    OverviewView,
    PerformanceView,
    QueueView,
    RiskView,
    SignalsView,
)

POOL_SIZE_MAX = 6


@asynccontextmanager
async def open_views(url: str) -> AsyncIterator["PoolViews"]:
    """The views of one database, for as long as they are needed."""
    async with asyncpg.create_pool(url, min_size=1, max_size=POOL_SIZE_MAX) as pool:
        yield PoolViews(pool)


class PoolViews:
    """`web.views.Views` on an asyncpg pool."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def accounts(self) -> tuple[AccountView, ...]:
        """All accounts, in the order to show."""
        return await pages.accounts(self._pool)

    async def position_at(self, account: str, moment: datetime) -> int:
        """The last log position of that time, for history."""
        return await pages.position_at(self._pool, account, moment)

    async def overview(self, account: str, at: int | None = None) -> OverviewView | None:
        """How the account stands."""
        return await pages.overview(self._pool, account, at)

    async def groups(
        self,
        account: str,
        states: tuple[GroupState, ...] = (),
        *,
        limit: int = 200,
        at: int | None = None,
    ) -> tuple[GroupView, ...]:
        """Trades with their legs; no states = all that are open."""
        return await pages.groups(self._pool, account, states, limit=limit, at=at)

    async def queue(self, account: str, at: int | None = None) -> QueueView:
        """What waits, best first."""
        return await pages.queue(self._pool, account, at)

    async def risk(self, account: str, at: int | None = None) -> RiskView | None:
        """Limits and what stands against them."""
        return await pages.risk(self._pool, account, at)

    async def signals(
        self, account: str, *, limit: int = 100, offset: int = 0, at: int | None = None
    ) -> SignalsView:
        """The signal ledger, newest first."""
        return await pages.signals(self._pool, account, limit=limit, offset=offset, at=at)

    async def log(
        self, account: str, log_filter: LogFilter | None = None, at: int | None = None
    ) -> LogView:
        """A page of the log, newest first."""
        return await pages.log(self._pool, account, log_filter, at)

    async def performance(self, account: str, at: int | None = None) -> PerformanceView | None:
        """What came of it."""
        return await pages.performance(self._pool, account, at)
