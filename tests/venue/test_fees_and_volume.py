"""Fees in another asset, and moves that bring only so much volume."""

from decimal import Decimal

import pytest

from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.fees import FeeAsset
from application.inputs import OrderReported, Traded
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

BNB = FeeAsset(asset="BNB", price=Decimal(600), balance=Decimal(1))


def fees(reports: list[OrderReported]) -> list[tuple[Decimal, str]]:
    return [
        (reported.report.fee, reported.report.fee_asset)
        for reported in reports
        if isinstance(reported.report, Traded)
    ]


def test_fees_are_paid_in_the_asset_kept_for_them_at_its_price() -> None:
    core = new_core(fee_asset=BNB)
    taken = core.place(ticket("a", "buy", "0.01", None), AT)
    # 600 × 0.05 % ÷ 600 a BNB.
    assert fees(taken) == [(Decimal("0.0005"), "BNB")]
    assert core.fee_balance == Decimal("0.9995")
    assert core.balance == core.equity == Decimal(100000)
    core.place(ticket("b", "sell", "0.01", "61200", reduce_only=True), AT)
    assert fees(move(core, "61200")) == [(Decimal("0.000204"), "BNB")]
    assert core.balance == Decimal(100000) + Decimal(12)


def test_a_fee_that_does_not_come_out_even_is_cut_far_below_any_asset_s_unit() -> None:
    core = new_core(fee_asset=FeeAsset(asset="BNB", price=Decimal(700), balance=Decimal(1)))
    ((fee, _),) = fees(core.place(ticket("a", "buy", "0.01", None), AT))
    assert fee == Decimal("0.000428571429")


def test_fees_fall_back_to_the_settle_asset_once_the_other_is_used_up() -> None:
    low = FeeAsset(asset="BNB", price=Decimal(600), balance=Decimal("0.0006"))
    core = new_core(fee_asset=low)
    assert fees(core.place(ticket("a", "buy", "0.01", None), AT)) == [(Decimal("0.0005"), "BNB")]
    assert fees(core.place(ticket("b", "buy", "0.01", None), AT)) == [(Decimal("0.3"), "USDT")]
    assert core.fee_balance == Decimal("0.0001")


def test_a_spot_buy_receives_all_of_it_when_its_fee_is_paid_in_another_asset() -> None:
    core = MatchingCore(instruments=[SPOT], currency="USDT", balance=Decimal(1000), fee_asset=BNB)
    move(core, "50000", SPOT_SYMBOL)
    bought = core.place(ticket("a", "buy", "0.01", None, symbol=SPOT_SYMBOL), AT)
    assert fees(bought)[0][1] == "BNB"
    assert core.positions() == {SPOT_SYMBOL: Decimal("0.01")}
    core.place(ticket("b", "sell", "0.01", None, symbol=SPOT_SYMBOL), AT)
    assert core.balance == Decimal(1000)


def test_a_restored_account_has_what_was_left_to_pay_fees_with() -> None:
    core = new_core(fee_asset=BNB)
    core.place(ticket("a", "buy", "0.01", None), AT)
    copy = new_core(price=None)
    copy.restore(core.state())
    assert copy.fee_balance == Decimal("0.9995")
    assert copy.state() == core.state()


def test_a_price_of_nothing_cannot_value_a_fee() -> None:
    with pytest.raises(ValueError, match="positive"):
        new_core(fee_asset=FeeAsset(asset="BNB", price=Decimal(0), balance=Decimal(1)))


def test_the_volume_of_a_move_is_shared_in_the_order_it_reaches_and_the_rest_waits() -> None:
    core = new_core()
    for name, limit in [("first", "59500"), ("second", "59000"), ("third", "58500")]:
        core.place(ticket(name, "buy", "0.01", limit), AT)
    assert told(move(core, "58000", volume="0.015")) == [
        ("first", "0.01 at 59500 maker"),
        ("first", "filled 0.01"),
        ("second", "0.005 at 59000 maker"),
    ]
    assert core.price(SYMBOL) == Decimal(58000)
    assert [order.client_order_id for order in core.open_orders()] == ["second", "third"]
    assert told(move(core, "57900", volume="0.006")) == [
        ("second", "0.005 at 59000 maker"),
        ("second", "filled 0.010"),
        ("third", "0.001 at 58500 maker"),
    ]
    assert told(move(core, "57800")) == [
        ("third", "0.009 at 58500 maker"),
        ("third", "filled 0.010"),
    ]


def test_a_move_without_volume_fills_nothing_that_rests() -> None:
    core = new_core()
    core.place(ticket("a", "buy", "0.01", "59500"), AT)
    assert move(core, "58000", volume="0") == []
    assert move(core, "57000", volume="0.0009") == []


def test_volume_fills_whole_steps_and_no_more_than_one_order_may_trade() -> None:
    core = new_core()
    core.max_fill_quantity = Decimal("0.004")
    core.place(ticket("a", "buy", "0.01", "59500"), AT)
    core.place(ticket("b", "buy", "0.01", "59400"), AT)
    assert told(move(core, "58000", volume="0.0066")) == [
        ("a", "0.004 at 59500 maker"),
        ("b", "0.002 at 59400 maker"),
    ]


def test_a_stop_fires_whatever_the_volume() -> None:
    core = new_core()
    core.place(ticket("entry", "buy", "0.01", None), AT)
    core.place(stop("s", "sell", "0.01", "59000"), AT)
    assert told(move(core, "58000", volume="0"))[0] == ("s", "0.01 at 59000 taker")


def test_a_volume_below_zero_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zero or more"):
        move(new_core(), "58000", volume="-1")
