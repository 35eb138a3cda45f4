"""Every way in which an answer may be lost ends in exactly one order at the venue."""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal

import pytest

from adapters.clock import SystemClock
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.wire.faults import FAULTS
from adapters.exchanges.wire.server import WireVenue
from application.inputs import (
    Accepted,
    AnswerLost,
    Ended,
    Found,
    NotFound,
    Refused,
    Traded,
)
from domain.order_terms import OrderStatus
from tests.exchanges.conftest import PREFIX, connection
from tests.exchanges.order_desk import OrderDesk
from tests.exchanges.stubs import ticket, until

A = PREFIX + "A"
NEVER_SENT = {"-1008_before", "-1015_before", "418_before", "429_before"}
PLACED = sorted(name for name, fault in FAULTS.items() if fault.accepts)
LOST_BEFORE = sorted(
    name for name, fault in FAULTS.items() if not fault.accepts and name not in NEVER_SENT
)
HASTE = 20


class HurriedClock(SystemClock):
    """Its calendar runs faster, so that thirty seconds of asking pass within a test."""

    def __init__(self) -> None:
        self._began = super().now()

    def now(self) -> datetime:
        return self._began + (super().now() - self._began) * HASTE


@pytest.fixture
async def hurried(venue: WireVenue) -> AsyncIterator[CcxtExchange]:
    access = connection(venue, recv_window_ms=300, timeout_ms=500)
    made = CcxtExchange(access, PREFIX, HurriedClock())
    made.client.api.timeout_on_exit = 0
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def desk(hurried: CcxtExchange) -> AsyncIterator[OrderDesk]:
    made = OrderDesk(hurried, hurried.client.clock)
    yield made
    await made.dispatcher.stop()


@pytest.mark.parametrize("fault", PLACED)
async def test_an_order_that_was_placed_is_found_and_not_sent_again(
    desk: OrderDesk, venue: WireVenue, fault: str
) -> None:
    venue.inject(fault)
    desk.request(ticket(A))
    await until(lambda: A in desk.orders and desk.status(A) is OrderStatus.OPEN)
    reports = desk.inbox.reports(A)
    assert [type(report) for report in reports] == [AnswerLost, Found]
    assert venue.accepted_ids() == [A]
    assert len(venue.received_orders()) == 1


@pytest.mark.parametrize("fault", PLACED)
async def test_a_fill_behind_a_lost_answer_is_counted_once_with_its_fee(
    desk: OrderDesk, venue: WireVenue, fault: str
) -> None:
    venue.inject(fault)
    desk.request(ticket(A, price=Decimal(60_100)))
    await until(lambda: A in desk.orders and desk.orders[A].is_final)
    reports = desk.inbox.reports(A)
    assert [type(report) for report in reports] == [AnswerLost, Traded, Ended]
    assert desk.orders[A].filled == Decimal("0.01")
    assert len(desk.orders[A].trade_ids) == 1
    assert venue.accepted_ids() == [A]


@pytest.mark.parametrize("fault", LOST_BEFORE)
async def test_an_order_that_never_arrived_is_proven_absent_before_it_is_sent_again(
    desk: OrderDesk, venue: WireVenue, fault: str
) -> None:
    venue.inject(fault)
    desk.request(ticket(A))
    await until(lambda: A in desk.orders and desk.status(A) is OrderStatus.OPEN, seconds=20)
    kinds = [type(report) for report in desk.inbox.reports(A)]
    assert kinds[0] is AnswerLost
    assert kinds.count(NotFound) >= 3
    assert kinds[-1] is Accepted
    assert desk.orders[A].sending == 1
    assert venue.accepted_ids() == [A]


async def test_an_order_the_venue_throttled_is_sent_again_without_doubt(
    desk: OrderDesk, venue: WireVenue
) -> None:
    venue.inject("-1008_before", count=2)
    desk.request(ticket(A))
    await until(lambda: A in desk.orders and desk.status(A) is OrderStatus.OPEN)
    assert [type(report) for report in desk.inbox.reports(A)] == [Accepted]
    assert venue.accepted_ids() == [A]


async def test_a_rate_limited_order_waits_as_long_as_the_venue_asks(
    desk: OrderDesk, venue: WireVenue
) -> None:
    venue.inject("429_before")
    began = desk.clock.monotonic()
    desk.request(ticket(A))
    await until(lambda: A in desk.orders and desk.status(A) is OrderStatus.OPEN, seconds=15)
    assert desk.clock.monotonic() - began >= 6.5
    assert [type(report) for report in desk.inbox.reports(A)] == [Accepted]
    assert venue.accepted_ids() == [A]


async def test_a_refused_order_is_final_and_never_sent_again(
    desk: OrderDesk, venue: WireVenue
) -> None:
    desk.request(ticket(A, quantity=Decimal("0.001")))
    await until(lambda: A in desk.orders and desk.status(A) is OrderStatus.REJECTED)
    assert [type(report) for report in desk.inbox.reports(A)] == [Refused]
    assert len(venue.received_orders()) == 1


async def test_a_cancel_races_a_fill_and_the_fill_is_kept(
    desk: OrderDesk, venue: WireVenue
) -> None:
    desk.request(ticket(A))
    await until(lambda: A in desk.orders and desk.status(A) is OrderStatus.OPEN)
    venue.fill(A, Decimal("0.01"))
    desk.cancel(A)
    await until(lambda: desk.orders[A].is_final)
    assert desk.status(A) is OrderStatus.FILLED
    assert desk.orders[A].filled == Decimal("0.01")


async def test_a_partly_filled_order_ends_with_every_fill_counted(
    desk: OrderDesk, venue: WireVenue
) -> None:
    desk.request(ticket(A))
    await until(lambda: A in desk.orders and desk.status(A) is OrderStatus.OPEN)
    venue.fill(A, Decimal("0.002"))
    venue.fill(A, Decimal("0.003"))
    desk.cancel(A)
    await until(lambda: desk.orders[A].is_final)
    assert desk.status(A) is OrderStatus.ENDED
    assert desk.orders[A].filled == Decimal("0.005")
    assert len(desk.orders[A].trade_ids) == 2
