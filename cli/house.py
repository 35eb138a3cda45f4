"""The running house: every part made by a plain constructor call, started and stopped in order."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import msgspec
import structlog

from adapters.clock import SystemClock
from adapters.notifying.courier import CourierDeps
from adapters.notifying.couriers import Couriers
from adapters.notifying.delivery import deliver
from adapters.notifying.notifier import NotifierState
from adapters.postgres.alert_log import PostgresAlertLog
from adapters.postgres.inbox_writer import AsyncInbox
from adapters.postgres.lease import LeaseLostError
from adapters.postgres.mark_keeper import MarkKeeper
from adapters.postgres.session import PostgresSession
from application.writer import Writer, WriterDeps
from cli.desks import Desks, DesksDeps, MovesOf
from cli.door import Door
from cli.home import Home
from cli.notifiers import configured
from cli.outlooks import OffsetOutlooks
from cli.pulse import tick
from cli.version import VERSION
from domain.message import Input
from projections.reading import open_pool
from projections.runner import ProjectionRunner
from web.access import Access
from web.answers import unavailable
from web.app import create_app
from web.changes import MARKED_VIEWS, ChangeFeed
from web.deps import EngineState, EngineStatus, Health, NotifierHealth, WebAccount, WebDeps
from web.server import WebServer
from web.views import PooledViews, Views

LEASE_SECONDS_MAX = 3.0

log = structlog.get_logger(__name__)


class HouseOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to open the house. Port 0 lets the system choose one."""

    host: str = "127.0.0.1"
    port: int = 8000
    seed: int = 1
    moves_of: MovesOf | None = None
    trusted_proxies: tuple[str, ...] = ()


class House:
    """Everything of one process. `async with` opens it; it closes in the order of safety."""

    def __init__(self, url: str, home: Home, options: HouseOptions) -> None:
        self.url = url
        self.home = home
        self.options = options
        self.clock = SystemClock()
        self.started_at = self.clock.now()
        self.state: EngineState = "starting"
        self.changes = ChangeFeed()
        self.inbox = AsyncInbox(url)
        self.desks = Desks(
            DesksDeps(
                url=url,
                home=home,
                submit=self._submit,
                holds_lease=self.holds_lease,
                lease_confirmed_at=lambda: self.writer.confirmed_at,
                spawn=self._spawn,
                moves_of=options.moves_of,
                seed=options.seed,
            )
        )
        self.writer = Writer(
            WriterDeps(
                connect=self._connect,
                clock=self.clock,
                marks=self.desks.marks_of,
                version=VERSION,
                committed=self.desks.on_committed,
                restarted=self.desks.on_restarted,
                lost=self.desks.on_lost,
            ),
            (),
        )
        self._alert_log = PostgresAlertLog(url)
        self._couriers = Couriers(
            configured(home),
            CourierDeps(source=self._alert_log, clock=self.clock, deliver=deliver),
        )
        self.port = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()
        self._views: Views | None = None

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator["House"]:
        """Open, yield, and close: webhook, streams, dispatcher, writer, pages, in that order."""
        sys.setswitchinterval(0.0005)
        runner = ProjectionRunner(self.url, on_change=self._on_projected)
        async with open_pool(self.url) as pool:
            self._views = PooledViews(pool)
            server = WebServer(
                create_app(self._web_deps(self._views)), self.options.host, self.options.port
            )
            self.desks.begin(self._news.set)
            await self._couriers.begin()
            self.writer.start()
            # From here on the writer may hold leases: whatever happens, it must be stopped.
            try:
                self._spawn(runner.run(), "projections")
                self._spawn(tick(self.desks, self.writer.submit), "clock")
                self._spawn(MarkKeeper(self.url, self.desks.all_marks).run(self._on_marks), "marks")
                if self._couriers:
                    self._spawn(self._couriers.run(), "notifiers")
                self.port = await server.start()
                self.state = "running"
                yield self
            finally:
                await self._close(server)

    async def _close(self, server: WebServer) -> None:
        self.state = "stopping"
        await self.inbox.close()
        await self.desks.stop_streams()
        await asyncio.to_thread(self.writer.stop)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._alert_log.close()
        await server.stop()
        await self.desks.close()
        self.state = "stopped"

    def _connect(self) -> PostgresSession:
        try:
            return PostgresSession(self.url)
        except LeaseLostError:
            # It may be our own embedded server that is gone; the next try finds it running.
            self.home.revive()
            raise

    def _submit(self, account: str, received: Input) -> None:
        self.writer.submit(account, received)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_tell_failure)
        self._tasks.append(task)

    def holds_lease(self) -> bool:
        """Whether the writer proved a moment ago that it is the only one."""
        since = self.clock.monotonic() - self.writer.confirmed_at
        return self.writer.is_working and since <= LEASE_SECONDS_MAX

    def find(self, account: str) -> WebAccount | None:
        """Where signals of an account come in; None if there is none.

        Raises Refused, as unavailable, while that is not known yet: a sender that hears of an
        unknown account never tries again.
        """
        desk = self.desks.find(account)
        if desk is None:
            is_known = self.desks.is_known(account) or account in self.home.secrets().accounts
            if self.writer.is_working and not is_known:
                return None
            raise unavailable(f"account {account[:80]} was not open yet: send it again")
        return WebAccount(
            account=account,
            webhook_secret=desk.webhook_secret,
            source_allow_list=desk.snapshot.settings.signals.source_allow_list,
        )

    async def health(self) -> Health:
        """Whether signals can be taken and worked."""
        database = "ok" if self.writer.is_working else "the engine has no hold on the database"
        return Health(engine=self.state, database=database, notifiers=self._couriers.word())

    def status(self) -> EngineStatus:
        """What the dashboard's banner shows."""
        return EngineStatus(
            engine=self.state,
            started_at=self.started_at,
            streams=self.desks.streams(),
            notifiers=tuple(_notifier_health(each) for each in self._couriers.states()),
        )

    def sign_in_url(self) -> str:
        """A link to the dashboard that signs its reader in."""
        return self._access().sign_in_url(self.base_url, self.clock.now())

    @property
    def base_url(self) -> str:
        """Where the house listens."""
        host = f"[{self.options.host}]" if ":" in self.options.host else self.options.host
        return f"http://{host}:{self.port}"

    async def wait_for_account(self, account: str, seconds: float = 30.0) -> None:
        """Until an account can take signals and has its pages. Raises RuntimeError, saying why."""
        try:
            async with asyncio.timeout(seconds):
                self._news.clear()
                while self.desks.find(account) is None or not await self._has_pages(account):
                    await self._news.wait()
                    self._news.clear()
        except TimeoutError as error:
            reason = self.writer.trouble or "the engine is still loading"
            raise RuntimeError(
                f"account {account} did not open within {seconds:.0f} s: {reason}"
            ) from error

    async def _has_pages(self, account: str) -> bool:
        assert self._views is not None, "the views are there once the house has opened"
        return any(each.account == account for each in await self._views.accounts())

    def _access(self) -> Access:
        return Access(self.home.secrets().api_token)

    def _web_deps(self, views: Views) -> WebDeps:
        return WebDeps(
            version=VERSION,
            clock=self.clock,
            inbox=Door(self.inbox, self.writer),
            accounts=self,
            views=views,
            access=self._access(),
            changes=self.changes,
            health=self.health,
            status=self.status,
            offset_outlook=OffsetOutlooks(self.url, self.desks.marks_of).of,
            trusted_proxies=self.options.trusted_proxies,
        )

    def _on_projected(self, views: frozenset[str], _: int) -> None:
        self._news.set()
        self.changes.publish(views)

    def _on_marks(self) -> None:
        self.changes.publish(MARKED_VIEWS)


def _notifier_health(state: NotifierState) -> NotifierHealth:
    return NotifierHealth(
        name=state.name,
        sent_at=state.sent_at,
        failing_since=state.failing_since,
        trouble=state.trouble,
    )


def _tell_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("background_task_failed", task=task.get_name(), error=repr(task.exception()))
