"""The gate's rules of slots and directions: pyramids counted, groups forced in, hedge mode."""

from typing import Any

import msgspec
import pytest

from domain import risk_engine
from domain.gate import GateFacts, RuleCheck
from domain.risk_engine import AssessEntry, RiskApproved, RiskEngine, assessment
from domain.settings import PoolSettings
from tests.domain.given import decide, fold
from tests.domain.proposals import BTC, ETH, facts, proposal


def approved(*proposals: Any) -> RiskEngine:
    """A risk engine that let these in."""
    events = [RiskApproved(proposal=each, receipt=()) for each in proposals]
    return fold(risk_engine, events, RiskEngine())


def counted(slots: int, **changes: Any) -> GateFacts:
    pool = PoolSettings(max_open_groups=slots, pyramids_need_slot=True)
    return msgspec.structs.replace(facts(), pool=pool, **changes)


def check(rule: str, state: RiskEngine, wanted: Any, given: GateFacts) -> RuleCheck:
    (found,) = [each for each in assessment(state, wanted, given).receipt if each.rule == rule]
    return found


def pyramid(index: int) -> Any:
    leg = msgspec.structs.replace(proposal().legs[0], leg_id=f"g1-p{index}-l0")
    return proposal(index=index, pyramid_id=f"g1-p{index}", legs=(leg,))


def test_a_slot_knows_how_many_pyramids_its_group_has() -> None:
    state = approved(proposal(), pyramid(1), pyramid(2))

    assert [slot.pyramids for _, slot in sorted(state.slots.items())] == [3]


@pytest.mark.parametrize(("slots", "passes"), [(4, True), (3, False)])
def test_where_pyramids_need_slots_each_is_counted(slots: int, passes: bool) -> None:
    state = approved(proposal(), pyramid(1), proposal(2, symbol=ETH))

    for wanted in (pyramid(2), proposal(3, symbol="SOL/USDT:USDT")):
        found = check("max_open_groups", state, wanted, counted(slots))
        assert (found.value, found.limit, found.passed) == ("4", str(slots), passes)


def test_by_default_a_pyramid_needs_no_slot_even_over_the_limit() -> None:
    state = approved(proposal(), proposal(2, symbol=ETH))

    found = check("max_open_groups", state, pyramid(1), facts(slots=1))
    assert (found.value, found.limit, found.passed) == ("2", "1", True)


def test_what_is_forced_passes_the_limit_of_slots_and_its_receipt_says_so() -> None:
    state = approved(proposal(2, symbol=ETH))
    forced = msgspec.structs.replace(facts(slots=1), forced=True)

    assert check("max_open_groups", state, proposal(), forced) == RuleCheck(
        rule="max_open_groups", value="2", limit="1, forced by the operator", passed=True
    )
    assert not check("max_open_groups", state, proposal(), facts(slots=1)).passed
    (event,) = decide(risk_engine, state, AssessEntry(proposal=proposal(), facts=forced))
    assert isinstance(event, RiskApproved)


def test_one_way_mode_has_one_direction_a_symbol_and_hedge_mode_has_both() -> None:
    state = approved(proposal(2, side="short", timeframe="60"))
    hedged = msgspec.structs.replace(facts(), hedge_mode=True)

    assert not check("one_direction", state, proposal(symbol=BTC), facts()).passed
    assert check("one_direction", state, proposal(symbol=ETH), facts()).passed
    assert check("one_direction", state, proposal(), hedged) == RuleCheck(
        rule="one_direction", value="g2", limit=None, passed=True
    )
