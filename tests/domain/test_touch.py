"""Where a market can be met: what taking costs at most, where an order rests in front of it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import Side
from domain.message import MarkSeen
from domain.touch import resting_price, taking_bound
from tests.domain.test_grid import BTC

D = Decimal
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def mark(price: str = "100.05", **touch: Any) -> MarkSeen:
    known = {name: D(value) for name, value in touch.items()}
    return MarkSeen(symbol=BTC.symbol, price=D(price), at=NOON, **known)


@pytest.mark.parametrize(
    ("side", "bound"),
    # 100.1 + 1 % = 101.101, and 100 - 1 % = 99.
    [("buy", "101.1"), ("sell", "99")],
)
def test_what_takes_meets_the_other_side_and_is_bounded_from_there(side: Side, bound: str) -> None:
    seen = mark(bid="100", ask="100.1")

    assert taking_bound(BTC, seen, side, D(1)) == D(bound)


@pytest.mark.parametrize(("side", "bound"), [("buy", "101"), ("sell", "99.1")])
def test_where_no_touch_is_told_the_mark_is_met(side: Side, bound: str) -> None:
    assert taking_bound(BTC, mark(), side, D(1)) == D(bound)


def test_what_is_no_positive_number_is_no_touch() -> None:
    for strange in ("NaN", "0", "-1", "Infinity"):
        assert taking_bound(BTC, mark("100", ask=strange), "buy", D(1)) == D(101)


@pytest.mark.parametrize(
    ("side", "price"),
    [("buy", "100"), ("sell", "100.1")],
)
def test_what_rests_stands_at_the_touch_of_its_own_side(side: Side, price: str) -> None:
    limit = D(200) if side == "buy" else D(1)

    assert resting_price(BTC, mark(bid="100", ask="100.1"), side, limit) == D(price)


@pytest.mark.parametrize(("side", "price"), [("buy", "99.9"), ("sell", "100.2")])
def test_without_a_touch_it_rests_a_tick_this_side_of_the_mark(side: Side, price: str) -> None:
    limit = D(200) if side == "buy" else D(1)

    assert resting_price(BTC, mark(), side, limit) == D(price)


def test_it_is_never_worse_than_its_limit() -> None:
    seen = mark(bid="100", ask="100.1")

    assert resting_price(BTC, seen, "buy", D(99)) == D(99)
    assert resting_price(BTC, seen, "sell", D(101)) == D(101)


PRICES = st.decimals(D("0.5"), D(100_000), places=4)


@given(
    price=PRICES,
    slippage=st.decimals(D("0.01"), D(50), places=2),
    tick=st.sampled_from([D("0.01"), D("0.05"), D(3)]),
    side=st.sampled_from(["buy", "sell"]),
)
def test_the_slippage_allowed_is_never_passed(
    price: Decimal, slippage: Decimal, tick: Decimal, side: Side
) -> None:
    coarse = msgspec.structs.replace(BTC, tick=tick)
    bound = taking_bound(coarse, mark(str(price)), side, slippage)
    way = slippage if side == "buy" else -slippage
    exact = price * (100 + way) / 100

    assert bound % tick == 0
    assert bound <= exact if side == "buy" else bound >= exact
    assert abs(bound - exact) < tick
