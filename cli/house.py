"""The running house: every part made by a plain constructor call, started and stopped in order."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from adapters.clock import SystemClock
from adapters.exchanges.dispatcher import Dispatcher
from adapters.exchanges.reconciliation import Reconciliation
from adapters.exchanges.simulated.candles import Move
from adapters.exchanges.simulated.rebuilding import rebuilt_state
from adapters.exchanges.simulated.state import VenueState
from adapters.postgres.connection import connect
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.inbox_writer import AsyncInbox
from adapters.postgres.mark_keeper import MarkKeeper
from adapters.postgres.marks import read_live_marks
from adapters.postgres.session import PostgresSession
from application.engine import AccountEngine
from application.ports import Exchange
from application.work import WorkingOrder
from application.work_list import BookSnapshot, snapshot_of
from application.writer import Committed, Writer, WriterDeps
from cli.door import Door
from cli.home import Home
from cli.pulse import tick
from cli.rooms import LiveRoom, PaperRoom, Room, paper_core, prefix_of, wandering_moves
from cli.version import VERSION
from domain.instrument import Instrument
from domain.message import MarkSeen
from projections.reading import open_pool
from projections.runner import ProjectionRunner
from web.access import Access
from web.answers import unavailable
from web.app import create_app
from web.changes import MARKED_VIEWS, ChangeFeed
from web.deps import EngineState, EngineStatus, Health, WebAccount, WebDeps
from web.server import WebServer
from web.views import PooledViews, Views

LEASE_SECONDS_MAX = 3.0
BALANCE_SECONDS = 60.0

log = structlog.get_logger(__name__)

MovesOf = Callable[[Sequence[MarkSeen]], Iterator[Sequence[Move]]]
"""Makes a paper account's market, given the marks that were last shown."""


class HouseOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to open the house. Port 0 lets the system choose one."""

    host: str = "127.0.0.1"
    port: int = 8000
    seed: int = 1
    moves_of: MovesOf | None = None
    trusted_proxies: tuple[str, ...] = ()


class _AccountDesk:
    """One account of the running house, on the event loop's side."""

    def __init__(self, house: "House", snapshot: BookSnapshot, room: Room) -> None:
        self._house = house
        self.snapshot = snapshot
        self.room = room
        # Read once: it is compared with on every webhook.
        self.webhook_secret = house.home.account_secrets(snapshot.account).webhook_secret
        self.reconciliation = Reconciliation(
            snapshot.account, room.exchange, self, house.writer.submit
        )

    def working_orders(self) -> Sequence[WorkingOrder]:
        return self.snapshot.working

    def knows_order(self, client_order_id: str) -> bool:
        return client_order_id in self.snapshot.known_orders

    def is_current(self) -> bool:
        return self._house.holds_lease()

    def symbols_in_use(self) -> Sequence[str]:
        return self.snapshot.symbols


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
        self.writer = Writer(
            WriterDeps(
                connect=lambda: PostgresSession(url),
                clock=self.clock,
                marks=self.marks_of,
                version=VERSION,
                committed=self._on_committed,
                restarted=self._on_restarted,
                lost=self._on_lost,
            ),
            (),
        )
        self.port = 0
        self._desks: dict[str, _AccountDesk] = {}
        self._engines: dict[str, AccountEngine] = {}
        self._exchanges: dict[str, Exchange] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._opening: set[str] = set()
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._dispatcher: Dispatcher | None = None
        self._views: Views | None = None

    # --- Opening and closing ----------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator["House"]:
        """Open, yield, and close: webhook, streams, dispatcher, writer, pages, in that order."""
        sys.setswitchinterval(0.0005)
        self._loop = asyncio.get_running_loop()
        self._dispatcher = Dispatcher(
            self._exchanges, self.writer.submit, self.clock, lambda: self.writer.confirmed_at
        )
        runner = ProjectionRunner(self.url, on_change=self._on_projected)
        async with open_pool(self.url) as pool:
            self._views = PooledViews(pool)
            server = WebServer(
                create_app(self._web_deps(self._views)), self.options.host, self.options.port
            )
            self.writer.start()
            # From here on the writer may hold leases: whatever happens, it must be stopped.
            try:
                self._spawn(runner.run(), "projections")
                self._spawn(tick(lambda: tuple(self._desks), self.writer.submit), "clock")
                self._spawn(MarkKeeper(self.url, self._all_marks).run(self._on_marks), "marks")
                self._spawn(self._observe_balances(), "balances")
                self.port = await server.start()
                self.state = "running"
                yield self
            finally:
                await self._close(server)

    async def _close(self, server: WebServer) -> None:
        self.state = "stopping"
        await self.inbox.close()
        for desk in tuple(self._desks.values()):
            await desk.reconciliation.stop()
            await desk.room.stop()
        assert self._dispatcher is not None, "the dispatcher was made when the house opened"
        await self._dispatcher.stop()
        await asyncio.to_thread(self.writer.stop)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await server.stop()
        for desk in self._desks.values():
            await desk.room.exchange.close()
        self.state = "stopped"

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_tell_failure)
        self._tasks.append(task)

    # --- What others ask ----------------------------------------------------------------------

    def marks_of(self, account: str) -> Mapping[str, MarkSeen]:
        """The newest marks of an account; from any thread, never blocks."""
        desk = self._desks.get(account)
        return desk.room.marks() if desk is not None else {}

    def holds_lease(self) -> bool:
        """Whether the writer proved a moment ago that it is the only one."""
        since = self.clock.monotonic() - self.writer.confirmed_at
        return self.writer.is_working and since <= LEASE_SECONDS_MAX

    def find(self, account: str) -> WebAccount | None:
        """Where signals of an account come in; None if there is none.

        Raises Refused, as unavailable, while that is not known yet: a sender that hears of an
        unknown account never tries again.
        """
        desk = self._desks.get(account)
        if desk is None:
            is_known = account in self._engines or account in self.home.secrets().accounts
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
        return Health(engine=self.state, database=database)

    def status(self) -> EngineStatus:
        """What the dashboard's banner shows."""
        streams = tuple(
            stream for name in sorted(self._desks) for stream in self._desks[name].room.streams()
        )
        return EngineStatus(engine=self.state, started_at=self.started_at, streams=streams)

    def sign_in_url(self) -> str:
        """A link to the dashboard that signs its reader in."""
        return self._access().sign_in_url(self.base_url, self.clock.now())

    @property
    def base_url(self) -> str:
        """Where the house listens."""
        host = f"[{self.options.host}]" if ":" in self.options.host else self.options.host
        return f"http://{host}:{self.port}"

    async def wait_for_account(self, account: str, seconds: float = 30.0) -> None:
        """Until an account can take signals and has its pages. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            self._news.clear()
            while account not in self._desks or not await self._has_pages(account):
                await self._news.wait()
                self._news.clear()

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
            trusted_proxies=self.options.trusted_proxies,
        )

    def _all_marks(self) -> Mapping[str, Mapping[str, MarkSeen]]:
        return {account: desk.room.marks() for account, desk in self._desks.items()}

    # --- Told by the writer, on its own thread --------------------------------------------------

    def _on_restarted(self, account: str, engine: AccountEngine) -> None:
        self._engines[account] = engine
        if engine.book.is_opened:
            self._tell(account, engine)

    def _on_committed(self, committed: Committed) -> None:
        for account in sorted({account for account, _ in committed.handled}):
            engine = self._engines.get(account)
            if engine is not None and engine.book.is_opened:
                self._tell(account, engine)

    def _on_lost(self, account: str) -> None:
        assert self._loop is not None, "the writer starts after the loop is known"
        self._loop.call_soon_threadsafe(self._reconcile, account, "reports were dropped")

    def _tell(self, account: str, engine: AccountEngine) -> None:
        """Take what the loop may know while the Book stands still."""
        assert self._loop is not None, "the writer starts after the loop is known"
        snapshot = snapshot_of(engine.book)
        plan = self._plan(account, engine) if self._may_open(account, engine) else None
        markets = engine.book.account.instruments if plan is not None else ()
        self._loop.call_soon_threadsafe(self._take_snapshot, snapshot, plan, markets)

    def _may_open(self, account: str, engine: AccountEngine) -> bool:
        """A simulated venue can only open with the markets it is to list."""
        known = engine.book.account
        is_new = account not in self._desks and account not in self._opening
        return is_new and bool(known.instruments or not known.opened.paper)

    def _plan(self, account: str, engine: AccountEngine) -> VenueState | None:
        """How the account's venue begins; none if that could not be told: the next commit asks."""
        try:
            plan = self._paper_state(engine)
        except Exception as error:
            # What is committed is true: one account's trouble must not make the writer begin anew.
            log.exception("venue_not_rebuilt", account=account, error=str(error))
            return None
        self._opening.add(account)
        return plan

    def _paper_state(self, engine: AccountEngine) -> VenueState:
        if not engine.book.account.opened.paper:
            return VenueState(balance=engine.book.account.opened.starting_balance)
        with PostgresEventLog(self.url) as reading:
            return rebuilt_state(engine.book, reading, self.clock.now())

    # --- On the event loop ------------------------------------------------------------------

    def _take_snapshot(
        self, snapshot: BookSnapshot, plan: VenueState | None, markets: tuple[Instrument, ...]
    ) -> None:
        assert self._dispatcher is not None, "the dispatcher was made when the house opened"
        desk = self._desks.get(snapshot.account)
        if desk is None and plan is not None:
            self._open_desk(snapshot, plan, markets)
            desk = self._desks.get(snapshot.account)
        if desk is None:
            return
        newly_used = set(snapshot.symbols) - set(desk.snapshot.symbols)
        desk.snapshot = snapshot
        if isinstance(desk.room, LiveRoom):
            desk.room.note(snapshot)
        if newly_used:
            self._spawn(desk.room.follow(sorted(newly_used)), f"follow-{snapshot.account}")
        self._dispatcher.update(snapshot.account, snapshot.works)

    def _open_desk(
        self, snapshot: BookSnapshot, plan: VenueState, markets: tuple[Instrument, ...]
    ) -> None:
        account = snapshot.account
        try:
            room = self._room(snapshot, plan, markets)
        except (LookupError, ValueError) as error:
            # One account that cannot be reached must not keep the others from working.
            log.exception("account_not_opened", account=account, error=str(error))
            self._opening.discard(account)
            return
        desk = _AccountDesk(self, snapshot, room)
        self._desks[account] = desk
        self._news.set()
        self._exchanges[account] = room.exchange
        self._spawn(self._start_desk(desk), f"open-{account}")

    async def _start_desk(self, desk: _AccountDesk) -> None:
        await desk.room.start()
        desk.reconciliation.start()

    def _room(
        self, snapshot: BookSnapshot, plan: VenueState, markets: tuple[Instrument, ...]
    ) -> Room:
        account = snapshot.account
        if not snapshot.opened.paper:
            return LiveRoom(
                snapshot,
                self.writer.submit,
                lambda reason: self._reconcile(account, reason),
            )
        with connect(self.url) as connection:
            shown = read_live_marks(connection, account)
        moves = (self.options.moves_of or self._wander)(shown)
        return PaperRoom(
            paper_core(snapshot.opened, markets, plan),
            moves,
            lambda reported: self.writer.submit(account, reported),
            prefix_of(snapshot.opened, account),
        )

    def _wander(self, shown: Sequence[MarkSeen]) -> Iterator[Sequence[Move]]:
        return wandering_moves(self.options.seed, shown)

    def _reconcile(self, account: str, reason: str) -> None:
        desk = self._desks.get(account)
        if desk is not None:
            desk.reconciliation.request(reason)

    async def _observe_balances(self) -> None:
        while True:
            await asyncio.sleep(BALANCE_SECONDS)
            for account, desk in tuple(self._desks.items()):
                try:
                    seen = await desk.room.exchange.balance(desk.snapshot.opened.currency)
                except Exception as error:  # noqa: BLE001 - one venue's oddity is not another's
                    log.warning("balance_not_read", account=account, error=repr(error))
                    continue
                self.writer.submit(account, seen)

    def _on_projected(self, views: frozenset[str], _: int) -> None:
        self._news.set()
        self.changes.publish(views)

    def _on_marks(self) -> None:
        self.changes.publish(MARKED_VIEWS)


def _tell_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("background_task_failed", task=task.get_name(), error=repr(task.exception()))
