"""The house around the web, by hand: an inbox in memory, views of one story, a still clock."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from application.inbox import InboxUnavailable
from application.offset_outlook import OffsetOutlook
from domain.message import Input
from projections.equity_views import EquityView
from projections.offset_views import OffsetsView
from projections.pages import EquityWanted
from projections.position_views import GroupState, GroupView
from projections.risk_views import DecisionRow, RiskView
from projections.views import (
    AccountView,
    AlertRow,
    LogFilter,
    LogRow,
    LogView,
    OverviewView,
    PerformanceView,
    QueueView,
    SignalsView,
)
from tests.web import (
    story,
    story_equity,
    story_offsets,
    story_outlook,
    story_risk,
    story_trades,
)
from web.access import Access
from web.answers import Refused
from web.changes import ChangeFeed
from web.deps import EngineStatus, Health, OrderLatency, StreamHealth, WebAccount, WebDeps
from web.sources import SourceLimit

API_TOKEN = "token-for-tests-0123456789"
WEBHOOK_SECRET = "hook-secret-7b1f"
ACCOUNT = "paper"
VERSION = "0.1.0-test"


class StillClock:
    """Shows what the test sets; waiting is measured by it too."""

    def __init__(self, now: datetime = story.NOW) -> None:
        self._now = now
        self._seconds = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._seconds += seconds


class MemoryInbox:
    """Keeps what was put. `is_down` refuses, `is_stuck` never answers, `is_broken` fails."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, Input]] = []
        self.is_down = False
        self.is_stuck = False
        self.is_broken = False

    async def put(self, account: str, occurrence: Input) -> int:
        if self.is_broken:
            raise ZeroDivisionError("a fault nobody thought of")
        if self.is_stuck:
            await asyncio.Event().wait()
        if self.is_down:
            raise InboxUnavailable("the inbox did not answer; send again")
        self.stored.append((account, occurrence))
        return len(self.stored)


class StubAccounts:
    def __init__(self, account: WebAccount | None = None) -> None:
        self.account = account or WebAccount(account=ACCOUNT, webhook_secret=WEBHOOK_SECRET)

    def find(self, account: str) -> WebAccount | None:
        return self.account if account == self.account.account else None


class StoryViews:
    """One account in the middle of a day; tests change what they want to see change."""

    def __init__(self) -> None:
        self.pnl = Decimal("66.77")
        self.known: tuple[AccountView, ...] = (story.account(),)
        self.log_rows: tuple[LogRow, ...] = (
            story.log_row(1, "critical", "Order of leg 1.2 of SOL/USDT:USDT is UNKNOWN for 60 s"),
            story.log_row(2, "info", "Opened BTC/USDT:USDT 15m long with 2 pyramids"),
        )
        self.trading_state = "active"
        self.unprotected = 0
        self.is_offsetting = False
        self.equity_asked: list[EquityWanted] = []
        self.ledger = story.signals()
        self.alerts_told: tuple[AlertRow, ...] = story.alerts()
        self.asked_at: list[int | None] = []
        self.filters: list[LogFilter] = []

    async def accounts(self) -> tuple[AccountView, ...]:
        return self.known

    async def position_at(self, account: str, moment: datetime) -> int:
        return int((moment - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds())

    async def overview(self, account: str, at: int | None = None) -> OverviewView | None:
        self.asked_at.append(at)
        state = self.trading_state
        shown = story.overview(
            self.pnl, state=state, unprotected=self.unprotected, holds=story_risk.held(state)
        )
        return replace(shown, alerts=self.alerts_told)

    async def groups(
        self,
        account: str,
        states: tuple[GroupState, ...] = (),
        *,
        limit: int = 200,
        at: int | None = None,
    ) -> tuple[GroupView, ...]:
        shown = (*story_trades.groups(self.pnl), *story_trades.closed())
        return tuple(each for each in shown if not states or each.state in states)[:limit]

    async def queue(self, account: str, at: int | None = None) -> QueueView:
        return story.queue()

    async def risk(self, account: str, at: int | None = None) -> RiskView | None:
        return story_risk.risk(self.trading_state)

    async def denials(self, account: str, at: int | None = None) -> tuple[DecisionRow, ...]:
        return story_risk.DENIALS

    async def offsets(self, account: str, *, limit: int = 20, at: int | None = None) -> OffsetsView:
        return story_offsets.offsets(is_running=self.is_offsetting)

    async def equity(
        self, account: str, wanted: EquityWanted | None = None, at: int | None = None
    ) -> EquityView | None:
        self.equity_asked.append(wanted or EquityWanted())
        return story_equity.equity()

    async def signals(
        self, account: str, *, limit: int = 100, offset: int = 0, at: int | None = None
    ) -> SignalsView:
        whole = self.ledger
        return SignalsView(counts=whole.counts, rows=whole.rows[offset : offset + limit])

    async def log(
        self, account: str, log_filter: LogFilter | None = None, at: int | None = None
    ) -> LogView:
        wanted = log_filter or LogFilter()
        self.filters.append(wanted)
        rows = [row for row in self.log_rows if is_wanted(row, wanted)]
        return LogView(rows=tuple(rows), next_before=None)

    async def alerts(
        self, account: str, *, subject: str = "", limit: int = 100, at: int | None = None
    ) -> tuple[AlertRow, ...]:
        found = [each for each in self.alerts_told if subject in {"", each.subject}]
        return tuple(found[:limit])

    async def performance(self, account: str, at: int | None = None) -> PerformanceView | None:
        return story.performance()


def is_wanted(row: LogRow, wanted: LogFilter) -> bool:
    """Whether a filter lets a row through, as far as pages ask for it."""
    return (
        row.position > (wanted.after or 0)
        and (not wanted.kinds or row.kind in wanted.kinds)
        and wanted.text.lower() in row.text.lower()
        and wanted.correlation_id in {"", row.correlation_id}
    )


class StubHouse:
    """Everything the web is given, open to the test."""

    def __init__(
        self,
        *,
        source_limit: SourceLimit | None = None,
        trusted_proxies: Sequence[str] = (),
        clock: StillClock | None = None,
    ) -> None:
        self.clock = clock or StillClock()
        self.inbox = MemoryInbox()
        self.accounts = StubAccounts()
        self.views = StoryViews()
        self.access = Access(API_TOKEN)
        self.changes = ChangeFeed(coalesce_seconds=0.05)
        self.engine = "running"
        self.database = "ok"
        self.outlook = story_outlook.outlook()
        self.outlook_failure: Refused | None = None
        self.deps = WebDeps(
            version=VERSION,
            clock=self.clock,
            inbox=self.inbox,
            accounts=self.accounts,
            views=self.views,
            access=self.access,
            changes=self.changes,
            health=self.health,
            status=self.status,
            offset_outlook=self.offset_outlook,
            trusted_proxies=tuple(trusted_proxies),
            source_limit=source_limit or SourceLimit(),
        )

    async def offset_outlook(self, account: str) -> OffsetOutlook:
        if self.outlook_failure is not None:
            raise self.outlook_failure
        return replace(self.outlook, account=account)

    async def health(self) -> Health:
        return Health(engine=self.engine, database=self.database)  # type: ignore[arg-type]

    def status(self) -> EngineStatus:
        heard = StreamHealth(
            name="binanceusdm", is_connected=True, heard_at=self.clock.now() - timedelta(seconds=1)
        )
        return EngineStatus(
            engine=self.engine,  # type: ignore[arg-type]
            started_at=self.clock.now(),
            streams=(heard,),
            order_latency=OrderLatency(count=21, p50_ms=38, p99_ms=112),
        )
