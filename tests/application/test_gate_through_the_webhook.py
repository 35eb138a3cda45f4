"""Every rule of the gate, tripped by a webhook signal: what it says, and what becomes of it."""

from decimal import Decimal
from typing import get_args

import pytest

from domain.gate import Rule, RuleCheck
from domain.risk_engine import RiskApproved, RiskDenied
from domain.settings import PoolSettings, Settings
from tests.application.desk import market, of
from tests.application.gate_cases import BY_RULE, CASES, Case, GateDesk, desk_for

D = Decimal
# It tells whose rules the legs were made by, and never refuses.
TELLS_ONLY: frozenset[Rule] = frozenset({"market_rules"})


def denied(desk: GateDesk, case: Case) -> RiskDenied:
    """The refusal of the last signal sent, which must be by this rule."""
    happened = desk.handle(desk.received(**case.wish))
    (refusal,) = of(happened, RiskDenied)
    assert of(happened, RiskApproved) == []
    assert (refusal.proposal.signal_id, refusal.reason) == (desk.last_signal, case.rule)
    return refusal


def line(refusal: RiskDenied, rule: Rule) -> RuleCheck:
    """The rule's line of the receipt, which holds every rule once."""
    assert tuple(check.rule for check in refusal.receipt) == get_args(Rule)
    (found,) = [check for check in refusal.receipt if check.rule == rule]
    return found


def test_every_rule_has_a_case() -> None:
    assert len(BY_RULE) == len(CASES)
    assert set(BY_RULE) | TELLS_ONLY == set(get_args(Rule))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_an_entry_is_held_back_by_each_rule(case: Case) -> None:
    desk = desk_for(case)
    case.trip(desk)
    taken = [group.opened.group_id for group in desk.book.open_groups()]

    refusal = denied(desk, case)

    check = line(refusal, case.rule)
    value = taken[0] if case.value == "<group>" else case.value
    assert (check.value, check.limit, check.passed) == (value, case.limit, False)
    assert refusal.proposal.index == 0
    assert refusal.transient is (case.entry == "queued")
    assert desk.outcome() == (case.entry, case.rule)
    assert [g.opened.group_id for g in desk.book.open_groups()] == taken


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.pyramid is not None], ids=lambda case: case.rule
)
def test_a_pyramid_is_held_back_by_each_rule(case: Case) -> None:
    desk = desk_for(case)
    desk.signal()
    own = desk.group().opened.group_id
    case.trip(desk)

    refusal = denied(desk, case)

    check = line(refusal, case.rule)
    expected = (case.pyramid_value or case.value, case.pyramid_limit or case.limit, False)
    assert (check.value, check.limit, check.passed) == expected
    assert (refusal.proposal.group_id, refusal.proposal.index) == (own, 1)
    assert desk.outcome() == (case.pyramid, case.rule)
    group = desk.book.group(own)
    assert group is not None
    assert len(group.pyramid_ids) == 1


def test_an_entry_that_passes_leaves_a_receipt_with_every_value_and_limit() -> None:
    desk = GateDesk(Settings(pool=PoolSettings(max_open_groups=3)))

    (approved,) = of(desk.signal(), RiskApproved)

    assert tuple(check.rule for check in approved.receipt) == get_args(Rule)
    assert all(check.passed and check.value is not None for check in approved.receipt)
    limited = {check.rule for check in approved.receipt if check.limit is not None}
    assert limited >= {"max_open_groups", "max_drawdown", "free_balance", "liquidation_distance"}


def test_the_markets_rules_are_told_and_refuse_nothing() -> None:
    desk = GateDesk(markets=(market("BTC", tick=D(0)),))

    (approved,) = of(desk.signal(), RiskApproved)

    (told,) = [check for check in approved.receipt if check.rule == "market_rules"]
    assert (told.value, told.limit, told.passed) == ("missing", None, True)
