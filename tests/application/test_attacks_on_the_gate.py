"""Attacks on the gate and the holds: what was approved a moment ago, and what was bound before."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from application.inputs import BalanceSeen, ClockTicked
from domain.gate import RuleCheck
from domain.queue import QueuedSignalPromoted
from domain.risk_engine import RiskApproved, RiskDenied
from domain.settings import RiskSettings
from tests.application.desk import PROMPT, market, of
from tests.application.gate_cases import GateDesk
from tests.application.invariants import check_record

D = Decimal


def waiting_for_a_slot() -> GateDesk:
    """A signal waits for the one slot, which its settings now would give it."""
    desk = GateDesk(msgspec.structs.replace(PROMPT, risk=RiskSettings(stale_seconds=60)))
    desk.set("pool", max_open_groups=1)
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    assert desk.outcome() == ("queued", "max_open_groups")
    desk.set("pool", max_open_groups=2)
    return desk


def leverage_line(refusal: RiskDenied) -> RuleCheck:
    (found,) = [check for check in refusal.receipt if check.rule == "leverage"]
    return found


def test_the_tick_that_loses_contact_promotes_nothing() -> None:
    desk = waiting_for_a_slot()
    heard_at = desk.now
    desk.now += timedelta(seconds=70)

    happened = desk.feed(ClockTicked(due_at=desk.now, contact_at=heard_at, promotion=True))

    assert of(happened, RiskApproved) == []
    assert of(happened, QueuedSignalPromoted) == []
    assert [entry.signal_id for entry in desk.book.queue.waiting] == [desk.last_signal]
    back = desk.feed(ClockTicked(due_at=desk.now, contact_at=desk.now, promotion=True))
    assert len(of(back, QueuedSignalPromoted)) == 1
    assert len(desk.legs(1)) == 5
    check_record(desk)


def test_a_position_that_stands_at_more_leverage_than_allowed_now_is_not_enlarged() -> None:
    desk = GateDesk(leverage=1)
    desk.set("capital", leverage=5)
    desk.signal()
    desk.set("risk", max_leverage=3)
    desk.set("capital", leverage=2)

    (refusal,) = of(desk.signal(), RiskDenied)

    assert (refusal.reason, refusal.proposal.index) == ("leverage", 1)
    assert (leverage_line(refusal).value, leverage_line(refusal).limit) == ("5", "3")
    (other,) = of(desk.signal(timeframe="60"), RiskDenied)
    assert other.reason == "leverage"
    assert of(desk.signal(symbol="ETHUSDT.P"), RiskApproved)


@pytest.mark.parametrize("kind", ["signal", "reverse"])
def test_an_entry_that_waited_out_an_outage_is_stale_though_it_bears_no_time(kind: str) -> None:
    desk = GateDesk()
    late = desk.received(kind=kind)
    desk.now += timedelta(seconds=301)

    happened = desk.feed(late)

    assert of(happened, RiskApproved) == []
    assert desk.outcome() == ("rejected", f"stale: received at {late.received_at}")


def test_what_waited_no_longer_than_allowed_is_entered_and_a_late_exit_still_closes() -> None:
    desk = GateDesk()
    entry = desk.received()
    desk.now += timedelta(seconds=300)
    assert len(of(desk.feed(entry), RiskApproved)) == 1

    late = desk.received("long", kind="exit", price=None)
    desk.now += timedelta(hours=3)
    desk.feed(late)

    assert desk.outcome()[0] == "admitted"
    assert desk.book.open_groups() == ()


def test_an_entry_of_any_age_is_taken_where_no_age_is_too_much() -> None:
    desk = GateDesk()
    desk.set("signals", max_age_seconds=None)
    late = desk.received()
    desk.now += timedelta(hours=3)

    assert len(of(desk.feed(late), RiskApproved)) == 1


def test_what_a_waiting_entry_kept_back_is_given_back_to_it_as_it_was_counted() -> None:
    unruled = market("BTC", tick=D(0))
    desk = GateDesk(markets=(unruled,), leverage=1)
    desk.set("capital", leverage=5)
    desk.signal()
    # A fifth of 1 000 and its fee are kept back: 500 in all, where the whole will be asked for.
    desk.feed(BalanceSeen(currency="USDT", total=D(500), free=D("299.50")))
    desk.set("capital", leverage=1)

    desk.relist()

    assert desk.outcome() == ("refused", "free_balance")
    assert desk.book.risk.committed() == 0
    assert desk.working() == []
