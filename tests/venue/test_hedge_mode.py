"""Hedge mode at the simulated venue: a long and a short position of one symbol, apart."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.state import Holding
from domain.instrument import PositionSide
from tests.venue.bench import AT, SYMBOL, hedged, move, new_core, stop, ticket, told


def both_core() -> MatchingCore:
    """Long 0.02 and short 0.01 at 60000."""
    core = new_core(hedge_mode=True)
    core.place(hedged("long", "buy", "0.02", "long"), AT)
    core.place(hedged("short", "sell", "0.01", "short"), AT)
    return core


def test_both_sides_of_a_symbol_are_held_apart() -> None:
    core = both_core()
    assert core.sides == ("long", "short")
    assert core.positions("long") == {SYMBOL: Decimal("0.02")}
    assert core.positions("short") == {SYMBOL: Decimal("-0.01")}
    assert core.position(SYMBOL, "short").quantity == Decimal("-0.01")
    assert core.held() == (
        Holding(symbol=SYMBOL, quantity=Decimal("0.02"), entry_price=Decimal(60000), side="long"),
        Holding(symbol=SYMBOL, quantity=Decimal("-0.01"), entry_price=Decimal(60000), side="short"),
    )


def test_asking_for_a_side_the_account_does_not_have_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="long or short"):
        both_core().positions()
    with pytest.raises(ValueError, match="has both"):
        new_core().position(SYMBOL, "long")


def test_an_order_must_name_its_side_in_hedge_mode() -> None:
    core = new_core(hedge_mode=True)
    assert told(core.place(ticket("a", "buy", "0.01", None), AT)) == [("a", "refused -4061")]


@pytest.mark.parametrize("side", ["long", "short"])
def test_a_one_way_account_refuses_a_named_side(side: PositionSide) -> None:
    order = hedged("a", "buy", "0.01", side)
    assert told(new_core().place(order, AT)) == [("a", "refused -4061")]


def test_closing_is_told_by_side_alone_and_never_goes_beyond_the_position() -> None:
    core = both_core()
    assert told(core.place(hedged("a", "sell", "0.021", "long"), AT)) == [("a", "refused -2022")]
    assert told(core.place(hedged("b", "buy", "0.011", "short"), AT)) == [("b", "refused -2022")]
    assert told(core.place(hedged("c", "sell", "0.02", "long"), AT))[-1] == ("c", "filled 0.02")
    assert core.positions("long") == {}
    assert core.positions("short") == {SYMBOL: Decimal("-0.01")}


def test_an_order_that_would_open_cannot_be_reduce_only() -> None:
    order = msgspec.structs.replace(hedged("a", "buy", "0.01", "long"), reduce_only=True)
    assert told(both_core().place(order, AT)) == [("a", "refused -2022")]


def test_closing_orders_of_one_side_share_its_position_alone() -> None:
    core = both_core()
    core.place(hedged("a", "sell", "0.015", "long", "61000"), AT)
    beyond = core.place(hedged("b", "sell", "0.006", "long", "62000"), AT)
    assert told(beyond) == [("b", "refused -2022")]
    other = core.place(hedged("c", "buy", "0.01", "short", "59000"), AT)
    assert told(other) == [("c", "accepted")]


def test_an_order_that_opens_a_side_is_not_taken_for_one_that_closes_the_other() -> None:
    core = both_core()
    core.place(hedged("exit", "sell", "0.02", "long", "61000"), AT)
    more = core.place(hedged("more", "sell", "0.03", "short"), AT)
    assert told(more)[-1] == ("more", "filled 0.03")
    assert [order.client_order_id for order in core.open_orders()] == ["exit"]


def test_what_a_shrunk_side_does_not_cover_expires_on_that_side_only() -> None:
    core = both_core()
    core.place(hedged("sold", "sell", "0.02", "long", "61000"), AT)
    core.place(hedged("kept", "buy", "0.01", "short", "59000"), AT)
    core.place(stop("s", "sell", "0.02", "59500", position_side="long"), AT)
    assert told(move(core, "59500")) == [
        ("s", "0.02 at 59500 taker"),
        ("s", "filled 0.02"),
        ("sold", "expired 0"),
    ]
    assert [order.client_order_id for order in core.open_orders()] == ["kept"]


def test_a_stop_of_the_short_side_buys_only_what_is_short() -> None:
    core = both_core()
    core.place(stop("s", "buy", "0.05", "60500", position_side="short"), AT)
    assert told(move(core, "61000")) == [("s", "0.01 at 60500 taker"), ("s", "expired 0.01")]
    assert core.positions("long") == {SYMBOL: Decimal("0.02")}


def test_profit_and_margin_count_both_sides() -> None:
    core = both_core()
    fees = Decimal("0.6") + Decimal("0.3")
    assert core.free == Decimal(100000) - fees - Decimal(1200) - Decimal(600)
    move(core, "61000")
    assert core.unrealized == Decimal(20) - Decimal(10)
    assert core.equity == Decimal(100000) - fees + Decimal(10)
    core.place(hedged("x", "buy", "0.01", "short"), AT)
    assert core.balance == Decimal(100000) - fees - Decimal(10) - Decimal("0.305")


def test_opening_needs_margin_also_against_the_other_side_and_closing_needs_none() -> None:
    core = new_core(hedge_mode=True, balance="1210", leverage="1")
    core.place(hedged("long", "buy", "0.02", "long"), AT)
    short = core.place(hedged("short", "sell", "0.01", "short"), AT)
    assert told(short) == [("short", "refused -2019")]
    resting = core.place(hedged("exit", "sell", "0.02", "long", "61000"), AT)
    assert told(resting) == [("exit", "accepted")]
    assert core.free == Decimal(1210) - Decimal("0.6") - Decimal(1200)


def test_a_closing_order_is_exempt_from_the_minimum_notional() -> None:
    core = new_core(hedge_mode=True, min_notional=Decimal(100))
    core.place(hedged("long", "buy", "0.003", "long"), AT)
    small = core.place(hedged("a", "buy", "0.001", "long", "59000"), AT)
    assert told(small) == [("a", "refused -4164")]
    part = core.place(hedged("b", "sell", "0.001", "long", "61000"), AT)
    assert told(part) == [("b", "accepted")]


def test_a_restored_account_goes_on_in_hedge_mode() -> None:
    core = both_core()
    core.place(hedged("exit", "sell", "0.02", "long", "61000"), AT)
    core.fund(SYMBOL, Decimal("0.01"), AT)
    copy = new_core(price=None)
    copy.restore(core.state())
    assert copy.state() == core.state()
    assert move(copy, "62000") == move(core, "62000") != []
    assert copy.equity == core.equity


def test_the_mode_changes_only_while_flat_without_orders() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.01", "59000"), AT)
    with pytest.raises(ValueError, match="while flat"):
        core.set_hedge_mode(hedge_mode=True)
    core.set_hedge_mode(hedge_mode=False)
    core.cancel("a", AT)
    core.set_hedge_mode(hedge_mode=True)
    core.place(hedged("b", "buy", "0.01", "long"), AT)
    with pytest.raises(ValueError, match="while flat"):
        core.set_hedge_mode(hedge_mode=False)


def test_funding_is_paid_by_one_side_and_received_by_the_other() -> None:
    core = both_core()
    move(core, "61000")
    before = core.balance
    reports = core.fund(SYMBOL, Decimal("0.01"), AT)
    assert [(report.position_side, report.amount) for report in reports] == [
        ("long", Decimal("-0.122")),
        ("short", Decimal("0.061")),
    ]
    assert core.balance == before - Decimal("0.061")
    later = core.fund(SYMBOL, Decimal("0.01"), AT + timedelta(hours=8))
    assert len({report.funding_id for report in (*reports, *later)}) == 4


def test_funding_below_zero_is_received_by_longs_and_nothing_is_settled_while_flat() -> None:
    core = new_core()
    assert core.fund(SYMBOL, Decimal("0.01"), AT) == []
    core.place(ticket("a", "buy", "0.01", None), AT)
    (report,) = core.fund(SYMBOL, Decimal("-0.02"), AT + timedelta(hours=8))
    assert (report.amount, report.asset, report.position_side) == (Decimal("0.12"), "USDT", "both")
    assert report.settled_at == AT + timedelta(hours=8)


def test_funding_is_settled_once_a_moment_and_only_where_there_is_a_price() -> None:
    core = both_core()
    core.fund(SYMBOL, Decimal("0.01"), AT)
    with pytest.raises(ValueError, match="is settled until"):
        core.fund(SYMBOL, Decimal("0.01"), AT)
    with pytest.raises(ValueError, match="has a price"):
        new_core(price=None).fund(SYMBOL, Decimal("0.01"), AT)
