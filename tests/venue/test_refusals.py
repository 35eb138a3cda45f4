"""What the simulated venue refuses, and with which of Binance's codes."""

from decimal import Decimal

import msgspec
import pytest

from application.inputs import Refused
from application.ports import OrderTicket
from domain.instrument import Side
from tests.venue.bench import AT, SYMBOL, move, new_core, ticket, told


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (ticket("a", "buy", "0.01", "59000.05"), "-4014"),
        (ticket("a", "buy", "0.0105", "59000"), "-1111"),
        (ticket("a", "buy", "0.0005", "59000"), "-1111"),
        (ticket("a", "buy", "0", "59000"), "-4003"),
        (ticket("a", "buy", "-0.01", "59000"), "-4003"),
        (ticket("a", "buy", "101", "59000"), "-4005"),
        (ticket("a", "buy", "0.01", "0"), "-4001"),
        (ticket("a", "buy", "0.001", "4000"), "-4164"),
        (ticket("a", "buy", "0.01", "60000", tif="post_only"), "-5022"),
        (ticket("a", "sell", "0.01", "60000", tif="post_only"), "-5022"),
        (ticket("a", "sell", "0.01", "61000", reduce_only=True), "-2022"),
        (ticket("a", "buy", "2", "59000"), "-2019"),
        (ticket("bad id #", "buy", "0.01", "59000"), "-4015"),
        (ticket("x" * 37, "buy", "0.01", "59000"), "-4015"),
        (ticket("a", "buy", "0.01", "59000", symbol="DOGE/USDT:USDT"), "-1121"),
    ],
)
def test_an_order_that_breaks_a_rule_is_refused(order: OrderTicket, code: str) -> None:
    core = new_core()
    assert told(core.place(order, AT)) == [(order.client_order_id, f"refused {code}")]
    assert core.open_orders() == ()


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        (ticket("a", "buy", "0.01", "60000", tif="post_only"), "post_only"),
        (ticket("a", "buy", "2", "59000"), "insufficient_funds"),
        (ticket("a", "buy", "0.01", "59000.05"), "other"),
    ],
)
def test_a_refusal_says_of_which_kind_it_is(order: OrderTicket, kind: str) -> None:
    for core in (new_core(), new_core(kind="spot")):
        (reported,) = core.place(order, AT)
        assert isinstance(reported.report, Refused)
        assert reported.report.kind == kind


def test_a_hedge_mode_order_is_refused_by_a_one_way_account() -> None:
    order = msgspec.structs.replace(ticket("a", "buy", "0.01", "59000"), position_side="long")
    assert told(new_core().place(order, AT)) == [("a", "refused -4061")]


def test_a_market_order_before_the_first_price_is_refused() -> None:
    core = new_core(price=None)
    assert told(core.place(ticket("a", "buy", "0.01", None), AT)) == [("a", "refused -4192")]


def test_a_client_id_is_unique_among_open_orders_only() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.01", "59000"), AT)
    assert told(core.place(ticket("a", "buy", "0.02", "58000"), AT)) == [("a", "refused -4116")]
    move(core, "59000")
    assert told(core.place(ticket("a", "buy", "0.01", "58000"), AT)) == [("a", "accepted")]


def test_post_only_away_from_the_price_rests() -> None:
    order = ticket("a", "buy", "0.01", "59999.9", tif="post_only")
    assert told(new_core().place(order, AT)) == [("a", "accepted")]


def test_reduce_only_is_exempt_from_the_minimum_notional() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.001", None), AT)
    move(core, "4000")
    assert told(core.place(ticket("b", "sell", "0.001", "4100"), AT)) == [("b", "refused -4164")]
    order = ticket("c", "sell", "0.001", "4100", reduce_only=True)
    assert told(core.place(order, AT)) == [("c", "accepted")]


def test_reduce_only_orders_together_never_exceed_the_position() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.01", None), AT)
    wrong_side = core.place(ticket("b", "buy", "0.01", None, reduce_only=True), AT)
    assert told(wrong_side) == [("b", "refused -2022")]
    core.place(ticket("c", "sell", "0.006", "61000", reduce_only=True), AT)
    beyond = core.place(ticket("d", "sell", "0.005", "62000", reduce_only=True), AT)
    assert told(beyond) == [("d", "refused -2022")]
    fits = core.place(ticket("e", "sell", "0.004", "62000", reduce_only=True), AT)
    assert told(fits) == [("e", "accepted")]
    assert told(core.fill("c", Decimal("0.001"), AT)) == [("c", "0.001 at 61000 maker")]
    assert [order.client_order_id for order in core.open_orders()] == ["c", "e"]


def test_reduce_only_orders_a_shrunk_position_does_not_cover_expire_newest_first() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.01", None), AT)
    core.place(ticket("old", "sell", "0.004", "61000", reduce_only=True), AT)
    core.place(ticket("new", "sell", "0.006", "62000", reduce_only=True), AT)
    reports = core.place(ticket("by hand", "sell", "0.005", None), AT)
    assert told(reports) == [("by hand", "refused -4015")]
    reports = core.place(ticket("by-hand", "sell", "0.005", None), AT)
    assert told(reports)[-1] == ("new", "expired 0")
    assert [order.client_order_id for order in core.open_orders()] == ["old"]


def test_cancelling_what_does_not_work_is_refused() -> None:
    core = new_core()
    assert told(core.cancel("nope", AT)) == [("nope", "cancel refused -2011")]
    core.place(ticket("a", "buy", "0.01", None), AT)
    assert told(core.cancel("a", AT)) == [("a", "cancel refused -2011")]


def test_an_order_closing_the_position_needs_no_margin() -> None:
    core = new_core(balance="700")
    core.place(ticket("a", "buy", "0.01", None), AT)
    assert core.free < Decimal(100)
    assert told(core.place(ticket("b", "sell", "0.01", "61000"), AT)) == [("b", "accepted")]
    assert core.positions() == {SYMBOL: Decimal("0.01")}


def test_no_more_orders_of_a_market_are_taken_than_it_allows() -> None:
    core = new_core(max_open_orders=2)
    core.place(ticket("a", "buy", "0.01", "59000"), AT)
    core.place(ticket("b", "buy", "0.01", "59000"), AT)

    assert told(core.place(ticket("c", "buy", "0.01", "59000"), AT)) == [("c", "refused -2025")]

    core.cancel("a", AT)
    core.place(ticket("c", "buy", "0.01", "59000"), AT)
    assert [order.client_order_id for order in core.open_orders()] == ["b", "c"]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_nobody_holds_more_than_the_market_allows(side: Side) -> None:
    core = new_core(position_limit=Decimal("0.03"))
    opposite: Side = "sell" if side == "buy" else "buy"
    away = "59000" if side == "buy" else "61000"
    core.place(ticket("a", side, "0.01", None), AT)
    core.place(ticket("b", side, "0.01", away), AT)

    assert told(core.place(ticket("c", side, "0.011", away), AT)) == [("c", "refused -2027")]

    core.place(ticket("c", side, "0.01", away), AT)
    core.place(ticket("d", opposite, "0.04", None), AT)
    core.place(ticket("e", opposite, "0.01", None, reduce_only=True), AT)
    held = Decimal("-0.03") if side == "buy" else Decimal("0.03")
    assert core.positions() == {SYMBOL: held}, "what closes a position does not enlarge it"


@pytest.mark.parametrize(
    ("order", "both_ways", "one_way"),
    [
        (ticket("a", "buy", "0.001", "66000.1"), "-4016", "-4016"),
        (ticket("a", "sell", "0.001", "53999.9"), "-4024", "-4024"),
        (ticket("a", "buy", "0.001", "53999.9"), "-4024", None),
        (ticket("a", "sell", "0.001", "66000.1"), "-4016", None),
        (ticket("a", "buy", "0.001", "54000"), None, None),
        (ticket("a", "sell", "0.001", "66000"), None, None),
    ],
)
def test_a_limit_beyond_the_band_is_refused(
    order: OrderTicket, both_ways: str | None, one_way: str | None
) -> None:
    for taking_only, code in ((False, both_ways), (True, one_way)):
        core = new_core(band_percent=Decimal(10), band_taking_only=taking_only)
        (*_, last) = told(core.place(order, AT))
        assert last == ("a", "accepted" if code is None else f"refused {code}")
