"""What an operator asks of the queue: promoted, forced in, removed, or told why not."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from application.inputs import OperatorActed, SettingsSubmitted
from application.journal import Recorded
from domain.gate import RuleCheck
from domain.queue import QueuedSignalPromoted
from domain.risk_engine import RiskApproved, RiskDenied
from domain.settings import PoolSettings, RiskSettings, Settings
from domain.trading_day import AlertRaised
from tests.application.desk import BTC, ETH, PROMPT, Desk, names, of

D = Decimal


def with_slots(slots: int, **parts: Any) -> Settings:
    pool = PoolSettings(max_open_groups=slots)
    return msgspec.structs.replace(PROMPT, pool=pool, **parts)


def waiting_desk(settings: Settings | None = None) -> Desk:
    """BTC is open; ETH and then SOL wait for its slot."""
    desk = Desk(settings or with_slots(1))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    desk.signal(symbol="SOLUSDT.P")
    return desk


def act(desk: Desk, action: Any, subject: str, reason: str = "because") -> list[Recorded]:
    return desk.feed(OperatorActed(action=action, subject=subject, actor="ann", reason=reason))


def alerts(happened: list[Recorded]) -> list[tuple[str, str, str]]:
    return [(each.kind, each.subject, each.text) for each in of(happened, AlertRaised)]


def slots_of(receipt: tuple[RuleCheck, ...]) -> RuleCheck:
    (found,) = [check for check in receipt if check.rule == "max_open_groups"]
    return found


def test_a_promotion_without_a_free_slot_is_refused_visibly() -> None:
    desk = waiting_desk()
    last = desk.last_signal

    happened = act(desk, "promote_signal", last)

    assert alerts(happened) == [("queue", last, "max_open_groups was 2, the limit is 1")]
    assert desk.outcome(last)[0] == "queued"
    assert len(desk.book.queue.waiting) == 2


def test_a_promotion_takes_a_free_slot_out_of_turn() -> None:
    desk = waiting_desk()
    desk.handle(SettingsSubmitted(settings=with_slots(2), actor="ann", reason="more"))

    happened = act(desk, "promote_signal", desk.last_signal)

    assert alerts(happened) == []
    assert desk.outcome() == ("admitted", "promoted from the queue")
    assert [entry.symbol for entry in desk.book.queue.waiting] == [ETH]


def test_forced_in_it_skips_the_limit_of_slots_and_the_receipt_shows_it() -> None:
    desk = waiting_desk()

    happened = act(desk, "force_add_signal", desk.last_signal, "a clear case")

    (approved,) = of(happened, RiskApproved)
    assert slots_of(approved.receipt) == RuleCheck(
        rule="max_open_groups", value="2", limit="1, forced by the operator", passed=True
    )
    assert len(of(happened, QueuedSignalPromoted)) == 1
    assert len(desk.book.open_groups()) == 2
    assert [entry.symbol for entry in desk.book.queue.waiting] == [ETH]


@pytest.mark.parametrize(
    ("risk", "told"),
    [
        (RiskSettings(max_committed_capital=D(1500)), "max_committed_capital was "),
        (RiskSettings(max_open_groups_per_symbol=0), "max_open_groups_per_symbol was 1, the"),
    ],
)
def test_forced_in_it_must_still_pass_every_other_rule(risk: RiskSettings, told: str) -> None:
    desk = waiting_desk()
    desk.handle(SettingsSubmitted(settings=with_slots(1, risk=risk), actor="ann", reason="tight"))

    happened = act(desk, "force_add_signal", desk.last_signal)

    ((kind, _, text),) = alerts(happened)
    assert (kind, text.startswith(told)) == ("queue", True)
    (denied,) = of(happened, RiskDenied)
    assert slots_of(denied.receipt).passed
    assert len(desk.book.open_groups()) == 1


def test_a_halt_keeps_out_what_is_forced() -> None:
    desk = waiting_desk()
    desk.operator("halt")

    happened = act(desk, "force_add_signal", desk.last_signal)

    assert alerts(happened)[0][2] == "trading_state was halted, the limit is active"


@pytest.mark.parametrize("reason", ["", "  "])
def test_forcing_needs_a_reason(reason: str) -> None:
    desk = waiting_desk()

    happened = act(desk, "force_add_signal", desk.last_signal, reason)

    assert "give a reason" in alerts(happened)[0][2]
    assert len(desk.book.open_groups()) == 1


def test_one_forced_group_leaves_the_pyramids_of_the_others_alone() -> None:
    desk = waiting_desk()
    act(desk, "force_add_signal", desk.last_signal)

    desk.signal(price="99")

    assert desk.outcome() == ("admitted", "approved")


@pytest.mark.parametrize("action", ["promote_signal", "force_add_signal", "remove_signal"])
def test_a_signal_that_does_not_wait_is_told(action: str) -> None:
    desk = waiting_desk()

    happened = act(desk, action, "s1")

    assert alerts(happened) == [("queue", "s1", "it does not wait in the queue")]
    assert len(desk.book.queue.waiting) == 2


def test_a_reversal_cannot_be_promoted_before_what_it_closes_is_flat() -> None:
    desk = Desk()
    desk.signal()
    group = desk.group().opened.group_id
    desk.handle(desk.received("sell", kind="reverse"))

    happened = desk.handle(
        OperatorActed(
            action="force_add_signal", subject=desk.last_signal, actor="ann", reason="now"
        )
    )

    assert alerts(happened)[0][2] == f"what it reverses is not flat yet: {group}"
    assert len(desk.book.queue.waiting) == 1


def test_what_has_no_price_yet_cannot_be_promoted() -> None:
    desk = Desk()
    handled = desk.engine.handle(desk.received(price=None), desk.now, {})
    desk.commit(handled.stored, handled.recorded)
    acted = OperatorActed(
        action="promote_signal", subject=desk.last_signal, actor="ann", reason="now"
    )

    happened = desk.engine.handle(acted, desk.now, {}).recorded

    assert alerts(list(happened))[0][2] == f"no price of {BTC} is known"


def test_the_same_refusal_is_not_told_twice_a_day() -> None:
    desk = waiting_desk()

    act(desk, "promote_signal", desk.last_signal)
    again = act(desk, "promote_signal", desk.last_signal)

    assert names(again) == ["trading_day.operator_acted"]


def test_removed_by_the_operator_it_says_who_and_why() -> None:
    desk = waiting_desk()

    act(desk, "remove_signal", desk.last_signal, "not this one")

    assert desk.outcome() == ("removed", "operator: not this one")
    assert [entry.symbol for entry in desk.book.queue.waiting] == [ETH]
