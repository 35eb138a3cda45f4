"""Signals against what is open: closed for them, turned once flat, and nobody gets between."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from application.inputs import SettingsSubmitted
from application.processes.opposing import UNTIL_FLAT
from domain.position_group import PositionGroupClosing, PyramidAdmitted
from domain.queue import QueuedReversalDenied, QueuedSignalPromoted
from domain.risk_engine import RiskApproved, RiskDenied
from domain.settings import (
    CapitalPatch,
    CapitalSettings,
    Override,
    PoolSettings,
    QueueSettings,
    RiskSettings,
    Settings,
    SignalSettings,
)
from tests.application.desk import BTC, ETH, PROMPT, Desk, names, of
from tests.application.invariants import check_record

D = Decimal
ONE_SLOT = PoolSettings(max_open_groups=1)
REVERSE = SignalSettings(opposite="reverse")
HEDGED = CapitalSettings(hedge_mode=True)


def with_settings(**parts: Any) -> Settings:
    return msgspec.structs.replace(PROMPT, **parts)


def open_sides(desk: Desk) -> list[tuple[str, str]]:
    opened = [group.opened for group in desk.book.open_groups() if group.is_open]
    return sorted((each.timeframe, each.side) for each in opened)


def turn(desk: Desk, side: str = "sell", **extra: Any) -> str:
    """A reverse whose orders the venue has not heard of yet; its id."""
    desk.handle(desk.received(side, kind="reverse", **extra))
    return desk.last_signal


def test_a_reverse_waits_for_what_it_closes_and_says_so() -> None:
    desk = Desk()
    desk.signal()
    desk.signal(timeframe="60")
    groups = tuple(group.opened.group_id for group in desk.book.open_groups())

    turn(desk)

    assert desk.outcome() == ("queued", UNTIL_FLAT)
    assert desk.book.queue.waiting[0].reverses == groups
    assert open_sides(desk) == []
    desk.settle()
    assert open_sides(desk) == [("15", "short")]
    assert desk.outcome() == ("admitted", "promoted from the queue")


def test_the_slot_passes_on_though_a_better_signal_waits() -> None:
    desk = Desk(with_settings(pool=ONE_SLOT))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P", price="104")  # a loss of 4 %: it would come first
    better = desk.last_signal

    desk.signal("sell", kind="reverse")

    assert [group.opened.side for group in desk.book.open_groups()] == ["short"]
    assert desk.outcome(better)[0] == "queued"
    promoted = of(desk.recorded, QueuedSignalPromoted)
    assert [event.signal_id for event in promoted] == [desk.last_signal]


def test_it_is_turned_in_the_transaction_that_frees_the_last_slot_and_not_before() -> None:
    desk = Desk(with_settings(pool=PoolSettings(max_open_groups=2)))
    desk.signal()
    desk.signal(timeframe="60")
    desk.signal(symbol="ETHUSDT.P")
    between = desk.last_signal

    desk.signal("sell", kind="reverse")

    freed = [i for i, each in enumerate(desk.recorded) if "slot_freed" in each.event.NAME]
    approved = [
        i
        for i, each in enumerate(desk.recorded)
        if isinstance(each.event, RiskApproved) and each.event.proposal.side == "short"
    ]
    assert freed[1] < approved[0]
    between_them = names(desk.recorded[freed[1] : approved[0]])
    assert not any(name.startswith("trading_day.") for name in between_them)
    # The first slot freed is for whoever waits: the reversal has the last one.
    assert {group.opened.symbol for group in desk.book.open_groups()} == {BTC, ETH}
    assert desk.outcome(between)[0] == "admitted"


def test_its_base_is_its_own_price_whatever_the_anchor_says() -> None:
    desk = Desk()
    desk.signal()

    desk.signal("sell", kind="reverse", price="99")

    (proposal,) = [a.proposal for a in of(desk.recorded, RiskApproved) if a.proposal.promoted]
    # For a short the better price is the higher one, the mark of 100.
    assert proposal.entry_price == D(99)


def test_without_a_price_its_base_is_the_mark_once_flat() -> None:
    desk = Desk()
    desk.signal()
    turn(desk, price=None)

    desk.move("99.7")
    desk.settle()

    (proposal,) = [a.proposal for a in of(desk.recorded, RiskApproved) if a.proposal.promoted]
    assert proposal.entry_price == D("99.7")


def test_a_reverse_of_a_flat_symbol_is_a_plain_entry() -> None:
    desk = Desk()

    desk.signal("sell", kind="reverse")

    assert desk.outcome() == ("admitted", "approved")
    assert open_sides(desk) == [("15", "short")]


def test_neither_the_queues_limit_nor_its_replacement_setting_refuses_a_reverse() -> None:
    queue = QueueSettings(limit=1, replace=False)
    desk = Desk(with_settings(pool=ONE_SLOT, queue=queue))
    desk.signal()
    desk.signal("sell")
    assert desk.outcome() == ("queued", "one_direction")
    older = desk.last_signal

    desk.signal("sell", kind="reverse")

    assert desk.outcome(older) == ("replaced", f"by {desk.last_signal}")
    assert open_sides(desk) == [("15", "short")]


def test_a_full_queue_takes_a_reverse_beyond_its_limit() -> None:
    desk = Desk(with_settings(pool=ONE_SLOT, queue=QueueSettings(limit=1)))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")

    turn(desk)

    assert desk.outcome() == ("queued", UNTIL_FLAT)


def test_denied_once_flat_it_waits_like_any_other() -> None:
    desk = Desk()
    desk.signal()
    turn(desk)
    desk.operator("pause")

    desk.settle()

    assert desk.book.open_groups() == ()
    (denied,) = of(desk.recorded, QueuedReversalDenied)
    assert denied.reason == "trading_state"
    assert [d.reason for d in of(desk.recorded, RiskDenied)] == ["trading_state"]
    (entry,) = desk.book.queue.waiting
    assert (entry.reverses, entry.reason) == ((), "trading_state")
    assert desk.outcome()[0] == "queued"
    desk.operator("resume")
    assert desk.outcome() == ("admitted", "promoted from the queue")


def test_denied_for_good_it_is_rejected_and_what_it_closed_stays_closed() -> None:
    desk = Desk()
    desk.signal()
    turn(desk)
    settings = with_settings(risk=RiskSettings(symbols_allowed=(ETH,)))
    desk.feed(SettingsSubmitted(settings=settings, actor="ann", reason="no more"))

    desk.settle()

    assert desk.book.open_groups() == ()
    assert desk.book.queue.waiting == ()
    assert desk.outcome() == ("rejected", "symbol_allowed")


def test_a_reverse_too_small_for_any_leg_is_rejected_naming_what_would_do() -> None:
    desk = Desk()
    desk.signal()
    turn(desk)
    settings = with_settings(capital=CapitalSettings(group_budget=D(100)))
    desk.feed(SettingsSubmitted(settings=settings, actor="ann", reason="less"))

    desk.settle()

    outcome, reason = desk.outcome()
    assert outcome == "rejected"
    assert reason.endswith("give it at least 25")


def test_a_denied_reverse_lets_the_next_have_the_slot() -> None:
    desk = Desk(with_settings(pool=ONE_SLOT))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    turn(desk)
    short = desk.last_signal
    settings = with_settings(
        pool=ONE_SLOT,
        risk=RiskSettings(max_committed_capital_per_symbol=D(1100)),
        overrides=(Override(symbol=BTC, capital=CapitalPatch(group_budget=D(6000))),),
    )
    desk.handle(SettingsSubmitted(settings=settings, actor="ann", reason="tight"))

    desk.settle()

    assert [group.opened.symbol for group in desk.book.open_groups()] == [ETH]
    assert desk.outcome(short)[0] == "queued"


def test_a_reverse_survives_another_engine_and_another_day() -> None:
    desk = Desk()
    desk.signal()
    turn(desk)

    desk.wait_quietly(hours=20)
    desk.start()
    (entry,) = desk.book.queue.waiting
    assert (entry.signal_id, len(entry.reverses)) == (desk.last_signal, 1)
    desk.settle()
    desk.wait(seconds=10)

    assert open_sides(desk) == [("15", "short")]
    check_record(desk)


def test_a_newer_signal_of_the_same_key_keeps_the_place_of_the_reverse() -> None:
    desk = Desk(with_settings(pool=ONE_SLOT))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P", price="104")
    first = turn(desk)

    desk.handle(desk.received("sell", price="99"))
    newer = desk.last_signal
    desk.settle()

    assert desk.outcome(first) == ("replaced", f"by {newer}")
    assert desk.outcome(newer)[0] == "admitted"
    assert [group.opened.symbol for group in desk.book.open_groups()] == [BTC]


def test_an_exit_of_its_key_calls_a_waiting_reverse_off() -> None:
    desk = Desk()
    desk.signal()
    waiting = turn(desk)

    desk.handle(desk.received("short", kind="exit", price=None))
    desk.settle()

    assert desk.outcome(waiting) == ("removed", f"exit {desk.last_signal}")
    assert desk.book.open_groups() == ()


def test_turning_back_calls_off_what_waited_to_go_the_other_way() -> None:
    desk = Desk()
    desk.signal()
    short = turn(desk)

    back = turn(desk, "buy")
    desk.settle()

    assert desk.outcome(short) == ("removed", f"reverse {back}")
    assert open_sides(desk) == [("15", "long")]


def test_a_reverse_on_its_own_side_is_a_pyramid() -> None:
    desk = Desk(price="101")
    desk.signal()

    happened = desk.signal("buy", kind="reverse")

    assert [event.index for event in of(happened, PyramidAdmitted)] == [1]
    assert of(happened, PositionGroupClosing) == []


def test_the_setting_makes_any_opposite_entry_a_reverse_on_all_timeframes() -> None:
    desk = Desk(with_settings(signals=REVERSE))
    desk.signal()
    desk.signal(timeframe="60")

    happened = desk.signal("sell", timeframe="240")

    assert len(of(happened, PositionGroupClosing)) == 2
    assert open_sides(desk) == [("240", "short")]


def test_while_what_stands_against_it_is_closing_an_entry_waits_for_its_slot_too() -> None:
    desk = Desk(with_settings(signals=REVERSE, pool=ONE_SLOT))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P", price="104")
    desk.handle(desk.received("long", kind="exit", price=None))

    desk.handle(desk.received("sell"))
    desk.settle()

    assert [group.opened.symbol for group in desk.book.open_groups()] == [BTC]


def test_resting_entries_of_any_timeframe_stand_against_an_entry() -> None:
    desk = Desk(price="110")
    desk.signal(price="108")
    assert all(leg.entry_filled == 0 for leg in desk.legs())

    desk.signal("sell", timeframe="60", price="108")

    assert desk.outcome() == ("queued", "one_direction")


@pytest.mark.parametrize("opposite", ["queue", "reject", "reverse"])
def test_in_hedge_mode_both_sides_may_be_open_and_nothing_is_opposite(opposite: Any) -> None:
    signals = SignalSettings(opposite=opposite)
    desk = Desk(with_settings(signals=signals, capital=HEDGED))
    desk.handle(desk.received())

    desk.handle(desk.received("sell"))

    assert desk.outcome() == ("admitted", "approved")
    assert open_sides(desk) == [("15", "long"), ("15", "short")]


def test_in_hedge_mode_an_explicit_reverse_turns_the_trade_of_its_own_timeframe() -> None:
    desk = Desk(with_settings(capital=HEDGED))
    desk.handle(desk.received())
    desk.handle(desk.received(timeframe="60"))

    turn(desk)

    assert open_sides(desk) == [("60", "long")]
    (closing,) = [g.opened.group_id for g in desk.book.open_groups() if not g.is_open]
    assert desk.book.queue.waiting[0].reverses == (closing,)


def test_in_hedge_mode_too_a_reverse_waits_until_what_it_turns_is_flat() -> None:
    desk = Desk(with_settings(capital=HEDGED))
    desk.handle(desk.received())
    turn(desk)

    desk.wait_quietly(seconds=10)

    assert open_sides(desk) == []
    assert len(desk.book.queue.waiting) == 1


def test_in_hedge_mode_an_entry_calls_off_nothing_that_waits_to_go_the_other_way() -> None:
    desk = Desk(with_settings(signals=REVERSE, capital=HEDGED, pool=ONE_SLOT))
    desk.handle(desk.received(symbol="ETHUSDT.P"))
    desk.handle(desk.received())

    desk.handle(desk.received("sell"))

    assert [entry.side for entry in desk.book.queue.waiting] == ["long", "short"]


def test_in_hedge_mode_a_reverse_that_joins_its_own_side_closes_the_other() -> None:
    desk = Desk(with_settings(capital=HEDGED))
    desk.handle(desk.received())
    desk.handle(desk.received("sell"))

    happened = desk.handle(desk.received("buy", kind="reverse"))

    assert [event.index for event in of(happened, PyramidAdmitted)] == [1]
    assert open_sides(desk) == [("15", "long")]
    assert desk.book.queue.waiting == ()
