"""Every lot has one working exit, whatever becomes of the orders and of our own engine."""

from datetime import timedelta
from decimal import Decimal

import msgspec

from application.inputs import Accepted, Ended, MarkMoved, OrderReported, Traded
from application.processes.protection import unprotected_legs
from domain.dca_leg import LegExitFilled
from domain.exit import ExitRequested, ExitWatched
from domain.order import OrderRequested, OrderResent, OrderUnknown
from domain.order_terms import OrderStatus
from domain.settings import ExitSettings
from domain.trading_day import AlertRaised
from tests.application.desk import BTC, MARKETS, PROMPT, Desk, of

D = Decimal


def traded(desk: Desk, number: int, price: str, quantity: str) -> Traded:
    return Traded(
        trade_id=f"hand-{number}",
        price=D(price),
        quantity=D(quantity),
        fee=D(0),
        fee_asset="USDT",
        liquidity="taker",
        traded_at=desk.now,
    )


def test_each_filled_leg_gets_its_own_take_profit_for_its_whole_lot() -> None:
    desk = Desk()
    desk.signal()

    desk.move("99.5")

    exits = [order.request for order in desk.working("take_profit")]
    assert sorted((order.price, order.quantity) for order in exits) == [
        (D(100), D("2.01")),
        (D(101), D(2)),
    ]
    assert all(order.reduce_only and order.side == "sell" for order in exits)
    assert unprotected_legs(desk.book, desk.group()) == ()


def test_a_partial_fill_is_protected_and_the_exit_grows_with_the_lot() -> None:
    desk = Desk(price="100.5")
    desk.signal()
    entry = desk.legs()[0].plan
    identity = desk.working("entry")
    first = next(o for o in identity if o.request.leg_id == entry.leg_id).request.client_order_id

    for report in desk.core.fill(first, D("0.5"), desk.now):
        desk.feed(report)
    (small,) = desk.working("take_profit")
    assert small.request.quantity == D("0.5")

    for report in desk.core.fill(first, D("0.7"), desk.now):
        desk.feed(report)
    (grown,) = desk.working("take_profit")
    assert grown.request.quantity == D("1.2")
    assert grown.request.attempt == 2


def test_fills_in_a_burst_change_the_exit_only_after_the_patience_of_the_settings() -> None:
    desk = Desk(msgspec.structs.replace(PROMPT, exits=ExitSettings(coalesce_ms=500)), price="100.5")
    desk.signal()
    first = next(o for o in desk.working("entry") if o.request.price == D(100))
    for part in ("0.5", "0.7"):
        for report in desk.core.fill(first.request.client_order_id, D(part), desk.now):
            desk.feed(report)

    (still,) = desk.working("take_profit")
    assert still.request.quantity == D("0.5")
    desk.wait(milliseconds=500)
    (grown,) = desk.working("take_profit")
    assert grown.request.quantity == D("1.2")


def test_a_venues_own_end_of_an_exit_gives_the_lot_another() -> None:
    desk = Desk()
    desk.signal()
    (exit_order,) = desk.working("take_profit")

    for report in desk.core.expire(exit_order.request.client_order_id, desk.now):
        desk.feed(report)

    (another,) = desk.working("take_profit")
    assert another.request.attempt == 2


def test_after_three_failures_the_price_is_watched_for_a_minute_and_an_alert_raised() -> None:
    desk = Desk()
    desk.signal()
    for _ in range(3):
        (exit_order,) = desk.working("take_profit")
        for report in desk.core.expire(exit_order.request.client_order_id, desk.now):
            desk.feed(report)

    assert desk.working("take_profit") == []
    (watched,) = of(desk.recorded, ExitWatched)
    assert (watched.price, watched.quantity) == (D(101), D(2))
    assert [alert.kind for alert in of(desk.recorded, AlertRaised)] == ["exit_failing"]
    assert unprotected_legs(desk.book, desk.group()) == ()
    desk.wait(seconds=59)
    assert desk.working("take_profit") == []
    desk.wait(seconds=1)
    assert len(desk.working("take_profit")) == 1


def test_a_watched_price_that_is_touched_sells_the_lot() -> None:
    desk = Desk()
    desk.signal()
    for _ in range(3):
        (exit_order,) = desk.working("take_profit")
        for report in desk.core.expire(exit_order.request.client_order_id, desk.now):
            desk.feed(report)

    desk.move("101")
    desk.feed(MarkMoved(symbol=BTC))

    sold = [fill for fill in of(desk.recorded, LegExitFilled) if fill.price == D(101)]
    assert sum(fill.quantity for fill in sold) == D(2)


def test_an_engine_that_starts_asks_about_every_request_in_flight() -> None:
    desk = Desk(price="101")
    requested = of(desk.handle(desk.received()), OrderRequested)
    sent = desk.errands.popleft()
    desk.carry_out(sent)
    desk.errands.clear()

    unknown = of(desk.start(), OrderUnknown)
    assert {event.client_order_id for event in unknown} == {
        order.client_order_id for order in requested
    }

    for _ in range(3):
        desk.ask()
        desk.now += timedelta(seconds=15)
    statuses = [order.status for order in desk.book.orders()]
    assert statuses.count(OrderStatus.OPEN) == 5
    assert len(desk.core.open_orders()) == 5
    assert len(of(desk.recorded, OrderResent)) == 4


def test_an_accepted_order_is_not_asked_about_at_a_start() -> None:
    desk = Desk(price="101")
    desk.signal()

    assert of(desk.start(), OrderUnknown) == []


def test_every_exit_of_an_order_gone_by_hand_comes_back() -> None:
    desk = Desk()
    desk.signal()
    (exit_order,) = desk.working("take_profit")
    identity = exit_order.request.client_order_id
    desk.core.cancel(identity, desk.now)

    desk.feed(
        OrderReported(client_order_id=identity, report=Ended(status="cancelled", filled=D(0)))
    )

    (another,) = desk.working("take_profit")
    assert another.request.attempt == 2
    assert len(of(desk.recorded, ExitRequested)) == 2


def test_a_late_acceptance_of_a_final_order_changes_nothing() -> None:
    desk = Desk()
    desk.signal()
    (exit_order,) = desk.working("take_profit")
    desk.move("101")

    late = OrderReported(
        client_order_id=exit_order.request.client_order_id, report=Accepted(venue_order_id="9")
    )
    assert len(desk.handle(late)) == 1


def test_the_markets_are_those_of_the_venue() -> None:
    assert {listed.symbol for listed in MARKETS} == {
        instrument.symbol for instrument in Desk().book.account.instruments
    }
