"""Losers and winners: whose turn it is, who pays for it, and what an operator may order."""

from datetime import timedelta
from decimal import Decimal

import pytest

from application.inputs import ClockTicked, OperatorActed
from application.journal import Recorded
from application.processes.offset_criteria import eligibility
from domain.brakes import HoldPlaced
from domain.message import MarkSeen
from domain.offset import OffsetPlanned
from domain.offset_plan import NO_WINNERS, NOT_COVERED
from domain.offset_watch import (
    OffsetAllowed,
    OffsetBarred,
    OffsetBegun,
    OffsetDeclined,
)
from tests.application.desk import BTC, ETH, SOL, Desk, market, of
from tests.application.exit_desk import entry_at
from tests.application.loser_desk import NAMES, look, opened, order, rules, timers, told

D = Decimal


class TestATurn:
    def test_the_loser_is_planned_with_who_pays_and_what(self) -> None:
        desk = Desk(rules(post_full_wait_minutes=60))
        loser, winner = opened(desk, BTC, "90"), opened(desk, ETH, "120")
        assert of(look(desk, minutes=59), OffsetPlanned) == []
        happened = look(desk, minutes=1)
        planned = of(happened, OffsetPlanned)[0]
        assert planned.offset_id == f"{loser}-o1"
        assert (planned.loser.group_id, planned.loser.quantity) == (loser, D(50))
        # 50 bought at 100, worth 90: 500 and both fees of 0.05 %, or of 0.02 % where it rested.
        assert D(503) < planned.needed < D(505)
        assert [each.group_id for each in planned.winners] == [winner]
        assert planned.needed <= planned.expected < planned.needed + 1
        assert (planned.trigger, planned.actor) == ("rule", "engine")
        figures = {each.name: (each.value, each.limit, each.passed) for each in planned.criteria}
        assert figures["timer"] == ("60", "60", True)
        assert figures["full"] == ("1", "1", True)
        assert all(passed for _, _, passed in figures.values())
        assert desk.book.offset_watch.current == planned.offset_id
        assert desk.book.offset is not None
        assert desk.book.offset.planned == planned
        assert len(told(happened, "offset")) == 1

    def test_one_is_under_way_at_a_time(self) -> None:
        desk = Desk(rules())
        opened(desk, ETH, "150")
        opened(desk, BTC, "90")
        assert len(of(look(desk, seconds=10), OffsetBegun)) == 1
        assert of(look(desk, seconds=10), OffsetBegun) == []

    def test_the_highest_loss_percent_comes_first(self) -> None:
        desk = Desk(rules())
        opened(desk, BTC, "92")
        worst = opened(desk, SOL, "90")
        opened(desk, ETH, "150")
        planned = of(look(desk, seconds=10), OffsetPlanned)
        assert [each.loser.group_id for each in planned] == [worst]

    def test_a_loss_above_the_threshold_is_left_alone(self) -> None:
        desk = Desk(rules())
        opened(desk, ETH, "150")
        opened(desk, BTC, "95.2")
        assert of(look(desk, seconds=10), OffsetPlanned) == []
        desk.move("95")
        assert len(of(look(desk, seconds=10), OffsetPlanned)) == 1

    def test_a_loss_of_just_the_threshold_is_enough(self) -> None:
        free = {"taker_fee_percent": D(0), "maker_fee_percent": D(0)}
        desk = Desk(rules(), markets=(market("BTC", **free), market("ETH", **free)))
        opened(desk, ETH, "150")
        opened(desk, BTC, "95.1")
        assert of(look(desk, seconds=10), OffsetPlanned) == []
        desk.move("95")
        planned = of(look(desk, seconds=10), OffsetPlanned)[0]
        assert (planned.loser.loss_percent, planned.needed) == (D(-5), D(250))

    def test_a_young_trade_waits_for_its_minimum_age(self) -> None:
        desk = Desk(rules(min_age_minutes=5))
        opened(desk, ETH, "150")
        opened(desk, BTC, "90")
        assert of(look(desk, minutes=4), OffsetPlanned) == []
        assert len(of(look(desk, minutes=1), OffsetPlanned)) == 1

    def test_a_loser_without_a_fresh_mark_is_left_alone(self) -> None:
        desk = Desk(rules())
        opened(desk, ETH, "150")
        loser = opened(desk, BTC, "90")
        # What is recorded keeps the mark: the loss is known, and grows old.
        desk.operator("pause")
        assert of(_look_by(desk, BTC), OffsetPlanned) == []
        group = desk.book.group(loser)
        assert group is not None
        failed = [each.name for each in eligibility(desk.book, group, desk.now) if not each.passed]
        assert failed == ["mark_fresh"]

    def test_a_winner_without_a_fresh_mark_pays_nothing(self) -> None:
        desk = Desk(rules())
        opened(desk, ETH, "150")
        opened(desk, BTC, "90")
        happened = _look_by(desk, ETH)
        assert [each.reason for each in of(happened, OffsetDeclined)] == [NO_WINNERS]

    def test_why_nothing_can_be_done_is_told_when_it_changes(self) -> None:
        desk = Desk(rules())
        opened(desk, BTC, "90")
        first = of(look(desk, seconds=10), OffsetDeclined)
        assert [each.reason for each in first] == [NO_WINNERS]
        assert of(look(desk, seconds=10), OffsetDeclined) == []
        opened(desk, ETH, "103")
        second = of(look(desk, seconds=10), OffsetDeclined)
        assert [each.reason for each in second] == [NOT_COVERED]
        assert second[0].available > 0
        assert second[0].needed > second[0].available

    def test_with_too_few_winners_the_loser_may_be_reduced_instead(self) -> None:
        desk = Desk(rules(partial_cover="reduce_loser"))
        opened(desk, ETH, "103")
        opened(desk, BTC, "90")
        planned = of(look(desk, seconds=10), OffsetPlanned)[0]
        assert planned.expected < planned.needed

    def test_halted_trading_begins_none_reducing_does(self) -> None:
        desk = Desk(rules())
        opened(desk, ETH, "150")
        opened(desk, BTC, "90")
        assert of(desk.operator("halt"), HoldPlaced)
        assert of(look(desk, seconds=10), OffsetPlanned) == []
        desk.operator("resume")
        desk.operator("pause")
        assert len(of(look(desk, seconds=10), OffsetPlanned)) == 1

    def test_a_fill_gives_a_turn_as_the_clock_does(self) -> None:
        desk = Desk(rules())
        opened(desk, ETH, "150")
        opened(desk, BTC, "90")
        desk.signal(symbol=NAMES[SOL], price="96")
        entry = entry_at(desk, "96")
        reports = desk.core.fill(entry.request.client_order_id, D(1), desk.now)
        happened = [event for report in reports for event in desk.handle(report)]
        assert len(of(happened, OffsetPlanned)) == 1

    @pytest.mark.parametrize(("role", "declined"), [("winner", [NO_WINNERS]), ("loser", [])])
    def test_what_is_being_reduced_neither_pays_nor_is_paid_for(
        self, role: str, declined: list[str]
    ) -> None:
        desk = Desk(rules())
        trades = {"winner": opened(desk, ETH, "150"), "loser": opened(desk, BTC, "90")}
        acted = OperatorActed(
            action="reduce_group",
            subject=trades[role],
            actor="ann",
            reason="less",
            percent=D(50),
        )
        desk.handle(acted)
        happened = look(desk, seconds=10)
        assert of(happened, OffsetPlanned) == []
        assert [each.reason for each in of(happened, OffsetDeclined)] == declined


class TestAnOperatorsOrder:
    def test_to_run_one_waives_the_wait_and_the_size_of_the_loss(self) -> None:
        desk = Desk(rules(post_full_wait_minutes=60))
        loser = opened(desk, BTC, "99")
        opened(desk, ETH, "150")
        planned = of(order(desk, "offset_now", loser, "news"), OffsetPlanned)[0]
        assert (planned.trigger, planned.actor, planned.reason) == ("operator", "ann", "news")
        waived = {each.name for each in planned.criteria if not each.passed}
        assert waived == {"timer", "loss"}

    def test_to_run_one_without_a_name_takes_the_highest_loss(self) -> None:
        desk = Desk(rules(post_full_wait_minutes=60))
        opened(desk, BTC, "99")
        worst = opened(desk, SOL, "98")
        opened(desk, ETH, "150")
        planned = of(order(desk, "offset_now"), OffsetPlanned)
        assert [each.loser.group_id for each in planned] == [worst]

    @pytest.mark.parametrize(
        ("prepare", "reason", "text"),
        [
            ("", " ", "give a reason"),
            ("halt", "because", "trading is halted"),
            ("young", "because", "full was 1, the limit is 2"),
            ("blocked", "because", "not_blocked was blocked"),
            ("skipped", "because", "passed over once"),
            ("gone", "because", "is not open"),
            ("winner", "because", "is not in loss"),
            ("poor", "because", NO_WINNERS),
        ],
    )
    def test_what_cannot_be_run_is_told_and_nothing_begins(
        self, prepare: str, reason: str, text: str
    ) -> None:
        desk = Desk(rules(pyramids=2 if prepare == "young" else 1))
        loser = opened(desk, BTC, "99")
        winner = opened(desk, ETH, "150") if prepare != "poor" else ""
        actions = {"halt": "halt", "blocked": "offset_block", "skipped": "offset_skip"}
        if prepare in actions:
            desk.operator(actions[prepare], loser if prepare != "halt" else "")
        subject = {"gone": "gnone", "winner": winner}.get(prepare, loser)
        happened = order(desk, "offset_now", subject, reason)
        assert of(happened, OffsetPlanned) == []
        refusals = told(happened, "risk_order_refused")
        assert len(refusals) == 1
        assert text in refusals[0]

    def test_a_second_one_at_a_time_is_refused(self) -> None:
        desk = Desk(rules())
        loser = opened(desk, BTC, "99")
        opened(desk, ETH, "150")
        order(desk, "offset_now", loser)
        happened = order(desk, "offset_now", loser)
        assert "is under way" in told(happened, "risk_order_refused")[0]

    def test_to_skip_passes_its_turn_on_once_and_its_wait_begins_anew(self) -> None:
        desk = Desk(rules(post_full_wait_minutes=10))
        worst, other = opened(desk, BTC, "90"), opened(desk, SOL, "92")
        opened(desk, ETH, "180")
        barred = of(order(desk, "offset_skip", worst), OffsetBarred)
        assert [each.how for each in barred] == ["skip_once"]
        happened = look(desk, minutes=10)
        assert [each.loser.group_id for each in of(happened, OffsetPlanned)] == [other]
        assert [each.actor for each in of(happened, OffsetAllowed)] == ["engine"]
        assert timers(desk)[worst] == desk.now
        assert desk.book.offset_watch.barred == {}

    def test_a_blocked_loser_is_not_paid_for_until_it_is_unblocked(self) -> None:
        desk = Desk(rules())
        loser = opened(desk, BTC, "99")
        opened(desk, ETH, "150")
        order(desk, "offset_block", loser)
        desk.move("90")
        happened = look(desk, seconds=10)
        assert not [*of(happened, OffsetPlanned), *of(happened, OffsetDeclined)]
        order(desk, "offset_unblock", loser)
        assert len(of(look(desk, seconds=10), OffsetPlanned)) == 1

    def test_a_blocked_winner_does_not_pay(self) -> None:
        desk = Desk(rules())
        winner = opened(desk, ETH, "150")
        order(desk, "offset_block", winner)
        opened(desk, BTC, "90")
        happened = look(desk, seconds=10)
        assert [each.reason for each in of(happened, OffsetDeclined)] == [NO_WINNERS]

    @pytest.mark.parametrize(
        ("before", "action", "text"),
        [
            ("offset_block", "offset_block", "kept out of offsets already"),
            ("offset_block", "offset_skip", "kept out of offsets already"),
            ("offset_skip", "offset_skip", "passed over once already"),
            ("", "offset_unblock", "neither blocked nor passed over"),
            ("close_group", "offset_block", "is not open"),
        ],
    )
    def test_a_bar_that_changes_nothing_is_told(self, before: str, action: str, text: str) -> None:
        desk = Desk(rules())
        group = opened(desk, BTC, "99")
        if before:
            desk.operator(before, group)
        happened = order(desk, action, group)
        assert not [*of(happened, OffsetBarred), *of(happened, OffsetAllowed)]
        assert text in told(happened, "risk_order_refused")[0]

    def test_a_block_takes_the_place_of_a_skip(self) -> None:
        desk = Desk(rules())
        group = opened(desk, BTC, "99")
        desk.operator("offset_skip", group)
        desk.operator("offset_block", group)
        assert desk.book.offset_watch.barred == {group: "blocked"}


def _look_by(desk: Desk, stale: str) -> list[Recorded]:
    """A look at which one symbol's mark is 31 s old."""
    desk.now += timedelta(seconds=31)
    marks: dict[str, MarkSeen] = {s: m for s, m in desk.marks().items() if s != stale}
    handled = desk.engine.handle(ClockTicked(due_at=desk.now, offset=True), desk.now, marks)
    return desk.commit(handled.stored, handled.recorded)
