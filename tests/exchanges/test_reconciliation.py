"""What is compared, what is asked about, and what is left alone."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

import pytest

from adapters.exchanges.reconciliation import Reconciliation
from adapters.exchanges.rounds import RoundLimits
from application.inputs import Ended, Found, OrderReported, ReconciliationSeen, Traded
from application.work import OpenOrder, WorkingOrder
from tests.exchanges.stubs import D0, START, SYMBOL, Inbox, StubExchange, until

TRADE = Traded(
    trade_id="7",
    price=Decimal(58_000),
    quantity=Decimal("0.01"),
    fee=D0,
    fee_asset="USDT",
    liquidity="taker",
    traded_at=START,
)


class StubBook:
    """A Book that says what it is told to."""

    def __init__(self) -> None:
        self.working: list[WorkingOrder] = []
        self.known: set[str] = set()
        self.current = True

    def working_orders(self) -> Sequence[WorkingOrder]:
        return self.working

    def knows_order(self, client_order_id: str) -> bool:
        return client_order_id in self.known

    def is_current(self) -> bool:
        return self.current

    def symbols_in_use(self) -> Sequence[str]:
        return [SYMBOL]


class Round:
    """One account's reconciliation with everything it touches."""

    def __init__(self) -> None:
        self.exchange = StubExchange()
        self.book = StubBook()
        self.inbox = Inbox()
        limits = RoundLimits(period_seconds=0.05, retry_seconds=0.01)
        self.reconciliation = Reconciliation("main", self.exchange, self.book, self.inbox, limits)

    def open(self, *identities: str, reduce_only: bool = False) -> None:
        self.exchange.open = [
            OpenOrder(client_order_id=identity, symbol=SYMBOL, reduce_only=reduce_only)
            for identity in identities
        ]
        self.exchange.snapshot = ReconciliationSeen(
            asked_at=START, open_client_order_ids=identities, positions=()
        )

    def work(self, *identities: str) -> None:
        self.book.known |= set(identities)
        self.book.working = [
            WorkingOrder(client_order_id=identity, symbol=SYMBOL) for identity in identities
        ]


@pytest.fixture
async def round_() -> AsyncIterator[Round]:
    made = Round()
    yield made
    await made.reconciliation.stop()


async def test_what_agrees_is_only_handed_to_the_engine(round_: Round) -> None:
    round_.work("a")
    round_.open("a")
    assert await round_.reconciliation.reconcile()
    assert round_.exchange.calls == [("reconcile", SYMBOL)]
    assert round_.inbox.inputs == [("main", round_.exchange.snapshot)]


async def test_an_order_that_vanished_is_asked_about_before_positions_are_judged(
    round_: Round,
) -> None:
    round_.work("a", "b")
    round_.open("b")
    ended = Ended(status="cancelled", filled=D0)
    round_.exchange.answers["query", "a"] = [ended]
    assert await round_.reconciliation.reconcile()
    assert round_.exchange.calls == [("reconcile", SYMBOL), ("query", "a")]
    assert round_.inbox.reports("a") == [ended]
    assert isinstance(round_.inbox.inputs[-1][1], ReconciliationSeen)


async def test_what_traded_meanwhile_is_told_before_what_ended(round_: Round) -> None:
    """A stop sold the lot, so the venue ended the take-profit: the engine must not offer it again.

    As it was asked first, the take-profit's end would be told while the lot still seems held.
    """
    round_.work("take-profit", "stop")
    round_.open()
    expired = Ended(status="expired", filled=D0)
    filled = Ended(status="filled", filled=TRADE.quantity)
    round_.exchange.answers["query", "take-profit"] = [expired]
    round_.exchange.answers["query", "stop"] = [TRADE, filled]
    assert await round_.reconciliation.reconcile()
    told = [
        (received.client_order_id, received.report)
        for _, received in round_.inbox.inputs
        if isinstance(received, OrderReported)
    ]
    assert told == [("stop", TRADE), ("take-profit", expired), ("stop", filled)]


async def test_an_orphan_that_would_add_exposure_is_cancelled(round_: Round) -> None:
    round_.open("orphan")
    assert await round_.reconciliation.reconcile()
    assert ("cancel", "orphan") in round_.exchange.calls
    assert round_.inbox.reports("orphan") == []


async def test_an_orphan_that_can_only_reduce_is_kept(round_: Round) -> None:
    round_.open("orphan", reduce_only=True)
    assert await round_.reconciliation.reconcile()
    assert ("cancel", "orphan") not in round_.exchange.calls


async def test_a_book_that_is_not_current_cancels_nothing(round_: Round) -> None:
    round_.open("new order of the next leader")
    round_.book.current = False
    assert await round_.reconciliation.reconcile()
    assert [call for call, _ in round_.exchange.calls] == ["reconcile"]


async def test_an_order_requested_but_not_yet_working_is_no_orphan(round_: Round) -> None:
    round_.book.known = {"just sent"}
    round_.open("just sent")
    assert await round_.reconciliation.reconcile()
    assert [call for call, _ in round_.exchange.calls] == ["reconcile"]


async def test_an_unreachable_venue_hands_nothing_over_and_is_tried_again(round_: Round) -> None:
    round_.exchange.snapshot = ConnectionError("no route")
    assert not await round_.reconciliation.reconcile()
    assert round_.inbox.inputs == []
    round_.reconciliation.start()
    await until(lambda: len(round_.exchange.calls) >= 3)
    round_.open()
    await until(lambda: len(round_.inbox.inputs) >= 1)


async def test_rounds_go_on_periodically_and_at_once_when_asked(round_: Round) -> None:
    round_.open()
    round_.reconciliation.start()
    await until(lambda: len(round_.inbox.inputs) >= 3)
    heard = len(round_.inbox.inputs)
    round_.reconciliation.request("user stream connected")
    await until(lambda: len(round_.inbox.inputs) > heard)


async def test_a_vanished_order_that_is_found_working_is_reported_as_found(round_: Round) -> None:
    round_.work("a")
    round_.open()
    assert await round_.reconciliation.reconcile()
    assert round_.inbox.reports("a") == [Found(venue_order_id="1", filled=D0)]
