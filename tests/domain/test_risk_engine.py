"""The risk engine: capital reserved at approval, profit counted once, refusals told once."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import risk_engine
from domain.gate import Commitment, EntryProposal, GateFacts
from domain.holds import TradingState
from domain.money import ZERO
from domain.risk_engine import (
    AdjustCommitment,
    AssessEntry,
    ChangeTradingState,
    CommitmentChanged,
    FreeSlot,
    OpenRiskEngine,
    ProfitRecorded,
    RecordProfit,
    RiskApproved,
    RiskDayBegun,
    RiskDenied,
    RiskEngine,
    RiskEngineOpened,
    SlotFreed,
    TradingStateChanged,
    assessment,
)
from domain.settings import RiskSettings
from tests.domain.given import decide, fold, given
from tests.domain.proposals import BTC, ETH, facts, proposal

D = Decimal
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
OPENED = RiskEngineOpened(state=RiskEngine())
LEG = "g1-p0-l0"


def approved(proposed: EntryProposal, known: GateFacts | None = None) -> RiskApproved:
    receipt = assessment(RiskEngine(), proposed, known or facts()).receipt
    return RiskApproved(proposal=proposed, receipt=receipt)


def changed(resting: str, cost: str, leg: str = LEG) -> CommitmentChanged:
    return CommitmentChanged(
        leg_id=leg, group_id="g1", symbol=BTC, resting=D(resting), open_cost=D(cost)
    )


def state_changed(state: TradingState, actor: str = "ann") -> TradingStateChanged:
    return TradingStateChanged(state=state, reason="because", actor=actor)


def test_an_approval_takes_a_slot_and_reserves_capital() -> None:
    state = (
        given(risk_engine, OPENED)
        .when(AssessEntry(proposal=proposal(), facts=facts()))
        .then(approved(proposal()))
    )

    assert list(state.slots) == ["g1"]
    assert state.commitments == {LEG: Commitment(group_id="g1", symbol=BTC, resting=D(1000))}
    assert (state.committed(), state.committed(BTC), state.committed(ETH)) == (1000, 1000, 0)


def test_the_next_proposal_is_judged_with_what_is_reserved() -> None:
    tight = facts(risk=RiskSettings(max_committed_capital=D(1500)))
    second = proposal(2, symbol=ETH)

    when = given(risk_engine, OPENED, approved(proposal())).when(
        AssessEntry(proposal=second, facts=tight)
    )

    (denied,) = when.happened
    assert isinstance(denied, RiskDenied)
    assert (denied.reason, denied.transient) == ("max_committed_capital", True)
    assert when.state.committed() == D(1000)


def test_a_refusal_is_told_again_only_when_its_reason_changes() -> None:
    ask = AssessEntry(proposal=proposal(promoted=True), facts=facts(mark=None))
    state = given(risk_engine, OPENED).when(ask).state
    halted = fold(risk_engine, [state_changed("halted")], state)

    assert decide(risk_engine, state, ask) == ()
    (again,) = decide(risk_engine, halted, ask)
    assert isinstance(again, RiskDenied)
    assert again.reason == "trading_state"


def test_an_approval_forgets_the_refusals_before_it() -> None:
    denied = given(risk_engine, OPENED).when(
        AssessEntry(proposal=proposal(), facts=facts(mark=None))
    )

    state = fold(risk_engine, [approved(proposal())], denied.state)

    assert denied.state.denied == {"s1": "mark_fresh"}
    assert state.denied == {}


def test_a_pyramid_reserves_beside_its_group() -> None:
    legs = tuple(msgspec.structs.replace(leg, leg_id="g1-p1-l0") for leg in proposal().legs)
    second = proposal(index=1, pyramid_id="g1-p1", legs=legs)

    state = given(risk_engine, OPENED, approved(proposal()), approved(second)).state

    assert (len(state.slots), state.committed()) == (1, D(2000))


def test_a_commitment_follows_its_leg() -> None:
    state = (
        given(risk_engine, OPENED, approved(proposal()))
        .when(AdjustCommitment(changed=changed("400", "600")))
        .then(changed("400", "600"))
    )

    assert state.committed() == D(1000)


def test_a_commitment_of_nothing_leaves_the_books() -> None:
    state = (
        given(risk_engine, OPENED, approved(proposal()))
        .when(AdjustCommitment(changed=changed("0", "0")))
        .then(changed("0", "0"))
    )

    assert state.commitments == {}


def test_a_leg_without_commitment_that_commits_nothing_says_nothing() -> None:
    given(risk_engine, OPENED).when(AdjustCommitment(changed=changed("0", "0"))).then_nothing()


def test_a_profit_is_recorded_once_as_the_difference() -> None:
    first = ProfitRecorded(leg_id=LEG, group_id="g1", amount=D(5), total=D(5))
    second = ProfitRecorded(leg_id=LEG, group_id="g1", amount=D(-2), total=D(3))

    given(risk_engine, OPENED).when(RecordProfit(leg_id=LEG, group_id="g1", total=D(5))).then(first)
    state = (
        given(risk_engine, OPENED, first)
        .when(RecordProfit(leg_id=LEG, group_id="g1", total=D(3)))
        .then(second)
    )
    assert (state.realized_today, state.realized_total) == (D(3), D(3))


@pytest.mark.parametrize(("realized", "losses"), [("5", {}), ("0", {}), ("-0.01", {BTC: NOW})])
def test_a_closed_group_frees_its_slot_once_and_its_loss_is_remembered(
    realized: str, losses: dict[str, datetime]
) -> None:
    state = (
        given(risk_engine, OPENED, approved(proposal()))
        .when(FreeSlot(group_id="g1", realized=D(realized), now=NOW))
        .then(SlotFreed(group_id="g1", symbol=BTC, realized=D(realized), freed_at=NOW))
    )

    assert (state.slots, state.last_losses) == ({}, losses)


@pytest.mark.parametrize("wanted", ["reducing", "halted"])
def test_the_trading_state_is_what_the_brakes_say(wanted: TradingState) -> None:
    state = (
        given(risk_engine, OPENED)
        .when(ChangeTradingState(changed=state_changed(wanted)))
        .then(state_changed(wanted))
    )

    assert (state.trading_state, state.state_reason) == (wanted, "because")
    given(risk_engine, OPENED, state_changed(wanted)).when(
        ChangeTradingState(changed=state_changed("active"))
    ).then(state_changed("active"))


def test_another_reason_for_the_same_state_is_news_while_something_holds() -> None:
    other = TradingStateChanged(state="reducing", reason="the day's loss", actor="engine")

    given(risk_engine, OPENED, state_changed("reducing")).when(
        ChangeTradingState(changed=other)
    ).then(other)


def test_a_new_day_keeps_what_is_risked_and_starts_its_own_counts() -> None:
    of_open = ProfitRecorded(leg_id=LEG, group_id="g1", amount=D(5), total=D(5))
    of_closed = ProfitRecorded(leg_id="g9-p0-l0", group_id="g9", amount=D(-7), total=D(-7))
    yesterday = given(
        risk_engine, OPENED, approved(proposal()), of_open, of_closed, state_changed("reducing")
    ).state

    state = (
        given(risk_engine)
        .when(OpenRiskEngine(state=yesterday, date="2026-01-06"))
        .then(RiskEngineOpened(state=yesterday), RiskDayBegun(date="2026-01-06"))
    )

    assert (state.realized_today, state.realized_total) == (D(0), D(-2))
    assert state.realized_by_leg == {LEG: D(5)}
    assert (state.slots, state.commitments) == (yesterday.slots, yesterday.commitments)
    assert (state.trading_state, state.denied) == ("reducing", {})


def test_a_risk_engine_never_opened_is_a_programmers_error() -> None:
    with pytest.raises(AssertionError, match="was never opened"):
        given(risk_engine).when(FreeSlot(group_id="g1", realized=ZERO, now=NOW))
    with pytest.raises(AssertionError, match="first event is RiskEngineOpened"):
        fold(risk_engine, [RiskDayBegun(date="2026-01-06")])


AMOUNTS = st.decimals(min_value=0, max_value=3000, places=2, allow_nan=False)


@st.composite
def commands(draw: st.DrawFn) -> Any:
    number = draw(st.integers(1, 6))
    reserve = str(draw(st.integers(1, 30)) * 100)
    leg = f"g{number}-p0-l0"
    symbol = draw(st.sampled_from([BTC, ETH]))
    asked = proposal(number, reserve=reserve, symbol=symbol, timeframe=f"{number}h")
    limits = RiskSettings(max_committed_capital=D(5000), max_committed_capital_per_symbol=D(3000))
    return draw(
        st.sampled_from(
            [
                AssessEntry(proposal=asked, facts=facts(risk=limits, slots=4)),
                RecordProfit(leg_id=leg, group_id=f"g{number}", total=draw(AMOUNTS)),
                FreeSlot(group_id=f"g{number}", realized=ZERO, now=NOW),
                AdjustCommitment(
                    changed=CommitmentChanged(
                        leg_id=leg,
                        group_id=f"g{number}",
                        symbol=symbol,
                        resting=D(0),
                        open_cost=D(0),
                    )
                ),
            ]
        )
    )


@for_all(st.lists(commands(), max_size=25))
def test_no_approval_ever_exceeds_a_limit(asked: list[Any]) -> None:
    state = RiskEngine()
    for command in asked:
        happened = decide(risk_engine, state, command)
        state = fold(risk_engine, happened, state)
        if any(isinstance(event, RiskApproved) for event in happened):
            assert state.committed() <= D(5000)
            assert state.committed(BTC) <= D(3000)
            assert state.committed(ETH) <= D(3000)
            assert len(state.slots) <= 4
        assert all(c.resting >= 0 and c.open_cost >= 0 for c in state.commitments.values())
        assert decide(risk_engine, state, command) == ()
        assert state.realized_total == sum(state.realized_by_leg.values(), D(0))
