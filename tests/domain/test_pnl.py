"""Lots: what they cost, what closing them realizes, and that no part of a cent is lost."""

from collections.abc import Iterator
from decimal import Decimal, localcontext

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instrument import PositionSide
from domain.money import DECISION_CONTEXT, ONE, ZERO
from domain.pnl import (
    EMPTY_LOT,
    Allocation,
    Lot,
    Realization,
    allocate,
    average_entry,
    bought,
    combined,
    share_by,
    sold,
    split_fee,
    unrealized,
)

D = Decimal


@pytest.fixture(autouse=True)
def decision_context() -> Iterator[None]:
    with localcontext(DECISION_CONTEXT):
        yield


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One trade, as these tests write it."""

    price: Decimal
    quantity: Decimal
    fee: Decimal = ZERO


def fill(price: str, quantity: str, fee: str = "0") -> Fill:
    return Fill(price=D(price), quantity=D(quantity), fee=D(fee))


def buy(held: Lot, entry: Fill, contract_size: Decimal = ONE) -> Lot:
    return bought(
        held,
        price=entry.price,
        quantity=entry.quantity,
        fee=entry.fee,
        contract_size=contract_size,
    )


def sell(held: Lot, leaving: Fill, side: PositionSide) -> Realization:
    return sold(
        held,
        price=leaving.price,
        quantity=leaving.quantity,
        exit_fee=leaving.fee,
        side=side,
        contract_size=ONE,
    )


def lot(quantity: str, cost: str, fee: str = "0") -> Lot:
    return Lot(quantity=D(quantity), cost=D(cost), entry_fee=D(fee))


def test_entries_add_up_in_quantity_cost_and_fee() -> None:
    held = buy(buy(EMPTY_LOT, fill("100", "2", "0.1")), fill("90", "1", "0.05"))

    assert held == lot("3", "290", "0.15")


def test_the_average_entry_is_the_cost_over_the_quantity() -> None:
    held = buy(buy(EMPTY_LOT, fill("100", "1")), fill("90", "1"))

    assert average_entry(held, ONE) == D(95)


def test_contracts_count_by_their_size() -> None:
    held = buy(EMPTY_LOT, fill("50000", "3"), D("0.01"))

    assert held.cost == D(1500)
    assert average_entry(held, D("0.01")) == D(50000)
    assert unrealized(held, D(51000), "long", D("0.01")) == D(30)


def test_a_fee_withheld_in_the_base_asset_is_counted_once() -> None:
    held = buy(EMPTY_LOT, fill("60000", "0.999", "60"))

    assert held == lot("0.999", "59940", "60")
    assert sell(held, fill("60000", "0.999"), "long").realized == D(-60)


def test_a_long_realizes_exit_minus_entry_less_both_fees() -> None:
    closed = sell(lot("2", "200", "0.2"), fill("110", "2", "0.3"), "long")

    assert closed.realized == D("19.5")
    assert closed.lot == EMPTY_LOT


def test_a_short_realizes_entry_minus_exit_less_both_fees() -> None:
    closed = sell(lot("2", "200", "0.2"), fill("110", "2", "0.3"), "short")

    assert closed.realized == D("-20.5")


def test_cost_and_entry_fee_leave_in_proportion_to_the_quantity() -> None:
    part = sell(lot("4", "400", "0.4"), fill("110", "1", "0.1"), "long")

    assert (part.cost, part.entry_fee_share) == (D(100), D("0.1"))
    assert part.lot == lot("3", "300", "0.3")
    assert part.realized == D("9.8")


def test_the_last_part_takes_the_remainder() -> None:
    first = sell(lot("3", "100", "0.1"), fill("40", "1"), "long")
    second = sell(first.lot, fill("40", "1"), "long")
    third = sell(second.lot, fill("40", "1"), "long")

    assert first.cost == D("33.333333333333333333")
    assert first.cost + second.cost + third.cost == D(100)
    assert third.lot == EMPTY_LOT


def test_unrealized_is_net_of_the_entry_fees_not_yet_realized() -> None:
    held = lot("2", "200", "0.2")

    assert unrealized(held, D(110), "long", ONE) == D("19.8")
    assert unrealized(held, D(110), "short", ONE) == D("-20.2")
    assert unrealized(EMPTY_LOT, D(110), "long", ONE) == ZERO


@pytest.mark.parametrize("quantity", ["0", "-1", "2.1"])
def test_no_more_than_the_lot_can_be_closed(quantity: str) -> None:
    with pytest.raises(ValueError, match="of a lot of 2"):
        sell(lot("2", "200"), fill("100", quantity), "long")


def test_an_entry_must_bring_something_and_an_empty_lot_has_no_average() -> None:
    with pytest.raises(ValueError, match="more than none"):
        buy(EMPTY_LOT, fill("100", "0"))
    with pytest.raises(ValueError, match="no average entry"):
        average_entry(EMPTY_LOT, ONE)


def test_a_close_consumes_whole_lots_in_order_and_the_last_in_part() -> None:
    lots = [lot("1", "100"), EMPTY_LOT, lot("2", "190"), lot("5", "400")]

    assert allocate(D("2.5"), D("0.5"), lots) == (
        Allocation(index=0, quantity=D(1), fee=D("0.2")),
        Allocation(index=2, quantity=D("1.5"), fee=D("0.3")),
    )


@pytest.mark.parametrize("quantity", ["0", "3.1"])
def test_no_more_than_all_lots_hold_can_be_allocated(quantity: str) -> None:
    with pytest.raises(ValueError, match="lots that hold 3"):
        allocate(D(quantity), ZERO, [lot("1", "100"), lot("2", "200")])


def decimals(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(D(low), D(high), places=places, allow_nan=False, allow_infinity=False)


PRICES = decimals("0.0001", "99999", 4)
QUANTITIES = decimals("0.0001", "9999", 4)
FEES = decimals("-9", "99", 6)
SIDES: st.SearchStrategy[PositionSide] = st.sampled_from(["long", "short"])


@st.composite
def fills(draw: st.DrawFn) -> Fill:
    return Fill(price=draw(PRICES), quantity=draw(QUANTITIES), fee=draw(FEES))


@st.composite
def closings(draw: st.DrawFn) -> tuple[Lot, list[Fill]]:
    """A lot and the fills that close it completely, in any parts and at any prices."""
    exits = draw(st.lists(fills(), min_size=1, max_size=6))
    quantity = sum((leaving.quantity for leaving in exits), ZERO)
    return Lot(quantity=quantity, cost=draw(PRICES) * quantity, entry_fee=draw(FEES)), exits


@given(closings(), SIDES)
def test_closing_in_any_parts_realizes_exactly_what_went_in_and_came_out(
    closing: tuple[Lot, list[Fill]], side: PositionSide
) -> None:
    held, exits = closing
    remaining, realized = held, ZERO
    for leaving in exits:
        part = sell(remaining, leaving, side)
        remaining, realized = part.lot, realized + part.realized

    proceeds = sum((leaving.price * leaving.quantity for leaving in exits), ZERO)
    fees = sum((leaving.fee for leaving in exits), held.entry_fee)
    gross = proceeds - held.cost if side == "long" else held.cost - proceeds
    assert remaining == EMPTY_LOT
    assert realized == gross - fees


@given(closings(), PRICES, SIDES)
def test_closing_in_parts_at_one_price_is_closing_at_once(
    closing: tuple[Lot, list[Fill]], price: Decimal, side: PositionSide
) -> None:
    held, parts = closing
    remaining, realized = held, ZERO
    for part in parts:
        at_price = Fill(price=price, quantity=part.quantity, fee=part.fee)
        closed = sell(remaining, at_price, side)
        remaining, realized = closed.lot, realized + closed.realized

    fee = sum((part.fee for part in parts), ZERO)
    at_once = sell(held, Fill(price=price, quantity=held.quantity, fee=fee), side)
    assert realized == at_once.realized


@given(st.lists(fills(), min_size=1, max_size=6), PRICES)
def test_a_short_is_the_mirror_of_a_long_before_fees(entries: list[Fill], mark: Decimal) -> None:
    held = EMPTY_LOT
    for entry in entries:
        held = buy(held, entry)

    both = unrealized(held, mark, "long", ONE) + unrealized(held, mark, "short", ONE)
    assert both == -2 * held.entry_fee


@given(closings(), PRICES, SIDES)
def test_closing_at_the_mark_turns_unrealized_into_realized(
    closing: tuple[Lot, list[Fill]], mark: Decimal, side: PositionSide
) -> None:
    held, exits = closing
    before = unrealized(held, mark, side, ONE)
    part = sell(held, Fill(price=mark, quantity=exits[0].quantity, fee=ZERO), side)

    assert part.realized + unrealized(part.lot, mark, side, ONE) == before


@given(FEES, st.lists(QUANTITIES, min_size=1, max_size=7))
def test_shares_of_a_fee_sum_to_the_fee(fee: Decimal, quantities: list[Decimal]) -> None:
    shares = split_fee(fee, quantities)

    assert len(shares) == len(quantities)
    assert sum(shares, ZERO) == fee
    assert all(share * fee >= ZERO for share in shares)


@given(st.lists(fills(), min_size=1, max_size=6), st.data())
def test_an_allocation_is_the_whole_quantity_and_fee_within_each_lot(
    entries: list[Fill], data: st.DataObject
) -> None:
    lots = [buy(EMPTY_LOT, entry) for entry in entries]
    held = combined(lots).quantity
    quantity = data.draw(decimals("0.0001", str(held), 4))
    fee = data.draw(FEES)

    parts = allocate(quantity, fee, lots)

    assert sum((part.quantity for part in parts), ZERO) == quantity
    assert sum((part.fee for part in parts), ZERO) == fee
    assert all(ZERO < part.quantity <= lots[part.index].quantity for part in parts)
    assert all(part.quantity == lots[part.index].quantity for part in parts[:-1])


WEIGHTS = st.lists(
    st.decimals(min_value=-50, max_value=50, places=3).filter(bool), min_size=1, max_size=6
)


@given(amount=st.decimals(min_value=-1000, max_value=1000, places=8), weights=WEIGHTS)
def test_shares_by_signed_weights_sum_to_the_amount(
    amount: Decimal, weights: list[Decimal]
) -> None:
    whole = sum(weights, ZERO)
    if whole == ZERO:
        return

    shares = share_by(amount, weights)

    assert sum(shares, ZERO) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - amount * weight / whole) <= D("1e-15")


def test_the_last_share_takes_the_remainder() -> None:
    third = D("0.333333333333333333")

    assert share_by(D(1), [D(1), D(1), D(1)]) == (third, third, 1 - third - third)


def test_weights_that_cancel_out_share_nothing() -> None:
    with pytest.raises(ValueError, match="must not be zero"):
        share_by(D(1), [D(1), D(-1)])
