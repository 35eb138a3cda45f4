"""The gate before an entry without market rules, and before it once they have come."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from domain import risk_engine
from domain.gate import Commitment, EntryProposal, RiskedNow, RuleCheck, Slot
from domain.gate_rules import assess
from domain.risk_engine import AssessEntry, RiskApproved, RiskEngine, RiskEngineOpened
from domain.settings import PoolSettings, RiskSettings
from tests.domain.given import given
from tests.domain.proposals import BTC, ETH, facts, proposal

D = Decimal


def waiting(index: int = 0, **changes: Any) -> EntryProposal:
    made = proposal(1, legs=(), index=index, pyramid_id=f"g1-p{index}", **changes)
    return msgspec.structs.replace(made, capital=D(1000))


def slot(group: str, symbol: str = BTC, pyramids: int = 1) -> Slot:
    return Slot(group_id=group, symbol=symbol, timeframe="15m", side="long", pyramids=pyramids)


def risked(*slots: Slot, committed: str = "1000", reserved: str = "1000") -> RiskedNow:
    return RiskedNow(
        trading_state="active",
        slots=slots,
        committed=D(committed),
        committed_symbol=D(committed),
        reserved=D(reserved),
    )


def failed(found: tuple[RuleCheck, ...]) -> list[str]:
    return [check.rule for check in found if not check.passed]


def test_without_legs_the_whole_capital_is_reserved_under_the_pyramid() -> None:
    entry = waiting()

    assert entry.waits_for_rules
    assert entry.reserve == D(1000)
    assert entry.commitments == {"g1-p0": Commitment(group_id="g1", symbol=BTC, resting=D(1000))}
    assert not proposal().waits_for_rules


def test_the_receipt_says_whose_rules_the_legs_are_made_by() -> None:
    for whose in ("venue", "fallback", "missing"):
        receipt = assess(proposal(), facts(market_rules=whose), risked(reserved="0")).receipt
        (line,) = [check for check in receipt if check.rule == "market_rules"]
        assert (line.value, line.limit, line.passed) == (whose, None, True)


def test_what_it_reserved_while_it_waited_is_not_counted_twice() -> None:
    tight = facts(risk=RiskSettings(max_committed_capital=D(1000)), slots=1)

    assert assess(proposal(), tight, risked(slot("g1"))).passed
    strange = assess(proposal(), tight, risked(slot("g1"), reserved="0"))
    assert failed(strange.receipt) == ["max_open_groups", "max_committed_capital"]


def test_what_others_hold_is_counted() -> None:
    tight = facts(risk=RiskSettings(max_committed_capital=D(1000)), slots=1)
    now = risked(slot("g1"), slot("g2", ETH), committed="1000.01")

    assert failed(assess(proposal(), tight, now).receipt) == [
        "max_open_groups",
        "max_committed_capital",
    ]


@pytest.mark.parametrize(("limit", "passes"), [(2, True), (1, False)])
def test_a_pyramid_that_waited_counts_as_one_where_pyramids_need_slots(
    limit: int, passes: bool
) -> None:
    pool = PoolSettings(max_open_groups=limit, pyramids_need_slot=True)
    entry = proposal(1, index=1, pyramid_id="g1-p1")

    verdict = assess(entry, facts(pool=pool), risked(slot("g1", pyramids=2)))

    assert verdict.passed is passes


def opened(**state: Any) -> RiskEngineOpened:
    return RiskEngineOpened(state=RiskEngine(**state))


def test_it_is_approved_once_while_it_waits() -> None:
    wish = AssessEntry(proposal=waiting(), facts=facts(market_rules="missing"))
    asked = given(risk_engine, opened()).when(wish)

    (approved,) = asked.happened
    assert isinstance(approved, RiskApproved)
    state = asked.then(approved)
    assert state.committed() == D(1000)


def test_once_laid_out_its_legs_are_reserved_beside_what_it_still_holds() -> None:
    before = opened(slots={"g1": slot("g1", pyramids=2)}, commitments=waiting().commitments)
    asked = given(risk_engine, before).when(AssessEntry(proposal=proposal(), facts=facts()))

    (approved,) = asked.happened
    state = asked.then(approved)
    assert sorted(state.commitments) == ["g1-p0", "g1-p0-l0"]
    assert state.slots["g1"].pyramids == 2
