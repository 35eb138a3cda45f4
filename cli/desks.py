"""The accounts at work: each with its venue, opened and kept up to date by what is committed."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import datetime
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
from adapters.postgres.marks import read_live_marks
from application.engine import AccountEngine
from application.inputs import ReconciliationSeen
from application.ports import Exchange, Submit
from application.work import WorkingOrder
from application.work_list import BookSnapshot, snapshot_of
from application.writer import Committed
from cli.home import Home
from cli.rooms import LiveRoom, PaperRoom, Room, paper_core, wandering_moves
from domain.instrument import Instrument
from domain.message import Input, MarkSeen
from domain.settings import OffsetSettings
from web.deps import StreamHealth

BALANCE_SECONDS = 60.0

log = structlog.get_logger(__name__)

MovesOf = Callable[[Sequence[MarkSeen]], Iterator[Sequence[Move]]]
"""Makes a paper account's market, given the marks that were last shown."""

Spawn = Callable[[Coroutine[Any, Any, None], str], None]
"""Runs something in the background under a name, until the house closes."""


class DesksDeps(msgspec.Struct, frozen=True, kw_only=True):
    """What the desks work with. `submit` hands inputs to the writer."""

    url: str
    home: Home
    submit: Submit
    holds_lease: Callable[[], bool]
    lease_confirmed_at: Callable[[], float]
    spawn: Spawn
    moves_of: MovesOf | None
    seed: int


class AccountDesk:
    """One account on the event loop's side. Keeps what a reconciliation needs of its Book."""

    def __init__(self, deps: DesksDeps, snapshot: BookSnapshot, room: Room) -> None:
        self._deps = deps
        self.snapshot = snapshot
        self.room = room
        # Read once: it is compared with on every webhook.
        self.webhook_secret = deps.home.account_secrets(snapshot.account).webhook_secret
        self._marked: frozenset[str] = frozenset()
        self.reconciliation = Reconciliation(snapshot.account, room.exchange, self, self._submit)

    def has_new_marks(self) -> bool:
        """Whether a symbol has got its first mark since the last time this was asked."""
        marked = frozenset(self.room.marks())
        has_new, self._marked = not marked <= self._marked, marked
        return has_new

    def working_orders(self) -> Sequence[WorkingOrder]:
        """Orders that work at the venue, as far as the Book knows."""
        return self.snapshot.working

    def knows_order(self, client_order_id: str) -> bool:
        """Whether the Book has this order and it is not final."""
        return client_order_id in self.snapshot.known_orders

    def is_current(self) -> bool:
        """Whether the Book is the account's one truth now."""
        return self._deps.holds_lease()

    def symbols_in_use(self) -> Sequence[str]:
        """Symbols with orders, positions or waiting signals."""
        return self.snapshot.symbols

    def _submit(self, account: str, seen: Input) -> None:
        """What a reconciliation found; with its last word the round is complete."""
        self._deps.submit(account, seen)
        if isinstance(seen, ReconciliationSeen):
            self.room.compared()


class Desks:
    """Opens a desk for each account once its Book is known. `begin` before the writer starts."""

    def __init__(self, deps: DesksDeps) -> None:
        self._deps = deps
        self._clock = SystemClock()
        self._desks: dict[str, AccountDesk] = {}
        self._engines: dict[str, AccountEngine] = {}
        self._exchanges: dict[str, Exchange] = {}
        self._opening: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._dispatcher: Dispatcher | None = None
        self._opened: Callable[[], None] = _nobody

    def begin(self, opened: Callable[[], None]) -> None:
        """Belong to the running event loop from now on; `opened` hears of each new desk."""
        self._loop = asyncio.get_running_loop()
        self._opened = opened
        self._dispatcher = Dispatcher(
            self._exchanges, self._deps.submit, self._clock, self._deps.lease_confirmed_at
        )
        self._deps.spawn(self._observe_balances(), "balances")

    async def stop_streams(self) -> None:
        """Streams, timers and reconciliations end; then calls in flight are waited for."""
        for desk in tuple(self._desks.values()):
            await desk.reconciliation.stop()
            await desk.room.stop()
        if self._dispatcher is not None:
            await self._dispatcher.stop()

    async def close(self) -> None:
        """Let go of the venues; nothing is cancelled there."""
        for desk in self._desks.values():
            await desk.room.exchange.close()

    def find(self, account: str) -> AccountDesk | None:
        """The desk of an account, none if it is not open."""
        return self._desks.get(account)

    def is_known(self, account: str) -> bool:
        """Whether an engine works for the account, its desk open or not."""
        return account in self._engines

    def names(self) -> tuple[str, ...]:
        """The accounts with an open desk."""
        return tuple(self._desks)

    def marks_of(self, account: str) -> Mapping[str, MarkSeen]:
        """The newest marks of an account; from any thread, never blocks."""
        desk = self._desks.get(account)
        return desk.room.marks() if desk is not None else {}

    def has_new_marks(self, account: str) -> bool:
        """Whether a symbol of the account has got its first mark since last asked."""
        desk = self._desks.get(account)
        return desk is not None and desk.has_new_marks()

    def evaluate_seconds(self, account: str) -> int:
        """How often the account's losers are looked at."""
        desk = self._desks.get(account)
        offset = desk.snapshot.settings.risk.offset if desk is not None else OffsetSettings()
        return offset.evaluate_seconds

    def contact_at(self, account: str) -> datetime | None:
        """When the account's venue last said anything; none = not watched."""
        desk = self._desks.get(account)
        return desk.room.contact_at() if desk is not None else None

    def all_marks(self) -> Mapping[str, Mapping[str, MarkSeen]]:
        """The newest marks of every account."""
        return {account: desk.room.marks() for account, desk in self._desks.items()}

    def streams(self) -> tuple[StreamHealth, ...]:
        """How every connection to a venue stands."""
        names = sorted(self._desks)
        return tuple(stream for name in names for stream in self._desks[name].room.streams())

    def on_restarted(self, account: str, engine: AccountEngine) -> None:
        """An engine took the account over."""
        self._engines[account] = engine
        if engine.book.is_opened:
            self._tell(account, engine)

    def on_committed(self, committed: Committed) -> None:
        """What was decided is true from now on."""
        for account in sorted({account for account, _ in committed.handled}):
            engine = self._engines.get(account)
            if engine is not None and engine.book.is_opened:
                self._tell(account, engine)

    def on_lost(self, account: str) -> None:
        """Reports were dropped: the venue must be asked."""
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
        with PostgresEventLog(self._deps.url) as reading:
            return rebuilt_state(engine.book, reading, self._clock.now())

    def _take_snapshot(
        self, snapshot: BookSnapshot, plan: VenueState | None, markets: tuple[Instrument, ...]
    ) -> None:
        assert self._dispatcher is not None, "the desks have begun before anything is committed"
        desk = self._desks.get(snapshot.account)
        if desk is None and plan is not None:
            self._open_desk(snapshot, plan, markets)
            desk = self._desks.get(snapshot.account)
        if desk is None:
            return
        newly_used = set(snapshot.symbols) - set(desk.snapshot.symbols)
        desk.snapshot = snapshot
        desk.room.note(snapshot)
        if newly_used:
            self._deps.spawn(desk.room.follow(sorted(newly_used)), f"follow-{snapshot.account}")
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
        desk = AccountDesk(self._deps, snapshot, room)
        self._desks[account] = desk
        self._exchanges[account] = room.exchange
        self._opened()
        self._deps.spawn(self._start_desk(desk), f"open-{account}")

    async def _start_desk(self, desk: AccountDesk) -> None:
        await desk.room.start()
        desk.reconciliation.start()

    def _room(
        self, snapshot: BookSnapshot, plan: VenueState, markets: tuple[Instrument, ...]
    ) -> Room:
        account = snapshot.account
        if not snapshot.opened.paper:
            return LiveRoom(
                snapshot,
                self._deps.submit,
                lambda reason: self._reconcile(account, reason),
                is_current=self._deps.holds_lease,
            )
        with connect(self._deps.url) as connection:
            shown = read_live_marks(connection, account)
        moves = (self._deps.moves_of or self._wander)(shown)
        return PaperRoom(
            snapshot, paper_core(snapshot.opened, markets, plan), moves, self._deps.submit
        )

    def _wander(self, shown: Sequence[MarkSeen]) -> Iterator[Sequence[Move]]:
        return wandering_moves(self._deps.seed, shown)

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
                self._deps.submit(account, seen)


def _nobody() -> None:
    """Nobody listens before the desks begin."""
