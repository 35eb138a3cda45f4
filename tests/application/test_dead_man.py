"""Lost contact and lost marks: held once, let go once, and never what closes."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from application.inputs import ClockTicked, OrderReported, SendWindowMissed, SettingsSubmitted
from application.journal import Recorded
from application.loading import load_book
from application.processes.dead_man import COUNTDOWN_VENUES
from domain.brakes import HoldLifted, HoldPlaced
from domain.message import MarkSeen
from domain.order import OrderExpired, OrderRequested
from domain.queue import QueuedSignalPromoted
from domain.risk_engine import TradingStateChanged
from domain.settings import RiskSettings, Settings
from domain.trading_day import AlertRaised
from tests.application.desk import ACCOUNT, BTC, ETH, PROMPT, Desk, of
from tests.application.invariants import check_record

D = Decimal
LIMIT = 60


def settings(**risk: Any) -> Settings:
    wanted: dict[str, Any] = {"stale_seconds": LIMIT, "max_mark_age_seconds": None, **risk}
    return msgspec.structs.replace(PROMPT, risk=RiskSettings(**wanted))


class Watched(Desk):
    """A desk whose contact and whose marks stop being renewed when told so."""

    def __init__(self, chosen: Settings | None = None) -> None:
        self.heard_at: datetime | None = None
        self.dead_marks: dict[str, MarkSeen | None] = {}
        super().__init__(chosen or settings())

    def marks(self) -> dict[str, MarkSeen]:
        """As fresh as the clock, but for those that stand still or are missing."""
        merged: dict[str, MarkSeen | None] = {**super().marks(), **self.dead_marks}
        return {symbol: mark for symbol, mark in merged.items() if mark is not None}

    def freeze(self, *symbols: str) -> None:
        """Their marks stay as they are."""
        known = super().marks()
        self.dead_marks |= {symbol: known[symbol] for symbol in symbols}

    def pass_time(self, seconds: float, *, silent: bool = False) -> list[Recorded]:
        """One tick later, with the venue heard of just now or for the last time before."""
        self.now += timedelta(seconds=seconds)
        if not silent or self.heard_at is None:
            self.heard_at = self.now
        tick = ClockTicked(due_at=self.now, contact_at=self.heard_at)
        return self.feed(tick)

    def fall_silent(self) -> list[Recorded]:
        """Contact, and then none for longer than allowed."""
        self.pass_time(1)
        return self.pass_time(LIMIT + 1, silent=True)


def holds(recorded: list[Recorded]) -> list[str]:
    return [placed.hold.cause for placed in of(recorded, HoldPlaced)]


def test_silence_beyond_the_limit_holds_new_entries_and_tells_the_figures() -> None:
    desk = Watched()
    desk.signal()
    desk.pass_time(1)
    assert of(desk.pass_time(LIMIT, silent=True), HoldPlaced) == []

    happened = desk.pass_time(1, silent=True)

    (placed,) = of(happened, HoldPlaced)
    (alert,) = of(happened, AlertRaised)
    assert (placed.hold.cause, placed.hold.state) == ("dead_man", "reducing")
    assert placed.hold.reason.startswith("the venue said nothing for 61 s, since 2026-01-05T08:00")
    assert placed.hold.reason.endswith("60 s are allowed")
    assert (alert.kind, alert.severity) == ("dead_man", "critical")
    assert placed.hold.reason in alert.text
    assert desk.book.risk.trading_state == "reducing"
    check_record(desk)


def test_a_signal_in_the_silence_waits_and_is_promoted_when_contact_is_back() -> None:
    desk = Watched()
    desk.signal()
    desk.fall_silent()

    desk.signal(symbol="ETHUSDT.P")
    assert desk.outcome() == ("queued", "trading_state")
    happened = desk.pass_time(1)

    (lifted,) = of(happened, HoldLifted)
    (alert,) = of(happened, AlertRaised)
    assert (lifted.cause, lifted.actor) == ("dead_man", "engine")
    assert (alert.kind, alert.severity) == ("dead_man", "info")
    assert [each.state for each in of(happened, TradingStateChanged)] == ["active"]
    assert len(of(happened, QueuedSignalPromoted)) == 1
    assert desk.outcome()[0] == "admitted"
    check_record(desk)


def test_ticks_that_say_the_same_make_nothing_new() -> None:
    desk = Watched()
    desk.signal()
    desk.fall_silent()
    assert [desk.pass_time(30, silent=True) for _ in range(3)] == [[], [], []]

    desk.pass_time(1)

    assert [desk.pass_time(30) for _ in range(3)] == [[], [], []]


def test_each_silence_is_told_anew() -> None:
    desk = Watched()
    desk.signal()
    told = []
    for _ in range(3):
        told += of(desk.fall_silent(), AlertRaised)
        told += of(desk.pass_time(1), AlertRaised)

    assert [alert.severity for alert in told] == ["critical", "info"] * 3


def test_an_idle_account_is_held_before_a_signal_comes_and_let_go_without_waiting() -> None:
    desk = Watched()
    assert desk.pass_time(1) == []

    assert holds(desk.pass_time(LIMIT + 1, silent=True)) == ["dead_man"]
    desk.signal()
    assert desk.outcome() == ("queued", "trading_state")
    desk.operator("remove_signal", desk.last_signal)
    assert len(of(desk.pass_time(1), HoldLifted)) == 1
    assert desk.pass_time(1) == []


def test_what_closes_works_on_without_contact() -> None:
    desk = Watched()
    desk.signal()
    desk.fall_silent()

    desk.move("99.5")
    assert sum(order.request.reduce_only for order in desk.working()) == 2
    desk.signal("sell", kind="exit")

    assert desk.book.open_groups() == ()


def test_an_entry_that_was_not_sent_in_time_is_not_sent_anew_without_contact() -> None:
    desk = Watched()
    desk.pass_time(1)
    desk.handle(desk.received())
    (first, *_) = of(desk.recorded, OrderRequested)
    desk.now += timedelta(seconds=LIMIT + 1)
    silent = ClockTicked(due_at=desk.now, contact_at=desk.heard_at)
    assert holds(desk.handle(silent)) == ["dead_man"]
    # It never left: the sender was still waiting for the line.
    desk.errands.clear()

    missed = OrderReported(client_order_id=first.client_order_id, report=SendWindowMissed())
    happened = desk.handle(missed)

    assert len(of(happened, OrderExpired)) == 1
    assert of(happened, OrderRequested) == []


def test_without_any_mark_of_its_lots_an_account_is_held_though_the_venue_answers() -> None:
    desk = Watched()
    desk.signal()
    desk.freeze(BTC, ETH)
    desk.pass_time(LIMIT)
    assert desk.book.risk.trading_state == "active"

    happened = desk.pass_time(1)

    (placed,) = of(happened, HoldPlaced)
    assert placed.hold.reason.startswith("no symbol with open lots has a mark younger than 60 s")
    desk.dead_marks.clear()
    assert len(of(desk.pass_time(1), HoldLifted)) == 1


def test_an_account_without_lots_needs_no_marks() -> None:
    desk = Watched()
    desk.signal(price="98")
    assert desk.working("entry") != []
    desk.freeze(BTC, ETH)

    assert of(desk.pass_time(2 * LIMIT), HoldPlaced) == []


def test_contact_alone_does_not_let_go_while_no_mark_is_fresh() -> None:
    desk = Watched()
    desk.signal()
    desk.freeze(BTC)
    desk.fall_silent()

    assert of(desk.pass_time(1), HoldLifted) == []
    desk.dead_marks.clear()
    assert len(of(desk.pass_time(1), HoldLifted)) == 1


def test_one_stale_mark_of_several_warns_once_and_again_when_it_fails_anew() -> None:
    desk = Watched()
    desk.signal()
    desk.signal(symbol="ETHUSDT.P")
    told = []
    for _ in range(2):
        desk.freeze(ETH)
        told += [of(desk.pass_time(LIMIT), AlertRaised) for _ in range(3)]
        desk.dead_marks.clear()
        told.append(of(desk.pass_time(1), AlertRaised))

    warned = [alert for alerts in told for alert in alerts]
    assert [len(alerts) for alerts in told] == [0, 1, 0, 0, 0, 1, 0, 0]
    assert {(alert.kind, alert.severity, alert.subject) for alert in warned} == {
        ("mark_stale", "warning", ETH)
    }
    assert desk.book.brakes.holds == {}


def test_after_a_start_a_mark_is_missed_from_the_start_on() -> None:
    desk = Watched()
    desk.signal()
    desk.pass_time(3600)
    desk.dead_marks = {BTC: None}
    desk.start()

    assert of(desk.pass_time(LIMIT), HoldPlaced) == []
    assert holds(desk.pass_time(1)) == ["dead_man"]


def test_after_midnight_a_mark_is_missed_from_midnight_on() -> None:
    desk = Watched()
    desk.signal()
    desk.now = desk.now.replace(hour=23, minute=59, second=59)
    desk.pass_time(0)
    desk.dead_marks = {BTC: None}
    assert of(desk.recorded, HoldPlaced) == []

    happened = desk.pass_time(2) + desk.pass_time(LIMIT - 1)

    assert of(happened, HoldPlaced) == []
    assert holds(desk.pass_time(2)) == ["dead_man"]


def test_a_hold_outlives_the_night_and_a_restart() -> None:
    desk = Watched()
    desk.signal()
    desk.fall_silent()
    desk.start()
    assert "dead_man" in desk.book.brakes.holds

    desk.pass_time(24 * 3600, silent=True)

    assert "dead_man" in desk.book.brakes.holds
    assert len(of(desk.pass_time(1), HoldLifted)) == 1


def test_a_resume_by_an_operator_does_not_make_up_for_contact() -> None:
    desk = Watched()
    desk.signal()
    desk.fall_silent()

    desk.operator("resume")

    assert desk.book.risk.trading_state == "reducing"


def test_where_nobody_watches_contact_nothing_is_held() -> None:
    desk = Watched()
    desk.signal()
    desk.freeze(BTC, ETH)
    desk.now += timedelta(hours=5)

    assert of(desk.feed(ClockTicked(due_at=desk.now)), HoldPlaced) == []


def test_a_limit_of_null_turns_the_watch_off_and_ends_its_hold() -> None:
    desk = Watched()
    desk.signal()
    desk.freeze(BTC, ETH)
    desk.fall_silent()
    off = SettingsSubmitted(settings=settings(stale_seconds=None), actor="ann", reason="tired")
    desk.feed(off)

    happened = desk.pass_time(LIMIT, silent=True)

    assert [lifted.reason for lifted in of(happened, HoldLifted)] == [
        "risk.stale_seconds was turned off"
    ]
    assert desk.pass_time(3600, silent=True) == []


def test_time_a_tick_waited_to_be_handled_is_not_the_venues_silence() -> None:
    desk = Watched()
    desk.signal()
    tick = ClockTicked(due_at=desk.now, contact_at=desk.now)
    desk.now += timedelta(seconds=10 * LIMIT)

    assert of(desk.feed(tick), HoldPlaced) == []


def test_a_countdown_that_the_venue_does_not_have_is_said_at_once() -> None:
    desk = Watched(settings(countdown_seconds=30))

    (alert,) = of(desk.recorded, AlertRaised)

    assert (alert.severity, alert.subject) == ("warning", "risk.countdown_seconds")
    assert alert.text.startswith("risk.countdown_seconds was 30, and paper simulated has no")
    assert "binanceusdm" in COUNTDOWN_VENUES


def test_a_book_read_back_from_the_log_knows_since_when_marks_are_missed() -> None:
    desk = Watched()
    desk.signal()
    desk.pass_time(10)
    desk.start()

    read = load_book(desk.log, ACCOUNT)

    assert read.state_hash() == desk.book.state_hash()
    assert read.day == desk.book.day
    assert desk.book.day.marks_forgotten_at == desk.now
