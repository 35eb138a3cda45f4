"""The pre-trade gate: every rule at its limit, over it, off, and without what it needs."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest

from domain.day_loss import DayLoss
from domain.gate import Assessment, RiskedNow, Rule, RuleCheck, Slot
from domain.gate_rules import assess
from domain.message import MarkSeen
from domain.settings import RiskSettings
from tests.domain.proposals import BTC, ETH, NOON, facts, proposal

D = Decimal
CALM = RiskedNow(
    trading_state="active",
    slots=(),
    committed=D(0),
    committed_symbol=D(0),
)


def risked(**changes: Any) -> RiskedNow:
    return msgspec.structs.replace(CALM, **changes)


def slot(group: str, symbol: str = ETH, timeframe: str = "15m", side: Any = "long") -> Slot:
    return Slot(group_id=group, symbol=symbol, timeframe=timeframe, side=side)


def check(assessment: Assessment, rule: Rule) -> RuleCheck:
    (found,) = [line for line in assessment.receipt if line.rule == rule]
    return found


def test_everything_in_order_passes() -> None:
    verdict = assess(proposal(), facts(), CALM)

    assert verdict.passed
    assert (verdict.reason, verdict.transient) == ("", False)


def test_the_receipt_always_holds_every_rule_once_in_order() -> None:
    passed = assess(proposal(), facts(), CALM)
    denied = assess(proposal(), facts(mark=None, settle="BTC"), risked(trading_state="halted"))

    for verdict in (passed, denied):
        assert tuple(line.rule for line in verdict.receipt) == get_args(Rule)


@pytest.mark.parametrize("state", ["reducing", "halted"])
def test_only_an_active_engine_takes_new_exposure(state: str) -> None:
    verdict = assess(proposal(), facts(), risked(trading_state=state))

    assert (verdict.reason, verdict.transient) == ("trading_state", True)


def test_what_settles_in_another_currency_is_rejected_for_good() -> None:
    verdict = assess(proposal(), facts(settle="BTC"), CALM)

    assert (verdict.reason, verdict.transient) == ("currency", False)


def test_only_allowed_symbols_pass_and_an_empty_list_allows_all() -> None:
    only_eth = RiskSettings(symbols_allowed=(ETH,))

    verdict = assess(proposal(), facts(risk=only_eth), CALM)

    assert (verdict.reason, verdict.transient) == ("symbol_allowed", False)
    assert assess(proposal(symbol=ETH), facts(risk=only_eth), CALM).passed
    assert check(assess(proposal(), facts(), CALM), "symbol_allowed").limit is None


@pytest.mark.parametrize(("leverage", "passes"), [(5, True), (6, False)])
def test_leverage_may_reach_its_limit(leverage: int, passes: bool) -> None:
    verdict = assess(proposal(), facts(leverage=leverage), CALM)

    assert verdict.passed is passes
    assert passes or (verdict.reason, verdict.transient) == ("leverage", False)


def test_a_discrepancy_of_the_symbol_stops_it_for_now() -> None:
    verdict = assess(proposal(), facts(has_discrepancy=True), risked())

    assert (verdict.reason, verdict.transient) == ("discrepancy", True)


def test_one_open_group_per_key() -> None:
    taken = risked(slots=(slot("other", BTC),))

    verdict = assess(proposal(), facts(), taken)

    assert (verdict.reason, verdict.transient) == ("key_free", True)
    assert check(verdict, "key_free").value == "other"
    assert assess(proposal(timeframe="1h"), facts(), taken).passed


def test_a_pyramid_joins_its_own_group() -> None:
    assert assess(proposal(index=1), facts(), risked(slots=(slot("g1", BTC),))).passed


@pytest.mark.parametrize(
    ("foreign", "value"), [(D("0.5"), "0.5"), (None, None)], ids=["held", "not known yet"]
)
def test_a_foreign_position_refuses_its_symbol_until_it_is_flat(
    foreign: Decimal | None, value: str | None
) -> None:
    verdict = assess(proposal(), facts(foreign=foreign), risked())

    (check,) = [check for check in verdict.receipt if check.rule == "foreign_position"]
    assert (verdict.reason, verdict.transient) == ("foreign_position", True)
    assert (check.value, check.limit) == (value, "0")


def test_a_symbol_has_one_direction_across_timeframes() -> None:
    short = risked(slots=(slot("other", BTC, "1h", "short"),))

    verdict = assess(proposal(), facts(), short)

    assert (verdict.reason, verdict.transient) == ("one_direction", True)
    assert assess(proposal(symbol=ETH), facts(), short).passed


@pytest.mark.parametrize(("taken", "passes"), [(2, True), (3, False)])
def test_a_new_group_may_take_the_last_slot(taken: int, passes: bool) -> None:
    slots = tuple(slot(f"x{n}", f"C{n}/USDT:USDT") for n in range(taken))

    verdict = assess(proposal(), facts(slots=3), risked(slots=slots))

    assert verdict.passed is passes
    assert passes or (verdict.reason, verdict.transient) == ("max_open_groups", True)


def test_a_pyramid_needs_no_slot() -> None:
    slots = (slot("g1", BTC), slot("x1"), slot("x2", "SOL/USDT:USDT"))

    assert assess(proposal(index=1), facts(slots=3), risked(slots=slots)).passed


@pytest.mark.parametrize(("taken", "passes"), [(1, True), (2, False)])
def test_a_symbol_may_have_its_own_limit_of_groups(taken: int, passes: bool) -> None:
    slots = tuple(slot(f"x{n}", BTC, f"{n + 1}h") for n in range(taken))
    two = RiskSettings(max_open_groups_per_symbol=2)

    verdict = assess(proposal(), facts(risk=two), risked(slots=slots))

    assert verdict.passed is passes
    assert passes or (verdict.reason, verdict.transient) == ("max_open_groups_per_symbol", True)
    assert assess(proposal(), facts(), risked(slots=slots)).passed, "null is off"


@pytest.mark.parametrize(("committed", "passes"), [("49000", True), ("49000.00000001", False)])
def test_committed_capital_may_reach_its_limit(committed: str, passes: bool) -> None:
    verdict = assess(proposal(reserve="1000"), facts(), risked(committed=D(committed)))

    assert verdict.passed is passes
    assert passes or (verdict.reason, verdict.transient) == ("max_committed_capital", True)


@pytest.mark.parametrize(("committed", "passes"), [("1000", True), ("1000.01", False)])
def test_a_symbols_committed_capital_may_reach_its_limit(committed: str, passes: bool) -> None:
    limited = RiskSettings(max_committed_capital_per_symbol=D(2000))

    verdict = assess(proposal(), facts(risk=limited), risked(committed_symbol=D(committed)))

    assert verdict.passed is passes
    assert passes or verdict.reason == "max_committed_capital_per_symbol"


@pytest.mark.parametrize(("realized", "passes"), [("-499.99", True), ("-500", False), ("9", True)])
def test_a_days_loss_that_reaches_the_limit_trips(realized: str, passes: bool) -> None:
    verdict = assess(proposal(), facts(day_loss=DayLoss(realized=D(realized))), CALM)

    assert verdict.passed is passes
    assert passes or (verdict.reason, verdict.transient) == ("max_daily_loss", True)


@pytest.mark.parametrize(("age", "passes"), [(0, True), (30, True), (30.000001, False), (-5, True)])
def test_a_mark_may_be_as_old_as_its_limit(age: float, passes: bool) -> None:
    mark = MarkSeen(symbol=BTC, price=D(100), at=NOON - timedelta(seconds=age))

    verdict = assess(proposal(), facts(mark=mark), CALM)

    assert verdict.passed is passes
    assert passes or (verdict.reason, verdict.transient) == ("mark_fresh", True)


@pytest.mark.parametrize(("price", "passes"), [("105", True), ("105.1", False), ("94.9", False)])
def test_an_entry_may_deviate_as_far_as_its_limit(price: str, passes: bool) -> None:
    verdict = assess(proposal(entry_price=D(price)), facts(), CALM)

    assert verdict.passed is passes
    assert passes or (verdict.reason, verdict.transient) == ("max_entry_deviation", False)


def test_in_the_queue_a_deviation_may_pass_with_time() -> None:
    verdict = assess(proposal(entry_price=D(120), promoted=True), facts(), CALM)

    assert (verdict.reason, verdict.transient) == ("max_entry_deviation", True)


def test_null_limits_switch_their_rules_off() -> None:
    off = RiskSettings(
        max_committed_capital=None,
        max_leverage=None,
        max_daily_loss=None,
        max_mark_age_seconds=None,
        max_entry_deviation_percent=None,
        max_drawdown_percent=None,
        min_liquidation_distance_percent=None,
    )
    wild = risked(committed=D("1e9"), committed_symbol=D("1e9"))
    known = facts(risk=off, leverage=99, mark=None, day_loss=DayLoss(realized=D("-1e9")))

    verdict = assess(proposal(entry_price=D(900)), known, wild)

    assert verdict.passed
    assert {line.rule for line in verdict.receipt if line.limit is None} >= {
        "max_committed_capital",
        "max_daily_loss",
        "mark_fresh",
        "max_entry_deviation",
    }


def test_a_missing_mark_fails_closed() -> None:
    verdict = assess(proposal(), facts(mark=None), CALM)

    assert (verdict.reason, verdict.transient) == ("mark_fresh", True)
    for rule in ("mark_fresh", "max_entry_deviation"):
        assert (check(verdict, rule).value, check(verdict, rule).passed) == (None, False)


def test_a_deviation_from_an_old_mark_rejects_nothing_for_good() -> None:
    old = MarkSeen(symbol=BTC, price=D(50), at=NOON - timedelta(seconds=31))

    verdict = assess(proposal(), facts(mark=old), CALM)

    assert (verdict.reason, verdict.transient) == ("mark_fresh", True)


@pytest.mark.parametrize("price", ["NaN", "Infinity", "0", "-1"])
def test_what_is_no_positive_number_is_no_mark(price: str) -> None:
    mark = MarkSeen(symbol=BTC, price=D(price), at=NOON)

    verdict = assess(proposal(), facts(mark=mark), CALM)

    assert not check(verdict, "mark_fresh").passed
    assert not check(verdict, "max_entry_deviation").passed


@pytest.mark.parametrize(
    ("unknown", "rule"),
    [
        ("committed", "max_committed_capital"),
        ("committed_symbol", "max_committed_capital_per_symbol"),
    ],
)
def test_a_value_that_is_no_number_fails_closed(unknown: str, rule: Rule) -> None:
    limited = RiskSettings(max_committed_capital_per_symbol=D(2000))

    verdict = assess(proposal(), facts(risk=limited), risked(**{unknown: D("NaN")}))

    assert (check(verdict, rule).value, check(verdict, rule).passed) == (None, False)


def test_a_permanent_refusal_is_told_before_a_transient_one() -> None:
    verdict = assess(proposal(), facts(leverage=99), risked(trading_state="halted"))

    assert (verdict.reason, verdict.transient) == ("leverage", False)


def test_of_several_transient_refusals_the_first_rule_is_told() -> None:
    verdict = assess(proposal(), facts(has_discrepancy=True), risked(committed=D("1e9")))

    assert (verdict.reason, verdict.transient) == ("discrepancy", True)
