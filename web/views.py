"""The questions the web asks of the read tables; `at` is a log position, None = now."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Protocol, TypeVar

from projections import pages
from projections.equity_views import EquityView
from projections.offset_views import OffsetsView
from projections.pages import EquityWanted
from projections.position_views import GroupState, GroupView
from projections.reading import READ_FAILURES
from projections.risk_views import DecisionRow, RiskView
from projections.views import (
    AccountView,
    AlertRow,
    LogFilter,
    LogView,
    OverviewView,
    PerformanceView,
    QueueView,
    SignalsView,
)
from web.answers import unavailable

T = TypeVar("T")


class Views(Protocol):
    """The pages as data. None: there is no such account."""

    async def accounts(self) -> tuple[AccountView, ...]:
        """All accounts, in the order to show."""
        ...

    async def position_at(self, account: str, moment: datetime) -> int:
        """The last log position of that time, for history."""
        ...

    async def overview(self, account: str, at: int | None = None) -> OverviewView | None:
        """How the account stands."""
        ...

    async def groups(
        self,
        account: str,
        states: tuple[GroupState, ...] = (),
        *,
        limit: int = 200,
        at: int | None = None,
    ) -> tuple[GroupView, ...]:
        """Trades with their legs, open ones first; no states = all."""
        ...

    async def queue(self, account: str, at: int | None = None) -> QueueView:
        """What waits, best first."""
        ...

    async def risk(self, account: str, at: int | None = None) -> RiskView | None:
        """Limits and what stands against them."""
        ...

    async def denials(self, account: str, at: int | None = None) -> tuple[DecisionRow, ...]:
        """What the gate refused last, newest first."""
        ...

    async def offsets(self, account: str, *, limit: int = 20, at: int | None = None) -> OffsetsView:
        """Who waits to be paid down, and all offsets so far, newest first."""
        ...

    async def equity(
        self, account: str, wanted: EquityWanted | None = None, at: int | None = None
    ) -> EquityView | None:
        """What the account was worth over time."""
        ...

    async def signals(
        self, account: str, *, limit: int = 100, offset: int = 0, at: int | None = None
    ) -> SignalsView:
        """The signal ledger, newest first."""
        ...

    async def log(
        self, account: str, log_filter: LogFilter | None = None, at: int | None = None
    ) -> LogView:
        """A page of the log, newest first."""
        ...

    async def alerts(
        self, account: str, *, subject: str = "", limit: int = 100, at: int | None = None
    ) -> tuple[AlertRow, ...]:
        """What the operator was told, newest first; about one subject, if it is given."""
        ...

    async def performance(self, account: str, at: int | None = None) -> PerformanceView | None:
        """What came of it."""
        ...


class PooledViews:
    """The read tables behind an asyncpg pool. Keeps `Views`."""

    def __init__(self, pool: object) -> None:
        """The pool belongs to whoever made it; it is never closed here."""
        self._pool = pool

    async def accounts(self) -> tuple[AccountView, ...]:
        """All accounts, in the order to show."""
        return await _answered(pages.accounts(self._pool))

    async def position_at(self, account: str, moment: datetime) -> int:
        """The last log position of that time, for history."""
        return await _answered(pages.position_at(self._pool, account, moment))

    async def overview(self, account: str, at: int | None = None) -> OverviewView | None:
        """How the account stands."""
        return await _answered(pages.overview(self._pool, account, at))

    async def groups(
        self,
        account: str,
        states: tuple[GroupState, ...] = (),
        *,
        limit: int = 200,
        at: int | None = None,
    ) -> tuple[GroupView, ...]:
        """Trades with their legs, open ones first; no states = all."""
        return await _answered(pages.groups(self._pool, account, states, limit=limit, at=at))

    async def queue(self, account: str, at: int | None = None) -> QueueView:
        """What waits, best first."""
        return await _answered(pages.queue(self._pool, account, at))

    async def risk(self, account: str, at: int | None = None) -> RiskView | None:
        """Limits and what stands against them."""
        return await _answered(pages.risk(self._pool, account, at))

    async def denials(self, account: str, at: int | None = None) -> tuple[DecisionRow, ...]:
        """What the gate refused last, newest first."""
        return await _answered(pages.denials(self._pool, account, at))

    async def offsets(self, account: str, *, limit: int = 20, at: int | None = None) -> OffsetsView:
        """Who waits to be paid down, and all offsets so far, newest first."""
        return await _answered(pages.offsets(self._pool, account, limit=limit, at=at))

    async def equity(
        self, account: str, wanted: EquityWanted | None = None, at: int | None = None
    ) -> EquityView | None:
        """What the account was worth over time."""
        return await _answered(pages.equity(self._pool, account, wanted, at))

    async def signals(
        self, account: str, *, limit: int = 100, offset: int = 0, at: int | None = None
    ) -> SignalsView:
        """The signal ledger, newest first."""
        return await _answered(
            pages.signals(self._pool, account, limit=limit, offset=offset, at=at)
        )

    async def log(
        self, account: str, log_filter: LogFilter | None = None, at: int | None = None
    ) -> LogView:
        """A page of the log, newest first."""
        return await _answered(pages.log(self._pool, account, log_filter or LogFilter(), at))

    async def alerts(
        self, account: str, *, subject: str = "", limit: int = 100, at: int | None = None
    ) -> tuple[AlertRow, ...]:
        """What the operator was told, newest first; about one subject, if it is given."""
        wanted = pages.AlertsWanted(subject=subject, limit=limit)
        return await _answered(pages.alerts(self._pool, account, wanted, at))

    async def performance(self, account: str, at: int | None = None) -> PerformanceView | None:
        """What came of it."""
        return await _answered(pages.performance(self._pool, account, at))


async def _answered(page: Awaitable[T]) -> T:
    """The page, or a 503 while the database cannot be read: the same question may do soon."""
    try:
        return await page
    except READ_FAILURES as error:
        raise unavailable("the read tables cannot be read just now: ask again") from error
