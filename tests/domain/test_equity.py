"""Equity: its peak, two looks before the emergency stop, transfers, and balances that jump."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import equity
from domain.equity import (
    AssessDrawdown,
    CapitalTransferred,
    DrawdownBreached,
    DrawdownRecovered,
    EmergencyEnded,
    EmergencyStopped,
    EndEmergency,
    Equity,
    EquityOpened,
    EquitySampled,
    OpenEquity,
    SampleEquity,
    StopEverything,
    TransferCapital,
    drawdown_percent,
)
from domain.message import Event
from domain.worth import Worth
from tests.domain.given import decide, fold, given

D = Decimal
MORNING = datetime(2026, 1, 5, 8, tzinfo=UTC)
OPENED = EquityOpened(state=Equity())


def at(seconds: float = 0) -> datetime:
    return MORNING + timedelta(seconds=seconds)


def worth(equity_now: str, capital: str = "1000") -> Worth:
    """Everything beyond the capital is floating."""
    return Worth(
        capital=D(capital),
        realized=D(0),
        unrealized=D(equity_now) - D(capital),
        committed=D(0),
    )


def sampled(equity_now: str, peak: str, seconds: float = 0, capital: str = "1000") -> EquitySampled:
    made = worth(equity_now, capital)
    return EquitySampled(
        equity=D(equity_now),
        **msgspec.structs.asdict(made),
        peak=D(peak),
        sampled_at=at(seconds),
    )


def look(equity_now: str, seconds: float, limit: str | None = "20") -> AssessDrawdown:
    limit_percent = D(limit) if limit is not None else None
    return AssessDrawdown(worth=worth(equity_now), limit_percent=limit_percent, now=at(seconds))


def breached(equity_now: str, percent: str, peak: str = "1000") -> DrawdownBreached:
    return DrawdownBreached(
        equity=D(equity_now),
        peak=D(peak),
        drawdown_percent=D(percent),
        limit_percent=D(20),
        breached_at=at(),
    )


def stopped(**changes: Any) -> EmergencyStopped:
    made = EmergencyStopped(
        trigger="drawdown",
        reason="the equity fell too far below its peak",
        actor="engine",
        stopped_at=at(10),
        equity=D(790),
        peak=D(1000),
        drawdown_percent=D(21),
        limit_percent=D(20),
    )
    return msgspec.structs.replace(made, **changes)


def ended(peak: str | None) -> EmergencyEnded:
    capital = D(1000) if peak is not None else None
    return EmergencyEnded(
        peak=D(peak) if peak is not None else None, capital=capital, reason="calm", actor="ann"
    )


def test_a_day_begins_with_the_whole_state_of_the_day_before() -> None:
    state = Equity(peak=D(1200), breached=breached("790", "21"), transfers=D(5))

    after = given(equity).when(OpenEquity(state=state)).then(EquityOpened(state=state))

    assert after == state


def test_a_sample_above_the_peak_is_the_peak_and_one_below_it_is_not() -> None:
    risen = given(equity, OPENED).when(SampleEquity(worth=worth("1100"), now=at()))
    risen.then(sampled("1100", "1100"))

    fallen = given(equity, OPENED, sampled("1100", "1100")).when(
        SampleEquity(worth=worth("900"), now=at(60))
    )
    assert fallen.then(sampled("900", "1100", 60)).peak == D(1100)


def test_before_the_first_sample_the_peak_is_the_capital() -> None:
    given(equity, OPENED).when(look("800", 0)).then(breached("800", "20"))


def test_a_worth_by_old_marks_is_no_peak() -> None:
    old = SampleEquity(worth=worth("5000"), now=at(), fresh=False)
    given(equity, OPENED).when(old).then(sampled("5000", "1000"))


def test_a_second_sample_of_one_moment_is_taken_only_if_it_says_something_else() -> None:
    before = given(equity, OPENED, sampled("900", "1000"))
    before.when(SampleEquity(worth=worth("900"), now=at())).then_nothing()
    before.when(SampleEquity(worth=worth("850"), now=at())).then(sampled("850", "1000"))


@pytest.mark.parametrize(("equity_now", "percent"), [("800", "20"), ("799.99", "20.001")])
def test_a_drawdown_that_reaches_the_limit_is_a_breach(equity_now: str, percent: str) -> None:
    given(equity, OPENED, sampled("1000", "1000")).when(look(equity_now, 0)).then(
        breached(equity_now, percent)
    )


@pytest.mark.parametrize("equity_now", ["800.01", "1000", "1300"])
def test_a_drawdown_below_the_limit_is_none(equity_now: str) -> None:
    given(equity, OPENED, sampled("1000", "1000")).when(look(equity_now, 0)).then_nothing()


def test_without_a_limit_nothing_is_too_far() -> None:
    given(equity, OPENED, sampled("1000", "1000")).when(look("1", 0, None)).then_nothing()


@pytest.mark.parametrize("seconds", [0, 1, 9.999999])
def test_a_second_look_too_soon_after_the_first_decides_nothing(seconds: float) -> None:
    breach = given(equity, OPENED, sampled("1000", "1000"), breached("790", "21"))
    breach.when(look("790", seconds)).then_nothing()


def test_a_second_look_ten_seconds_later_stops_everything_once() -> None:
    breach = given(equity, OPENED, sampled("1000", "1000"), breached("790", "21"))
    breach.when(look("790", 10)).then(stopped())
    given(equity, OPENED, stopped()).when(look("1", 100)).then_nothing()


def test_a_look_at_which_it_is_within_the_limit_again_clears_the_breach() -> None:
    recovered = DrawdownRecovered(
        equity=D(900), peak=D(1000), drawdown_percent=D(10), recovered_at=at(5)
    )
    breach = given(equity, OPENED, sampled("1000", "1000"), breached("790", "21"))
    after = breach.when(look("900", 5)).then(recovered)
    assert after.breached is None
    given(equity, OPENED, sampled("1000", "1000"), breached("790", "21"), recovered).when(
        look("790", 11)
    ).then(msgspec.structs.replace(breached("790", "21"), breached_at=at(11)))


def test_a_breach_ends_with_its_limit() -> None:
    breach = given(equity, OPENED, sampled("1000", "1000"), breached("790", "21"))
    recovered = DrawdownRecovered(
        equity=D(790), peak=D(1000), drawdown_percent=D(21), recovered_at=at(60)
    )
    breach.when(look("790", 60, None)).then(recovered)


def test_an_operator_stops_once() -> None:
    mine = stopped(trigger="operator", actor="ann")
    given(equity, OPENED).when(StopEverything(stopped=mine)).then(mine)


def test_a_resume_counts_the_drawdown_from_the_equity_of_that_moment() -> None:
    past = (OPENED, sampled("1000", "1000"), stopped())
    given(equity, *past).when(EndEmergency(ended=ended("790"))).then(ended("790"))
    given(equity, *past, ended("790")).when(look("700", 60)).then_nothing()


def test_a_resume_without_a_known_equity_waits_for_a_sample_by_fresh_marks() -> None:
    past = given(equity, OPENED, sampled("1000", "1000"), stopped(), ended(None))
    past.when(look("500", 60)).then_nothing()
    past.when(SampleEquity(worth=worth("700"), now=at(60), fresh=False)).then_nothing()
    past.when(SampleEquity(worth=worth("500"), now=at(60))).then(sampled("500", "500", 60))


def test_without_a_stop_there_is_nothing_to_end() -> None:
    given(equity, OPENED).when(EndEmergency(ended=ended("790"))).then_nothing()


def test_each_transfer_is_a_fact_of_its_own_and_moves_the_peak() -> None:
    before = given(equity, OPENED, sampled("900", "1000"))
    transfer = TransferCapital(amount=D(-300), reason="rent", actor="ann")
    moved = CapitalTransferred(amount=D(-300), total=D(-300), reason="rent", actor="ann")
    assert before.when(transfer).happened == (moved,)

    again = given(equity, OPENED, sampled("900", "1000"), moved).when(transfer)
    assert again.happened == (msgspec.structs.replace(moved, total=D(-600)),)
    assert (again.state.peak, again.state.transfers) == (D(400), D(-600))


def test_a_new_allocation_is_no_drawdown() -> None:
    state = fold(equity, [OPENED, sampled("1100", "1200")])
    assert state.peak_of(worth("600", "500")) == D(700)


def test_money_that_is_all_gone_is_a_whole_drawdown() -> None:
    assert drawdown_percent(D(0), D(100)) == D(100)
    assert drawdown_percent(D(-1), D(0)) == D(100)
    assert drawdown_percent(D(0), D(0)) == D(0)


amounts = st.decimals(min_value="0.01", max_value="1e6", places=2)
Step = tuple[str, Decimal, float]
steps = st.lists(
    st.tuples(
        st.sampled_from(["sample", "old", "look", "transfer", "stop", "resume"]),
        amounts,
        st.floats(min_value=0, max_value=30, allow_nan=False),
    ),
    max_size=40,
)


def lived(plan: Sequence[Step]) -> list[tuple[Equity, tuple[Event, ...], Equity]]:
    """What each step of a life found, caused and left."""
    state, now, capital = fold(equity, [OPENED]), MORNING, D(1000)
    told = []
    for kind, amount, seconds in plan:
        now += timedelta(seconds=seconds)
        seen = Worth(
            capital=capital + state.transfers,
            realized=D(0),
            unrealized=amount - capital,
            committed=D(0),
        )
        commands: dict[str, Any] = {
            "sample": SampleEquity(worth=seen, now=now),
            "old": SampleEquity(worth=seen, now=now, fresh=False),
            "look": AssessDrawdown(worth=seen, limit_percent=D(20), now=now),
            "transfer": TransferCapital(amount=amount, reason="", actor="ann"),
            "stop": StopEverything(stopped=stopped(trigger="operator", stopped_at=now)),
            "resume": EndEmergency(ended=ended(None)),
        }
        happened = decide(equity, state, commands[kind])
        after = fold(equity, happened, state)
        told.append((state, happened, after))
        state = after
    return told


@for_all(steps)
def test_between_resets_the_peak_falls_only_by_what_is_taken_out(plan: list[Step]) -> None:
    for before, happened, after in lived(plan):
        if before.peak is None or any(isinstance(event, EmergencyEnded) for event in happened):
            continue
        assert after.peak is not None
        moved = after.transfers - before.transfers
        assert after.peak - moved >= before.peak


@for_all(steps)
def test_a_stop_by_drawdown_has_a_breach_ten_seconds_or_more_before_it(plan: list[Step]) -> None:
    for before, happened, _ in lived(plan):
        for event in happened:
            if isinstance(event, EmergencyStopped) and event.trigger == "drawdown":
                assert before.breached is not None
                assert event.stopped_at - before.breached.breached_at >= timedelta(seconds=10)
                assert event.drawdown_percent is not None
                assert event.drawdown_percent >= D(20)


@for_all(steps, amounts, amounts)
def test_a_transfer_leaves_the_drawdown_in_money_as_it_was(
    plan: list[Step], floating: Decimal, amount: Decimal
) -> None:
    state = lived(plan)[-1][2] if plan else fold(equity, [OPENED])
    told = CapitalTransferred(amount=amount, total=state.transfers + amount, reason="", actor="ann")
    after = fold(equity, [told], state)

    def missing(known: Equity) -> Decimal:
        seen = Worth(
            capital=D(1000) + known.transfers,
            realized=D(0),
            unrealized=-floating,
            committed=D(0),
        )
        return known.peak_of(seen) - seen.equity

    assert missing(after) == missing(state)
