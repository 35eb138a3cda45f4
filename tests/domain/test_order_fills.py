"""An order's trades and its end: each counted once, none taken back, the missing asked for."""

from typing import Any

import pytest

from domain import order
from domain.order import OrderTradesMissing
from domain.order_terms import OrderStatus
from tests.domain.given import given
from tests.domain.test_order import (
    ACCEPTED,
    CANCEL_REQUESTED,
    ID,
    REQUESTED,
    UNKNOWN,
    D,
    after,
    ended,
    fill,
    filled,
    report_ended,
)


def test_fills_add_up() -> None:
    state = (
        given(order, REQUESTED, ACCEPTED, filled(1, "3", "3"))
        .when(fill(2, "4"))
        .then(filled(2, "4", "7"))
    )

    assert (state.status, state.filled) == (OrderStatus.OPEN, D(7))
    assert state.last_traded_at == after(2)


def test_the_last_fill_makes_it_final() -> None:
    state = (
        given(order, REQUESTED, ACCEPTED, filled(1, "3", "3"))
        .when(fill(2, "7"))
        .then(filled(2, "7", "10"))
    )

    assert state.status is OrderStatus.FILLED


def test_a_trade_counts_once_by_its_id() -> None:
    given(order, REQUESTED, ACCEPTED, filled(1, "3", "3")).when(fill(1, "3")).then_nothing()


def test_a_trade_may_come_before_the_acceptance() -> None:
    state = given(order, REQUESTED).when(fill(1, "3")).then(filled(1, "3", "3"))

    assert state.status is OrderStatus.OPEN


def test_a_late_fill_after_the_cancel_is_a_fact() -> None:
    past = (REQUESTED, ACCEPTED, CANCEL_REQUESTED, ended("cancelled"))

    state = given(order, *past).when(fill(1, "3")).then(filled(1, "3", "3"))

    assert (state.status, state.filled) == (OrderStatus.ENDED, D(3))


def test_a_venue_may_fill_more_than_was_asked_for() -> None:
    state = given(order, REQUESTED, ACCEPTED).when(fill(1, "11")).then(filled(1, "11", "11"))

    assert state.status is OrderStatus.FILLED


def test_an_order_ends_with_what_had_filled() -> None:
    state = (
        given(order, REQUESTED, ACCEPTED, filled(1, "3", "3"))
        .when(report_ended("cancelled", "3"))
        .then(ended("cancelled", "3"))
    )

    assert state.is_final


def test_an_end_with_a_smaller_fill_than_known_does_not_take_trades_back() -> None:
    given(order, REQUESTED, ACCEPTED, filled(1, "3", "3")).when(
        report_ended("cancelled", "1")
    ).then(ended("cancelled", "3"))


def test_an_end_with_a_larger_fill_than_known_asks_for_the_trades() -> None:
    missing = OrderTradesMissing(client_order_id=ID, filled=D(5), status="cancelled")

    state = given(order, REQUESTED, ACCEPTED).when(report_ended("cancelled", "5")).then(missing)

    assert not state.is_final


@pytest.mark.parametrize("status", ["cancelled", "expired", "filled"])
def test_the_missing_trades_complete_it(status: Any) -> None:
    missing = OrderTradesMissing(client_order_id=ID, filled=D(5), status=status)
    past = (REQUESTED, ACCEPTED, missing)

    given(order, *past).when(fill(1, "3")).then(filled(1, "3", "3"))
    state = (
        given(order, *past, filled(1, "3", "3"))
        .when(fill(2, "2"))
        .then(filled(2, "2", "5"), ended(status, "5"))
    )
    assert state.is_final
    assert state.trades_missing is None


def test_missing_trades_of_a_full_fill_complete_it_without_a_second_end() -> None:
    missing = OrderTradesMissing(client_order_id=ID, filled=D(10), status="filled")

    state = (
        given(order, REQUESTED, ACCEPTED, missing).when(fill(1, "10")).then(filled(1, "10", "10"))
    )
    assert (state.status, state.trades_missing) == (OrderStatus.FILLED, None)


def test_a_final_order_does_not_end_again() -> None:
    given(order, REQUESTED, ended()).when(report_ended("expired", "0")).then_nothing()


def test_an_unknown_order_may_be_told_to_have_ended() -> None:
    given(order, REQUESTED, UNKNOWN).when(report_ended("cancelled", "0")).then(ended())
