"""What the risk engine does in a crash, read from what `plimsoll simulate` printed and wrote."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

import pytest

from tests.docs.worked import shown
from tests.simulation.crash import EXAMPLE, GUARDED, PAGE, WITH, WITHOUT, both, named, story
from tests.simulation.log_reading import facts_of
from tests.simulation.running import FinishedRun
from tests.simulation.scenarios import missing_data

pytestmark = pytest.mark.timeout(300)

ZERO = Decimal(0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, FinishedRun]:
    missing = missing_data(GUARDED)
    if missing:
        pytest.skip(f"the recorded candles {missing} are not beside this checkout")
    return both(tmp_path_factory.mktemp("crash"))


def test_gate_offset_breaker_and_emergency_stop_each_act(runs: Mapping[str, FinishedRun]) -> None:
    facts = facts_of(runs[WITH].events)

    denied = Counter(fact.event["reason"] for fact in named(facts, "risk_engine.denied.v1"))
    settled = named(facts, "offset.settled.v1")
    (tripped,) = named(facts, "brakes.breaker_tripped.v1")
    (stopped,) = named(facts, "equity.emergency_stopped.v1")

    assert denied["max_committed_capital"] > 0
    assert any(Decimal(fact.event["realized"]) < ZERO for fact in settled)
    assert Decimal(tripped.event["loss"]) >= Decimal(tripped.event["limit"])
    assert stopped.event["trigger"] == "drawdown"
    assert settled[0].at < tripped.at < stopped.at


def test_every_offset_sums_up_and_lost_no_more_than_it_earned(
    runs: Mapping[str, FinishedRun],
) -> None:
    for fact in named(facts_of(runs[WITH].events), "offset.settled.v1"):
        earned, realized = Decimal(fact.event["earned"]), Decimal(fact.event["realized"])
        assert earned + realized == Decimal(fact.event["result"])
        assert -realized <= earned


def test_nothing_is_entered_any_more_once_the_breaker_has_tripped(
    runs: Mapping[str, FinishedRun],
) -> None:
    facts = facts_of(runs[WITH].events)
    (tripped,) = named(facts, "brakes.breaker_tripped.v1")
    later = facts[facts.index(tripped) :]
    entries = {
        fact.event["client_order_id"]
        for fact in named(facts, "order.requested.v1")
        if fact.event["purpose"] == "entry"
    }

    filled = {fact.event["client_order_id"] for fact in named(later, "order.filled.v1")}

    assert filled, "what was open was closed"
    assert filled.isdisjoint(entries)
    assert "entry" not in {fact.event["purpose"] for fact in named(later, "order.requested.v1")}


def test_three_quarters_are_left_where_the_same_without_it_ends_ruined(
    runs: Mapping[str, FinishedRun],
) -> None:
    assert not runs[WITH].ruined
    assert Decimal(runs[WITH].summary["equity"]) > 75
    assert runs[WITHOUT].ruined
    assert Decimal(runs[WITHOUT].summary["equity"]) <= ZERO


def test_the_page_tells_what_happened(runs: Mapping[str, FinishedRun]) -> None:
    assert shown(PAGE)[EXAMPLE] == story(runs), "run `python -m tests.simulation.crash`"
