"""Signals that wait: queued, replaced, promoted in the transaction that frees a slot."""

from decimal import Decimal

import msgspec
import pytest

from application.inputs import SettingsSubmitted
from domain.position_group import PositionGroupClosed
from domain.queue import (
    QueuedSignalExpired,
    QueuedSignalPromoted,
    QueuedSignalRemoved,
    QueuedSignalReplaced,
)
from domain.risk_engine import RiskDenied
from domain.settings import PoolSettings, QueueSettings, Settings
from domain.trading_day import SignalJudged
from tests.application.desk import BTC, ETH, PROMPT, SOL, Desk, names, of

D = Decimal


def one_slot(queue: QueueSettings | None = None) -> Settings:
    return msgspec.structs.replace(
        PROMPT, pool=PoolSettings(max_open_groups=1), queue=queue or QueueSettings()
    )


def close(desk: Desk, symbol: str = "BTCUSDT.P") -> object:
    return desk.signal("long", kind="exit", symbol=symbol, price=None)


def test_a_full_pool_queues() -> None:
    desk = Desk(one_slot())
    desk.signal()

    desk.signal(symbol="ETHUSDT.P", price="99")

    assert desk.outcome() == ("queued", "max_open_groups")
    (entry,) = desk.book.queue.waiting
    assert (entry.symbol, entry.price, entry.expected_profit) == (ETH, D(99), D("1.2"))


def test_a_newer_signal_of_the_same_key_replaces() -> None:
    desk = Desk(one_slot())
    desk.signal()
    desk.signal(symbol="ETHUSDT.P", price="99")
    older = desk.last_signal

    happened = desk.signal(symbol="ETHUSDT.P", price="98")

    (replaced,) = of(happened, QueuedSignalReplaced)
    assert (replaced.entry.price, replaced.entry.replacements) == (D(98), 1)
    assert desk.outcome(older) == ("replaced", f"by {desk.last_signal}")
    assert desk.outcome() == ("queued", "max_open_groups")


def test_a_slot_goes_to_the_best_candidate_in_the_transaction_that_frees_it() -> None:
    desk = Desk(one_slot())
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    desk.signal(symbol="SOLUSDT.P", price="104")  # 4 % under its price now: the deepest loss

    close(desk)

    last_input = next(each for each in desk.recorded if isinstance(each.event, PositionGroupClosed))
    cause = desk.recorded.index(last_input)
    follow = names(desk.recorded[cause:])
    assert follow.index("queue.signal_promoted") < follow.index("trading_day.order_reported")
    (promoted,) = of(desk.recorded, QueuedSignalPromoted)
    assert promoted.signal_id == desk_signal(desk, SOL)
    assert promoted.rank[:2] == (
        "continuation=false",
        "deepest_loss=-3.846153846153846153846153846153846",
    )
    assert [group.opened.symbol for group in desk.book.open_groups()] == [SOL]
    assert [entry.symbol for entry in desk.book.queue.waiting] == [ETH]


def desk_signal(desk: Desk, symbol: str) -> str:
    return next(
        each.opened.signal_id for each in desk.book.open_groups() if each.opened.symbol == symbol
    )


def test_a_promoted_ladder_starts_at_the_better_of_its_price_and_the_mark() -> None:
    desk = Desk(one_slot())
    desk.signal()
    desk.signal(symbol="ETHUSDT.P", price="104")

    close(desk)

    assert desk.legs()[0].plan.price == D(100)


def test_a_promoted_ladder_may_keep_the_signals_own_price() -> None:
    desk = Desk(one_slot(QueueSettings(anchor="signal")))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P", price="104")

    close(desk)

    assert desk.legs()[0].plan.price == D(104)


def test_a_denied_head_does_not_block_the_next() -> None:
    desk = Desk(one_slot(QueueSettings(anchor="signal")))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P", price="104")
    denied = desk.last_signal
    desk.signal(symbol="SOLUSDT.P", price="100")
    desk.move("90", ETH)  # the head is now 15 % away from its own price

    happened = close(desk)

    assert [group.opened.symbol for group in desk.book.open_groups()] == [SOL]
    assert [entry.signal_id for entry in desk.book.queue.waiting] == [denied]
    assert desk.outcome(denied) == ("queued", "max_open_groups")
    assert happened


def test_two_slots_freed_at_once_are_both_filled() -> None:
    settings = msgspec.structs.replace(PROMPT, pool=PoolSettings(max_open_groups=2))
    desk = Desk(settings)
    desk.signal()
    desk.signal(timeframe="60")
    desk.signal(symbol="ETHUSDT.P")
    desk.signal(symbol="SOLUSDT.P")

    desk.signal("long", kind="exit", timeframe=None, price=None)

    assert {group.opened.symbol for group in desk.book.open_groups()} == {ETH, SOL}
    assert desk.book.queue.waiting == ()


def test_a_refusal_on_the_way_is_recorded_once_not_at_each_tick() -> None:
    desk = Desk(one_slot())
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")

    first = desk.wait(seconds=10)
    second = desk.wait(seconds=10)

    assert of(first + second, RiskDenied) == []


def test_an_exit_of_a_queued_key_calls_it_off() -> None:
    desk = Desk(one_slot())
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    waiting = desk.last_signal

    happened = close(desk, "ETHUSDT.P")

    assert happened
    assert len(of(desk.recorded, QueuedSignalRemoved)) == 1
    assert desk.outcome(waiting) == ("removed", f"exit {desk.last_signal}")
    assert desk.outcome() == ("admitted", "closes 0 group(s), calls off 1 queued signal(s)")


def test_a_signal_for_a_group_that_closes_waits_for_its_own_turn() -> None:
    desk = Desk(price="101")
    desk.signal()
    desk.handle(desk.received("long", kind="exit", price=None))

    desk.handle(desk.received())
    assert desk.outcome() == ("queued", "key_free")

    desk.settle()
    assert desk.outcome() == ("admitted", "promoted from the queue")


def test_a_signal_waits_as_long_as_the_settings_say() -> None:
    desk = Desk(one_slot(QueueSettings(max_age_minutes=10)))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")

    assert of(desk.wait(minutes=9, seconds=59), QueuedSignalExpired) == []
    assert len(of(desk.wait(seconds=1), QueuedSignalExpired)) == 1
    assert desk.outcome() == ("expired", "it waited longer than queue.max_age_minutes")


def test_what_expires_at_a_tick_is_not_promoted_by_it() -> None:
    desk = Desk(one_slot(QueueSettings(max_age_minutes=10)))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    desk.feed(SettingsSubmitted(settings=with_slots(desk, 5), actor="ann", reason="more"))

    desk.wait(minutes=10)

    assert desk.outcome() == ("expired", "it waited longer than queue.max_age_minutes")


def with_slots(desk: Desk, slots: int) -> Settings:
    settings = desk.book.account.settings
    return msgspec.structs.replace(settings, pool=PoolSettings(max_open_groups=slots))


def test_a_full_queue_refuses() -> None:
    desk = Desk(one_slot(QueueSettings(limit=1)))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")

    desk.signal(symbol="SOLUSDT.P")

    assert desk.outcome() == ("refused", "queue_full")


@pytest.mark.parametrize("fresh", ["direct", "promoted"])
def test_an_entry_that_gets_in_leaves_no_older_one_of_its_key_waiting(fresh: str) -> None:
    desk = Desk(one_slot(QueueSettings(anchor="signal")))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P", price="104")
    older = desk.last_signal
    desk.move("90", ETH)
    close(desk)
    assert desk.book.open_groups() == ()
    assert desk.outcome(older)[0] == "queued"

    if fresh == "direct":
        desk.signal(symbol="ETHUSDT.P", price="90")
        assert desk.outcome() == ("admitted", "approved")
        assert desk.outcome(older) == ("removed", f"overtaken by {desk.last_signal}")
    else:
        desk.move("103", ETH)
        desk.wait(seconds=10)
        assert desk.outcome(older) == ("admitted", "promoted from the queue")
    assert desk.book.queue.waiting == ()


def test_an_operator_pauses_and_resumes() -> None:
    desk = Desk()
    desk.operator("pause")
    desk.signal()
    assert desk.outcome() == ("queued", "trading_state")

    desk.operator("resume")

    assert desk.outcome() == ("admitted", "promoted from the queue")


def test_a_halt_lasts_until_an_operator_resumes() -> None:
    desk = Desk()
    desk.operator("halt")
    desk.signal()

    desk.wait(hours=1)
    assert desk.book.risk.trading_state == "halted"
    assert desk.outcome() == ("queued", "trading_state")


def test_an_operator_closes_a_group() -> None:
    desk = Desk()
    desk.signal()

    happened = desk.operator("close_group", desk.group().opened.group_id)

    (closed,) = of(happened, PositionGroupClosed)
    assert closed.reason == "operator: because"


def test_closing_what_does_not_exist_changes_nothing() -> None:
    desk = Desk()
    desk.signal()

    assert names(desk.operator("close_group", "gnone")) == ["trading_day.operator_acted"]


def test_an_operator_promotes_only_what_the_gate_lets_through() -> None:
    desk = Desk(one_slot())
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    first = desk.last_signal
    desk.signal(symbol="SOLUSDT.P")
    second = desk.last_signal

    desk.operator("promote_signal", second)
    assert desk.outcome(second)[0] == "queued"

    desk.feed(SettingsSubmitted(settings=with_slots(desk, 2), actor="ann", reason="more"))
    desk.operator("promote_signal", second)
    assert desk.outcome(second) == ("admitted", "promoted from the queue")
    assert desk.outcome(first)[0] == "queued"


def test_an_operator_removes_a_signal() -> None:
    desk = Desk(one_slot())
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")

    desk.operator("remove_signal", desk.last_signal)

    assert desk.outcome() == ("removed", "operator: because")
    assert desk.book.queue.waiting == ()


def test_each_promotion_is_judged_once() -> None:
    desk = Desk(one_slot())
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    waiting = desk.last_signal

    close(desk)

    judged = [each.outcome for each in of(desk.recorded, SignalJudged) if each.signal_id == waiting]
    assert judged == ["queued", "admitted"]
    assert [group.opened.symbol for group in desk.book.open_groups()] == [ETH] != [BTC]
