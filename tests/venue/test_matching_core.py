"""How orders meet a moving price at the simulated venue."""

from decimal import Decimal

import pytest

from adapters.exchanges.simulated.account import LinearHoldings
from adapters.exchanges.simulated.core import MatchingCore
from application.inputs import Accepted, Ended, Found, NotFound, OrderReported, Traded
from tests.venue.bench import AT, PERPETUAL, SPOT, SPOT_SYMBOL, SYMBOL, move, new_core, ticket, told


def test_a_limit_order_away_from_the_price_rests() -> None:
    core = new_core()
    assert told(core.place(ticket("a", "buy", "0.01", "59000"), AT)) == [("a", "accepted")]
    assert [order.client_order_id for order in core.open_orders()] == ["a"]


@pytest.mark.parametrize(
    ("side", "limit"), [("buy", "60000"), ("buy", "60500"), ("sell", "60000"), ("sell", "59500")]
)
def test_a_marketable_order_fills_at_the_current_price_as_taker(side: str, limit: str) -> None:
    core = new_core()
    order = ticket("a", "buy" if side == "buy" else "sell", "0.01", limit)
    assert told(core.place(order, AT)) == [
        ("a", "accepted"),
        ("a", "0.01 at 60000 taker"),
        ("a", "filled 0.01"),
    ]


def test_a_sweep_fills_in_the_order_the_price_reaches_and_at_limit_prices() -> None:
    core = new_core()
    for name, limit in [("low", "59000"), ("high", "59500"), ("alike", "59500"), ("far", "57000")]:
        core.place(ticket(name, "buy", "0.01", limit), AT)
    assert told(move(core, "58000")) == [
        ("high", "0.01 at 59500 maker"),
        ("high", "filled 0.01"),
        ("alike", "0.01 at 59500 maker"),
        ("alike", "filled 0.01"),
        ("low", "0.01 at 59000 maker"),
        ("low", "filled 0.01"),
    ]
    assert core.price(SYMBOL) == Decimal(58000)


def test_the_price_within_a_sweep_is_the_level_reached() -> None:
    core = new_core()
    core.place(ticket("a", "sell", "0.01", "60500"), AT)
    core.begin_move(SYMBOL, Decimal(61000), AT)
    assert core.next_fill() is not None
    assert core.price(SYMBOL) == Decimal(60500)
    assert core.next_fill() is None
    assert core.price(SYMBOL) == Decimal(61000)


def test_an_order_exactly_at_the_target_is_reached() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.01", "59000"), AT)
    assert told(move(core, "59000"))[-1] == ("a", "filled 0.01")


def test_what_is_placed_within_a_sweep_takes_part_in_the_rest_of_it() -> None:
    core = new_core()
    core.place(ticket("first", "buy", "0.01", "59500"), AT)
    core.begin_move(SYMBOL, Decimal(59000), AT)
    assert told(core.next_fill() or []) == [
        ("first", "0.01 at 59500 maker"),
        ("first", "filled 0.01"),
    ]
    core.place(ticket("second", "buy", "0.01", "59200"), AT)
    taken = core.place(ticket("taker", "sell", "0.01", "59500", reduce_only=True), AT)
    assert told(taken)[1] == ("taker", "0.01 at 59500 taker")
    assert told(core.next_fill() or [])[0] == ("second", "0.01 at 59200 maker")
    assert core.next_fill() is None


def test_an_exit_placed_above_the_level_reached_waits_for_the_way_up() -> None:
    core = new_core()
    core.place(ticket("entry", "buy", "0.01", "59500"), AT)
    core.begin_move(SYMBOL, Decimal(59000), AT)
    core.next_fill()
    core.place(ticket("exit", "sell", "0.01", "59800", reduce_only=True), AT)
    assert core.next_fill() is None
    assert told(move(core, "60000")) == [("exit", "0.01 at 59800 maker"), ("exit", "filled 0.01")]


def test_what_is_cancelled_within_a_sweep_does_not_fill() -> None:
    core = new_core()
    core.place(ticket("first", "buy", "0.01", "59500"), AT)
    core.place(ticket("second", "buy", "0.01", "59200"), AT)
    core.begin_move(SYMBOL, Decimal(59000), AT)
    core.next_fill()
    assert told(core.cancel("second", AT)) == [("second", "cancelled 0")]
    assert core.next_fill() is None


def test_the_first_price_is_set_without_a_sweep() -> None:
    core = new_core(price=None)
    core.place(ticket("a", "buy", "0.01", "59000"), AT)
    assert core.price(SYMBOL) is None
    assert move(core, "60000") == []
    assert core.price(SYMBOL) == Decimal(60000)


def test_a_move_within_a_sweep_is_a_mistake() -> None:
    core = new_core()
    core.begin_move(SYMBOL, Decimal(59000), AT)
    with pytest.raises(RuntimeError, match="finish it"):
        core.begin_move(SYMBOL, Decimal(58000), AT)


@pytest.mark.parametrize("price", ["0", "-1", "NaN"])
def test_a_price_that_is_not_positive_is_a_mistake(price: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        new_core().begin_move(SYMBOL, Decimal(price), AT)


def test_the_rest_of_an_ioc_order_is_cancelled() -> None:
    core = new_core()
    core.max_fill_quantity = Decimal("0.004")
    assert told(core.place(ticket("a", "buy", "0.01", "60000", tif="ioc"), AT)) == [
        ("a", "accepted"),
        ("a", "0.004 at 60000 taker"),
        ("a", "cancelled 0.004"),
    ]
    missed = core.place(ticket("b", "buy", "0.01", "59000", tif="ioc"), AT)
    assert told(missed) == [("b", "accepted"), ("b", "cancelled 0")]


def test_limited_volume_fills_a_part_each_move_and_never_moves_the_price_past_others() -> None:
    core = new_core()
    core.max_fill_quantity = Decimal("0.004")
    core.place(ticket("a", "buy", "0.01", "59000"), AT)
    assert told(move(core, "58000")) == [("a", "0.004 at 59000 maker")]
    core.place(ticket("b", "sell", "0.004", "58500"), AT)
    assert told(move(core, "59500")) == [
        ("a", "0.004 at 59000 maker"),
        ("b", "0.004 at 58500 maker"),
        ("b", "filled 0.004"),
    ]
    assert move(core, "59000.1") == []
    assert told(move(core, "59000")) == [("a", "0.002 at 59000 maker"), ("a", "filled 0.010")]


def test_an_order_the_price_had_passed_fills_where_the_price_stands() -> None:
    core = new_core()
    core.max_fill_quantity = Decimal("0.004")
    core.place(ticket("a", "buy", "0.01", "59000"), AT)
    move(core, "58000")
    core.begin_move(SYMBOL, Decimal(59500), AT)
    assert told(core.next_fill() or []) == [("a", "0.004 at 59000 maker")]
    assert core.price(SYMBOL) == Decimal(58000)
    assert core.next_fill() is None


def test_an_explicit_fill_is_partial_and_a_query_tells_all_of_it() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.01", "59000"), AT)
    assert told(core.fill("a", Decimal("0.003"), AT)) == [("a", "0.003 at 59000 maker")]
    reports = [reported.report for reported in core.query("a", AT)]
    assert isinstance(reports[0], Traded)
    assert reports[1] == Found(venue_order_id="1000001", filled=Decimal("0.003"))
    assert told(core.cancel("a", AT)) == [("a", "cancelled 0.003")]
    assert core.query("a", AT)[-1].report == Ended(status="cancelled", filled=Decimal("0.003"))


def test_an_explicit_fill_beyond_the_rest_is_a_mistake() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.01", "59000"), AT)
    with pytest.raises(ValueError, match=r"at most 0\.01"):
        core.fill("a", Decimal("0.02"), AT)
    with pytest.raises(ValueError, match="none rests"):
        core.fill("b", Decimal("0.01"), AT)


def test_a_query_of_an_unknown_order_says_so() -> None:
    assert new_core().query("nope", AT) == [
        OrderReported(client_order_id="nope", report=NotFound(asked_at=AT))
    ]


def test_ids_count_up_and_go_on_after_a_restore() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.01", "60000"), AT)
    core.place(ticket("b", "buy", "0.01", "59000"), AT)
    restored = new_core(price=None)
    restored.restore(core.state())
    assert restored.state() == core.state()
    report = restored.place(ticket("c", "buy", "0.01", "58000"), AT)[0].report
    assert report == Accepted(venue_order_id="1000003")
    traded = move(restored, "59000")[0].report
    assert isinstance(traded, Traded)
    assert traded.trade_id == "5002"


def test_a_restored_core_goes_on_exactly_as_the_one_it_was_taken_from() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.01", "60000"), AT)
    core.place(ticket("second", "buy", "0.02", "59000"), AT)
    core.place(ticket("third", "buy", "0.02", "59000"), AT)
    core.fill("second", Decimal("0.005"), AT)
    core.place(ticket("x", "sell", "0.01", "60600", reduce_only=True), AT)
    copy = new_core(price=None)
    copy.restore(core.state())
    assert copy.query("second", AT) == core.query("second", AT)
    for price in ("58900", "61000"):
        assert move(copy, price) == move(core, price)
    assert (copy.balance, copy.equity, copy.positions()) == (
        core.balance,
        core.equity,
        core.positions(),
    )


def test_an_order_the_price_passed_while_the_venue_was_away_fills_at_its_limit() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.01", "59000"), AT)
    restored = new_core(price=None)
    state = core.state()
    restored.restore(type(state)(balance=state.balance, orders=state.orders, orders_accepted=1))
    assert told(move(restored, "58000")) == [("a", "0.01 at 59000 maker"), ("a", "filled 0.01")]


def test_fees_are_exact_fractions_of_the_notional() -> None:
    core = new_core()
    core.place(ticket("taker", "buy", "0.003", "60000"), AT)
    core.place(ticket("maker", "buy", "0.001", "59999.9"), AT)
    move(core, "59999.9")
    fees = [
        reported.report.fee
        for name in ("taker", "maker")
        for reported in core.query(name, AT)
        if isinstance(reported.report, Traded)
    ]
    assert fees == [Decimal("0.09"), Decimal("0.01199998")]
    assert core.balance == Decimal(100000) - sum(fees)


def test_a_round_trip_realizes_its_profit_less_both_fees() -> None:
    core = new_core()
    core.place(ticket("entry", "buy", "0.01", "59000"), AT)
    move(core, "59000")
    core.place(ticket("exit", "sell", "0.01", "59590", reduce_only=True), AT)
    move(core, "60000")
    fees = Decimal(59000 + 59590) * Decimal("0.01") * Decimal("0.0002")
    assert core.balance == Decimal(100000) + Decimal("5.9") - fees
    assert core.positions() == {}


def test_a_short_gains_when_the_price_falls() -> None:
    core = new_core()
    core.place(ticket("a", "sell", "0.01", None), AT)
    move(core, "59000")
    assert core.positions() == {SYMBOL: Decimal("-0.01")}
    assert core.unrealized == Decimal(10)
    assert core.equity == Decimal(100010) - Decimal("0.3")


def test_a_short_is_closed_in_parts_with_its_profit() -> None:
    core = new_core()
    core.place(ticket("a", "sell", "0.03", None), AT)
    move(core, "59000")
    core.place(ticket("b", "buy", "0.01", None, reduce_only=True), AT)
    entry_fee = Decimal("0.9")
    assert core.balance == Decimal(100000) - entry_fee + Decimal(10) - Decimal("0.295")
    assert core.unrealized == Decimal(20)
    core.place(ticket("c", "buy", "0.02", None, reduce_only=True), AT)
    assert core.balance == Decimal(100000) - entry_fee + Decimal(30) - Decimal("0.885")
    assert core.unrealized == Decimal(0)


def test_a_flip_realizes_the_old_side_and_enters_the_new_one_at_the_price() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.01", None), AT)
    move(core, "61000")
    core.place(ticket("b", "sell", "0.03", None), AT)
    position = core.position(SYMBOL)
    assert position.quantity == Decimal("-0.02")
    assert position.entry_price(Decimal(1)) == Decimal(61000)
    assert core.balance == Decimal(100000) - Decimal("0.3") + Decimal(10) - Decimal("0.915")


def test_partial_closes_of_an_average_that_does_not_divide_lose_nothing() -> None:
    core = new_core()
    for name, price in [("a", "60000"), ("b", "59999.9"), ("c", "59990.3")]:
        move(core, price)
        core.place(ticket(name, "buy", "0.001", None), AT)
    paid = sum(
        (
            reported.report.fee
            for name in ("a", "b", "c")
            for reported in core.query(name, AT)
            if isinstance(reported.report, Traded)
        ),
        Decimal(0),
    )
    for name in ("x", "y", "z"):
        core.place(ticket(name, "sell", "0.001", None, reduce_only=True), AT)
        paid += Decimal("59990.3") * Decimal("0.001") * Decimal("0.0005")
        profit = 3 * Decimal("59.9903") - Decimal("179.9902")
        assert core.equity == Decimal(100000) + profit - paid
    assert core.balance == core.equity


def test_margin_is_notional_over_leverage_plus_fee() -> None:
    # Taker: 0.1 × 60000 ÷ 10 + 3 = 603; a resting order at 50000: 0.1 × 50000 ÷ 10 + 1 = 501.
    assert told(
        new_core(balance="602.99", leverage="10").place(ticket("a", "buy", "0.1", None), AT)
    ) == [("a", "refused -2019")]
    core = new_core(balance="603", leverage="10")
    assert told(core.place(ticket("a", "buy", "0.1", None), AT))[0] == ("a", "accepted")
    assert core.free == Decimal(0)

    core = new_core(balance="1001", leverage="10")
    core.place(ticket("a", "buy", "0.1", "50000"), AT)
    assert core.free == Decimal(500)
    assert told(core.place(ticket("b", "buy", "0.1", "50000"), AT)) == [("b", "refused -2019")]
    core.cancel("a", AT)
    assert told(core.place(ticket("b", "buy", "0.1", "50000"), AT)) == [("b", "accepted")]


def test_leverage_is_kept_per_symbol() -> None:
    core = new_core(balance="1000")
    assert isinstance(core.holdings, LinearHoldings)
    core.holdings.set_leverage(SYMBOL, Decimal(20))
    assert told(core.place(ticket("a", "buy", "0.1", None), AT))[0] == ("a", "accepted")
    with pytest.raises(ValueError, match="1 or more"):
        core.holdings.set_leverage(SYMBOL, Decimal(0))


def spot_core() -> MatchingCore:
    core = MatchingCore(instruments=[SPOT], currency="USDT", balance=Decimal(1000))
    move(core, "50000", SPOT_SYMBOL)
    return core


def test_a_spot_buy_pays_its_fee_in_the_base_asset() -> None:
    core = spot_core()
    report = core.place(ticket("a", "buy", "0.01", None, symbol=SPOT_SYMBOL), AT)[1].report
    assert isinstance(report, Traded)
    assert (report.fee, report.fee_asset) == (Decimal("0.000005"), "BTC")
    assert core.positions() == {SPOT_SYMBOL: Decimal("0.009995")}
    assert core.balance == Decimal(500)


def test_spot_sells_only_what_it_owns_and_no_order_holds() -> None:
    core = spot_core()
    core.place(ticket("a", "buy", "0.01", None, symbol=SPOT_SYMBOL), AT)
    over = core.place(ticket("b", "sell", "0.01", None, symbol=SPOT_SYMBOL), AT)
    assert told(over) == [("b", "refused -2010")]
    core.place(ticket("c", "sell", "0.009", "51000", symbol=SPOT_SYMBOL), AT)
    assert told(core.place(ticket("d", "sell", "0.001", None, symbol=SPOT_SYMBOL), AT)) == [
        ("d", "refused -2010")
    ]
    move(core, "51000", SPOT_SYMBOL)
    assert core.balance == Decimal(500) + Decimal(459) * (1 - Decimal("0.0002"))


def test_spot_and_perpetuals_do_not_share_an_account() -> None:
    with pytest.raises(ValueError, match="one kind"):
        MatchingCore(instruments=[SPOT, PERPETUAL], currency="USDT", balance=Decimal(1))
