"""Pyramids that need a slot, a signal's own stop and slippage, and what a promotion is worth."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from application.inputs import SettingsSubmitted
from domain.gate import EntryProposal, RuleCheck
from domain.queue import QueuedSignalPromoted
from domain.risk_engine import RiskApproved, RiskDenied
from domain.settings import (
    GridSettings,
    LegSettings,
    PoolSettings,
    QueueSettings,
    Settings,
    SignalSettings,
)
from domain.trading_day import SignalRead
from tests.application.desk import BTC, ETH, PROMPT, SOL, Desk, of

D = Decimal
STOPS = SignalSettings(allow_stop_loss=True)


def with_settings(**parts: Any) -> Settings:
    return msgspec.structs.replace(PROMPT, **parts)


def pyramids_counted(slots: int) -> Settings:
    return with_settings(pool=PoolSettings(max_open_groups=slots, pyramids_need_slot=True))


def slots_of(receipt: tuple[RuleCheck, ...]) -> tuple[str | None, str | None]:
    (found,) = [check for check in receipt if check.rule == "max_open_groups"]
    return found.value, found.limit


def proposals(desk: Desk) -> list[EntryProposal]:
    return [approved.proposal for approved in of(desk.recorded, RiskApproved)]


def test_a_pyramid_that_needs_a_slot_takes_a_free_one() -> None:
    desk = Desk(pyramids_counted(2), price="101")
    desk.signal()

    happened = desk.signal()

    (approved,) = of(happened, RiskApproved)
    assert slots_of(approved.receipt) == ("2", "2")
    assert [slot.pyramids for slot in desk.book.risk.slots.values()] == [2]


def test_without_a_free_slot_it_is_refused_and_never_queued() -> None:
    desk = Desk(pyramids_counted(2), price="101")
    desk.signal()
    desk.signal()

    happened = desk.signal()

    (denied,) = of(happened, RiskDenied)
    assert slots_of(denied.receipt) == ("3", "2")
    assert desk.outcome() == ("refused", "max_open_groups")
    assert desk.book.queue.waiting == ()


def test_a_new_group_finds_the_slots_its_neighbours_pyramids_took_and_gets_them_once_closed() -> (
    None
):
    desk = Desk(pyramids_counted(2), price="101")
    desk.signal()
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    desk.signal(symbol="SOLUSDT.P")
    assert desk.outcome() == ("queued", "max_open_groups")

    desk.signal("long", kind="exit", price=None)

    assert {group.opened.symbol for group in desk.book.open_groups()} == {ETH, SOL}


def test_by_default_a_pyramid_passes_a_pool_that_is_over_its_limit() -> None:
    desk = Desk(with_settings(pool=PoolSettings(max_open_groups=2)), price="101")
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    tighter = with_settings(pool=PoolSettings(max_open_groups=1))
    desk.feed(SettingsSubmitted(settings=tighter, actor="ann", reason="less"))

    desk.signal()

    assert desk.outcome() == ("admitted", "approved")


def test_a_signals_own_stop_goes_with_the_entry_only_where_allowed() -> None:
    for settings, stop in ((PROMPT, None), (with_settings(signals=STOPS), D(95))):
        desk = Desk(settings)

        desk.signal(risk={"stop_loss": "95", "take_profit": "120"})

        assert [each.stop_loss for each in proposals(desk)] == [stop]
        (read,) = of(desk.recorded, SignalRead)
        assert (read.stop_loss, read.take_profit) == (D(95), D(120))


@pytest.mark.parametrize(
    ("side", "stop", "told"),
    [
        (
            "buy",
            "100",
            "risk.stop_loss was 100, on the wrong side of the entry price 100 of a long",
        ),
        ("buy", "101.50", "risk.stop_loss was 101.5, on the wrong side of the entry price 100"),
        (
            "sell",
            "99",
            "risk.stop_loss was 99, on the wrong side of the entry price 100 of a short",
        ),
    ],
)
def test_a_stop_on_the_wrong_side_rejects_the_signal_naming_both(
    side: str, stop: str, told: str
) -> None:
    desk = Desk(with_settings(signals=STOPS))

    desk.signal(side, risk={"stop_loss": stop})

    outcome, reason = desk.outcome()
    assert (outcome, reason.startswith(told)) == ("rejected", True)


def test_a_wrong_stop_that_is_not_allowed_to_act_rejects_nothing() -> None:
    desk = Desk()

    desk.signal(risk={"stop_loss": "150"})

    assert desk.outcome() == ("admitted", "approved")


def test_a_stop_is_judged_by_the_mark_where_the_signal_has_no_price() -> None:
    desk = Desk(with_settings(signals=STOPS), price="90")

    desk.signal(price=None, risk={"stop_loss": "95"})

    assert desk.outcome()[0] == "rejected"


def test_stop_and_slippage_wait_with_the_signal_and_come_back_with_it() -> None:
    desk = Desk(with_settings(signals=STOPS, pool=PoolSettings(max_open_groups=1)))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P", risk={"stop_loss": "95", "max_slippage_percent": "0.3"})
    (entry,) = desk.book.queue.waiting
    assert (entry.stop_loss, entry.max_slippage_percent) == (D(95), D("0.3"))

    desk.signal("long", kind="exit", price=None)

    promoted = proposals(desk)[-1]
    assert (promoted.stop_loss, promoted.max_slippage_percent) == (D(95), D("0.3"))


def test_a_reversal_keeps_its_stop_and_slippage_too() -> None:
    desk = Desk(with_settings(signals=STOPS))
    desk.signal()

    desk.signal("sell", kind="reverse", risk={"stop_loss": "105", "max_slippage_percent": "2"})

    turned = proposals(desk)[-1]
    assert (turned.side, turned.stop_loss, turned.max_slippage_percent) == ("short", D(105), D(2))


def test_what_would_be_stopped_at_once_is_not_promoted_and_keeps_its_place() -> None:
    desk = Desk(with_settings(signals=STOPS, pool=PoolSettings(max_open_groups=1)))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P", price="100", risk={"stop_loss": "97"})
    waiting = desk.last_signal
    desk.move("96", ETH)

    desk.signal("long", kind="exit", price=None)
    assert desk.book.open_groups() == ()
    assert desk.outcome(waiting)[0] == "queued"

    desk.move("98", ETH)
    desk.wait(seconds=10)
    assert desk.outcome(waiting)[0] == "admitted"
    assert desk.legs()[0].plan.price == D(98)


def test_expected_profit_is_that_of_the_first_pyramids_own_ladder() -> None:
    own = (LegSettings(gap_percent=D(0), weight_percent=D(100), take_profit_percent=D(7)),)
    grid = GridSettings(pyramid_legs={0: own})
    desk = Desk(with_settings(grid=grid, pool=PoolSettings(max_open_groups=1)))
    desk.signal()

    desk.signal(symbol="ETHUSDT.P")

    assert desk.book.queue.waiting[0].expected_profit == D(7)


def test_the_ranking_follows_the_rules_of_today_and_the_promotion_shows_them() -> None:
    queue = QueueSettings(rules=("replacements", "oldest"))
    desk = Desk(with_settings(queue=queue, pool=PoolSettings(max_open_groups=1)))
    desk.signal()
    desk.signal(symbol="ETHUSDT.P", price="104")
    desk.signal(symbol="SOLUSDT.P")
    desk.signal(symbol="SOLUSDT.P")

    desk.signal("long", kind="exit", price=None)

    (promoted,) = of(desk.recorded, QueuedSignalPromoted)
    assert promoted.rank[0] == "replacements=1"
    assert promoted.rank[1].startswith("oldest=")
    assert [group.opened.symbol for group in desk.book.open_groups()] == [SOL] != [BTC]
