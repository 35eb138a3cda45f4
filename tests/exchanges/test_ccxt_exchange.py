"""Placing, cancelling and asking through unmodified ccxt, with the bytes checked at the venue."""

import logging
from collections.abc import Sequence
from decimal import Decimal

import pytest

from adapters.clock import SystemClock
from adapters.exchanges.ccxt_client import CcxtConnection
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.wire.server import WireVenue
from application.inputs import (
    Accepted,
    AnswerLost,
    CancelRefused,
    Ended,
    Found,
    NotFound,
    OrderReported,
    PositionSeen,
    Refused,
    Report,
    Traded,
)
from application.work import NotSentError, OpenOrder
from tests.exchanges.conftest import PREFIX, connection
from tests.exchanges.stubs import SYMBOL, ticket, until

A = PREFIX + "A"
D = Decimal
# aiohttp repeats what may be repeated (GET, DELETE) once when a kept connection breaks.
TWICE = 2
CLOSED_DOOR = "http://127.0.0.1:1"


def told(reports: Sequence[OrderReported]) -> list[Report]:
    return [reported.report for reported in reports]


async def test_instruments_carry_the_venues_exact_rules(exchange: CcxtExchange) -> None:
    bitcoin = exchange.instruments[SYMBOL]
    assert (bitcoin.tick, bitcoin.step, bitcoin.min_notional) == (D("0.1"), D("0.001"), D(100))
    assert bitcoin.venue_symbol == "BTCUSDT"
    assert bitcoin.kind == "linear"


async def test_a_resting_order_is_accepted_under_our_id(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    reports = told(await exchange.place(ticket(A)))
    assert reports == [Accepted(venue_order_id=venue.open_orders()[0].venue_order_id)]
    assert venue.accepted_ids() == [A]


@pytest.mark.parametrize(
    ("quantity", "price"),
    [("0.003", "50000.1"), ("0.010", "40000.0"), ("1E+1", "5E+4"), ("0.123", "59999.9")],
)
async def test_the_exact_figures_reach_the_venue(
    exchange: CcxtExchange, venue: WireVenue, quantity: str, price: str
) -> None:
    await exchange.place(ticket(A, quantity=D(quantity), price=D(price)))
    received = venue.received_orders()[0].ticket
    assert (received.quantity, received.price) == (D(quantity), D(price))


@pytest.mark.parametrize(
    "changes",
    [
        {"time_in_force": "ioc"},
        {"time_in_force": "post_only"},
        {"price": None},
        {"side": "sell", "price": D(70_000)},
    ],
)
async def test_the_ticket_the_venue_reads_is_the_ticket_we_wrote(
    exchange: CcxtExchange, venue: WireVenue, changes: dict[str, object]
) -> None:
    sent = ticket(A, **changes)
    await exchange.place(sent)
    assert venue.received_orders()[0].ticket == sent


async def test_a_reduce_only_exit_says_so_on_the_wire(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(A, price=D(60_100)))
    reports = told(
        await exchange.place(ticket(PREFIX + "B", side="sell", price=None, reduce_only=True))
    )
    assert venue.received_orders()[1].ticket.reduce_only
    assert isinstance(reports[-1], Ended)
    assert venue.positions() == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": D("0.0105")},
        {"price": D("50000.05")},
        {"quantity": D("0.0001")},
        {"symbol": "NOPE/USDT:USDT"},
    ],
)
async def test_what_ccxt_would_round_or_cannot_name_never_leaves(
    exchange: CcxtExchange, venue: WireVenue, changes: dict[str, object]
) -> None:
    reports = told(await exchange.place(ticket(A, **changes)))
    assert isinstance(reports[0], Refused)
    assert venue.received_orders() == ()


async def test_an_immediate_fill_is_reported_with_its_fee_before_its_end(
    exchange: CcxtExchange,
) -> None:
    reports = told(await exchange.place(ticket(A, price=D(60_100))))
    accepted, trade, ended = reports
    assert isinstance(accepted, Accepted)
    assert isinstance(trade, Traded)
    assert (trade.price, trade.quantity, trade.fee) == (D(60_000), D("0.01"), D("0.3"))
    assert (trade.fee_asset, trade.liquidity) == ("USDT", "taker")
    assert ended == Ended(status="filled", filled=D("0.01"))


@pytest.mark.parametrize(
    ("changes", "code", "kind"),
    [
        ({"quantity": D("0.001")}, "-4164", "other"),
        ({"time_in_force": "post_only", "price": D(60_100)}, "-5022", "post_only"),
        ({"side": "sell", "price": None, "reduce_only": True}, "-2022", "other"),
        ({"quantity": D(900), "price": D(59_000)}, "-2019", "insufficient_funds"),
    ],
)
async def test_a_definite_no_is_refused_with_the_venues_code_and_its_kind(
    exchange: CcxtExchange, changes: dict[str, object], code: str, kind: str
) -> None:
    reports = told(await exchange.place(ticket(A, **changes)))
    assert len(reports) == 1
    assert isinstance(reports[0], Refused)
    assert (reports[0].code, reports[0].kind) == (code, kind)


async def test_a_second_send_under_a_working_id_is_unknown_never_refused(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(A))
    reports = told(await exchange.place(ticket(A)))
    assert isinstance(reports[0], AnswerLost)
    assert len(venue.open_orders()) == 1


async def test_success_for_another_order_than_ours_is_unknown(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    api = exchange.client.api
    original = api.create_order

    async def answers_for_another(*order: object) -> dict[str, object]:
        answer: dict[str, object] = await original(*order)
        info = answer["info"]
        assert isinstance(info, dict)
        return {**answer, "info": {**info, "clientOrderId": "x-cvBPrNm9-somebody"}}

    api.create_order = answers_for_another
    (lost,) = told(await exchange.place(ticket(A)))
    assert isinstance(lost, AnswerLost)
    assert "somebody" in lost.detail


async def test_a_cancel_reports_the_fills_before_the_end(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(A))
    venue.fill(A, D("0.004"))
    trade, ended = told(await exchange.cancel(A, SYMBOL))
    assert isinstance(trade, Traded)
    assert (trade.quantity, trade.price, trade.liquidity) == (D("0.004"), D(50_000), "maker")
    assert ended == Ended(status="cancelled", filled=D("0.004"))


async def test_cancelling_what_already_filled_tells_that_it_did(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(A))
    venue.fill(A, D("0.01"))
    refused, trade, ended = told(await exchange.cancel(A, SYMBOL))
    assert isinstance(refused, CancelRefused)
    assert refused.code == "-2011"
    assert isinstance(trade, Traded)
    assert ended == Ended(status="filled", filled=D("0.01"))


@pytest.mark.parametrize("fault", ["drop_after", "html_after", "503_unknown_after"])
async def test_a_cancel_whose_answer_was_lost_is_resolved_by_asking(
    exchange: CcxtExchange, venue: WireVenue, fault: str
) -> None:
    await exchange.place(ticket(A))
    venue.inject(fault, call="DELETE /fapi/v1/order", count=TWICE)
    assert told(await exchange.cancel(A, SYMBOL)) == [Ended(status="cancelled", filled=D(0))]


async def test_a_cancel_that_never_arrived_leaves_the_order_found_working(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(A))
    venue.inject("drop_before", call="DELETE /fapi/v1/order", count=TWICE)
    identity = venue.open_orders()[0].venue_order_id
    assert told(await exchange.cancel(A, SYMBOL)) == [Found(venue_order_id=identity, filled=D(0))]


async def test_every_partial_fill_is_read_exactly_once(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(A))
    for quantity in ("0.001", "0.002", "0.003", "0.004"):
        venue.fill(A, D(quantity))
    *trades, ended = told(await exchange.query(A, SYMBOL))
    fills = [trade for trade in trades if isinstance(trade, Traded)]
    assert [trade.quantity for trade in fills] == [D("0.001"), D("0.002"), D("0.003"), D("0.004")]
    assert len({trade.trade_id for trade in fills}) == 4
    assert ended == Ended(status="filled", filled=D("0.01"))


async def test_absence_is_told_only_after_every_request_has_expired(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    venue.inject("drop_before")
    assert isinstance(told(await exchange.place(ticket(A)))[0], AnswerLost)
    assert told(await exchange.query(A, SYMBOL)) == []
    clock = exchange.client.clock
    sent_at = clock.monotonic()
    await until(lambda: clock.monotonic() > sent_at + 1.0)
    assert told(await exchange.query(A, SYMBOL)) == []
    await until(lambda: clock.monotonic() > sent_at + 2.1)
    assert isinstance(told(await exchange.query(A, SYMBOL))[0], NotFound)
    assert venue.accepted_ids() == []


async def test_a_place_whose_connection_breaks_is_not_repeated_by_any_library(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(PREFIX + "B"))
    venue.inject("drop_after")
    assert isinstance(told(await exchange.place(ticket(A)))[0], AnswerLost)
    assert venue.accepted_ids() == [PREFIX + "B", A]
    assert len(venue.received_orders()) == 2


async def test_questions_leave_a_share_of_the_rate_limit_to_orders(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    limit = exchange.client.api.throttler.config["maxWeight"]
    now = exchange.client.api.milliseconds()
    exchange.client.api.throttler.timestamps = [{"timestamp": now, "cost": limit * 0.8}]
    with pytest.raises(ConnectionError, match="kept for orders"):
        await exchange.reconcile([SYMBOL])
    assert isinstance(told(await exchange.place(ticket(A)))[0], Accepted)
    assert told(await exchange.cancel(A, SYMBOL)) == [Ended(status="cancelled", filled=D(0))]


@pytest.mark.parametrize(
    "call", ["GET /fapi/v1/order", "GET /fapi/v1/openOrders", "GET /fapi/v1/userTrades"]
)
@pytest.mark.parametrize("fault", ["html_after", "empty_after", "502_after", "drop_before"])
async def test_absence_is_never_told_when_one_of_the_three_questions_went_unanswered(
    exchange: CcxtExchange, venue: WireVenue, call: str, fault: str
) -> None:
    exchange._lookup._started_at -= 60
    assert isinstance(told(await exchange.query(A, SYMBOL))[0], NotFound)
    venue.inject(fault, call=call, count=TWICE)
    assert told(await exchange.query(A, SYMBOL)) == []


async def test_an_order_is_found_by_its_trades_alone(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    venue.inject("drop_after")
    await exchange.place(ticket(A, price=D(60_100)))
    order = await exchange._lookup._among_trades(A, SYMBOL)
    assert order is not None
    assert order.client_order_id == A


async def test_a_refused_connection_proves_that_nothing_was_sent(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    api = exchange.client.api
    open_door, api.httpsProxy = api.httpsProxy, CLOSED_DOOR
    with pytest.raises(NotSentError):
        await exchange.place(ticket(A))
    api.httpsProxy = open_door
    assert isinstance(told(await exchange.place(ticket(A)))[0], Accepted)
    assert venue.accepted_ids() == [A]


async def test_a_line_that_breaks_while_placing_is_unknown_and_nothing_arrived(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    venue.cut_line()
    assert isinstance(told(await exchange.place(ticket(A)))[0], AnswerLost)
    venue.restore_line()
    assert venue.received_orders() == ()


async def test_a_rate_limit_halts_every_call_until_retry_after(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    venue.inject("429_before")
    with pytest.raises(NotSentError) as first:
        await exchange.place(ticket(A))
    assert first.value.retry_after_seconds == pytest.approx(7, abs=0.5)
    with pytest.raises(NotSentError):
        await exchange.cancel(A, SYMBOL)
    with pytest.raises(ConnectionError):
        await exchange.reconcile([SYMBOL])
    assert venue.received_orders() == ()


async def test_a_clock_outside_the_receive_window_is_set_right(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    exchange.client.api.options["timeDifference"] = 20_000
    with pytest.raises(NotSentError):
        await exchange.place(ticket(A))
    await until(lambda: abs(exchange.client.api.options["timeDifference"]) < 1_000)
    assert isinstance(told(await exchange.place(ticket(A)))[0], Accepted)


async def test_reconciliation_sees_our_orders_and_signed_positions(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(A))
    await exchange.place(ticket("foreign1"))
    await exchange.place(ticket(PREFIX + "S", side="sell", price=None, quantity=D("0.02")))
    seen = await exchange.reconcile(["ETH/USDT:USDT"])
    assert seen.open_client_order_ids == (A,)
    assert seen.positions == (
        PositionSeen(symbol=SYMBOL, quantity=D("-0.02")),
        PositionSeen(symbol="ETH/USDT:USDT", quantity=D(0)),
    )
    opened = OpenOrder(client_order_id=A, symbol=SYMBOL, reduce_only=False)
    assert await exchange.open_orders() == [opened]


async def test_an_unreachable_venue_is_a_connection_error(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    venue.cut_line()
    with pytest.raises(ConnectionError):
        await exchange.reconcile([SYMBOL])
    with pytest.raises(ConnectionError):
        await exchange.load_instruments()


@pytest.mark.parametrize("fault", ["html_after", "empty_after", "502_after"])
async def test_markets_that_could_not_be_read_are_loaded_again_before_the_next_order(
    exchange: CcxtExchange, venue: WireVenue, fault: str
) -> None:
    venue.inject(fault, call="GET /fapi/v1/exchangeInfo")
    with pytest.raises(ConnectionError):
        await exchange.load_instruments()
    assert isinstance(told(await exchange.place(ticket(A)))[0], Accepted)


async def test_the_balance_is_read_to_the_last_digit(exchange: CcxtExchange) -> None:
    await exchange.place(ticket(A, price=D(60_100)))
    seen = await exchange.balance("USDT")
    assert seen.total == D("99999.7")
    assert seen.free < seen.total


async def test_a_wrong_secret_is_a_definite_no(venue: WireVenue) -> None:
    wrong = CcxtExchange(connection(venue, secret="x" * 64), PREFIX, SystemClock())
    wrong.client.api.timeout_on_exit = 0
    await wrong.start()
    try:
        refused = told(await wrong.place(ticket(A)))[0]
        assert isinstance(refused, Refused)
        assert refused.code == "-1022"
    finally:
        await wrong.close()


async def test_keys_never_show_in_text_or_logs(
    exchange: CcxtExchange, venue: WireVenue, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await exchange.place(ticket(A))
    shown = repr(exchange.client.connection) + str(exchange.client.connection) + caplog.text
    assert venue.secret not in shown
    assert venue.api_key not in shown


def test_an_unknown_venue_is_refused_by_name() -> None:
    nowhere = CcxtConnection(venue="nowhere", api_key="k", secret="s")
    with pytest.raises(ValueError, match="nowhere"):
        CcxtExchange(nowhere, PREFIX, SystemClock())
