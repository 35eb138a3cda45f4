"""Whose sale it was: an operator's, the offset's, one heard of late, one whose fee has no worth."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from application.inputs import Ended, OperatorActed, OrderReported, Traded
from domain.dca_leg import LegExitFilled
from domain.offset import (
    OffsetLoserEnded,
    OffsetRealized,
    OffsetSettled,
    OffsetWinnerEnded,
)
from domain.order import OrderRequested
from domain.position_group import ReductionStarted
from tests.application.desk import ETH, MARKETS, SOL, Desk, market, of
from tests.application.invariants import check_record, check_settled
from tests.application.offset_desk import (
    OffsetDesk,
    at_the_loser,
    check_offset,
    fills,
    sale_in,
    settled,
    two_winners,
)

D = Decimal
ZERO = D(0)
AS_IT_SHOULD = Desk.carry_out


def check_all(desk: Desk) -> None:
    check_offset(desk)
    check_settled(desk)
    check_record(desk)


def reduce_loser(desk: OffsetDesk, percent: str) -> None:
    desk.handle(
        OperatorActed(
            action="reduce_group",
            subject=desk.group_in(SOL).opened.group_id,
            actor="ann",
            reason="less",
            percent=D(percent),
        )
    )


def test_an_operators_reduction_does_not_wait_for_a_bound_nobody_pays() -> None:
    desk = at_the_loser(two_winners())
    desk.price(SOL, "80")
    reduce_loser(desk, "100")

    desk.settle()
    desk.tick(4)

    (ended,) = of(desk.recorded, OffsetLoserEnded)
    assert (ended.outcome, ended.realized) == ("unsold", ZERO)
    assert SOL not in desk.held
    operators = of(desk.recorded, ReductionStarted)[-1]
    assert (operators.bound, operators.reason) == (None, "operator: less")
    assert settled(desk).outcome == "nothing_closed"
    check_all(desk)


def test_what_the_bound_sold_before_an_operators_reduction_is_the_offsets_alone() -> None:
    desk = at_the_loser(two_winners())
    reduce_loser(desk, "60")
    desk.answers.append(fills("10"))

    desk.settle()

    ended = of(desk.recorded, OffsetLoserEnded)[0]
    lost = of(desk.recorded, OffsetRealized)[:1]
    assert ended.outcome == "part_sold"
    assert ended.realized == sum(each.amount for each in lost)
    # The operator asked for 30, of which the order on its way sold 10.
    fell = [f for f in of(desk.recorded, LegExitFilled) if f.leg_id.startswith(ended.group_id)]
    until = [f.quantity for f in fell]
    assert sum(until[: _steps_to(until, D(30))]) == D(30)
    assert settled(desk).outcome == "covered"
    check_all(desk)


def _steps_to(quantities: list[Decimal], wanted: Decimal) -> int:
    total = ZERO
    for index, quantity in enumerate(quantities, 1):
        total += quantity
        if total >= wanted:
            return index
    return len(quantities)


def test_a_loser_that_is_reduced_otherwise_is_waited_for() -> None:
    desk = two_winners()
    desk.begin()
    reduce_loser(desk, "40")

    desk.settle()

    bounds = [r.bound for r in of(desk.recorded, ReductionStarted)]
    assert bounds[-1] is not None
    assert settled(desk).outcome == "covered"
    check_all(desk)


def test_a_fill_of_a_winner_that_comes_after_its_step_still_counts_and_once() -> None:
    desk = at_the_loser(two_winners())
    earned_before = desk.book.offset
    assert earned_before is not None
    sale = sale_in(desk, ETH)
    late = Traded(
        trade_id="late",
        price=D("104"),
        quantity=D("0.5"),
        fee=D("0.01"),
        fee_asset="USDT",
        liquidity="taker",
        traded_at=desk.now,
    )
    report = OrderReported(client_order_id=sale.request.client_order_id, report=late)
    desk.handle(report)
    desk.handle(report)
    (told,) = of(desk.recorded, OffsetRealized)

    assert told.group_id == desk.group_in(ETH).opened.group_id
    assert told.amount > D("1.9")
    after = desk.book.offset
    assert after is not None
    assert after.earned == earned_before.earned + told.amount
    desk.settle()
    check_offset(desk)
    check_record(desk)


def test_a_fill_that_its_order_end_overtook_belongs_to_its_step() -> None:
    desk = at_the_loser(two_winners())
    sale = sale_in(desk, SOL)
    reports = desk.carry_out(desk.errands.popleft())
    trades = [r for r in reports if isinstance(r.report, Traded)]
    ended = Ended(status="filled", filled=sale.request.quantity)
    desk.feed(OrderReported(client_order_id=sale.request.client_order_id, report=ended))
    assert of(desk.recorded, OffsetLoserEnded) == []

    for trade in trades:
        desk.feed(trade)

    assert settled(desk).outcome == "covered"
    check_all(desk)


def in_bnb(desk: OffsetDesk, asked: OrderRequested) -> list[OrderReported]:
    """As it should, but the fee is paid in an asset of its own."""
    reports = []
    for said in Desk.carry_out(desk, asked):
        report = said.report
        if isinstance(report, Traded):
            report = msgspec.structs.replace(report, fee=D("0.02"), fee_asset="BNB")
        reports.append(msgspec.structs.replace(said, report=report))
    return reports


@pytest.mark.parametrize("sale", [0, 1, 2])
def test_nothing_more_is_sold_while_the_worth_of_a_fee_is_not_known(sale: int) -> None:
    desk = two_winners(markets=(*MARKETS, market("BNB")))
    desk.answers.extend([AS_IT_SHOULD] * sale)
    desk.answers.append(in_bnb)
    every = desk.marks
    desk.marks = lambda: {s: m for s, m in every().items() if not s.startswith("BNB")}  # type: ignore[method-assign]

    desk.offset()
    desk.tick(3)
    ended = [*of(desk.recorded, OffsetWinnerEnded), *of(desk.recorded, OffsetLoserEnded)]
    assert len(ended) == sale + 1
    assert of(desk.recorded, OffsetSettled) == []

    desk.marks = every  # type: ignore[method-assign]
    desk.tick()

    fees = [told for told in of(desk.recorded, OffsetRealized) if told.part.endswith("|fee")]
    assert sum(told.amount for told in fees) == D(-2)
    assert len(of(desk.recorded, OffsetSettled)) == 1
    check_offset(desk)
    check_record(desk)


def test_a_fee_that_got_its_worth_after_midnight_still_counts() -> None:
    """Its trade closed and left the books with the day."""
    desk = two_winners(markets=(*MARKETS, market("BNB")))
    desk.now = datetime(2026, 1, 5, 23, 59, 58, tzinfo=UTC)
    desk.answers.append(in_bnb)
    every = desk.marks
    desk.marks = lambda: {s: m for s, m in every().items() if not s.startswith("BNB")}  # type: ignore[method-assign]
    desk.offset()
    first = of(desk.recorded, OffsetWinnerEnded)[0]
    desk.wait(seconds=5)
    assert desk.book.group(first.group_id) is None

    desk.marks = every  # type: ignore[method-assign]
    desk.tick()

    fees = [told for told in of(desk.recorded, OffsetRealized) if told.group_id == first.group_id]
    assert sum(told.amount for told in fees) == D(-2)
    end = settled(desk)
    assert end.earned == sum(e.earned for e in of(desk.recorded, OffsetWinnerEnded)) - D(2)
    assert end.result >= ZERO
    check_record(desk)
