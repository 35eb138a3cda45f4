"""One DCA leg: what it bought, and what selling it realized."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain import dca_leg
from domain.dca_leg import (
    LegDustWrittenOff,
    LegEntryEnded,
    LegEntryFilled,
    LegExcessSold,
    LegExitFilled,
    LegFeeValued,
    LegPlanned,
    PlanLeg,
    RecordLegEntryEnded,
    RecordLegEntryFill,
    RecordLegExitFill,
    ValueLegFee,
    WriteOffLegDust,
)
from domain.instrument import Instrument, PositionSide
from domain.pnl import Lot
from tests.domain.given import fold, given

D = Decimal
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LEG = "g1-p0-l0"
MARKET = Instrument(
    symbol="BTC/USDT:USDT",
    venue_symbol="BTCUSDT",
    kind="linear",
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick=D("0.1"),
    step=D("0.001"),
    min_quantity=D("0.001"),
    min_notional=D(5),
)


def planned(side: PositionSide = "long", contract_size: str = "1") -> LegPlanned:
    return LegPlanned(
        leg_id=LEG,
        group_id="g1",
        pyramid_id="g1-p0",
        index=0,
        signal_id="s1",
        symbol=MARKET.symbol,
        side=side,
        price=D(100),
        quantity=D(10),
        gap_percent=D(0),
        weight_percent=D(20),
        take_profit_percent=D(1),
        contract_size=D(contract_size),
        reserve_price=D(100),
        planned_at=NOON,
    )


PLANNED = planned()


def trade(number: int, price: str, quantity: str, fee: str = "0") -> dict[str, Any]:
    return {
        "leg_id": LEG,
        "client_order_id": "entry",
        "trade_id": f"t{number}",
        "price": D(price),
        "quantity": D(quantity),
        "fee": D(fee),
        "fee_asset": "USDT",
        "fee_value": D(fee),
        "traded_at": NOON,
    }


def bought(number: int, price: str, quantity: str, fee: str = "0") -> LegEntryFilled:
    values = trade(number, price, quantity, fee)
    return LegEntryFilled(**values, cost=D(price) * D(quantity))


def sale(number: int, price: str, quantity: str, fee: str = "0") -> RecordLegExitFill:
    values = {**trade(number, price, quantity, fee), "client_order_id": "exit1"}
    return RecordLegExitFill(**values)


def sold(number: int, price: str, quantity: str, fee: str, **result: str) -> LegExitFilled:
    values = {**trade(number, price, quantity, fee), "client_order_id": "exit1"}
    sums: dict[str, Any] = {name: D(value) for name, value in result.items()}
    return LegExitFilled(**values, **sums)


def test_a_leg_begins_with_its_plan() -> None:
    state = given(dca_leg).when(PlanLeg(leg_id=LEG, plan=PLANNED)).then(PLANNED)

    assert (state.lot, state.resting_quantity) == (Lot(), D(10))


def test_a_leg_that_was_never_planned_is_a_programmers_error() -> None:
    with pytest.raises(AssertionError, match="was never planned"):
        given(dca_leg).when(RecordLegEntryEnded(leg_id=LEG, reason="filled"))
    with pytest.raises(AssertionError, match="first event is LegPlanned"):
        fold(dca_leg, [LegEntryEnded(leg_id=LEG, reason="filled")])


def test_partial_fills_grow_the_lot() -> None:
    state = (
        given(dca_leg, PLANNED, bought(1, "100", "4", "0.1"))
        .when(RecordLegEntryFill(**trade(2, "99", "2", "0.2")))
        .then(bought(2, "99", "2", "0.2"))
    )

    assert state.lot == Lot(quantity=D(6), cost=D(598), entry_fee=D("0.3"))
    assert state.resting_quantity == D(4)
    assert state.fees == D("0.3")


def test_an_entry_trade_counts_once() -> None:
    given(dca_leg, PLANNED, bought(1, "100", "4")).when(
        RecordLegEntryFill(**trade(1, "100", "4"))
    ).then_nothing()


def test_contracts_cost_their_size() -> None:
    given(dca_leg, planned(contract_size="0.01")).when(
        RecordLegEntryFill(**trade(1, "100", "4"))
    ).then(LegEntryFilled(**trade(1, "100", "4"), cost=D(4)))


def test_a_fee_that_cannot_be_valued_is_pending_in_its_own_asset() -> None:
    values = {**trade(1, "100", "4", "0.3"), "fee_asset": "BNB", "fee_value": None}

    state = (
        given(dca_leg, PLANNED)
        .when(RecordLegEntryFill(**values))
        .then(LegEntryFilled(**values, cost=D(400)))
    )
    assert (state.fees, state.lot.entry_fee) == (D(0), D(0))


def test_the_entry_ends_once() -> None:
    ended = LegEntryEnded(leg_id=LEG, reason="cancelled")

    state = (
        given(dca_leg, PLANNED, bought(1, "100", "4"))
        .when(RecordLegEntryEnded(leg_id=LEG, reason="cancelled"))
        .then(ended)
    )
    assert state.resting_quantity == D(0)


def test_a_partial_sale_takes_its_share_of_cost_and_fee() -> None:
    state = (
        given(dca_leg, PLANNED, bought(1, "100", "10", "1"))
        .when(sale(2, "101", "4", "0.2"))
        .then(sold(2, "101", "4", "0.2", cost="400", entry_fee="0.4", realized="3.4"))
    )

    assert state.lot == Lot(quantity=D(6), cost=D(600), entry_fee=D("0.6"))
    assert (state.sold, state.realized, state.fees) == (D(4), D("3.4"), D("1.2"))


def test_the_last_part_takes_every_remainder() -> None:
    first = sold(2, "101", "3", "0", cost="300", entry_fee="0.3", realized="2.7")
    past = (PLANNED, bought(1, "100", "10", "1"), first)

    state = (
        given(dca_leg, *past)
        .when(sale(3, "101", "7"))
        .then(sold(3, "101", "7", "0", cost="700", entry_fee="0.7", realized="6.3"))
    )
    assert (state.lot, state.realized) == (Lot(), D(9))


def test_a_short_earns_when_it_buys_back_lower() -> None:
    given(dca_leg, planned("short"), bought(1, "100", "10")).when(sale(2, "99", "10")).then(
        sold(2, "99", "10", "0", cost="1000", entry_fee="0", realized="10")
    )


def test_an_exit_trade_counts_once() -> None:
    past = (PLANNED, bought(1, "100", "10"))
    done = sold(2, "101", "4", "0", cost="400", entry_fee="0", realized="4")

    given(dca_leg, *past, done).when(sale(2, "101", "4")).then_nothing()


def excess(number: int, quantity: str) -> LegExcessSold:
    return LegExcessSold(
        leg_id=LEG,
        symbol=MARKET.symbol,
        client_order_id="exit1",
        trade_id=f"t{number}",
        price=D(101),
        quantity=D(quantity),
    )


def test_what_the_lot_does_not_hold_is_told_apart_as_excess() -> None:
    given(dca_leg, PLANNED, bought(1, "100", "4")).when(sale(2, "101", "10")).then(
        sold(2, "101", "4", "0", cost="400", entry_fee="0", realized="4"), excess(2, "6")
    )


def test_a_sale_of_nothing_held_is_all_excess() -> None:
    given(dca_leg, PLANNED).when(sale(2, "101", "10")).then(excess(2, "10"))


def test_dust_leaves_the_books_at_the_mark() -> None:
    gone = LegDustWrittenOff(
        leg_id=LEG,
        quantity=D(10),
        price=D(99),
        cost=D(1000),
        entry_fee=D(1),
        realized=D(-11),
    )

    state = (
        given(dca_leg, PLANNED, bought(1, "100", "10", "1"))
        .when(WriteOffLegDust(leg_id=LEG, price=D(99)))
        .then(gone)
    )
    assert (state.lot, state.realized) == (Lot(), D(-11))


def test_without_a_lot_there_is_no_dust() -> None:
    given(dca_leg, PLANNED).when(WriteOffLegDust(leg_id=LEG, price=D(99))).then_nothing()


FOREIGN = {**trade(1, "100", "10", "0.01"), "fee_asset": "BNB", "fee_value": None}
FOREIGN_ENTRY = LegEntryFilled(**FOREIGN, cost=D(1000))
VALUE = ValueLegFee(leg_id=LEG, trade_id="t1", fee_value=D(5))


def valued(entry_fee: str, realized: str) -> LegFeeValued:
    return LegFeeValued(
        leg_id=LEG,
        trade_id="t1",
        fee_value=D(5),
        entry_fee=D(entry_fee),
        realized=D(realized),
    )


def test_a_pending_entry_fee_joins_the_lot_once_it_is_valued() -> None:
    state = given(dca_leg, PLANNED, FOREIGN_ENTRY).when(VALUE).then(valued("5", "0"))

    assert (state.lot.entry_fee, state.fees, state.unvalued) == (D(5), D(5), {})


def test_of_a_pending_entry_fee_the_sold_part_is_realized() -> None:
    part = sold(2, "101", "4", "0", cost="400", entry_fee="0", realized="4")

    state = given(dca_leg, PLANNED, FOREIGN_ENTRY, part).when(VALUE).then(valued("3", "-2"))

    assert (state.lot.entry_fee, state.realized, state.fees) == (D(3), D(2), D(5))


def test_a_pending_exit_fee_is_realized_whole() -> None:
    values = {**trade(2, "101", "4"), "client_order_id": "exit1", "fee_value": None}
    pending = LegExitFilled(**values, cost=D(400), entry_fee=D(0), realized=D(4))
    value = ValueLegFee(leg_id=LEG, trade_id="t2", fee_value=D(1))
    told = LegFeeValued(leg_id=LEG, trade_id="t2", fee_value=D(1), entry_fee=D(0), realized=D(-1))

    state = given(dca_leg, PLANNED, bought(1, "100", "10"), pending).when(value).then(told)

    assert (state.realized, state.fees) == (D(3), D(1))


def test_a_fee_that_is_known_is_not_valued_again() -> None:
    given(dca_leg, PLANNED, bought(1, "100", "10", "1")).when(VALUE).then_nothing()
