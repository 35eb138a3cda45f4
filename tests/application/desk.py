"""A trading desk in memory: one account's engine, its log, and a simulated venue beside it."""

import hashlib
import json
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from adapters.exchanges.simulated.core import MatchingCore
from adapters.memory_log import MemoryEventLog
from application.book import Book
from application.engine import AccountEngine
from application.inputs import (
    AccountRegistered,
    ClockTicked,
    InstrumentsSeen,
    MarkMoved,
    OperatorActed,
    OrderReported,
    SignalReceived,
)
from application.journal import Recorded
from application.loading import load_book
from application.processes.watching import levels
from application.work_list import ticket_of
from domain.dca_leg import DCALeg
from domain.instrument import Instrument, MarketKind
from domain.message import Event, Input, MarkSeen
from domain.order import Order, OrderCancelRequested, OrderRequested, OrderResent
from domain.order_terms import OrderStatus
from domain.position_group import PositionGroup
from domain.settings import ExitSettings, Settings
from domain.trading_day import SignalJudged

D = Decimal
ACCOUNT = "paper"
MORNING = datetime(2026, 1, 5, 8, tzinfo=UTC)
BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"
E = TypeVar("E", bound=Event)


def market(base: str, **changes: Any) -> Instrument:
    """A perpetual with a tick of 0.1 and a step of 0.001."""
    made = Instrument(
        symbol=f"{base}/USDT:USDT",
        venue_symbol=f"{base}USDT",
        kind="linear",
        base=base,
        quote="USDT",
        settle="USDT",
        tick=D("0.1"),
        step=D("0.001"),
        min_quantity=D("0.001"),
        min_notional=D(5),
    )
    return msgspec.structs.replace(made, **changes)


MARKETS = (market("BTC"), market("ETH"), market("SOL"))
# Exits follow their lots at once, as in a simulated run.
PROMPT = Settings(exits=ExitSettings(coalesce_ms=0))


class Desk:
    """Hands inputs to an engine, keeps the log, and carries out what is asked of the venue."""

    def __init__(
        self,
        settings: Settings = PROMPT,
        *,
        markets: Sequence[Instrument] = MARKETS,
        kind: MarketKind = "linear",
        price: str = "100",
        leverage: int = 100,
    ) -> None:
        self.log = MemoryEventLog()
        self.core = MatchingCore(
            instruments=markets, currency="USDT", balance=D(1_000_000), leverage=D(leverage)
        )
        self.engine = AccountEngine(Book(ACCOUNT))
        self.now = MORNING
        self.errands: deque[Event] = deque()
        self.reports: deque[OrderReported] = deque()
        self.recorded: list[Recorded] = []
        self._signals = 0
        for listed in markets:
            self._set_price(listed.symbol, D(price))
        self.handle(_registered(settings, kind))
        self.handle(InstrumentsSeen(instruments=tuple(markets)))

    @property
    def book(self) -> Book:
        """The Book as it stands."""
        return self.engine.book

    def handle(self, received: Input) -> list[Recorded]:
        """One input, committed; the venue hears nothing of it yet."""
        handled = self.engine.handle(received, self.now, self.marks())
        return self.commit(handled.stored, handled.recorded)

    def commit(self, stored: Any, recorded: Sequence[Recorded]) -> list[Recorded]:
        """Append what an input caused, and note what the venue is asked for."""
        if stored:
            self.log.append(stored)
        self.recorded.extend(recorded)
        asked = OrderRequested | OrderResent | OrderCancelRequested
        self.errands.extend(r.event for r in recorded if isinstance(r.event, asked))
        return list(recorded)

    def feed(self, received: Input) -> list[Recorded]:
        """One input, and all the venue answers to it until nothing is left to say."""
        return self.handle(received) + self.settle()

    def settle(self) -> list[Recorded]:
        """Carry out every request in order, and hear every report."""
        happened: list[Recorded] = []
        while self.errands or self.reports:
            while self.errands:
                self.reports.extend(self.carry_out(self.errands.popleft()))
            if self.reports:
                happened += self.handle(self.reports.popleft())
        return happened

    def carry_out(self, errand: Event) -> list[OrderReported]:
        """What the venue answers to one request."""
        match errand:
            case OrderRequested():
                return self.core.place(ticket_of(errand), self.now)
            case OrderResent(client_order_id=identity):
                order = self.book.order(identity)
                assert order is not None
                return self.core.place(ticket_of(order.request), self.now)
            case OrderCancelRequested(client_order_id=identity):
                return self.core.cancel(identity, self.now)
            case _:
                raise AssertionError(f"nobody can carry out {errand}")

    def ask(self) -> list[Recorded]:
        """Ask the venue about every order whose fate is not known."""
        happened: list[Recorded] = []
        for order in tuple(self.book.orders()):
            unsure = order.status is OrderStatus.UNKNOWN or order.trades_missing is not None
            if unsure and not order.is_final:
                for report in self.core.query(
                    order.request.client_order_id, self.now, order.request.symbol
                ):
                    happened += self.feed(report)
        return happened

    def signal(self, side: str | None = "buy", **intent: Any) -> list[Recorded]:
        """A signal and all that follows; its id is the last one made."""
        return self.feed(self.received(side, **intent))

    def received(
        self,
        side: str | None = "buy",
        *,
        kind: str = "signal",
        symbol: str = "BTCUSDT.P",
        timeframe: str | None = "15",
        price: str | None = "100",
        **extra: Any,
    ) -> SignalReceived:
        """One webhook, with an id of its own and a body no other has unless `same` is given."""
        self._signals += 1
        tv = {"symbol": symbol, "timeframe": timeframe, "entry_price": price}
        intent = {"type": kind, "side": side}
        unique = {} if extra.pop("same", False) else {"number": self._signals}
        body = json.dumps({"tv": tv, "execution_intent": intent, **unique, **extra})
        return SignalReceived(
            signal_id=self.last_signal,
            received_at=self.now,
            source="127.0.0.1",
            body=body,
            body_hash=hashlib.sha256(body.encode()).hexdigest(),
        )

    @property
    def last_signal(self) -> str:
        """The id of the last signal."""
        return f"s{self._signals}"

    def operator(self, action: Any, subject: str = "") -> list[Recorded]:
        """An operator's click and all that follows."""
        return self.feed(
            OperatorActed(action=action, subject=subject, actor="ann", reason="because")
        )

    def move(self, price: str, symbol: str = BTC) -> list[Recorded]:
        """The market moves; each fill is heard at once, as in a sweep."""
        happened: list[Recorded] = []
        self.core.begin_move(symbol, D(price), self.now)
        while (reports := self.core.next_fill()) is not None:
            for report in reports:
                happened += self.feed(report)
        if any(levels(self.book, symbol)):
            happened += self.feed(MarkMoved(symbol=symbol))
        return happened

    def wait(self, **span: float) -> list[Recorded]:
        """Time passes, and the clock ticks once at the end of it."""
        return self.wait_quietly(**span) + self.settle()

    def wait_quietly(self, **span: float) -> list[Recorded]:
        """Time passes and the clock ticks, but the venue hears nothing of it yet."""
        self.now += timedelta(**span)
        return self.handle(ClockTicked(due_at=self.now, promotion=True))

    def start(self) -> list[Recorded]:
        """Another engine takes over, with a Book read back from the log."""
        self.engine = AccountEngine(load_book(self.log, ACCOUNT))
        handled = self.engine.start("1", "hash", self.now)
        return self.commit(handled.stored, handled.recorded)

    def marks(self) -> dict[str, MarkSeen]:
        """As fresh as the clock."""
        prices = self.core.prices()
        return {s: MarkSeen(symbol=s, price=p, at=self.now) for s, p in sorted(prices.items())}

    def outcome(self, signal_id: str | None = None) -> tuple[str, str]:
        """The current outcome of a signal, the last one unless told otherwise, and its reason."""
        wanted = signal_id or self.last_signal
        judged = [j for j in of(self.recorded, SignalJudged) if j.signal_id == wanted]
        return judged[-1].outcome, judged[-1].reason

    def group(self, number: int = 0) -> PositionGroup:
        """An open group, by the order of opening."""
        return self.book.open_groups()[number]

    def legs(self, number: int = 0) -> tuple[DCALeg, ...]:
        """The legs of an open group."""
        return self.book.legs_of(self.group(number))

    def working(self, purpose: str | None = None) -> list[Order]:
        """The orders that are not final."""
        return [
            order
            for order in self.book.orders()
            if not order.is_final and purpose in (None, order.request.purpose)
        ]

    def _set_price(self, symbol: str, price: Decimal) -> None:
        self.core.begin_move(symbol, price, self.now)
        assert self.core.next_fill() is None


def of(recorded: Sequence[Recorded], kind: type[E]) -> list[E]:
    """The events of one kind, in order."""
    return [each.event for each in recorded if isinstance(each.event, kind)]


def names(recorded: Sequence[Recorded]) -> list[str]:
    """The NAMEs of events, in order, without their version."""
    return [each.event.NAME.rpartition(".")[0] for each in recorded]


def _registered(settings: Settings, kind: MarketKind) -> AccountRegistered:
    return AccountRegistered(
        installation="house",
        venue="simulated",
        market_kind=kind,
        paper=True,
        currency="USDT",
        starting_balance=D(1_000_000),
        settings=settings,
        actor="ann",
    )
