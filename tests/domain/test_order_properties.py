"""An order under any reports, in any order, however often: each trade counts exactly once."""

from decimal import Decimal
from typing import Any

from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import order
from domain.order import (
    Order,
    OrderFilled,
    OrderResent,
    RecordOrderFill,
    RequestOrder,
)
from tests.domain.given import decide, fold
from tests.domain.test_order import (
    ID,
    REQUESTED,
    cancel,
    fill,
    not_found,
    not_sent,
    report_accepted,
    report_ended,
    report_rejected,
    report_unknown,
    requested,
)

D = Decimal
QUANTITIES = {1: "1", 2: "2", 3: "3", 4: "4"}

FILLS = st.sampled_from([fill(number, quantity) for number, quantity in QUANTITIES.items()])
OTHERS = st.one_of(
    st.sampled_from(
        [
            report_accepted(),
            report_rejected(),
            report_unknown(),
            cancel(),
            not_sent(),
            RequestOrder(client_order_id=ID, requested=REQUESTED),
        ]
    ),
    st.builds(not_found, st.integers(0, 90)),
    st.builds(
        report_ended,
        st.sampled_from(["filled", "cancelled", "expired"]),
        st.sampled_from(["0", "1", "3", "10"]),
    ),
)


def run(commands: list[Any]) -> tuple[Order, list[Any]]:
    state: Order = fold(order, [REQUESTED])
    happened: list[Any] = []
    for command in commands:
        events = decide(order, state, command)
        state = fold(order, events, state)
        again = decide(order, state, command)
        assert again == (), f"{command} made {again} happen after {events}"
        happened.extend(events)
    return state, happened


@for_all(st.lists(st.one_of(FILLS, OTHERS), max_size=30))
def test_each_trade_counts_once_and_deciding_again_changes_nothing(commands: list[Any]) -> None:
    state, happened = run(commands)

    told = {c.trade_id: c.quantity for c in commands if isinstance(c, RecordOrderFill)}
    assert state.filled == sum(told.values(), D(0))
    assert sorted(state.trade_ids) == sorted(told)
    assert len([e for e in happened if isinstance(e, OrderFilled)]) == len(told)


SEEN_AND_LOST = [report_accepted(), report_unknown(), fill(1, "1"), not_found(0), not_found(40)]


@for_all(st.lists(st.sampled_from(SEEN_AND_LOST), max_size=8))
def test_what_the_venue_ever_had_is_never_sent_again(commands: list[Any]) -> None:
    searched_for = [report_unknown(), not_found(100), not_found(120), not_found(140)]
    state: Order = fold(order, [requested(send_before=None)])
    for command in [*commands, *searched_for]:
        existed = state.has_existed
        events = decide(order, state, command)
        assert not (existed and any(isinstance(event, OrderResent) for event in events))
        state = fold(order, events, state)


@for_all(st.lists(st.one_of(FILLS, OTHERS), max_size=30))
def test_what_is_final_stays_final(commands: list[Any]) -> None:
    state: Order = fold(order, [REQUESTED])
    for command in commands:
        before = state
        state = fold(order, decide(order, state, command), state)
        assert state.is_final or not before.is_final


@for_all(
    st.permutations([fill(number, quantity) for number, quantity in QUANTITIES.items()] * 2),
    st.integers(0, 8),
    st.sampled_from(["filled", "cancelled"]),
)
def test_trades_and_the_end_may_come_in_any_order(reports: list[Any], place: int, how: str) -> None:
    shuffled = [*reports[:place], report_ended(how, "10"), *reports[place:]]

    state, _ = run(shuffled)

    assert (state.filled, state.is_final, state.trades_missing) == (D(10), True, None)
