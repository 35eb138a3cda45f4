"""One account's side of the outside world: its venue, its marks, its reconciliation."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from adapters.clock import SystemClock
from adapters.exchanges.ccxt_client import CcxtConnection
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.ccxt_stream import CcxtStream
from adapters.exchanges.contact import ContactKeeper
from adapters.exchanges.countdown import Countdown
from adapters.exchanges.funding_watch import FundingWatch
from adapters.exchanges.level_watch import LevelWatch
from adapters.exchanges.order_news import StreamListeners
from adapters.exchanges.prepared_exchange import PreparedExchange
from adapters.exchanges.simulated.candles import Move
from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.exchange import SimulatedExchange
from adapters.exchanges.simulated.leverage import set_leverages
from adapters.exchanges.simulated.market import DEMO_START_PRICES, RandomWalk
from adapters.exchanges.simulated.state import VenueState
from adapters.exchanges.venue_setup import SymbolSetting
from application.inputs import InstrumentsSeen, OrderReported
from application.ports import Submit
from application.work import ReconcilableExchange
from application.work_list import BookSnapshot
from domain.account import AccountOpened
from domain.identity import installation_prefix
from domain.instrument import Instrument
from domain.message import MarkSeen
from domain.settings import resolve
from web.deps import StreamHealth

STEP_SECONDS = 0.25
RETRY_SECONDS = 5.0
# Rules that something waits for are asked for this often; how often that is looked at.
MISSING_RULES_SECONDS = 15.0
RULES_CHECK_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Room(Protocol):
    """A venue with its market data, started and stopped as one."""

    exchange: ReconcilableExchange

    async def start(self) -> None:
        """Begin to bring marks and reports."""
        ...

    async def follow(self, symbols: Sequence[str]) -> None:
        """Keep the marks of these symbols fresh."""
        ...

    def marks(self) -> Mapping[str, MarkSeen]:
        """The newest marks; never blocks."""
        ...

    def streams(self) -> tuple[StreamHealth, ...]:
        """How the connections stand."""
        ...

    def contact_at(self) -> datetime | None:
        """When the venue last said anything; none = nobody watches that."""
        ...

    def compared(self) -> None:
        """The Book was laid beside the venue just now, and what differed was handed over."""
        ...

    def note(self, snapshot: BookSnapshot) -> None:
        """Take what the Book wants just now, before the orders it wants are sent."""
        ...

    async def stop(self) -> None:
        """End streams and timers. Nothing is cancelled at the venue."""
        ...


class PaperRoom:
    """The simulated venue, moved by a seeded market or by recorded candles."""

    def __init__(
        self,
        snapshot: BookSnapshot,
        core: MatchingCore,
        moves: Iterator[Sequence[Move]],
        submit: Submit,
    ) -> None:
        account = snapshot.account
        self._clock = SystemClock()
        self._moves = moves
        self._task: asyncio.Task[None] | None = None
        self._levels = level_watch(account, submit, self._clock)
        self.simulated = SimulatedExchange(
            core=core,
            clock=self._clock,
            submit=lambda received: submit(account, received),
            prefix=prefix_of(snapshot.opened, account),
        )
        self.exchange: ReconcilableExchange = self.simulated

    async def start(self) -> None:
        """Let the market move."""
        self._step()
        self._task = asyncio.create_task(self._run(), name="paper-market")

    async def follow(self, symbols: Sequence[str]) -> None:
        """Every listed market moves anyway."""
        await self.simulated.watch(symbols)

    def marks(self) -> Mapping[str, MarkSeen]:
        """The newest marks."""
        return self.simulated.marks()

    def streams(self) -> tuple[StreamHealth, ...]:
        """One simulated stream, heard whenever the market moved."""
        heard = max((mark.at for mark in self.marks().values()), default=None)
        running = self._task is not None and not self._task.done()
        return (StreamHealth(name="simulated", is_connected=running, heard_at=heard),)

    def contact_at(self) -> datetime | None:
        """It lives in this process: where that runs, it can be reached."""
        return self._clock.now()

    def compared(self) -> None:
        """Nothing happens here that its Book is not told."""

    def note(self, snapshot: BookSnapshot) -> None:
        """Lay the watched prices beside each mark; keep mode and leverage as the settings say."""
        self._levels.watch(snapshot.levels)
        self.simulated.note(work.ticket for work in snapshot.works)
        set_leverages(self.simulated.core, snapshot.settings)
        try:
            self.simulated.core.set_hedge_mode(hedge_mode=snapshot.settings.capital.hedge_mode)
        except ValueError as error:
            # Its orders are refused until then, as they are at a real venue.
            log.warning("position_mode_kept", account=snapshot.account, error=str(error))

    async def stop(self) -> None:
        """Let the market stand still."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(STEP_SECONDS)
            self._step()

    def _step(self) -> None:
        now = self._clock.now()
        for move in next(self._moves, ()):
            # A market may move more symbols than the account lists.
            if self.simulated.core.instrument(move.symbol) is not None:
                self.simulated.move(move.symbol, move.price, now)
                self._levels.see(self.simulated.marks()[move.symbol])


class LiveRoom:
    """A real venue through ccxt. It is retried until it can be reached."""

    def __init__(
        self,
        snapshot: BookSnapshot,
        submit: Submit,
        on_reconnect: Callable[[str], None],
        *,
        is_current: Callable[[], bool] = lambda: True,
    ) -> None:
        self._account = snapshot.account
        self._snapshot = snapshot
        self._on_reconnect = on_reconnect
        # Since the contact was lost that the Book knows of.
        self._is_compared = False
        self._submit = submit
        self._clock = SystemClock()
        prefix = prefix_of(snapshot.opened, snapshot.account)
        connection = connection_from_environment(snapshot.account, snapshot.opened.venue)
        self._ccxt = CcxtExchange(connection, prefix, self._clock)
        self._levels = level_watch(snapshot.account, submit, self._clock)
        self._funding = FundingWatch(snapshot.account, self._ccxt, submit, self._clock)
        listeners = StreamListeners(
            on_report=self._report,
            on_reconnect=on_reconnect,
            on_mark=self._levels.see,
            on_funding=self._funding.request,
        )
        self._stream = CcxtStream(self._ccxt, prefix, listeners)
        self._contact = ContactKeeper(
            self._ccxt.client.contact,
            self._ccxt.tell_time,
            lambda: self._snapshot.settings.risk.stale_seconds,
        )
        self._countdown = Countdown(snapshot.account, self._ccxt, self._clock, is_current)
        self._keeper: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.exchange: ReconcilableExchange = PreparedExchange(self._ccxt, self._wanted)

    async def start(self) -> None:
        """Connect in the background: an unreachable venue must not keep the house from opening."""
        self._contact.start()
        self._keeper = asyncio.create_task(self._keep(), name=f"venue-{self._account}")

    async def follow(self, symbols: Sequence[str]) -> None:
        """Subscribe to the marks of these symbols, once the venue is reached."""
        if self._ready.is_set():
            await self._stream.watch(symbols)

    def marks(self) -> Mapping[str, MarkSeen]:
        """The newest marks."""
        return self._stream.marks()

    def streams(self) -> tuple[StreamHealth, ...]:
        """The user stream and the market stream."""
        heard = max((mark.at for mark in self.marks().values()), default=None)
        return (
            StreamHealth(name="orders", is_connected=self._stream.is_user_stream_up, heard_at=None),
            StreamHealth(name="marks", is_connected=heard is not None, heard_at=heard),
        )

    def contact_at(self) -> datetime | None:
        """The venue's last word; lost contact is back only once the Book was compared with it.

        So what vanished meanwhile, exits first, is made good before anything new is entered.
        """
        if self._snapshot.contact_lost_at is not None and not self._is_compared:
            return None
        return self._ccxt.client.contact.last_at

    def compared(self) -> None:
        """The Book was laid beside the venue just now."""
        self._is_compared = True

    def note(self, snapshot: BookSnapshot) -> None:
        """Take the newest settings, watched prices, and the orders that may be asked about."""
        if snapshot.contact_lost_at not in (None, self._snapshot.contact_lost_at):
            self._is_compared = False
            # Its rounds are made again until the venue answers.
            self._on_reconnect("contact was lost")
        self._snapshot = snapshot
        self._countdown.note(snapshot)
        self._levels.watch(snapshot.levels)
        self._ccxt.note(work.ticket for work in snapshot.works)

    async def stop(self) -> None:
        """End the streams; the exchange itself is closed after the last order."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._contact.stop()
        await self._funding.stop()
        await self._countdown.stop()
        await self._stream.stop()

    async def _keep(self) -> None:
        """Reach the venue, then tell the engine its markets, and again whenever they may change."""
        while not self._ready.is_set():
            try:
                await self._ccxt.start()
                self._stream.start()
                self._funding.start()
                self._ready.set()
            except ConnectionError as error:
                log.warning("venue_unreachable", account=self._account, error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
        while True:
            self._tell_instruments()
            await self._stream.watch(self._watched())
            await self._until_refresh()
            try:
                await self._ccxt.load_instruments()
            except ConnectionError as error:
                log.warning("markets_not_refreshed", account=self._account, error=str(error))

    async def _until_refresh(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        # No event tells that time has passed: it is looked at.
        while not is_refresh_due(  # noqa: ASYNC110 - see above
            loop.time() - begun, self._snapshot, self._ccxt.instruments
        ):
            await asyncio.sleep(RULES_CHECK_SECONDS)

    def _tell_instruments(self) -> None:
        known = tuple(self._ccxt.instruments.values())
        self._submit(self._account, InstrumentsSeen(instruments=known))

    def _watched(self) -> Sequence[str]:
        allowed = self._snapshot.settings.risk.symbols_allowed
        return tuple(dict.fromkeys((*self._snapshot.symbols, *allowed)))

    def _report(self, reported: OrderReported) -> None:
        self._submit(self._account, reported)

    def _wanted(self, symbol: str) -> SymbolSetting:
        capital = resolve(self._snapshot.settings, symbol, None).capital
        return SymbolSetting(
            symbol=symbol,
            margin_mode=capital.margin_mode,
            leverage=capital.leverage,
            hedge_mode=self._snapshot.settings.capital.hedge_mode,
        )


def is_refresh_due(
    waited_seconds: float, snapshot: BookSnapshot, known: Mapping[str, Instrument]
) -> bool:
    """Whether markets are to be read again: as the settings say, soon if a symbol lacks rules."""
    lacks_rules = any(
        symbol in known and not known[symbol].is_complete for symbol in snapshot.symbols
    )
    refresh_seconds = snapshot.settings.precision.refresh_seconds
    return waited_seconds >= (MISSING_RULES_SECONDS if lacks_rules else refresh_seconds)


def level_watch(account: str, submit: Submit, clock: SystemClock) -> LevelWatch:
    """What tells the account's engine of marks that reached a watched price."""
    return LevelWatch(lambda moved: submit(account, moved), clock.monotonic)


def paper_core(
    opened: AccountOpened, instruments: Sequence[Instrument], state: VenueState
) -> MatchingCore:
    """A simulated venue that goes on where the account's books stand."""
    core = MatchingCore(
        instruments=instruments, currency=opened.currency, balance=opened.starting_balance
    )
    core.restore(state)
    return core


def wandering_moves(seed: int, marks: Sequence[MarkSeen]) -> Iterator[Sequence[Move]]:
    """The demo's market, going on from the marks that were last seen."""
    clock = SystemClock()
    prices = {**DEMO_START_PRICES, **{mark.symbol: mark.price for mark in marks}}
    walk = RandomWalk(seed=seed, start_prices=prices)
    while True:
        yield walk.step(clock.now())


def prefix_of(opened: AccountOpened, account: str) -> str:
    """What every client order id of the account begins with."""
    return installation_prefix(opened.installation, account)


def connection_from_environment(account: str, venue: str) -> CcxtConnection:
    """The account's keys. Raises LookupError naming the variable that is missing.

    `PLIMSOLL_<ACCOUNT>_API_KEY` and `…_API_SECRET`, with dashes as underscores; optional
    `PLIMSOLL_PROXY_URL`, `PLIMSOLL_CA_FILE` and `PLIMSOLL_<ACCOUNT>_TESTNET=1`.
    """
    name = f"PLIMSOLL_{account.upper().replace('-', '_')}"
    return CcxtConnection(
        venue=venue,
        api_key=_required(f"{name}_API_KEY"),
        secret=_required(f"{name}_API_SECRET"),
        proxy_url=os.environ.get("PLIMSOLL_PROXY_URL"),
        ca_file=os.environ.get("PLIMSOLL_CA_FILE"),
        testnet=os.environ.get(f"{name}_TESTNET") == "1",
    )


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise LookupError(f"{name} was not set: export the account's key in that variable")
    return value
