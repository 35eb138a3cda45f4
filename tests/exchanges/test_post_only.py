"""Post-only orders: refused, or undone by the venue at once, they never count as accepted."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.wire.server import WireVenue
from application.inputs import Accepted, Ended, OrderReported, Refused, Report
from domain.order_terms import OrderStatus
from tests.exchanges.conftest import PREFIX
from tests.exchanges.order_desk import OrderDesk
from tests.exchanges.stubs import SYMBOL, ticket, until
from tests.exchanges.test_ccxt_stream import Listener

A = PREFIX + "A"
D = Decimal
UNDONE: list[Report] = [
    Refused(
        code="expired",
        message="the post-only order would have taken; the venue ended it at once",
        kind="post_only",
    ),
    Ended(status="expired", filled=D(0)),
]


def post_only(**changes: Any) -> Any:
    return ticket(A, time_in_force="post_only", **changes)


@pytest.fixture
async def listener(exchange: CcxtExchange) -> AsyncIterator[Listener]:
    made = Listener(exchange)
    await made.start()
    yield made
    await made.stream.stop()


async def test_a_post_only_order_rests_as_one(exchange: CcxtExchange, venue: WireVenue) -> None:
    (accepted,) = await exchange.place(post_only())
    assert isinstance(accepted.report, Accepted)
    assert venue.received_orders()[0].ticket.time_in_force == "post_only"


async def test_a_post_only_order_that_comes_back_expired_was_refused(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    api = exchange.client.api
    original = api.create_order

    async def undone(*order: object) -> object:
        answer = await original(*order)
        venue.expire(A)
        return {"info": {**answer["info"], "status": "EXPIRED"}}

    api.create_order = undone
    reports = [reported.report for reported in await exchange.place(post_only())]
    assert reports == UNDONE


async def test_an_undone_post_only_order_is_told_so_when_its_answer_was_lost(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    venue.inject("drop_after")
    await exchange.place(post_only())
    venue.expire(A)
    assert [reported.report for reported in await exchange.query(A, SYMBOL)] == UNDONE


async def test_the_stream_tells_of_an_undone_post_only_order_only_that_it_was_refused(
    listener: Listener, exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(post_only())
    venue.expire(A)
    await until(lambda: len(listener.reports) == 2)
    assert [reported.report for reported in listener.reports] == UNDONE


@pytest.mark.parametrize("was_accepted", [False, True])
async def test_the_book_takes_the_refusal_unless_the_order_had_rested(
    exchange: CcxtExchange, was_accepted: bool
) -> None:
    desk = OrderDesk(exchange, exchange.client.clock)
    desk.request(post_only())
    if was_accepted:
        await until(lambda: desk.status(A) is OrderStatus.OPEN)
    for report in UNDONE:
        desk.submit("main", OrderReported(client_order_id=A, report=report))
    expected = OrderStatus.ENDED if was_accepted else OrderStatus.REJECTED
    assert desk.status(A) is expected
    await desk.dispatcher.stop()
