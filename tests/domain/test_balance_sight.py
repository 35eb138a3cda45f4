"""A balance beside the books: what they explain, what falls between, and what nobody told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import equity
from domain.balance_sight import BalanceSight, tolerance
from domain.equity import (
    BalanceJumped,
    BalanceJumpSuspected,
    BalanceMatched,
    CompareBalance,
    Equity,
    EquityOpened,
)
from tests.domain.given import decide, fold, given

D = Decimal
MORNING = datetime(2026, 1, 5, 8, tzinfo=UTC)
OPENED = EquityOpened(state=Equity())


def sight(total: str, explained: str = "0", minute: int = 0, open_cost: str = "0") -> BalanceSight:
    return BalanceSight(
        total=D(total),
        explained=D(explained),
        open_cost=D(open_cost),
        seen_at=MORNING + timedelta(minutes=minute),
    )


def matched(seen: BalanceSight, unsettled: str = "0") -> BalanceMatched:
    return BalanceMatched(sight=seen, unsettled=D(unsettled))


def suspected(seen: BalanceSight, amount: str) -> BalanceJumpSuspected:
    return BalanceJumpSuspected(sight=seen, amount=D(amount))


def jumped(seen: BalanceSight, amount: str) -> BalanceJumped:
    return BalanceJumped(sight=seen, amount=D(amount))


BEGUN = (OPENED, matched(sight("1000")))
SUSPECTED = (*BEGUN, suspected(sight("1500", "0", 1), "500"))
JUMPED = (*SUSPECTED, jumped(sight("1500", "0", 2), "500"))


def test_the_first_look_is_what_the_next_is_compared_with() -> None:
    given(equity, OPENED).when(CompareBalance(sight=sight("1000", "7"))).then(
        matched(sight("1000", "7"))
    )


def test_a_balance_that_moved_exactly_as_the_books_leaves_no_trace() -> None:
    given(equity, *BEGUN).when(CompareBalance(sight=sight("1300", "300", 1))).then_nothing()


def test_what_falls_within_the_tolerance_is_carried_on_from() -> None:
    near = sight("1005", "0", 1)
    given(equity, *BEGUN).when(CompareBalance(sight=near)).then(matched(near))


def test_a_lone_look_beyond_it_is_a_suspicion() -> None:
    off = sight("1500", "0", 1)
    given(equity, *BEGUN).when(CompareBalance(sight=off)).then(suspected(off, "500"))


def test_a_suspicion_ends_with_a_look_that_is_explained() -> None:
    late = sight("1500", "500", 2)
    given(equity, *SUSPECTED).when(CompareBalance(sight=late)).then(matched(late))


def test_a_second_look_that_finds_another_amount_is_a_new_suspicion() -> None:
    other = sight("1200", "0", 2)
    given(equity, *SUSPECTED).when(CompareBalance(sight=other)).then(suspected(other, "200"))


def test_a_second_look_that_agrees_is_a_jump_told_once() -> None:
    again = sight("1500", "0", 2)
    given(equity, *SUSPECTED).when(CompareBalance(sight=again)).then(jumped(again, "500"))
    given(equity, *JUMPED).when(CompareBalance(sight=sight("1500", "0", 3))).then_nothing()


def test_a_transfer_of_that_amount_settles_it() -> None:
    settled = sight("1500", "500", 3)
    given(equity, *JUMPED).when(CompareBalance(sight=settled)).then(matched(settled))


def test_what_a_transfer_leaves_unexplained_is_told_anew() -> None:
    part, again = sight("1500", "200", 3), sight("1500", "200", 4)
    given(equity, *JUMPED).when(CompareBalance(sight=part)).then(suspected(part, "-200"))
    given(equity, *JUMPED, suspected(part, "-200")).when(CompareBalance(sight=again)).then(
        jumped(again, "300")
    )


def test_what_is_not_settled_stays_known_while_the_balance_moves_as_explained() -> None:
    near = sight("1600", "99", 3)
    given(equity, *JUMPED).when(CompareBalance(sight=near)).then(matched(near, "500"))


def test_open_lots_allow_for_what_they_cost_at_both_looks() -> None:
    held = sight("1000", "0", 0, "400")
    within, beyond = sight("600", "0", 1, "100"), sight("400", "0", 1, "100")
    given(equity, OPENED, matched(held)).when(CompareBalance(sight=within)).then(matched(within))
    given(equity, OPENED, matched(held)).when(CompareBalance(sight=beyond)).then(
        suspected(beyond, "-600")
    )


def test_lots_that_are_gone_allow_for_nothing_any_more() -> None:
    held, flat = sight("1000", "0", 0, "400"), sight("1000", "0", 1)
    given(equity, OPENED, matched(held)).when(CompareBalance(sight=flat)).then(matched(flat))


prices = st.decimals(min_value="50", max_value="100", places=1)
quantities = st.decimals(min_value="0.1", max_value="9", places=1)


@for_all(st.lists(st.tuples(prices, quantities), min_size=1, max_size=6), prices, st.data())
def test_an_average_entry_is_no_jump_whatever_lot_the_books_sell(
    lots: list[tuple[Decimal, Decimal]], leave: Decimal, data: st.DataObject
) -> None:
    """The venue realizes by the average of the position, the books by the lot they sell."""
    total_cost = sum((price * quantity for price, quantity in lots), D(0))
    held = sum((quantity for _, quantity in lots), D(0))
    before = BalanceSight(total=D(1000), explained=D(0), open_cost=total_cost, seen_at=MORNING)
    sold = data.draw(st.sampled_from(range(len(lots))))
    price, quantity = lots[sold]
    rest = total_cost - price * quantity
    by_average = (leave - total_cost / held) * quantity
    after = BalanceSight(
        total=D(1000) + by_average,
        explained=(leave - price) * quantity,
        open_cost=rest,
        seen_at=MORNING + timedelta(minutes=1),
    )
    assert abs(after.unexplained - before.unexplained) <= tolerance(before, after)
    state = fold(equity, [OPENED, matched(before)])
    happened = decide(equity, state, CompareBalance(sight=after))
    assert all(isinstance(event, BalanceMatched) for event in happened)
