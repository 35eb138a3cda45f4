"""Stops through unmodified ccxt: placed, asked for, cancelled, triggered, all under our own id."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any

import pytest

from adapters.clock import SystemClock
from adapters.exchanges.binance_usdm import BinanceUsdm
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.ccxt_venue import StopFrame, UnreadableAnswerError
from adapters.exchanges.wire.server import WireVenue
from application.inputs import (
    Accepted,
    AnswerLost,
    CancelRefused,
    Ended,
    Found,
    NotFound,
    OrderReported,
    Refused,
    Report,
    Traded,
)
from application.work import OpenOrder
from domain.order_terms import OrderStatus
from tests.exchanges.conftest import PREFIX, connection
from tests.exchanges.stubs import SYMBOL, ticket, until
from tests.exchanges.test_ccxt_stream import Account, Listener

D = Decimal
ENTRY, STOP = PREFIX + "ENTRY", PREFIX + "STOP"
TWICE = 2
FILLED = D("0.01")


def told(reports: Sequence[OrderReported]) -> list[Report]:
    return [reported.report for reported in reports]


def stop_ticket(identity: str = STOP, **changes: Any) -> Any:
    fields = {"side": "sell", "price": None, "reduce_only": True, "trigger_price": D(59_000)}
    return ticket(identity, **{**fields, **changes})


@pytest.fixture
async def held(exchange: CcxtExchange) -> None:
    await exchange.place(ticket(ENTRY, price=None))


@pytest.fixture
async def successor(venue: WireVenue) -> AsyncIterator[CcxtExchange]:
    """Another process on the same account: it remembers nothing."""
    made = CcxtExchange(connection(venue), PREFIX, SystemClock())
    made.client.api.timeout_on_exit = 0
    await made.start()
    yield made
    await made.close()


@pytest.mark.usefixtures("held")
async def test_a_stop_reaches_the_venue_as_one_and_never_as_a_market_order(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    (accepted,) = told(await exchange.place(stop_ticket()))
    assert isinstance(accepted, Accepted)
    assert venue.received_orders()[-1].ticket == stop_ticket()
    assert venue.positions() == {SYMBOL: FILLED}


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("trigger", ["59000.05", "0.00"])
async def test_a_trigger_that_ccxt_would_round_never_leaves(
    exchange: CcxtExchange, venue: WireVenue, trigger: str
) -> None:
    (refused,) = told(await exchange.place(stop_ticket(trigger_price=D(trigger))))
    assert isinstance(refused, Refused)
    assert [received.ticket.client_order_id for received in venue.received_orders()] == [ENTRY]


@pytest.mark.usefixtures("held")
async def test_a_stop_is_among_the_open_orders_of_a_reconciliation(exchange: CcxtExchange) -> None:
    await exchange.place(stop_ticket())
    assert (await exchange.reconcile([SYMBOL])).open_client_order_ids == (STOP,)
    assert await exchange.open_orders() == [
        OpenOrder(client_order_id=STOP, symbol=SYMBOL, reduce_only=True)
    ]


@pytest.mark.usefixtures("held")
async def test_a_stop_is_found_and_cancelled_by_whoever_comes_after_us(
    exchange: CcxtExchange, successor: CcxtExchange
) -> None:
    (accepted,) = told(await exchange.place(stop_ticket()))
    assert isinstance(accepted, Accepted)
    for asking in (exchange, successor):
        found = Found(venue_order_id=accepted.venue_order_id, filled=D(0))
        assert told(await asking.query(STOP, SYMBOL)) == [found]
    assert told(await successor.cancel(STOP, SYMBOL)) == [Ended(status="cancelled", filled=D(0))]
    refused, ended = told(await exchange.cancel(STOP, SYMBOL))
    assert isinstance(refused, CancelRefused)
    assert ended == Ended(status="cancelled", filled=D(0))


@pytest.mark.usefixtures("held")
async def test_an_order_of_an_earlier_process_that_is_no_stop_is_cancelled_as_ever(
    exchange: CcxtExchange, successor: CcxtExchange
) -> None:
    await exchange.place(ticket(PREFIX + "A"))
    assert told(await successor.cancel(PREFIX + "A", SYMBOL)) == [
        Ended(status="cancelled", filled=D(0))
    ]


@pytest.mark.parametrize("keeps_id", [False, True])
@pytest.mark.usefixtures("held")
async def test_a_triggered_stop_is_told_under_its_own_id_with_trade_and_fee(
    exchange: CcxtExchange, successor: CcxtExchange, venue: WireVenue, keeps_id: bool
) -> None:
    if keeps_id:
        venue.let_stops_keep_their_id()
    await exchange.place(stop_ticket())
    await venue.move(SYMBOL, D(58_000))
    for asking in (exchange, successor):
        trade, ended = told(await asking.query(STOP, SYMBOL))
        assert isinstance(trade, Traded)
        assert (trade.price, trade.quantity, trade.fee) == (D(59_000), FILLED, D("0.295"))
        assert trade.liquidity == "taker"
        assert ended == Ended(status="filled", filled=FILLED)
    refused, *rest = told(await exchange.cancel(STOP, SYMBOL))
    assert isinstance(refused, CancelRefused)
    assert rest == [trade, ended]


@pytest.mark.usefixtures("held")
async def test_what_the_stop_became_is_found_by_its_trades_alone(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(stop_ticket())
    await venue.move(SYMBOL, D(58_000))
    order = await exchange._lookup._among_trades(STOP, SYMBOL)
    assert order is not None
    assert (order.client_order_id, order.filled) == (STOP, FILLED)


@pytest.mark.usefixtures("held")
async def test_a_stop_that_would_trigger_at_once_is_a_definite_no(exchange: CcxtExchange) -> None:
    (refused,) = told(await exchange.place(stop_ticket(trigger_price=D(60_500))))
    assert isinstance(refused, Refused)
    assert refused.code == "-2021"


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("fault", ["drop_after", "html_after", "503_unknown_after", "hang_after"])
async def test_a_stop_whose_answer_was_lost_is_found_and_not_doubled(
    exchange: CcxtExchange, venue: WireVenue, fault: str
) -> None:
    venue.inject(fault, call="POST /fapi/v1/algoOrder")
    (lost,) = told(await exchange.place(stop_ticket()))
    assert isinstance(lost, AnswerLost)
    (found,) = told(await exchange.query(STOP, SYMBOL))
    assert isinstance(found, Found)
    assert venue.accepted_ids() == [ENTRY, STOP]


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("fault", ["drop_after", "html_after", "503_unknown_after"])
async def test_a_cancel_of_a_stop_whose_answer_was_lost_is_resolved_by_asking(
    exchange: CcxtExchange, venue: WireVenue, fault: str
) -> None:
    await exchange.place(stop_ticket())
    venue.inject(fault, call="DELETE /fapi/v1/algoOrder", count=TWICE)
    assert told(await exchange.cancel(STOP, SYMBOL)) == [Ended(status="cancelled", filled=D(0))]


@pytest.mark.parametrize(
    "call",
    [
        "GET /fapi/v1/algoOrder",
        "GET /fapi/v1/openAlgoOrders",
        "GET /fapi/v1/allAlgoOrders",
        "GET /fapi/v1/userTrades",
    ],
)
@pytest.mark.parametrize("fault", ["html_after", "empty_after", "502_after"])
async def test_absence_of_a_stop_is_never_told_when_a_question_went_unanswered(
    exchange: CcxtExchange, venue: WireVenue, call: str, fault: str
) -> None:
    exchange.note([stop_ticket()])
    exchange._lookup._started_at -= 60
    assert isinstance(told(await exchange.query(STOP, SYMBOL))[0], NotFound)
    venue.inject(fault, call=call, count=TWICE)
    assert told(await exchange.query(STOP, SYMBOL)) == []


@pytest.fixture
async def listener(exchange: CcxtExchange) -> AsyncIterator[Listener]:
    made = Listener(exchange)
    await made.start()
    yield made
    await made.stream.stop()


@pytest.mark.parametrize("keeps_id", [False, True])
async def test_the_stream_tells_a_stop_from_acceptance_to_its_fills_under_our_id(
    listener: Listener, exchange: CcxtExchange, venue: WireVenue, keeps_id: bool
) -> None:
    if keeps_id:
        venue.let_stops_keep_their_id()
    await exchange.place(ticket(ENTRY, price=None))
    await exchange.place(stop_ticket())
    await venue.move(SYMBOL, D(58_000))
    await until(lambda: Ended(status="filled", filled=FILLED) in _of(listener, STOP))
    reports = _of(listener, STOP)
    assert isinstance(reports[0], Accepted)
    trades = [report for report in reports if isinstance(report, Traded)]
    assert {(trade.price, trade.quantity) for trade in trades} == {(D(59_000), FILLED)}
    assert {reported.client_order_id for reported in listener.reports} == {ENTRY, STOP}


async def test_the_stream_tells_the_end_of_a_stop_that_never_triggered(
    listener: Listener, exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(ENTRY, price=None))
    await exchange.place(stop_ticket())
    await exchange.cancel(STOP, SYMBOL)
    await exchange.place(stop_ticket(PREFIX + "B"))
    venue.expire(PREFIX + "B")
    await until(lambda: len(_of(listener, STOP)) == 2 and len(_of(listener, PREFIX + "B")) == 2)
    assert _of(listener, STOP)[-1] == Ended(status="cancelled", filled=D(0))
    assert _of(listener, PREFIX + "B")[-1] == Ended(status="expired", filled=D(0))


async def test_stops_of_others_are_none_of_our_business(
    listener: Listener, exchange: CcxtExchange
) -> None:
    await exchange.place(ticket(ENTRY, price=None))
    await exchange.place(stop_ticket("foreignstop"))
    await exchange.place(stop_ticket())
    await until(lambda: len(_of(listener, STOP)) == 1)
    assert {reported.client_order_id for reported in listener.reports} == {ENTRY, STOP}


def _of(listener: Listener, identity: str) -> list[Report]:
    return [
        reported.report for reported in listener.reports if reported.client_order_id == identity
    ]


async def test_a_stop_triggered_while_nothing_was_heard_is_won_back_by_reconciling(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    account = Account(exchange)
    await account.start()
    try:
        account.desk.request(ticket(ENTRY, price=D(60_100)))
        await until(lambda: account.desk.orders[ENTRY].is_final)
        account.desk.request(stop_ticket())
        await until(lambda: account.desk.status(STOP) is OrderStatus.OPEN)
        venue.inject_stream("drop", count=100)
        await venue.move(SYMBOL, D(58_000))
        account.reconciliation.request("test")
        await until(lambda: account.desk.status(STOP) is OrderStatus.FILLED)
        assert account.desk.orders[STOP].filled == FILLED
    finally:
        await account.stop()


def algo_frame(**changes: Any) -> dict[str, Any]:
    content = {
        "caid": STOP,
        "aid": 2148719,
        "s": "BTCUSDT",
        "S": "SELL",
        "ps": "BOTH",
        "q": "0.01",
        "X": "FINISHED",
        "ai": "8886774",
        "aq": "0.01",
        "R": True,
    }
    return {"e": "ALGO_UPDATE", "T": 1, "E": 1, "o": {**content, **changes}}


@pytest.mark.parametrize(
    ("changes", "ended", "is_unclear"),
    [
        ({"X": "NEW", "ai": "", "aq": "0.000"}, None, False),
        ({"X": "TRIGGERING", "ai": "", "aq": "0"}, None, False),
        ({"X": "TRIGGERED"}, None, False),
        ({"X": "TRIGGERED", "ai": ""}, None, True),
        ({}, "filled", False),
        ({"aq": "0.004"}, "expired", True),
        ({"aq": "0"}, "expired", True),
        ({"ai": ""}, "filled", True),
        ({"X": "CANCELED", "ai": "", "aq": "0"}, "cancelled", False),
        ({"X": "EXPIRED", "ai": "", "aq": "0"}, "expired", False),
        ({"X": "REJECTED", "ai": "", "aq": "0"}, "rejected", False),
    ],
)
def test_every_state_of_a_stop_has_one_meaning(
    changes: dict[str, Any], ended: str | None, is_unclear: bool
) -> None:
    read = BinanceUsdm().read_frame(algo_frame(**changes))
    assert isinstance(read, StopFrame)
    assert (read.stop.order.ended, read.stop.is_unclear) == (ended, is_unclear)
    assert read.is_new == (changes.get("X") == "NEW")


@pytest.mark.parametrize("changes", [{"X": "BRAND_NEW"}, {"aid": 0}, {"aq": "many"}])
def test_a_stop_frame_of_unknown_shape_is_never_guessed(changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswerError):
        BinanceUsdm().read_frame(algo_frame(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"algoStatus": "TRIGGERED"},
        {"algoStatus": "FINISHED", "actualOrderId": "7"},
        {"code": "200"},
    ],
)
def test_a_stop_just_placed_that_is_already_over_must_be_asked_for(changes: dict[str, Any]) -> None:
    row = {"algoId": 3358, "clientAlgoId": STOP, "symbol": "BTCUSDT", "reduceOnly": True}
    with pytest.raises(UnreadableAnswerError):
        BinanceUsdm().read_order({**row, **changes}, SYMBOL)


async def test_a_stop_that_ended_unclear_asks_for_a_reconciliation(
    listener: Listener, venue: WireVenue
) -> None:
    venue.hub.publish_private(algo_frame(aq="0.004"))
    await until(lambda: any(STOP in reason for reason in listener.reasons))
    assert listener.reports == []
