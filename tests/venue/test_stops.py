"""Stops at the simulated venue: they wait for their trigger, then close what is still held."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from adapters.exchanges.simulated.core import MatchingCore
from application.inputs import Found
from application.ports import OrderTicket
from tests.venue.bench import (
    AT,
    SPOT,
    SPOT_SYMBOL,
    SYMBOL,
    move,
    new_core,
    stop,
    ticket,
    told,
)


def long_core(quantity: str = "0.01", **rules: Any) -> MatchingCore:
    """Long at 60000."""
    core = new_core(**rules)
    core.place(ticket("entry", "buy", quantity, None), AT)
    return core


def short_core() -> MatchingCore:
    core = new_core()
    core.place(ticket("entry", "sell", "0.01", None), AT)
    return core


def test_a_stop_waits_and_is_known_to_whoever_asks() -> None:
    core = long_core()
    assert told(core.place(stop("s", "sell", "0.01", "59000"), AT)) == [("s", "accepted")]
    assert [order.client_order_id for order in core.open_orders()] == ["s"]
    assert isinstance(core.query("s", AT)[0].report, Found)
    assert told(core.cancel("s", AT)) == [("s", "cancelled 0")]
    assert move(core, "58000") == []


def test_a_sell_stop_fires_at_its_trigger_as_taker_when_the_price_falls_to_it() -> None:
    core = long_core()
    core.place(stop("s", "sell", "0.01", "59000"), AT)
    assert move(core, "59000.1") == []
    assert told(move(core, "59000")) == [("s", "0.01 at 59000 taker"), ("s", "filled 0.01")]
    assert core.positions() == {}


def test_a_buy_stop_fires_at_its_trigger_when_the_price_rises_to_it() -> None:
    core = short_core()
    core.place(stop("s", "buy", "0.01", "61000"), AT)
    assert move(core, "60999.9") == []
    assert told(move(core, "62000")) == [("s", "0.01 at 61000 taker"), ("s", "filled 0.01")]
    assert core.positions() == {}


@pytest.mark.parametrize("trigger", ["60000", "60500"])
def test_a_sell_stop_whose_trigger_is_passed_fires_on_arrival_at_the_current_price(
    trigger: str,
) -> None:
    assert told(long_core().place(stop("s", "sell", "0.01", trigger), AT)) == [
        ("s", "accepted"),
        ("s", "0.01 at 60000 taker"),
        ("s", "filled 0.01"),
    ]


@pytest.mark.parametrize("trigger", ["60000", "59500"])
def test_a_buy_stop_whose_trigger_is_passed_fires_on_arrival_at_the_current_price(
    trigger: str,
) -> None:
    assert told(short_core().place(stop("s", "buy", "0.01", trigger), AT)) == [
        ("s", "accepted"),
        ("s", "0.01 at 60000 taker"),
        ("s", "filled 0.01"),
    ]


def test_a_stop_that_fires_on_arrival_closes_no_more_than_is_held() -> None:
    assert told(long_core().place(stop("s", "sell", "0.02", "60500"), AT)) == [
        ("s", "accepted"),
        ("s", "0.01 at 60000 taker"),
        ("s", "expired 0.01"),
    ]


def test_a_stop_reserves_nothing_until_it_fires() -> None:
    core = long_core()
    core.place(stop("s", "sell", "0.01", "59000"), AT)
    profit = ticket("tp", "sell", "0.01", "61000", reduce_only=True)
    assert told(core.place(profit, AT)) == [("tp", "accepted")]
    assert told(core.place(stop("other", "sell", "0.01", "58500"), AT)) == [("other", "accepted")]


def test_a_fired_stop_expires_the_exits_that_nothing_covers_any_more() -> None:
    core = long_core()
    core.place(ticket("tp", "sell", "0.01", "61000", reduce_only=True), AT)
    core.place(stop("s", "sell", "0.01", "59000"), AT)
    assert told(move(core, "58000")) == [
        ("s", "0.01 at 59000 taker"),
        ("s", "filled 0.01"),
        ("tp", "expired 0"),
    ]
    assert core.open_orders() == ()


def test_a_stop_closes_no_more_than_is_still_held_and_its_rest_expires() -> None:
    core = long_core()
    core.place(ticket("tp", "sell", "0.004", "61000", reduce_only=True), AT)
    core.place(stop("s", "sell", "0.01", "59000"), AT)
    move(core, "61000")
    assert told(move(core, "58000")) == [
        ("s", "0.006 at 59000 taker"),
        ("s", "expired 0.006"),
    ]
    assert core.positions() == {}


def test_a_stop_that_finds_nothing_held_expires_without_a_trade() -> None:
    core = long_core()
    core.place(stop("s", "sell", "0.01", "59000"), AT)
    core.place(ticket("by-hand", "sell", "0.01", None, reduce_only=True), AT)
    assert told(move(core, "58000")) == [("s", "expired 0")]
    assert core.positions() == {}


def test_at_one_price_resting_orders_come_first_then_stops_by_placement() -> None:
    core = long_core()
    core.place(stop("older", "sell", "0.002", "59000"), AT)
    core.place(stop("newer", "sell", "0.02", "59000"), AT)
    core.place(ticket("dip", "buy", "0.01", "59000"), AT)
    assert told(move(core, "58000")) == [
        ("dip", "0.01 at 59000 maker"),
        ("dip", "filled 0.01"),
        ("older", "0.002 at 59000 taker"),
        ("older", "filled 0.002"),
        ("newer", "0.018 at 59000 taker"),
        ("newer", "expired 0.018"),
    ]


def test_stops_and_resting_orders_fire_in_the_order_the_price_reaches_them() -> None:
    core = long_core()
    core.place(stop("low", "sell", "0.003", "58500"), AT)
    core.place(stop("high", "sell", "0.003", "59500"), AT)
    core.place(ticket("dip", "buy", "0.01", "59000"), AT)
    assert [name for name, _ in told(move(core, "58000"))[::2]] == ["high", "dip", "low"]

    core = short_core()
    core.place(stop("far", "buy", "0.003", "61500"), AT)
    core.place(stop("near", "buy", "0.003", "60500"), AT)
    core.place(ticket("rip", "sell", "0.01", "61000"), AT)
    assert [name for name, _ in told(move(core, "62000"))[::2]] == ["near", "rip", "far"]


def test_a_stop_placed_within_a_sweep_takes_part_in_the_rest_of_it() -> None:
    core = new_core()
    core.place(ticket("entry", "buy", "0.01", "59500"), AT)
    core.begin_move(SYMBOL, Decimal(58000), AT)
    core.next_fill()
    core.place(stop("s", "sell", "0.01", "58700"), AT)
    assert told(core.next_fill() or []) == [("s", "0.01 at 58700 taker"), ("s", "filled 0.01")]
    assert core.price(SYMBOL) == Decimal(58700)
    assert core.next_fill() is None


def test_a_stop_pays_as_a_taker() -> None:
    core = long_core()
    core.place(stop("s", "sell", "0.01", "59000"), AT)
    move(core, "59000")
    assert core.balance == Decimal(100000) - Decimal("0.3") - Decimal(10) - Decimal("0.295")


def test_a_stop_beyond_the_position_needs_no_margin_for_what_it_will_never_trade() -> None:
    core = new_core(balance="610")
    core.place(ticket("entry", "buy", "0.01", None), AT)
    assert core.free < Decimal(10)
    assert told(core.place(stop("s", "sell", "0.02", "59000"), AT)) == [("s", "accepted")]


def test_a_stop_needs_a_position_that_it_would_close() -> None:
    core = new_core()
    assert told(core.place(stop("s", "sell", "0.01", "59000"), AT)) == [("s", "refused -2022")]
    core.place(ticket("entry", "buy", "0.01", None), AT)
    assert told(core.place(stop("s", "buy", "0.01", "61000"), AT)) == [("s", "refused -2022")]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"price": Decimal(58900)}, "-1116"),
        ({"reduce_only": False}, "-1116"),
        ({"trigger_price": Decimal("59000.05")}, "-4014"),
        ({"trigger_price": Decimal(0)}, "-4001"),
        ({"quantity": Decimal("0.0105")}, "-1111"),
    ],
)
def test_a_stop_that_breaks_a_rule_is_refused(change: dict[str, object], code: str) -> None:
    order: OrderTicket = msgspec.structs.replace(stop("s", "sell", "0.01", "59000"), **change)
    assert told(long_core().place(order, AT)) == [("s", f"refused {code}")]


def test_where_stops_reserve_a_stop_and_a_profit_share_the_position() -> None:
    core = long_core(stops_reserve=True)
    core.place(ticket("tp", "sell", "0.006", "61000", reduce_only=True), AT)
    beyond = core.place(stop("s", "sell", "0.005", "59000"), AT)
    assert told(beyond) == [("s", "refused -2022")]
    assert told(core.place(stop("s", "sell", "0.004", "59000"), AT)) == [("s", "accepted")]
    more = ticket("more", "sell", "0.001", "62000", reduce_only=True)
    assert told(core.place(more, AT)) == [("more", "refused -2022")]


def test_where_stops_reserve_a_shrunk_position_expires_the_newest_stop_too() -> None:
    core = long_core(stops_reserve=True)
    core.place(ticket("tp", "sell", "0.006", "61000", reduce_only=True), AT)
    core.place(stop("s", "sell", "0.004", "59000"), AT)
    reports = core.place(ticket("by-hand", "sell", "0.002", None), AT)
    assert told(reports)[-1] == ("s", "expired 0")


def test_a_spot_stop_holds_what_it_would_sell() -> None:
    core = MatchingCore(instruments=[SPOT], currency="USDT", balance=Decimal(1000))
    move(core, "50000", SPOT_SYMBOL)
    core.place(ticket("entry", "buy", "0.01", None, symbol=SPOT_SYMBOL), AT)
    guard = stop("s", "sell", "0.009", "49000", symbol=SPOT_SYMBOL)
    assert told(core.place(guard, AT)) == [("s", "accepted")]
    profit = ticket("tp", "sell", "0.001", "51000", symbol=SPOT_SYMBOL)
    assert told(core.place(profit, AT)) == [("tp", "refused -2010")]
    assert told(move(core, "48000", SPOT_SYMBOL)) == [
        ("s", "0.009 at 49000 taker"),
        ("s", "filled 0.009"),
    ]


def test_a_spot_stop_that_would_buy_is_refused() -> None:
    core = MatchingCore(instruments=[SPOT], currency="USDT", balance=Decimal(1000))
    move(core, "50000", SPOT_SYMBOL)
    order = stop("s", "buy", "0.01", "51000", symbol=SPOT_SYMBOL)
    assert told(core.place(order, AT)) == [("s", "refused -1116")]


def test_a_stop_survives_a_restore_and_fires_as_it_would_have() -> None:
    core = long_core()
    core.place(stop("s", "sell", "0.01", "59000"), AT)
    copy = new_core(price=None)
    copy.restore(core.state())
    assert copy.state() == core.state()
    assert move(copy, "58000") == move(core, "58000") != []


def test_a_stop_the_price_passed_while_the_venue_was_away_fires_where_the_price_stands() -> None:
    core = long_core()
    core.place(stop("s", "sell", "0.01", "59000"), AT)
    copy = new_core(price=None)
    copy.restore(msgspec.structs.replace(core.state(), prices={}))
    assert told(move(copy, "58000")) == [("s", "0.01 at 58000 taker"), ("s", "filled 0.01")]


def test_a_stop_that_may_not_trade_all_at_once_expires_with_the_rest() -> None:
    core = long_core()
    core.max_fill_quantity = Decimal("0.004")
    core.place(stop("s", "sell", "0.01", "59000"), AT)
    assert told(move(core, "58000")) == [("s", "0.004 at 59000 taker"), ("s", "expired 0.004")]
