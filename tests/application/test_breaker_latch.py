"""How long a tripped breaker holds: to the end of its UTC day, or until an operator resets it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from application.journal import Recorded
from application.loading import load_book
from domain.brakes import BreakerReset, BreakerTripped, HoldLifted
from domain.message import MarkSeen
from domain.order import OrderRequested
from domain.queue import QueuedSignalPromoted
from domain.risk_engine import ProfitRecorded, RiskApproved
from domain.trading_day import AlertRaised, InputFailed
from domain.waiting_entry import EntryAwaitEnded
from tests.application.desk import ACCOUNT, BTC, ETH, SOL, of
from tests.application.hand_venue import HandVenue
from tests.application.invariants import check_record
from tests.application.losing import (
    LOST,
    NAMES,
    bought,
    check_no_entry_while_tripped,
    entries,
    limited,
    lost,
    reset,
    tripped_desk,
)
from tests.application.test_fees import BnbVenue
from tests.application.test_funding import funding
from tests.application.test_waiting_rules import KNOWN, tell, waiting_desk

D = Decimal
LAST_MOMENT = datetime(2026, 1, 5, 23, 59, 59, 999_999, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 6, tzinfo=UTC)


def refusals(happened: list[Recorded]) -> list[tuple[str, str]]:
    told = [each for each in of(happened, AlertRaised) if each.kind == "risk_order_refused"]
    return [(each.subject, each.text) for each in told]


def test_it_stays_tripped_whatever_is_earned_afterwards() -> None:
    venue = HandVenue(limited())
    bought(venue, SOL)
    bought(venue)
    lost(venue)

    venue.feed(funding(venue, "500", symbol=SOL))

    assert venue.book.risk.realized_today == 500 - LOST
    assert venue.book.brakes.is_tripped
    venue.signal()
    assert venue.outcome() == ("queued", "trading_state")
    assert len(of(venue.recorded, BreakerTripped)) == 1


def test_it_survives_a_restart_and_what_rested_stays_cancelled() -> None:
    venue = HandVenue(limited())
    bought(venue, SOL)
    bought(venue)
    lost(venue)
    before = venue.book.state_hash()

    assert load_book(venue.log, ACCOUNT).state_hash() == before
    happened = venue.start()
    assert of(happened, BreakerTripped) == []
    venue.answer()

    assert venue.book.brakes.is_tripped
    assert (venue.book.risk.trading_state, entries(venue, SOL)) == ("reducing", [])
    venue.signal(symbol=NAMES[ETH])
    assert venue.outcome() == ("queued", "trading_state")
    check_record(venue)


def test_a_crash_between_the_trip_and_its_cancels_loses_none_of_them() -> None:
    venue = HandVenue(limited())
    bought(venue, SOL)
    bought(venue)
    venue.move("90")
    venue.handle(venue.received("long", kind="exit", price=None))
    while not venue.book.brakes.is_tripped:
        while venue.errands:
            venue.reports.extend(venue.carry_out(venue.errands.popleft()))
        venue.handle(venue.reports.popleft())
    venue.errands.clear()
    venue.reports.clear()

    venue.start()

    resting = [order for order in venue.working("entry") if order.request.symbol == SOL]
    assert len(resting) == 4
    assert all(order.cancel_requested for order in resting)


@pytest.mark.parametrize("holds_a_position", [False, True])
def test_it_ends_exactly_with_the_utc_day(holds_a_position: bool) -> None:
    venue = HandVenue(limited())
    if holds_a_position:
        bought(venue, SOL)
    bought(venue)
    lost(venue)

    venue.now = LAST_MOMENT
    venue.signal(symbol=NAMES[ETH])
    assert venue.outcome() == ("queued", "trading_state")

    venue.now = MIDNIGHT
    happened = venue.signal()

    assert venue.outcome() == ("admitted", "approved")
    (lifted,) = of(happened, HoldLifted)
    assert (lifted.cause, lifted.reason) == ("breaker", "a new trading day")
    assert venue.book.risk.trading_state == "active"
    assert venue.book.risk.realized_today == D(0)
    assert of(happened, InputFailed) == []
    check_record(venue)


def test_the_queue_is_walked_again_with_the_first_tick_of_the_day() -> None:
    venue = HandVenue(limited())
    bought(venue, SOL)
    bought(venue)
    lost(venue)
    venue.signal(symbol=NAMES[ETH])
    waits = venue.last_signal
    venue.now = LAST_MOMENT
    assert of(venue.wait(), QueuedSignalPromoted) == []

    venue.now = MIDNIGHT
    happened = venue.wait()

    assert [each.signal_id for each in of(happened, QueuedSignalPromoted)] == [waits]
    assert len(entries(venue, ETH)) == 5


def test_an_idle_account_is_released_by_a_tick_alone_and_told_once() -> None:
    venue = tripped_desk()
    venue.now = LAST_MOMENT
    assert venue.wait() == []

    venue.now = MIDNIGHT
    happened = venue.wait()

    assert len(of(happened, HoldLifted)) == 1
    assert not venue.book.brakes.is_tripped
    assert venue.wait(seconds=1) == []
    check_record(venue)


class MidnightMarket(HandVenue):
    """Its prices come back one by one after midnight."""

    is_silent = False

    def marks(self) -> dict[str, MarkSeen]:
        return {} if self.is_silent else super().marks()


def test_no_price_of_yesterday_lets_anything_in_after_midnight() -> None:
    venue = MidnightMarket(limited(daily_loss_includes_open=True))
    bought(venue, SOL)
    bought(venue)
    lost(venue)
    venue.signal(symbol=NAMES[ETH])
    venue.now = MIDNIGHT
    venue.is_silent = True

    assert of(venue.wait(), RiskApproved) == []
    assert venue.book.marks == {}
    assert not venue.book.brakes.is_tripped

    venue.is_silent = False
    assert len(of(venue.wait(seconds=10), RiskApproved)) == 1


def test_a_trade_open_over_midnight_counts_only_with_what_the_new_day_lost() -> None:
    venue = HandVenue(limited())
    bought(venue)
    venue.feed(funding(venue, "-15"))
    venue.now = MIDNIGHT
    venue.wait()
    venue.feed(funding(venue, "-15", 2))

    (_, second) = of(venue.recorded, ProfitRecorded)
    assert (second.amount, second.total) == (D(-15), D(-30))
    assert venue.book.risk.realized_today == D(-15)
    assert not venue.book.brakes.is_tripped

    venue.feed(funding(venue, "-5", 3))
    (tripped,) = of(venue.recorded, BreakerTripped)
    assert (tripped.loss, tripped.realized) == (LOST, -LOST)
    assert venue.book.risk.realized_total == D(-35)


def test_a_second_bad_day_trips_anew() -> None:
    venue = tripped_desk()
    venue.now = MIDNIGHT + timedelta(hours=8)
    bought(venue)
    lost(venue)

    first, second = of(venue.recorded, BreakerTripped)
    assert first.loss == second.loss == LOST
    assert second.tripped_at == MIDNIGHT + timedelta(hours=8)


def test_a_fee_of_yesterday_valued_today_counts_today() -> None:
    venue = BnbVenue(settings=limited("6"))
    venue.signal()
    venue.fill(venue.entries()[0], "2", "100", fee=D("0.01"), fee_asset="BNB")
    venue.signal("long", kind="exit", price=None)
    venue.now = MIDNIGHT
    venue.bnb = D(600)

    venue.wait()

    assert venue.book.risk.realized_today == D(-6)
    assert venue.book.brakes.is_tripped


def test_an_operators_reset_lets_the_loss_count_anew() -> None:
    venue = tripped_desk()
    venue.signal(symbol=NAMES[ETH])
    waits = venue.last_signal

    happened = reset(venue)

    (event,) = of(happened, BreakerReset)
    assert (event.reference, event.reason, event.actor) == (-LOST, "a bad print", "ann")
    assert venue.book.risk.trading_state == "active"
    assert [each.signal_id for each in of(happened, QueuedSignalPromoted)] == [waits]
    bought(venue)
    lost(venue, price="90.00000001")
    assert not venue.book.brakes.is_tripped
    venue.fill(venue.entries()[0], "2", "100")
    venue.feed(funding(venue, "-0.00000002", symbol=ETH))
    _, second = of(venue.recorded, BreakerTripped)
    assert (second.loss, second.realized, second.reference) == (LOST, -2 * LOST, -LOST)
    check_record(venue)


def test_the_reference_of_a_reset_is_forgotten_with_the_day() -> None:
    venue = tripped_desk()
    reset(venue)
    venue.now = MIDNIGHT
    bought(venue)
    assert venue.book.brakes.loss_reference == D(0)

    lost(venue)

    assert venue.book.brakes.is_tripped


def test_a_reset_counts_what_is_open_too() -> None:
    venue = HandVenue(limited(daily_loss_includes_open=True))
    bought(venue)
    venue.move("90")
    venue.wait(seconds=1)

    (event,) = of(reset(venue), BreakerReset)

    assert event.reference == -LOST
    venue.wait(seconds=1)
    assert not venue.book.brakes.is_tripped
    venue.move("80")
    venue.wait(seconds=1)
    assert venue.book.brakes.is_tripped


def test_a_reset_without_a_reason_or_without_a_trip_is_refused_and_told() -> None:
    venue = tripped_desk()
    for reason in ("", "  "):
        assert of(reset(venue, reason), BreakerReset) == []
    assert venue.book.brakes.is_tripped
    assert refusals(venue.recorded) == [
        ("reset_breaker", "to let the day's loss count anew, give a reason")
    ]

    reset(venue)
    again = reset(venue)

    assert of(again, BreakerReset) == []
    [(subject, text)] = refusals(again)
    assert subject == "reset_breaker"
    assert text == "the breaker is not tripped: there is nothing to reset"


def test_a_reset_while_the_open_loss_is_unknown_is_refused() -> None:
    venue = MidnightMarket(limited(daily_loss_includes_open=True))
    bought(venue)
    venue.move("90")
    venue.wait(seconds=1)
    venue.now += timedelta(seconds=60)
    venue.is_silent = True

    happened = reset(venue)

    assert venue.book.brakes.is_tripped
    [(_, text)] = refusals(happened)
    assert "the open loss is not known" in text


def test_a_resume_does_not_end_it_and_a_reset_ends_nothing_else() -> None:
    venue = tripped_desk()
    venue.operator("halt")
    venue.operator("resume")
    assert (venue.book.brakes.is_tripped, venue.book.risk.trading_state) == (True, "reducing")

    venue.operator("pause")
    reset(venue)

    assert sorted(venue.book.brakes.holds) == ["operator"]
    assert venue.book.risk.trading_state == "reducing"
    assert venue.book.risk.state_reason == "because"


def test_entries_that_wait_for_market_rules_are_given_up() -> None:
    desk = waiting_desk(limited())
    desk.signal(symbol=NAMES[ETH])
    desk.move("99", ETH)
    desk.signal()
    waits = desk.last_signal
    assert desk.book.risk.committed(BTC) == D(1000)
    desk.move("10", ETH)

    happened = desk.signal("long", kind="exit", symbol=NAMES[ETH], price=None)

    assert desk.book.brakes.is_tripped
    (ended,) = of(happened, EntryAwaitEnded)
    assert not ended.laid_out
    assert desk.outcome(waits) == ("refused", "max_daily_loss")
    assert desk.book.risk.committed(BTC) == D(0)
    assert desk.book.open_groups() == ()
    assert of(tell(desk, KNOWN), OrderRequested) == []


class LateVenue(BnbVenue):
    """Neither BNB nor anything else has a price while it is silent."""

    is_silent = False

    def marks(self) -> dict[str, MarkSeen]:
        return {} if self.is_silent else super().marks()


def test_what_the_same_input_approved_is_not_asked_for_once_it_tripped() -> None:
    """One tick brings the price that lets a signal in, and the one that makes the loss known."""
    venue = LateVenue(settings=limited("6"))
    venue.signal()
    venue.fill(venue.entries()[0], "2", "100", fee=D("0.01"), fee_asset="BNB")
    venue.signal("long", kind="exit", price=None)
    venue.now = MIDNIGHT
    venue.is_silent = True
    venue.signal(symbol=NAMES[SOL])
    assert venue.outcome() == ("queued", "mark_fresh")
    venue.is_silent = False
    venue.bnb = D(600)

    happened = venue.wait(seconds=10)

    assert len(of(happened, RiskApproved)) == len(of(happened, BreakerTripped)) == 1
    assert of(happened, OrderRequested) == []
    check_no_entry_while_tripped(venue.recorded)
    assert venue.book.open_groups() == ()
    assert venue.book.risk.committed() == D(0)
