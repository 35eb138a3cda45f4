"""Order news and marks as they stream: nothing lost that arrived, everything lost won back."""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.ccxt_socket import StreamLimits
from adapters.exchanges.ccxt_stream import CcxtStream
from adapters.exchanges.order_news import StreamListeners
from adapters.exchanges.reconciliation import Reconciliation
from adapters.exchanges.rounds import RoundLimits
from adapters.exchanges.wire.server import WireVenue
from application.inputs import Accepted, Ended, OrderReported, ReconciliationSeen, Traded
from domain.message import MarkSeen
from domain.order_terms import OrderStatus
from tests.exchanges.conftest import PREFIX
from tests.exchanges.order_desk import ACCOUNT, OrderDesk
from tests.exchanges.stubs import SYMBOL, ticket, until

A = PREFIX + "A"
D = Decimal
QUICK = StreamLimits(watchdog_seconds=0.02, reconnect_seconds=(0.02, 0.1))


class Listener:
    """A running stream and what came of it."""

    def __init__(self, exchange: CcxtExchange, limits: StreamLimits = QUICK) -> None:
        self.reports: list[OrderReported] = []
        self.reasons: list[str] = []
        self.marks: list[MarkSeen] = []
        self.settlements: list[datetime] = []
        listeners = StreamListeners(
            on_report=self.reports.append,
            on_reconnect=self.reasons.append,
            on_mark=self.marks.append,
            on_funding=self.settlements.append,
        )
        self.stream = CcxtStream(exchange, PREFIX, listeners, limits)

    @property
    def connections(self) -> int:
        return self.reasons.count("user stream connected")

    async def start(self) -> None:
        self.stream.start()
        await until(lambda: self.connections == 1)

    def trades(self) -> list[Traded]:
        reports = [reported.report for reported in self.reports]
        return [report for report in reports if isinstance(report, Traded)]


@pytest.fixture
async def listener(exchange: CcxtExchange) -> AsyncIterator[Listener]:
    made = Listener(exchange)
    await made.start()
    yield made
    await made.stream.stop()


async def test_an_order_is_told_from_acceptance_to_its_end_in_order(
    listener: Listener, exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(A))
    venue.fill(A, D("0.004"))
    venue.fill(A, D("0.006"))
    await until(lambda: len(listener.reports) == 4)
    accepted, first, second, ended = [reported.report for reported in listener.reports]
    assert isinstance(accepted, Accepted)
    assert isinstance(first, Traded)
    assert isinstance(second, Traded)
    assert (first.quantity, second.quantity) == (D("0.004"), D("0.006"))
    assert (first.price, first.fee, first.fee_asset) == (D(50_000), D("0.04"), "USDT")
    assert first.liquidity == "maker"
    assert ended == Ended(status="filled", filled=D("0.01"))


async def test_the_stream_and_the_rest_answer_tell_the_same_trade(
    listener: Listener, exchange: CcxtExchange
) -> None:
    placed = await exchange.place(ticket(A, price=D(60_100)))
    await until(lambda: len(listener.reports) == 3)
    assert [reported.report for reported in placed] == [
        reported.report for reported in listener.reports
    ]


async def test_a_burst_of_fills_is_heard_to_the_last(
    listener: Listener, exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(A, quantity=D("0.3")))
    for _ in range(300):
        venue.fill(A, D("0.001"))
    await until(lambda: len(listener.trades()) == 300)
    assert len({trade.trade_id for trade in listener.trades()}) == 300
    assert sum(trade.quantity for trade in listener.trades()) == D("0.300")


async def test_a_handler_of_ccxt_that_raises_does_not_end_the_stream(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    def raises(*_: Any) -> None:
        raise RuntimeError("as a frame of a new kind might")

    exchange.client.api.handle_message = raises
    listener = Listener(exchange)
    await listener.start()
    await exchange.place(ticket(A))
    venue.fill(A, D("0.005"))
    venue.fill(A, D("0.005"))
    await until(lambda: len(listener.trades()) == 2)
    assert listener.connections == 1
    await listener.stream.stop()


async def test_a_trade_without_commission_has_a_fee_of_nothing_in_the_settle_asset(
    listener: Listener, venue: WireVenue
) -> None:
    content = {"c": A, "i": 1, "s": "BTCUSDT", "x": "TRADE", "X": "PARTIALLY_FILLED", "z": "1"}
    content |= {"l": "1", "L": "60000", "T": 1, "t": 9, "m": False, "R": False}
    venue.hub.publish_private({"e": "ORDER_TRADE_UPDATE", "o": content})
    await until(lambda: len(listener.trades()) == 1)
    assert (listener.trades()[0].fee, listener.trades()[0].fee_asset) == (D(0), "USDT")


async def test_a_frame_we_cannot_read_asks_for_a_reconciliation(
    listener: Listener, venue: WireVenue
) -> None:
    venue.hub.publish_private({"e": "ORDER_TRADE_UPDATE", "o": {"c": A, "X": "A_NEW_STATUS"}})
    await until(lambda: any("could not be read" in reason for reason in listener.reasons))


async def test_trades_of_foreign_orders_are_not_ours_but_ask_for_a_reconciliation(
    listener: Listener, exchange: CcxtExchange
) -> None:
    await exchange.place(ticket("autoclose-1", price=D(60_100)))
    await until(lambda: any("foreign" in reason for reason in listener.reasons))
    assert listener.reports == []


async def test_a_broken_line_is_made_anew_and_asks_for_a_reconciliation(
    listener: Listener, exchange: CcxtExchange, venue: WireVenue
) -> None:
    venue.disconnect_streams()
    await until(lambda: listener.connections == 2)
    await exchange.place(ticket(A))
    await until(lambda: len(listener.reports) == 1)
    assert listener.stream.is_user_stream_up


async def test_no_new_connection_is_made_during_a_pause_the_venue_ordered(
    listener: Listener, exchange: CcxtExchange, venue: WireVenue
) -> None:
    exchange.client.halt.hear(429, {"Retry-After": "1"}, "")
    venue.disconnect_streams()
    await until(lambda: listener.connections == 2)
    assert exchange.client.halt.remaining() == 0


async def test_an_expired_key_is_asked_for_anew(
    listener: Listener, exchange: CcxtExchange, venue: WireVenue
) -> None:
    old = venue.hub.listen_keys.pop()
    venue.hub.publish_private({"e": "listenKeyExpired", "E": 1, "listenKey": old})
    await until(lambda: listener.connections == 2)
    assert venue.hub.listen_keys
    assert old not in venue.hub.listen_keys
    await exchange.place(ticket(A))
    await until(lambda: len(listener.reports) == 1)


async def test_a_silent_connection_is_broken_off_and_made_anew(exchange: CcxtExchange) -> None:
    silent = StreamLimits(
        ping_seconds=60, silence_seconds_max=0.2, watchdog_seconds=0.02, reconnect_seconds=(0.02,)
    )
    listener = Listener(exchange, silent)
    listener.stream.start()
    await until(lambda: listener.connections >= 2)
    await listener.stream.stop()


async def test_a_key_that_cannot_be_renewed_makes_a_new_connection(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    venue.inject("502_after", call="PUT /fapi/v1/listenKey")
    listener = Listener(
        exchange,
        StreamLimits(key_renewal_seconds=0.2, watchdog_seconds=0.02, reconnect_seconds=(0.02,)),
    )
    listener.stream.start()
    await until(lambda: listener.connections >= 2)
    await listener.stream.stop()


async def test_a_mark_is_the_exact_mid_of_best_bid_and_ask(
    listener: Listener, venue: WireVenue
) -> None:
    await listener.stream.watch([SYMBOL, "ETH/USDT:USDT", "NOPE/USDT:USDT"])
    await until(lambda: len(listener.stream.marks()) == 2)
    assert listener.stream.marks()[SYMBOL].price == D(60_000)
    await venue.move(SYMBOL, D("61234.5"))
    await until(lambda: listener.stream.marks()[SYMBOL].price == D("61234.5"))
    mark = listener.stream.marks()[SYMBOL]
    assert (mark.bid, mark.ask) == (D("61234.4"), D("61234.6"))
    assert mark.at.tzinfo is not None
    assert mark in listener.marks


async def test_symbols_may_be_watched_later_and_twice(listener: Listener) -> None:
    await listener.stream.watch([SYMBOL])
    await listener.stream.watch([SYMBOL, "SOL/USDT:USDT"])
    await until(lambda: len(listener.stream.marks()) == 2)


async def test_marks_go_on_after_a_broken_line(listener: Listener, venue: WireVenue) -> None:
    await listener.stream.watch([SYMBOL])
    await until(lambda: SYMBOL in listener.stream.marks())
    venue.disconnect_streams()
    await until(lambda: listener.connections == 2)
    await venue.move(SYMBOL, D(59_000))
    await until(lambda: listener.stream.marks()[SYMBOL].price == D(59_000))


async def test_settled_funding_is_told_by_its_time(
    listener: Listener, exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(A, price=None))
    venue.fund(SYMBOL, D("0.01"))
    await until(lambda: len(listener.settlements) == 1)
    assert listener.settlements[0].tzinfo is not None


async def test_a_mark_the_stream_does_not_confirm_is_asked_for(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    impatient = StreamLimits(watchdog_seconds=0.02, mark_age_seconds_max=0.05)
    listener = Listener(exchange, impatient)
    await listener.start()
    await listener.stream.watch([SYMBOL])
    await until(lambda: SYMBOL in listener.stream.marks())
    first = listener.stream.marks()[SYMBOL].at
    await until(lambda: (listener.stream.marks()[SYMBOL].at - first).total_seconds() > 0.15)
    await listener.stream.stop()


class Account:
    """A stream, a small Book, a dispatcher and a reconciliation, as the engine has them."""

    def __init__(self, exchange: CcxtExchange) -> None:
        self.desk = OrderDesk(exchange, exchange.client.clock)
        self.reconciliation = Reconciliation(
            ACCOUNT, exchange, self.desk, self.desk.submit, RoundLimits(retry_seconds=0.1)
        )
        listeners = StreamListeners(
            on_report=self._report, on_reconnect=self.reconciliation.request
        )
        self.stream = CcxtStream(exchange, PREFIX, listeners, QUICK)

    def _report(self, reported: OrderReported) -> None:
        self.desk.submit(ACCOUNT, reported)

    def snapshots(self) -> int:
        return sum(isinstance(seen, ReconciliationSeen) for _, seen in self.desk.inbox.inputs)

    async def start(self) -> None:
        self.stream.start()
        self.reconciliation.start()
        await until(lambda: self.stream.is_user_stream_up and self.snapshots() >= 1)

    async def stop(self) -> None:
        await self.stream.stop()
        await self.reconciliation.stop()
        await self.desk.dispatcher.stop()


@pytest.fixture
async def account(exchange: CcxtExchange) -> AsyncIterator[Account]:
    made = Account(exchange)
    await made.start()
    yield made
    await made.stop()


async def opened(account: Account, **changes: Any) -> None:
    account.desk.request(ticket(A, **changes))
    await until(lambda: account.desk.status(A) is OrderStatus.OPEN)
    # Accepted is told by the answer and by the stream: faults must hit what follows.
    await until(lambda: len(account.desk.inbox.reports(A)) == 2)


async def test_fills_missed_while_disconnected_are_won_back_by_reconciling(
    account: Account, venue: WireVenue
) -> None:
    await opened(account)
    rounds = account.snapshots()
    venue.cut_line()
    venue.fill(A, D("0.004"))
    venue.fill(A, D("0.006"))
    await until(lambda: not account.stream.is_user_stream_up)
    assert account.desk.orders[A].filled == D(0)
    venue.restore_line()
    await until(lambda: account.desk.status(A) is OrderStatus.FILLED)
    await until(lambda: account.snapshots() > rounds)
    assert account.desk.orders[A].filled == D("0.01")
    assert len(account.desk.orders[A].trade_ids) == 2


async def test_doubled_frames_count_each_fill_once(account: Account, venue: WireVenue) -> None:
    await opened(account)
    venue.inject_stream("duplicate", count=6)
    for quantity in ("0.002", "0.003", "0.005"):
        venue.fill(A, D(quantity))
    await until(lambda: account.desk.orders[A].is_final)
    assert account.desk.status(A) is OrderStatus.FILLED
    assert account.desk.orders[A].filled == D("0.01")
    assert len(account.desk.orders[A].trade_ids) == 3


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_frames_in_any_order_count_each_fill_once(
    account: Account, venue: WireVenue, order: tuple[int, ...]
) -> None:
    await opened(account)
    send, held = venue.hub.publish_private, list[dict[str, object]]()
    venue.hub.publish_private = held.append  # type: ignore[method-assign, assignment]
    for quantity in ("0.002", "0.003", "0.005"):
        venue.fill(A, D(quantity))
    frames = [frame for frame in held if frame["e"] == "ORDER_TRADE_UPDATE"]
    for place in order:
        send(frames[place])
    await until(lambda: account.desk.orders[A].is_final)
    assert account.desk.status(A) is OrderStatus.FILLED
    assert account.desk.orders[A].filled == D("0.01")
    assert len(account.desk.orders[A].trade_ids) == 3


async def test_dropped_frames_are_won_back_by_the_next_reconciliation(
    account: Account, venue: WireVenue
) -> None:
    await opened(account)
    venue.inject_stream("drop", count=20)
    venue.fill(A, D("0.01"))
    account.reconciliation.request("periodic")
    await until(lambda: account.desk.status(A) is OrderStatus.FILLED)
    assert len(account.desk.orders[A].trade_ids) == 1


async def test_an_end_without_its_trades_asks_for_the_trades(
    account: Account, venue: WireVenue
) -> None:
    await opened(account)
    # A fill is an account frame and an order frame; the end of a cancel is one order frame.
    venue.inject_stream("drop", count=2)
    venue.fill(A, D("0.004"))
    venue.desk.cancel(A)
    await until(lambda: account.desk.orders[A].is_final)
    assert account.desk.status(A) is OrderStatus.ENDED
    assert account.desk.orders[A].filled == D("0.004")
    kinds = [type(report) for report in account.desk.inbox.reports(A)]
    assert kinds.index(Ended) < kinds.index(Traded)


async def test_an_orphan_entry_of_ours_is_cancelled_and_an_orphan_exit_is_kept(
    account: Account, exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(PREFIX + "B", price=D(60_100)))
    await exchange.place(ticket(PREFIX + "EXIT", side="sell", price=D(70_000), reduce_only=True))
    await exchange.place(ticket(PREFIX + "ENTRY"))
    await exchange.place(ticket("foreign"))
    account.reconciliation.request("test")
    await until(lambda: len(venue.open_orders()) == 2)
    working = sorted(order.client_order_id for order in venue.open_orders())
    assert working == [PREFIX + "EXIT", "foreign"]
