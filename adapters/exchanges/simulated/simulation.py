"""Recorded prices and signals through the real engine under a virtual clock: spec §11."""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby

import msgspec

from adapters.exchanges.simulated.candles import Move
from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.watched import LevelSource, WatchedSweep
from application.engine import AccountEngine, Handled
from application.inputs import ClockTicked, MarkMoved, OrderReported, SignalReceived
from application.processes import watching
from application.processes.watching import Level
from application.work_list import ticket_of
from domain.message import Input, MarkSeen
from domain.money import ZERO
from domain.order import OrderCancelRequested, OrderRequested, OrderResent

TICK = timedelta(seconds=10)
MINUTE = timedelta(minutes=1)


class TimedSignal(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded signal and the moment at which it arrives."""

    at: datetime
    received: SignalReceived


class Ruined(Exception):  # noqa: N818 - what happened to the account
    """The equity fell to nothing; the run ends there."""


class Simulation:
    """One account in a simulated world. `commit` is given every handled input, in order.

    `levels` tells the prices that the engine watches.
    """

    def __init__(
        self,
        engine: AccountEngine,
        core: MatchingCore,
        commit: Callable[[Handled], None],
        levels: LevelSource = watching.levels,
    ) -> None:
        self.engine = engine
        self.core = core
        self._commit = commit
        self._levels_of = levels
        # What is watched of a symbol can only change with an event.
        self._levels: dict[str, tuple[Level, ...]] = {}
        # Where each price stood before the sweep under way: spec §11, all but watched levels
        # see standing prices only.
        self._standing: dict[str, Decimal] = core.prices()
        self.now = datetime(1970, 1, 1, tzinfo=UTC)

    def run(
        self, markets: Sequence[Iterator[Move]], signals: Sequence[TimedSignal]
    ) -> Iterator[datetime]:
        """Play everything to the end; yields each instant once it is over.

        Raises Ruined as soon as the equity is zero or less.
        """
        waiting = deque(sorted(signals, key=lambda signal: signal.at))
        for at, moves in _instants(markets, waiting):
            self._tick_until(at)
            for move in moves:
                self._move(move)
            self._tick_at(at)
            while waiting and waiting[0].at <= at:
                self.feed(waiting.popleft().received)
            if self.core.equity <= ZERO:
                raise Ruined
            yield at

    def feed(self, received: Input) -> None:
        """Hand over one input, then what the venue reports because of it, first in, first out.

        Only the news that a watched level is touched carries that level as the mark.
        """
        queue: deque[Input] = deque([received])
        while queue:
            told = queue.popleft()
            handled = self.engine.handle(told, self.now, self._marks(told))
            if handled.recorded:
                self._levels.clear()
            if handled.stored:
                self._commit(handled)
            queue.extend(self._carried_out(handled))

    def _carried_out(self, handled: Handled) -> Iterator[OrderReported]:
        """One input's requests are carried out in order; the reports come after all of them."""
        for recorded in handled.recorded:
            match recorded.event:
                case OrderRequested() as requested:
                    yield from self.core.place(ticket_of(requested), self.now)
                case OrderResent(client_order_id=identity):
                    order = self.engine.book.order(identity)
                    assert order is not None, f"order {identity} was resent without a request"
                    yield from self.core.place(ticket_of(order.request), self.now)
                case OrderCancelRequested(client_order_id=identity):
                    yield from self.core.cancel(identity, self.now)
                case _:
                    continue

    def _move(self, move: Move) -> None:
        """Sweep to the new price: at each price resting orders first, then watched levels."""
        self.now = move.at
        self.core.begin_move(move.symbol, move.price, move.at)
        sweep = WatchedSweep(self.core, move.symbol, move.price)
        while True:
            due = sweep.next(self._watched(move.symbol))
            reports = self.core.next_fill(until=due[1] if due is not None else None)
            if reports is not None:
                for report in reports:
                    self.feed(report)
            elif due is not None:
                sweep.tell(due)
                self.feed(MarkMoved(symbol=move.symbol))
            else:
                self._standing[move.symbol] = move.price
                return

    def _watched(self, symbol: str) -> tuple[Level, ...]:
        known = self._levels.get(symbol)
        if known is None:
            is_opened = self.engine.book.is_opened
            known = tuple(self._levels_of(self.engine.book, symbol)) if is_opened else ()
            self._levels[symbol] = known
        return known

    def _tick_until(self, at: datetime) -> None:
        """The timers that fall due before an instant; an idle account has none."""
        due = self._next_tick(self.now)
        while due < at and self._is_awake():
            self._tick_at(due)
            due = self._next_tick(due)
        self.now = max(self.now, at)

    def _tick_at(self, at: datetime) -> None:
        if not self._is_awake():
            return
        promotion, offset = _is_on(TICK, at), _is_on(self._evaluation(), at)
        if promotion or offset:
            self.now = at
            self.feed(
                ClockTicked(
                    due_at=at,
                    promotion=promotion,
                    minute=_is_on(MINUTE, at),
                    offset=offset,
                    contact_at=at,
                )
            )

    def _next_tick(self, after: datetime) -> datetime:
        """The next instant of any grid."""
        return min(_next_on(TICK, after), _next_on(self._evaluation(), after))

    def _evaluation(self) -> timedelta:
        """How often losers are looked at; before there is an account there is nothing to ask."""
        book = self.engine.book
        if not book.is_opened:
            return TICK
        return timedelta(seconds=book.account.settings.risk.offset.evaluate_seconds)

    def _is_awake(self) -> bool:
        """A drawdown too deep is looked at a second time, also with nothing open any more."""
        book = self.engine.book
        if not book.date:
            return False
        is_held = bool(book.risk.slots or book.queue.waiting)
        return is_held or book.equity.breached is not None

    def _marks(self, told: Input) -> dict[str, MarkSeen]:
        """Marks are as fresh as the virtual clock."""
        prices = dict(self._standing)
        if isinstance(told, MarkMoved) and (level := self.core.price(told.symbol)) is not None:
            prices[told.symbol] = level
        return {
            symbol: MarkSeen(symbol=symbol, price=price, at=self.now)
            for symbol, price in sorted(prices.items())
        }


def _is_on(grid: timedelta, at: datetime) -> bool:
    """Whether a moment is a whole multiple since midnight UTC."""
    return not (at - _midnight(at)) % grid


def _next_on(grid: timedelta, after: datetime) -> datetime:
    """The next whole multiple since midnight UTC."""
    midnight = _midnight(after)
    return min(midnight + ((after - midnight) // grid + 1) * grid, midnight + timedelta(days=1))


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _instants(
    markets: Sequence[Iterator[Move]], signals: Iterable[TimedSignal]
) -> Iterator[tuple[datetime, list[Move]]]:
    """Every moment at which a price moves or a signal arrives, with its moves in market order."""
    numbered = [
        ((move.at, number, move) for move in market) for number, market in enumerate(markets)
    ]
    # A copy: who plays the instants takes the signals out of the queue meanwhile.
    arrivals = ((signal.at, len(markets), None) for signal in list(signals))
    merged = heapq.merge(*numbered, arrivals, key=lambda entry: entry[:2])
    for at, entries in groupby(merged, key=lambda entry: entry[0]):
        yield at, [move for _, _, move in entries if move is not None]
