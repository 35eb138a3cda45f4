"""One trade: opened once, closing one way, closed once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from domain import position_group
from domain.message import Command
from domain.position_group import (
    AdmitPyramid,
    AttemptClose,
    CloseAttempted,
    ClosePositionGroup,
    EndReduction,
    FinishPositionGroup,
    FundingShared,
    OpenPositionGroup,
    PositionGroupClosed,
    PositionGroupClosing,
    PositionGroupOpened,
    PyramidAdmitted,
    ReductionEnded,
    ReductionPart,
    ReductionStarted,
    ShareFunding,
    StartReduction,
    StopTrailed,
    TrailStop,
)
from domain.settings import CapitalSettings, ExitSettings, GridSettings
from tests.domain.given import fold, given

D = Decimal
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)

OPENED = PositionGroupOpened(
    group_id="g1",
    symbol="BTC/USDT:USDT",
    timeframe="15m",
    side="long",
    signal_id="s1",
    grid=GridSettings(),
    exits=ExitSettings(),
    capital=CapitalSettings(),
    settings_version=1,
    opened_at=NOON,
)
OPEN = OpenPositionGroup(group_id="g1", opened=OPENED)
CLOSING = PositionGroupClosing(group_id="g1", reason="exit signal", signal_id="s2", closing_at=NOON)
CLOSE = ClosePositionGroup(group_id="g1", reason="exit signal", signal_id="s2", now=NOON)
CLOSED = PositionGroupClosed(
    group_id="g1", reason="exit signal", realized=D(5), fees=D(1), closed_at=NOON
)
FINISH = FinishPositionGroup(group_id="g1", realized=D(5), fees=D(1), now=NOON)


def admitted(index: int) -> PyramidAdmitted:
    return PyramidAdmitted(
        group_id="g1", pyramid_id=f"g1-p{index}", index=index, signal_id=f"s{index}"
    )


def admit(index: int) -> AdmitPyramid:
    return AdmitPyramid(group_id="g1", admitted=admitted(index))


def attempted(attempt: int) -> CloseAttempted:
    return CloseAttempted(
        group_id="g1",
        client_order_id=f"close{attempt}",
        attempt=attempt,
        quantity=D(3),
        price=D(99),
        attempted_at=NOON + timedelta(seconds=attempt),
    )


def attempt(number: int) -> AttemptClose:
    return AttemptClose(group_id="g1", attempted=attempted(number))


def test_a_trade_opens_once_with_the_settings_that_rule_it() -> None:
    state = given(position_group).when(OPEN).then(OPENED)

    assert state.is_open
    assert state.holds_slot


@pytest.mark.parametrize("command", [admit(0), CLOSE, attempt(1), FINISH])
def test_a_trade_never_opened_is_a_programmers_error(command: Command) -> None:
    with pytest.raises(AssertionError, match="was never opened"):
        given(position_group).when(command)


def test_the_first_event_of_a_trade_is_its_opening() -> None:
    with pytest.raises(AssertionError, match="first event is PositionGroupOpened"):
        fold(position_group, [CLOSING])


def test_entries_join_in_their_order() -> None:
    state = given(position_group, OPENED, admitted(0)).when(admit(1)).then(admitted(1))

    assert state.pyramid_ids == ("g1-p0", "g1-p1")


def test_nothing_joins_a_trade_that_closes() -> None:
    given(position_group, OPENED, admitted(0), CLOSING).when(admit(1)).then_nothing()


def test_the_first_trigger_closes_and_the_second_changes_nothing() -> None:
    state = given(position_group, OPENED).when(CLOSE).then(CLOSING)
    other = ClosePositionGroup(group_id="g1", reason="stop", signal_id="", now=NOON)

    assert not state.is_open
    assert state.holds_slot
    given(position_group, OPENED, CLOSING).when(other).then_nothing()


def test_a_close_is_attempted_with_a_number_and_a_bound() -> None:
    state = given(position_group, OPENED, CLOSING).when(attempt(1)).then(attempted(1))

    assert state.close_attempts == 1


def test_a_further_attempt_counts_on() -> None:
    given(position_group, OPENED, CLOSING, attempted(1)).when(attempt(2)).then(attempted(2))


def test_an_open_trade_is_not_sold() -> None:
    given(position_group, OPENED).when(attempt(1)).then_nothing()


def test_a_closed_trade_is_not_sold() -> None:
    given(position_group, OPENED, CLOSING, CLOSED).when(attempt(1)).then_nothing()


def test_it_closes_with_the_reason_it_was_closing_for() -> None:
    state = given(position_group, OPENED, CLOSING).when(FINISH).then(CLOSED)

    assert not state.holds_slot


def test_an_open_trade_does_not_simply_finish() -> None:
    given(position_group, OPENED).when(FINISH).then_nothing()


def reduction(signal_id: str, **quantities: str) -> ReductionStarted:
    parts = [
        ReductionPart(leg_id=leg, quantity=D(quantity), sold_before=D(1))
        for leg, quantity in quantities.items()
    ]
    return ReductionStarted(
        group_id="g1", reason="reduce", signal_id=signal_id, parts=tuple(parts), started_at=NOON
    )


REDUCED = reduction("s2", leg0="2")
REDUCE = StartReduction(group_id="g1", started=REDUCED)
ENDED = ReductionEnded(group_id="g1", ended_at=NOON)
END = EndReduction(group_id="g1", now=NOON)


def test_a_part_is_reduced_and_sold_while_the_trade_stays_open() -> None:
    state = given(position_group, OPENED).when(REDUCE).then(REDUCED)

    assert state.is_open
    assert state.reducing == REDUCED.parts
    given(position_group, OPENED, REDUCED).when(attempt(1)).then(attempted(1))


def test_a_further_reduction_adds_to_the_one_under_way() -> None:
    more = reduction("s3", leg0="1", leg1="4")
    further = StartReduction(group_id="g1", started=more)

    state = given(position_group, OPENED, REDUCED).when(further).then(more)

    assert [(part.leg_id, part.quantity) for part in state.reducing] == [
        ("leg0", D(3)),
        ("leg1", D(4)),
    ]


def test_a_reduction_ends_once() -> None:
    state = given(position_group, OPENED, REDUCED).when(END).then(ENDED)

    assert state.reducing == ()
    given(position_group, OPENED).when(END).then_nothing()


def test_nothing_is_reduced_of_a_trade_that_closes_and_closing_takes_over() -> None:
    given(position_group, OPENED, CLOSING).when(REDUCE).then_nothing()

    assert fold(position_group, [OPENED, REDUCED, CLOSING]).reducing == ()


def test_each_sequence_begins_with_its_narrowest_bound() -> None:
    past = [OPENED, REDUCED, attempted(1), attempted(2), ENDED]

    assert fold(position_group, past).attempts_before == 0
    assert fold(position_group, [*past, reduction("s3", leg0="1")]).attempts_before == 2
    assert fold(position_group, [*past, CLOSING]).attempts_before == 2


def trailed(best: str) -> StopTrailed:
    return StopTrailed(group_id="g1", best=D(best), trailed_at=NOON)


def trail(best: str) -> TrailStop:
    return TrailStop(group_id="g1", best=D(best), now=NOON)


def test_a_stop_trails_towards_profit_only() -> None:
    given(position_group, OPENED).when(trail("100")).then(trailed("100"))
    given(position_group, OPENED, trailed("100")).when(trail("101")).then(trailed("101"))
    given(position_group, OPENED, trailed("100")).when(trail("99")).then_nothing()

    short = msgspec.structs.replace(OPENED, side="short")
    given(position_group, short, trailed("100")).when(trail("99")).then(trailed("99"))
    given(position_group, short, trailed("100")).when(trail("101")).then_nothing()


SHARED = FundingShared(group_id="g1", funding_id="f1", amount=D("-0.3"), settled_at=NOON)
SHARE = ShareFunding(group_id="g1", shared=SHARED)


def test_funding_is_shared_once_and_counts() -> None:
    state = given(position_group, OPENED).when(SHARE).then(SHARED)

    assert state.funding == D("-0.3")
    given(position_group, OPENED, CLOSING, CLOSED).when(SHARE).then_nothing()


def bounded(signal_id: str, bound: str, **quantities: str) -> ReductionStarted:
    return msgspec.structs.replace(reduction(signal_id, **quantities), bound=D(bound))


def start(started: ReductionStarted) -> StartReduction:
    return StartReduction(group_id="g1", started=started)


def test_the_orders_that_keep_a_bound_are_known_for_good() -> None:
    paid = bounded("", "90", l0="2")
    state = given(position_group, OPENED).when(start(paid)).then(paid)
    assert state.bound == D(90)

    ended = ReductionEnded(group_id="g1", ended_at=NOON)
    state = fold(position_group, [OPENED, paid, attempted(1), ended, CLOSING, attempted(2)])

    assert (state.bound, state.bounded_sales) == (None, ("close1",))


def test_a_bounded_reduction_waits_its_turn() -> None:
    other = start(bounded("s9", "91", l1="2"))
    given(position_group, OPENED, reduction("s2", l0="2")).when(other).then_nothing()
    given(position_group, OPENED, bounded("", "90", l0="2")).when(other).then_nothing()


def test_a_reduction_without_a_bound_ends_the_bounded_one_and_begins_anew() -> None:
    must = reduction("s2", l0="3")
    past = (OPENED, bounded("", "90", l0="2", l1="1"), attempted(1))

    ended = ReductionEnded(group_id="g1", ended_at=NOON)
    state = given(position_group, *past).when(start(must)).then(ended, must)

    assert state.bound is None
    assert [(part.leg_id, part.quantity) for part in state.reducing] == [("l0", D(3))]
    assert state.attempts_before == 1
    assert state.bounded_sales == ("close1",)


def test_a_trade_that_closes_keeps_no_bound() -> None:
    state = given(position_group, OPENED, bounded("", "90", l0="2")).when(CLOSE).then(CLOSING)

    assert (state.bound, state.reducing) == (None, ())
