"""Hand-written stand-ins: an exchange that answers as told, a clock that stands, an inbox."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from application.inputs import (
    Accepted,
    BalanceSeen,
    Found,
    OrderReported,
    ReconciliationSeen,
    Report,
)
from application.ports import OrderTicket
from application.work import OpenOrder, OrderWork
from domain.instrument import Instrument
from domain.message import Input

SYMBOL = "BTC/USDT:USDT"
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
DEADLINE_SECONDS = 10.0


async def until(condition: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
    """Wait for a condition, and fail loudly if it never comes true."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not condition():
        if loop.time() > end:
            raise AssertionError(f"not true within {seconds} s: {condition.__qualname__}")
        await asyncio.sleep(0.005)


async def settled(rounds: int = 20) -> None:
    """Let everything run that can run without time passing."""
    for _ in range(rounds):
        await asyncio.sleep(0)


class StandingClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.at = START
        self.steady = 1000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.steady

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.steady += seconds


class Inbox:
    """Collects what is submitted to the engine, in order."""

    def __init__(self) -> None:
        self.inputs: list[tuple[str, Input]] = []

    def __call__(self, account: str, seen: Input) -> None:
        self.inputs.append((account, seen))

    def reports(self, client_order_id: str) -> list[Report]:
        return [
            seen.report
            for _, seen in self.inputs
            if isinstance(seen, OrderReported) and seen.client_order_id == client_order_id
        ]


Answer = Callable[[str], Awaitable[Sequence[Report]]]


class StubExchange:
    """Notes every call, and answers with `answers[(call, client id)]` or a plain yes."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.answers: dict[tuple[str, str], Any] = {}
        self.under_way = 0
        self.open: list[OpenOrder] = []
        self.snapshot: ReconciliationSeen | Exception | None = None

    async def _call(self, name: str, identity: str, default: Report) -> list[OrderReported]:
        self.calls.append((name, identity))
        answer = self.answers.get((name, identity), [default])
        self.under_way += 1
        try:
            if callable(answer):
                answer = await answer(identity)
        finally:
            self.under_way -= 1
        if isinstance(answer, Exception):
            raise answer
        return [OrderReported(client_order_id=identity, report=report) for report in answer]

    async def place(self, ticket: OrderTicket) -> Sequence[OrderReported]:
        identity = ticket.client_order_id
        return await self._call("place", identity, Accepted(venue_order_id="1"))

    async def cancel(self, client_order_id: str, symbol: str) -> Sequence[OrderReported]:
        return await self._call("cancel", client_order_id, Found(venue_order_id="1", filled=D0))

    async def query(self, client_order_id: str, symbol: str) -> Sequence[OrderReported]:
        return await self._call("query", client_order_id, Found(venue_order_id="1", filled=D0))

    async def reconcile(self, symbols: Sequence[str]) -> ReconciliationSeen:
        self.calls.append(("reconcile", ",".join(symbols)))
        assert self.snapshot is not None, "the test must give a snapshot"
        if isinstance(self.snapshot, Exception):
            raise self.snapshot
        return self.snapshot

    async def open_orders(self) -> Sequence[OpenOrder]:
        self.calls.append(("open_orders", ""))
        return self.open

    async def balance(self, currency: str) -> BalanceSeen:
        return BalanceSeen(currency=currency, total=D0, free=D0)

    async def load_instruments(self) -> Sequence[Instrument]:
        return []

    async def close(self) -> None:
        return None


D0 = Decimal(0)


def ticket(client_order_id: str, **changes: Any) -> OrderTicket:
    """A small resting buy, changed as asked."""
    fields: dict[str, Any] = {
        "client_order_id": client_order_id,
        "symbol": SYMBOL,
        "side": "buy",
        "quantity": Decimal("0.01"),
        "price": Decimal(50_000),
        "time_in_force": "gtc",
        "reduce_only": False,
    }
    return OrderTicket(**{**fields, **changes})


def work(client_order_id: str, state: str = "requested", **changes: Any) -> OrderWork:
    """One piece of work on such an order."""
    fields: dict[str, Any] = {
        "account": "main",
        "client_order_id": client_order_id,
        "symbol": SYMBOL,
        "ticket": ticket(client_order_id),
        "state": state,
        "purpose": "entry",
    }
    return OrderWork(**{**fields, **changes})
