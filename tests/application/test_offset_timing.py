"""Losers and winners: when the wait of a loser begins, ends, and begins anew."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from application.inputs import ClockTicked, OrderReported, Refused, SettingsSubmitted
from application.journal import Recorded
from application.processes.offset_timing import react
from application.work_list import ticket_of
from domain.offset import OffsetOutcome, OffsetPlanned, OffsetSettled
from domain.offset_watch import (
    OffsetGroupForgotten,
    OffsetTimerReset,
    OffsetTimerStarted,
    OffsetWatchOpened,
    StartOffsetTimer,
)
from tests.application.desk import BTC, ETH, MORNING, Desk, of
from tests.application.exit_desk import entry_at, fill
from tests.application.loser_desk import TWO_LEGS, look, opened, rules, timers

D = Decimal


class TestTheWait:
    def test_it_begins_when_the_last_pyramid_joins_a_trade_not_in_profit(self) -> None:
        desk = Desk(rules(pyramids=2))
        desk.signal()
        desk.move("99")
        assert timers(desk) == {}
        desk.now += timedelta(minutes=1)
        happened = desk.signal(price="98")
        started = of(happened, OffsetTimerStarted)[0]
        assert started.group_id == desk.group().opened.group_id
        assert timers(desk) == {started.group_id: MORNING + timedelta(minutes=1)}

    def test_no_more_pyramids_are_required_than_the_trade_may_have(self) -> None:
        desk = Desk(rules(pyramids=2, required_pyramids=1))
        opened(desk, BTC, "99")
        assert len(timers(desk)) == 1

    def test_where_no_pyramids_are_required_anything_held_is_enough(self) -> None:
        desk = Desk(rules(pyramids=5, require_full_pyramids=False))
        desk.signal(price="96")
        look(desk)
        assert timers(desk) == {}
        desk.move("95.9")
        assert len(timers(desk)) == 1

    def test_it_does_not_begin_in_profit_and_begins_once_the_profit_is_gone(self) -> None:
        desk = Desk(rules(pyramids=2))
        desk.signal()
        desk.move("104")
        desk.signal(price="104")
        look(desk)
        assert len(desk.group().pyramid_ids) == 2
        desk.move("106")
        look(desk)
        assert timers(desk) == {}
        desk.move("101")
        look(desk, seconds=10)
        assert len(timers(desk)) == 1

    def test_back_in_profit_it_ends_and_another_begins_anew(self) -> None:
        desk = Desk(rules(post_full_wait_minutes=60))
        group = opened(desk, BTC, "99")
        first = timers(desk)[group]
        desk.move("101")
        happened = look(desk, minutes=10)
        assert [reset.reason for reset in of(happened, OffsetTimerReset)] == [
            "it is in profit again"
        ]
        assert timers(desk) == {}
        desk.move("99")
        look(desk, minutes=10)
        assert timers(desk)[group] == first + timedelta(minutes=20)

    def test_a_gain_that_the_fees_take_is_no_profit(self) -> None:
        """0.05 each way: at 100.1 the fees still take all of it, at 100.2 they do not."""
        desk = Desk(rules())
        group = opened(desk, BTC, "100.05")
        look(desk, seconds=10)
        assert group in timers(desk)
        desk.move("100.2")
        look(desk, seconds=10)
        assert timers(desk) == {}

    def test_without_a_fresh_mark_neither_begins_nor_ends_anything(self) -> None:
        desk = Desk(rules())
        group = opened(desk, BTC, "99")
        before = timers(desk)[group]
        desk.move("120")
        # What is recorded keeps the mark: a profit, and 31 s later it is hearsay.
        desk.operator("pause")
        assert desk.book.marks[BTC].price == 120
        desk.now += timedelta(seconds=31)
        tick = ClockTicked(due_at=desk.now, offset=True)
        handled = desk.engine.handle(tick, desk.now, {})
        assert of(handled.recorded, OffsetTimerReset) == []
        assert timers(desk)[group] == before
        assert of(look(desk), OffsetTimerReset) != []

    def test_it_needs_no_second_start(self) -> None:
        desk = Desk(rules())
        opened(desk, BTC, "99")
        assert of(look(desk, seconds=10), OffsetTimerStarted) == []

    def test_a_closed_trade_is_forgotten(self) -> None:
        desk = Desk(rules())
        group = opened(desk, BTC, "99")
        happened = desk.operator("close_group", group)
        assert of(happened, OffsetGroupForgotten) == [OffsetGroupForgotten(group_id=group)]
        assert not desk.book.offset_watch.knows(group)

    def test_it_outlives_midnight_and_another_engine(self) -> None:
        desk = Desk(rules(post_full_wait_minutes=1440))
        group = opened(desk, BTC, "90")
        opened(desk, ETH, "150")
        began = timers(desk)[group]
        happened = look(desk, hours=17)
        assert of(happened, OffsetWatchOpened)[0].state.timers[group] == began
        desk.start()
        assert timers(desk)[group] == began
        assert of(look(desk, hours=6, minutes=59), OffsetPlanned) == []
        planned = of(look(desk, minutes=1), OffsetPlanned)
        assert [each.loser.group_id for each in planned] == [group]

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"required_pyramids": 2}, "it is not full by the settings of now"),
            ({"enabled": False}, "risk.offset.enabled is false"),
        ],
    )
    def test_settings_that_ask_for_more_end_it(self, change: dict[str, Any], reason: str) -> None:
        desk = Desk(rules(pyramids=2, required_pyramids=1))
        opened(desk, BTC, "99")
        asked = rules(pyramids=2, **{"required_pyramids": 1, **change})
        desk.feed(SettingsSubmitted(settings=asked, actor="ann", reason="safer"))
        resets = of(look(desk, seconds=10), OffsetTimerReset)
        assert [reset.reason for reset in resets] == [reason]
        assert timers(desk) == {}

    def test_switched_off_no_wait_runs(self) -> None:
        desk = Desk(rules(enabled=False))
        opened(desk, BTC, "90")
        opened(desk, ETH, "150")
        assert timers(desk) == {}
        assert of(look(desk, hours=3), OffsetPlanned) == []


class TestTheStartOfTheWait:
    def test_when_all_legs_are_submitted_the_venue_must_have_each(self) -> None:
        desk = Desk(rules(TWO_LEGS, timer_start="all_legs_submitted"))
        asked = desk.received(price="100")
        desk.handle(asked)
        entries = desk.working("entry")
        first = desk.core.place(ticket_of(entries[0].request), desk.now)
        for report in first:
            desk.handle(report)
        look(desk, seconds=10)
        assert timers(desk) == {}
        refused = Refused(code="-1", message="no")
        identity = entries[1].request.client_order_id
        desk.handle(OrderReported(client_order_id=identity, report=refused))
        look(desk, seconds=10)
        assert len(timers(desk)) == 1

    def test_when_all_legs_are_filled_each_must_have_bought_all_it_was_to(self) -> None:
        desk = Desk(rules(TWO_LEGS, timer_start="all_legs_filled"))
        desk.signal(price="95")
        fill(desk, entry_at(desk, "95"), "1")
        desk.move("94.9")
        look(desk, seconds=10)
        assert timers(desk) == {}
        desk.move("94")
        look(desk, seconds=10)
        assert len(timers(desk)) == 1

    def test_a_leg_that_was_called_off_in_part_counts_as_filled(self) -> None:
        desk = Desk(rules(TWO_LEGS, timer_start="all_legs_filled"))
        desk.signal(price="100")
        desk.move("99.5")
        fill(desk, entry_at(desk, "99"), "1")
        _call_off_entries(desk)
        look(desk, seconds=10)
        assert len(timers(desk)) == 1

    def test_a_leg_that_was_called_off_unfilled_keeps_the_wait_from_beginning(self) -> None:
        desk = Desk(rules(TWO_LEGS, timer_start="all_legs_filled"))
        desk.signal(price="100")
        desk.move("99.5")
        _call_off_entries(desk)
        assert all(not leg.entry_open for leg in desk.legs())
        look(desk, hours=3)
        assert timers(desk) == {}


class TestAnEntryRefusedForWantOfPyramids:
    @pytest.mark.parametrize(("restarts", "minutes"), [(True, 30), (False, 0)])
    def test_it_restarts_the_wait_where_the_settings_say_so(
        self, restarts: bool, minutes: int
    ) -> None:
        settings = rules(post_full_wait_minutes=60, reset_timer_on_replacement=restarts)
        desk = Desk(settings)
        group = opened(desk, BTC, "99")
        began = timers(desk)[group]
        desk.now += timedelta(minutes=30)
        desk.signal()
        assert desk.outcome() == ("refused", "max_pyramids")
        assert timers(desk)[group] == began + timedelta(minutes=minutes)

    def test_it_begins_no_wait_that_does_not_run(self) -> None:
        desk = Desk(rules(reset_timer_on_replacement=True))
        opened(desk, BTC, "110")
        look(desk)
        desk.signal()
        assert timers(desk) == {}


class TestAnOffsetThatClosedNothing:
    @pytest.mark.parametrize(("outcome", "restarts"), [("nothing_closed", 1), ("reduced", 0)])
    def test_its_loser_waits_anew_so_that_winners_are_not_sold_in_vain_again(
        self, outcome: OffsetOutcome, restarts: int
    ) -> None:
        desk = Desk(rules(post_full_wait_minutes=60))
        group = opened(desk, BTC, "99")
        desk.now += timedelta(minutes=30)
        settled = OffsetSettled(
            offset_id=f"{group}-o1",
            outcome=outcome,
            reason="",
            earned=D(0),
            realized=D(0),
            result=D(0),
            settled_at=desk.now,
        )
        recorded = Recorded(
            stream=f"offset:paper:{group}-o1",
            version=9,
            event=settled,
            at=desk.now,
            causation_id="",
            correlation_id="",
        )
        commands = list(react(desk.book, recorded))
        starts = [each.started for each in commands if isinstance(each, StartOffsetTimer)]
        assert [start.started_at for start in starts] == [desk.now] * restarts
        assert len(commands) == 2 * restarts


def _call_off_entries(desk: Desk) -> None:
    """The venue ends what rests, as after a hand's cancel."""
    for entry in desk.working("entry"):
        for report in desk.core.cancel(entry.request.client_order_id, desk.now):
            desk.feed(report)
