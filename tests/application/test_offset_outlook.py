"""The projected offset: what is shown is what the engine would do, and showing it does nothing."""

from datetime import timedelta
from decimal import Decimal

from application.book import Book
from application.offset_outlook import is_watched, outlook_of, see_marks
from domain.message import MarkSeen
from domain.offset import OffsetPlanned
from domain.offset_plan import NO_WINNERS
from tests.application.desk import BTC, ETH, SOL, Desk, of
from tests.application.loser_desk import look, opened, order, rules

D = Decimal


def seen(desk: Desk, **prices: str) -> None:
    """A second later, marks of then, by coin."""
    desk.now += timedelta(seconds=1)
    see_marks(
        desk.book,
        [
            MarkSeen(symbol=f"{coin}/USDT:USDT", price=D(price), at=desk.now)
            for coin, price in sorted(prices.items())
        ],
    )


def test_the_plan_shown_is_the_plan_begun() -> None:
    desk = Desk(rules(post_full_wait_minutes=60))
    loser, winner = opened(desk, BTC, "90"), opened(desk, ETH, "120")
    desk.now += timedelta(minutes=60)
    seen(desk, BTC="90", ETH="120")
    before = desk.book.state_hash()

    shown = outlook_of(desk.book, desk.now)

    assert desk.book.state_hash() == before
    planned = of(look(desk), OffsetPlanned)[0]
    assert shown.plan is not None
    assert (shown.plan.trigger, shown.plan.loser_group_id) == ("rule", loser)
    assert [each.group_id for each in shown.plan.winners] == [winner]
    assert (shown.plan.needed, shown.plan.expected) == (planned.needed, planned.expected)
    assert [each.quantity for each in shown.plan.winners] == [
        each.quantity for each in planned.winners
    ]


def test_each_trade_tells_when_it_is_due_and_what_keeps_it_out() -> None:
    desk = Desk(rules(post_full_wait_minutes=60))
    loser = opened(desk, BTC, "97")
    order(desk, "offset_block", loser)
    seen(desk, BTC="97")

    (group,) = outlook_of(desk.book, desk.now).groups

    assert group.timer_started_at is not None
    assert group.due_at == group.timer_started_at + timedelta(minutes=60)
    assert (group.barred, group.is_eligible, group.price) == ("blocked", False, D(97))
    failed = {each.name: (each.value, each.limit) for each in group.criteria if not each.passed}
    assert failed["not_blocked"] == ("blocked", "not blocked")
    assert failed["timer"] == ("0", "60")
    assert failed["loss"][1] == "-5"
    assert set(failed) == {"not_blocked", "timer", "loss"}


def test_while_nobody_is_due_it_shows_what_an_operator_could_run() -> None:
    desk = Desk(rules(post_full_wait_minutes=60))
    opened(desk, BTC, "99")
    worst = opened(desk, SOL, "98")
    opened(desk, ETH, "150")
    seen(desk, BTC="99", SOL="98", ETH="150")

    plan = outlook_of(desk.book, desk.now).plan

    assert plan is not None
    assert (plan.trigger, plan.loser_group_id, plan.is_feasible) == ("operator", worst, True)


def test_it_says_why_nothing_would_be_done() -> None:
    desk = Desk(rules())
    opened(desk, BTC, "90")
    seen(desk, BTC="90")
    plan = outlook_of(desk.book, desk.now).plan
    assert plan is not None
    assert (plan.is_feasible, plan.reason) == (False, NO_WINNERS)
    desk.operator("halt")
    assert outlook_of(desk.book, desk.now).obstacle == "trading is halted"


def test_a_loser_to_be_passed_over_is_named_beside_the_one_whose_turn_it_is() -> None:
    desk = Desk(rules())
    worst, other = opened(desk, BTC, "90"), opened(desk, SOL, "92")
    opened(desk, ETH, "150")
    order(desk, "offset_skip", worst)
    seen(desk, BTC="90", SOL="92", ETH="150")
    shown = outlook_of(desk.book, desk.now)
    assert shown.passed_over == (worst,)
    assert shown.plan is not None
    assert shown.plan.loser_group_id == other


def test_the_offset_under_way_is_shown_with_its_steps() -> None:
    desk = Desk(rules())
    loser = opened(desk, BTC, "90")
    opened(desk, ETH, "150")
    order(desk, "offset_now", loser)
    shown = outlook_of(desk.book, desk.now)
    assert shown.under_way is not None
    assert shown.under_way.planned.loser.group_id == loser
    assert shown.obstacle == f"offset {loser}-o1 is under way"


def test_only_newer_marks_take_the_place_of_those_the_log_holds() -> None:
    desk = Desk(rules())
    opened(desk, BTC, "99")
    known = desk.book.marks[BTC]
    old = MarkSeen(symbol=BTC, price=D(1), at=known.at - timedelta(seconds=1))
    see_marks(desk.book, [old])
    assert desk.book.marks[BTC] == known
    new = MarkSeen(symbol=BTC, price=D(1), at=known.at + timedelta(seconds=1))
    see_marks(desk.book, [new])
    assert desk.book.marks[BTC] == new


def test_an_account_that_was_never_opened_has_no_outlook() -> None:
    assert not is_watched(Book("nobody"))
    assert is_watched(Desk(rules()).book)
