"""What the gate cannot tell, or what cannot be, fails the rule that needs it and raises nothing."""

from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest

from domain.day_loss import DayLoss
from domain.gate import Assessment, EntryProposal, RiskedNow, Rule, RuleCheck
from domain.gate_rules import assess
from domain.liquidation import Stake
from domain.message import MarkSeen
from domain.settings import RiskSettings
from tests.domain.proposals import BTC, NOON, PERPETUAL, facts, proposal

D = Decimal
NO_AMOUNTS = tuple(map(D, ("NaN", "sNaN", "Infinity", "-Infinity", "-1")))
CALM = RiskedNow(trading_state="active", slots=(), committed=D(0), committed_symbol=D(0))
EVERY_LIMIT = RiskSettings(max_committed_capital_per_symbol=D(50_000), max_open_groups_per_symbol=5)
LIMITED = msgspec.structs.replace(
    PERPETUAL,
    max_quantity=D(1000),
    max_open_orders=200,
    band_percent=D(15),
    position_limit=D(1000),
)


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing or impossible, and the rule that fails for it."""

    rule: Rule
    facts: dict[str, Any] = {}
    risked: dict[str, Any] = {}
    proposal: dict[str, Any] = {}


def market(**changes: Any) -> dict[str, Any]:
    return {"instrument": msgspec.structs.replace(LIMITED, **changes)}


def leg(**changes: Any) -> dict[str, Any]:
    (only,) = proposal().legs
    planned = msgspec.structs.replace(only.leg, **changes)
    return {"legs": (msgspec.structs.replace(only, leg=planned),)}


def stake(**changes: Any) -> dict[str, Any]:
    made = Stake(group_id="g0", price=D(100), quantity=D(1))
    return {"stakes": (msgspec.structs.replace(made, **changes),)}


def each(rule: Rule, make: Any, *more: Decimal) -> list[Unknown]:
    """The same for every figure that is no amount, and some more."""
    return [make(rule, figure) for figure in (*NO_AMOUNTS, *more)]


CASES = [
    Unknown(rule="trading_state", risked={"trading_state": ""}),
    Unknown(rule="currency", facts={"settle": ""}),
    Unknown(rule="symbol_allowed", facts={"risk": RiskSettings(symbols_allowed=("",))}),
    *(Unknown(rule="leverage", facts={"leverage": leverage}) for leverage in (0, -1)),
    Unknown(rule="discrepancy", facts={"has_discrepancy": True}),
    Unknown(rule="foreign_position", facts={"foreign": None}),
    *each("foreign_position", lambda r, n: Unknown(rule=r, facts={"foreign": n})),
    *each("max_committed_capital", lambda r, n: Unknown(rule=r, risked={"committed": n})),
    *each(
        "max_committed_capital_per_symbol",
        lambda r, n: Unknown(rule=r, risked={"committed_symbol": n}),
    ),
    Unknown(rule="max_daily_loss", facts={"day_loss": DayLoss(realized=D(0), open_loss=None)}),
    *each(
        "max_daily_loss",
        lambda r, n: Unknown(rule=r, facts={"day_loss": DayLoss(realized=D(0), open_loss=n)}),
    ),
    *(
        Unknown(rule="max_daily_loss", facts={"day_loss": DayLoss(realized=n)})
        for n in NO_AMOUNTS[:4]
    ),
    *(
        Unknown(rule="max_daily_loss", facts={"day_loss": DayLoss(realized=D(0), reference=n)})
        for n in NO_AMOUNTS[:4]
    ),
    *(
        Unknown(rule=rule, facts={"mark": None})
        for rule in get_args(Rule)
        if rule in ("mark_fresh", "max_entry_deviation", "price_band")
    ),
    *(
        Unknown(rule=rule, facts={"mark": MarkSeen(symbol=BTC, price=n, at=NOON)})
        for rule in get_args(Rule)
        if rule in ("mark_fresh", "max_entry_deviation", "price_band")
        for n in (*NO_AMOUNTS, D(0))
    ),
    *each("max_entry_deviation", lambda r, n: Unknown(rule=r, proposal={"entry_price": n}), D(0)),
    Unknown(rule="max_drawdown", facts={"equity": None}),
    Unknown(rule="max_drawdown", facts={"peak": None}),
    *(Unknown(rule="max_drawdown", facts={"equity": n}) for n in NO_AMOUNTS[:4]),
    *(Unknown(rule="max_drawdown", facts={"peak": n}) for n in NO_AMOUNTS[:4]),
    Unknown(rule="free_balance", facts={"free_balance": None}),
    Unknown(rule="free_balance", facts={"instrument": None}),
    Unknown(rule="free_balance", facts={"leverage": 0}),
    Unknown(rule="free_balance", facts=stake(leverage=0)),
    *each("free_balance", lambda r, n: Unknown(rule=r, facts={"free_balance": n})),
    *each("free_balance", lambda r, n: Unknown(rule=r, facts=market(taker_fee_percent=n))),
    *each("free_balance", lambda r, n: Unknown(rule=r, risked={"reserved": n})),
    Unknown(rule="max_quantity", facts={"instrument": None}),
    *each("max_quantity", lambda r, n: Unknown(rule=r, facts=market(max_quantity=n))),
    *each("max_quantity", lambda r, n: Unknown(rule=r, proposal=leg(quantity=n)), D(0)),
    Unknown(rule="open_orders", facts={"instrument": None}),
    Unknown(rule="open_orders", facts={"orders": -11} | market(max_open_orders=200)),
    Unknown(rule="open_orders", facts=market(max_open_orders=-1)),
    Unknown(rule="price_band", facts={"instrument": None}),
    *each("price_band", lambda r, n: Unknown(rule=r, facts=market(band_percent=n))),
    *each("price_band", lambda r, n: Unknown(rule=r, proposal=leg(price=n)), D(0)),
    Unknown(rule="position_limit", facts={"instrument": None}),
    *each("position_limit", lambda r, n: Unknown(rule=r, facts={"position": n})),
    *each("position_limit", lambda r, n: Unknown(rule=r, facts=market(position_limit=n))),
    *each("position_limit", lambda r, n: Unknown(rule=r, proposal=leg(quantity=n))),
    Unknown(rule="liquidation_distance", facts={"instrument": None}),
    Unknown(rule="liquidation_distance", facts={"leverage": 0}),
    Unknown(rule="liquidation_distance", facts=stake(leverage=0)),
    *each("liquidation_distance", lambda r, n: Unknown(rule=r, facts=stake(price=n)), D(0)),
    *each("liquidation_distance", lambda r, n: Unknown(rule=r, facts=stake(quantity=n)), D(0)),
    *each("liquidation_distance", lambda r, n: Unknown(rule=r, proposal=leg(price=n)), D(0)),
    *each(
        "liquidation_distance",
        lambda r, n: Unknown(rule=r, facts=market(maintenance_margin_percent=n)),
        D(100),
    ),
    *each(
        "liquidation_distance",
        lambda r, n: Unknown(
            rule=r, facts={"risk": RiskSettings(min_liquidation_distance_percent=n)}
        ),
    )[:4],
]
# Nothing of these can be missing: they count what the risk engine itself holds.
COUNTED: frozenset[Rule] = frozenset(
    {
        "market_rules",
        "key_free",
        "one_direction",
        "max_open_groups",
        "max_open_groups_per_symbol",
        "cooldown",
    }
)


def judged(case: Unknown) -> tuple[EntryProposal, Assessment]:
    wanted = msgspec.structs.replace(proposal(), **case.proposal)
    known = facts(**{"risk": EVERY_LIMIT, "instrument": LIMITED, **case.facts})
    return wanted, assess(wanted, known, msgspec.structs.replace(CALM, **case.risked))


def check(assessment: Assessment, rule: Rule) -> RuleCheck:
    (found,) = [line for line in assessment.receipt if line.rule == rule]
    return found


def test_with_everything_known_every_rule_passes() -> None:
    assert judged(Unknown(rule="currency"))[1].passed


def test_every_rule_that_reads_anything_has_cases() -> None:
    assert {case.rule for case in CASES} | COUNTED == set(get_args(Rule))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}")
def test_what_is_not_known_fails_closed(case: Unknown) -> None:
    _, verdict = judged(case)

    assert tuple(line.rule for line in verdict.receipt) == get_args(Rule)
    assert not check(verdict, case.rule).passed
    assert not verdict.passed


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (market(max_quantity=D("NaN")), "max_quantity"),
        (market(maintenance_margin_percent=D("NaN")), "liquidation_distance"),
        ({"leverage": 0}, "leverage"),
    ],
)
def test_what_is_not_known_yet_rejects_nothing_for_good(given: dict[str, Any], rule: Rule) -> None:
    _, verdict = judged(Unknown(rule=rule, facts=given))

    assert verdict.transient
    assert not check(verdict, rule).passed


@pytest.mark.parametrize(
    ("given", "undecided"),
    [
        ({"mark": None}, True),
        ({"equity": None}, True),
        ({"free_balance": None}, True),
        ({"free_balance": D(1)}, False),
        ({"has_discrepancy": True}, False),
    ],
)
def test_it_is_told_whether_a_refusal_only_lacks_knowledge(
    given: dict[str, Any], *, undecided: bool
) -> None:
    _, verdict = judged(Unknown(rule="currency", facts=given))

    assert verdict.is_undecided is undecided
