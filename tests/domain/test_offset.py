"""One offset: planned once, one step at a time, each sale counted once, settled to the cent."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from domain import offset
from domain.message import Command
from domain.offset import (
    CountRealized,
    EndLoser,
    EndWinner,
    OffsetLoserEnded,
    OffsetLoserStarted,
    OffsetPlanned,
    OffsetRealized,
    OffsetSettled,
    OffsetWinnerEnded,
    OffsetWinnerStarted,
    PlannedLoser,
    PlannedWinner,
    PlanOffset,
    SettleOffset,
    StartLoser,
    StartWinner,
)
from domain.position_group import ReductionPart
from tests.domain.given import fold, given

D = Decimal
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ID = "g3-o1"


def winner(group_id: str) -> PlannedWinner:
    return PlannedWinner(
        group_id=group_id,
        symbol="BTC/USDT:USDT",
        side="long",
        price=D(110),
        gain=D(500),
        quantity=D(10),
        expected=D(100),
    )


PLANNED = OffsetPlanned(
    offset_id=ID,
    loser=PlannedLoser(
        group_id="g3",
        symbol="SOL/USDT:USDT",
        side="long",
        price=D(90),
        quantity=D(20),
        loss=D(200),
        loss_percent=D(-10),
    ),
    winners=(winner("g1"), winner("g2")),
    needed=D(200),
    expected=D(200),
    trigger="rule",
    reason="deep enough",
    actor="engine",
    planned_at=NOON,
)
PLAN = PlanOffset(offset_id=ID, planned=PLANNED)


def parts(group_id: str, quantity: str) -> tuple[ReductionPart, ...]:
    part = ReductionPart(leg_id=f"{group_id}-p0-l0", quantity=D(quantity), sold_before=D(0))
    return (part,)


def winner_started(group_id: str) -> OffsetWinnerStarted:
    return OffsetWinnerStarted(
        offset_id=ID,
        group_id=group_id,
        need=D(100),
        parts=parts(group_id, "10"),
        realized_before=D(5),
        started_at=NOON + timedelta(seconds=1),
    )


def winner_ended(group_id: str, earned: str = "100", *unvalued: str) -> OffsetWinnerEnded:
    return OffsetWinnerEnded(
        offset_id=ID,
        group_id=group_id,
        earned=D(earned),
        outcome="sold",
        ended_at=NOON + timedelta(seconds=2),
        trades=("t1",),
        unvalued=unvalued,
    )


def loser_started(attempt: int = 1) -> OffsetLoserStarted:
    return OffsetLoserStarted(
        offset_id=ID,
        group_id="g3",
        attempt=attempt,
        budget=D(200),
        parts=parts("g3", "20"),
        bound=D(90),
        realized_before=D(0),
        started_at=NOON + timedelta(seconds=3),
    )


def loser_ended(realized: str = "-150") -> OffsetLoserEnded:
    return OffsetLoserEnded(
        offset_id=ID,
        group_id="g3",
        realized=D(realized),
        outcome="part_sold",
        ended_at=NOON + timedelta(seconds=4),
    )


def realized(
    amount: str, part: str = "g3-p0-l0|t9", group_id: str = "g3", *, fee_due: bool = False
) -> OffsetRealized:
    return OffsetRealized(
        offset_id=ID, group_id=group_id, part=part, amount=D(amount), fee_due=fee_due
    )


def start_winner(group_id: str) -> StartWinner:
    return StartWinner(offset_id=ID, started=winner_started(group_id))


def end_winner(group_id: str) -> EndWinner:
    return EndWinner(offset_id=ID, ended=winner_ended(group_id))


def start_loser(attempt: int = 1) -> StartLoser:
    return StartLoser(offset_id=ID, started=loser_started(attempt))


def count(counted: OffsetRealized) -> CountRealized:
    return CountRealized(offset_id=ID, counted=counted)


SETTLE = SettleOffset(offset_id=ID, outcome="reduced", reason="enough", now=NOON)
WINNERS_DONE = (
    PLANNED,
    winner_started("g1"),
    winner_ended("g1"),
    winner_started("g2"),
    winner_ended("g2", "90"),
)


def settled(earned: str, lost: str) -> OffsetSettled:
    return OffsetSettled(
        offset_id=ID,
        outcome="reduced",
        reason="enough",
        earned=D(earned),
        realized=D(lost),
        result=D(earned) + D(lost),
        settled_at=NOON,
    )


def test_it_is_planned_once() -> None:
    state = given(offset).when(PLAN).then(PLANNED)

    assert state.next_winner == winner("g1")
    assert state.waits_since == NOON
    assert state.budget == D(0)


@pytest.mark.parametrize("command", [start_winner("g1"), end_winner("g1"), start_loser(), SETTLE])
def test_an_offset_never_planned_is_a_programmers_error(command: Command) -> None:
    with pytest.raises(AssertionError, match="was never planned"):
        given(offset).when(command)


def test_the_first_event_of_an_offset_is_its_plan() -> None:
    with pytest.raises(AssertionError, match="first event is OffsetPlanned"):
        fold(offset, [winner_started("g1")])


def test_the_winners_come_in_the_order_of_the_plan() -> None:
    given(offset, PLANNED).when(start_winner("g2")).then_nothing()
    state = given(offset, PLANNED).when(start_winner("g1")).then(winner_started("g1"))

    assert state.waits_since == NOON + timedelta(seconds=1)


def test_the_next_winner_waits_until_the_last_ones_step_is_over() -> None:
    given(offset, PLANNED, winner_started("g1")).when(start_winner("g2")).then_nothing()
    done = (PLANNED, winner_started("g1"), winner_ended("g1"))
    given(offset, *done).when(start_winner("g2")).then(winner_started("g2"))


def test_what_a_winner_earned_is_there_to_pay_with() -> None:
    state = (
        given(offset, PLANNED, winner_started("g1")).when(end_winner("g1")).then(winner_ended("g1"))
    )

    assert state.budget == D(100)
    assert state.winner_of("g1") is not None


def test_a_winner_that_is_passed_over_never_sold() -> None:
    state = given(offset, PLANNED).when(end_winner("g1")).then(winner_ended("g1"))

    assert state.winner_of("g1") is None
    assert state.next_winner == winner("g2")


def test_a_winner_that_lost_pays_for_nothing() -> None:
    state = fold(offset, [PLANNED, winner_started("g1"), winner_ended("g1", "-30")])

    assert (state.earned, state.budget) == (D(-30), D(0))


def test_the_loser_waits_for_every_winner() -> None:
    given(offset, PLANNED).when(start_loser()).then_nothing()
    given(offset, *WINNERS_DONE[:4]).when(start_loser()).then_nothing()
    given(offset, *WINNERS_DONE).when(start_loser()).then(loser_started())


def test_attempts_are_counted_on() -> None:
    given(offset, *WINNERS_DONE).when(start_loser(2)).then_nothing()
    given(offset, *WINNERS_DONE, loser_started()).when(start_loser(2)).then_nothing()
    again = (*WINNERS_DONE, loser_started(), loser_ended())
    given(offset, *again).when(start_loser(1)).then_nothing()
    given(offset, *again).when(start_loser(2)).then(loser_started(2))


def test_a_sale_of_the_loser_is_counted_once_and_leaves_less_to_pay_with() -> None:
    sale = realized("-60")
    state = given(offset, *WINNERS_DONE, loser_started()).when(count(sale)).then(sale)

    assert (state.sold_so_far, state.realized, state.budget) == (D(-60), D(0), D(130))


def test_the_end_of_a_step_counts_its_sales_no_second_time() -> None:
    ended = loser_ended("-60")
    past = (*WINNERS_DONE, loser_started(), realized("-60"))
    state = given(offset, *past).when(EndLoser(offset_id=ID, ended=ended)).then(ended)

    assert (state.sold_so_far, state.realized, state.budget) == (D(0), D(-60), D(130))


def test_a_sale_that_is_heard_of_after_its_step_still_counts() -> None:
    late = realized("-10", "g3-p0-l0|t10")
    past = (*WINNERS_DONE, loser_started(), realized("-60"), loser_ended("-60"))
    state = given(offset, *past).when(count(late)).then(late)

    assert state.realized == D(-70)


def test_a_late_fill_of_a_winner_adds_to_what_was_earned() -> None:
    late = realized("3", "g1-p0-l0|t2", "g1")
    state = given(offset, *WINNERS_DONE).when(count(late)).then(late)

    assert (state.earned, state.realized) == (D(193), D(0))


def test_what_no_participant_sold_is_not_counted() -> None:
    given(offset, *WINNERS_DONE).when(count(realized("3", "g7-p0-l0|t2", "g7"))).then_nothing()


def test_a_fee_without_a_worth_is_due_until_it_is_counted() -> None:
    key = "g1-p0-l0|t1"
    due = (PLANNED, winner_started("g1"), winner_ended("g1", "100", key))
    assert fold(offset, due).fees_due == (key,)

    fee = realized("-2", f"{key}|fee", "g1")
    state = given(offset, *due).when(count(fee)).then(fee)

    assert (state.fees_due, state.earned) == ((), D(98))


def test_a_sale_of_the_loser_says_that_its_fee_is_due() -> None:
    sale = realized("-60", fee_due=True)
    state = fold(offset, [*WINNERS_DONE, loser_started(), sale])

    assert state.fees_due == ("g3-p0-l0|t9",)


def test_it_is_settled_between_steps_alone() -> None:
    given(offset, PLANNED, winner_started("g1")).when(SETTLE).then_nothing()
    given(offset, *WINNERS_DONE, loser_started()).when(SETTLE).then_nothing()
    given(offset, PLANNED).when(SETTLE).then(settled("0", "0"))


def test_the_result_is_the_sum_of_both_sides() -> None:
    past = (*WINNERS_DONE, loser_started(), realized("-150.5"), loser_ended("-150.5"))
    given(offset, *past).when(SETTLE).then(settled("190", "-150.5"))


@pytest.mark.parametrize(
    "command", [start_winner("g2"), end_winner("g2"), start_loser(), count(realized("-1"))]
)
def test_after_it_is_settled_nothing_happens_any_more(command: Command) -> None:
    past = (PLANNED, winner_started("g1"), winner_ended("g1"), settled("100", "0"))
    given(offset, *past).when(command).then_nothing()
