"""The breaker of the day's loss: whatever loses trips it, and then nothing new is entered."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from application.inputs import (
    AnswerLost,
    NotFound,
    OrderReported,
    Refused,
    SendWindowMissed,
    SettingsSubmitted,
)
from application.work_list import works_of
from domain.brakes import BreakerTripped, HoldPlaced
from domain.dca_leg import LegEntryEnded
from domain.order import OrderCancelRequested, OrderRejected, OrderRequested
from domain.order_terms import OrderStatus
from domain.position_group import PositionGroupClosed
from domain.pyramid import PyramidEntriesHalted
from domain.risk_engine import RiskApproved, RiskDenied, TradingStateChanged
from domain.settings import ExitSettings, GridSettings, Settings
from domain.trading_day import AlertRaised
from tests.application.desk import BTC, ETH, MARKETS, SOL, Desk, market, of
from tests.application.hand_venue import HandVenue
from tests.application.invariants import check_record
from tests.application.losing import LOST, NAMES, bought, entries, limited, lost, tripped_desk
from tests.application.test_fees import BnbVenue
from tests.application.test_funding import funding

D = Decimal
HAIR = D("0.00000001")


def figures(desk: Desk) -> BreakerTripped:
    (tripped,) = of(desk.recorded, BreakerTripped)
    return tripped


def test_a_loss_that_reaches_the_limit_trips_with_every_figure() -> None:
    venue = HandVenue(limited())
    bought(venue)

    happened = lost(venue)

    (tripped,) = of(happened, BreakerTripped)
    assert (tripped.loss, tripped.limit, tripped.realized) == (LOST, LOST, -LOST)
    assert (tripped.open_loss, tripped.reference) == (D(0), D(0))
    assert [placed.hold.cause for placed in of(happened, HoldPlaced)] == ["breaker"]
    assert [changed.state for changed in of(happened, TradingStateChanged)] == ["reducing"]
    (alert,) = [each for each in of(happened, AlertRaised) if each.kind == "breaker"]
    assert alert.severity == "critical"
    assert alert.text.startswith(
        "the day lost 20, max_daily_loss is 20 (realized -20, open loss 0, counted from a result"
        " of 0): "
    )
    assert "until 2026-01-06 00:00 UTC or until an operator resets the breaker" in alert.text


def test_a_hair_less_than_the_limit_does_not_trip() -> None:
    venue = HandVenue(limited(LOST + HAIR))
    bought(venue)

    lost(venue)

    assert venue.book.risk.realized_today == -LOST
    assert not venue.book.brakes.is_tripped
    assert bought(venue) != ""


def test_without_a_limit_nothing_trips() -> None:
    venue = HandVenue(limited(None))
    bought(venue)

    lost(venue, price="10")

    assert not venue.book.brakes.is_tripped


def with_fees(limit: Decimal | None) -> HandVenue:
    """The entry's fee leaves with the lot, sold at what it cost."""
    venue = HandVenue(limited(limit))
    venue.signal()
    venue.fill(venue.entries()[0], "2", "100", fee=D("0.7"))
    venue.signal("long", kind="exit", price=None)
    return venue


def with_funding(limit: Decimal | None) -> HandVenue:
    venue = HandVenue(limited(limit))
    bought(venue)
    venue.feed(funding(venue, "-3.5"))
    return venue


def with_dust(limit: Decimal | None) -> HandVenue:
    """A lot too small to be sold is written off, its entry's fee with it, and never sold."""
    listed = (market("BTC", min_quantity=D("0.5"), reduce_only_exempt=False), *MARKETS[1:])
    venue = HandVenue(limited(limit), markets=listed)
    venue.signal()
    venue.fill(venue.entries()[0], "0.2", "100", fee=D("0.1"))
    lost(venue)
    assert D(0) not in {dust.quantity for dust in venue.book.holdings.dust.values()}
    return venue


def with_adoption(limit: Decimal | None) -> HandVenue:
    """Somebody sold by hand, at a loss."""
    venue = HandVenue(limited(limit))
    venue.look()
    bought(venue)
    venue.by_hand("sell", "0.5", "90")
    venue.look()
    venue.look()
    return venue


def with_a_fee_valued_late(limit: Decimal | None) -> HandVenue:
    """A fee in BNB is worth something only once BNB has a mark; the trade is closed by then."""
    venue = BnbVenue(settings=limited(limit))
    venue.signal()
    venue.fill(venue.entries()[0], "2", "100", fee=D("0.01"), fee_asset="BNB")
    venue.signal("long", kind="exit", price=None)
    assert venue.book.open_groups() == ()
    assert venue.book.risk.realized_today == D(0)
    venue.bnb = D(600)
    venue.wait(seconds=1)
    return venue


def with_a_stop(limit: Decimal | None) -> Desk:
    """Stopped out, with the simulated venue's own fees."""
    settings = limited(limit)
    desk = Desk(_with_exits(settings, stop_loss_percent=D(3)))
    desk.signal()
    desk.move("95")
    return desk


def with_a_reduction(limit: Decimal | None) -> HandVenue:
    venue = HandVenue(limited(limit))
    bought(venue)
    venue.move("90")
    venue.signal("long", kind="reduce", price=None, execution_intent=_reducing("1"))
    return venue


def _with_exits(settings: Settings, **exits: Any) -> Settings:
    return Settings(risk=settings.risk, exits=ExitSettings(coalesce_ms=0, **exits))


def _reducing(amount: str) -> dict[str, str]:
    return {"type": "reduce", "side": "long", "position_size_type": "base", "amount": amount}


@pytest.mark.parametrize(
    "way",
    [
        with_fees,
        with_funding,
        with_dust,
        with_adoption,
        with_a_fee_valued_late,
        with_a_stop,
        with_a_reduction,
    ],
)
def test_every_way_to_lose_counts_towards_the_limit(way: Callable[[Any], Desk]) -> None:
    loss = -way(None).book.risk.realized_today
    assert loss > 0

    assert figures(way(loss)).loss == loss
    assert not way(loss + HAIR).book.brakes.is_tripped


def test_all_that_rests_is_cancelled_and_groups_without_a_fill_close() -> None:
    venue = HandVenue(limited())
    bought(venue)
    held = bought(venue, SOL)
    venue.signal(symbol=NAMES[ETH])
    assert (len(entries(venue, ETH)), len(entries(venue, SOL))) == (5, 4)

    happened = lost(venue)

    assert entries(venue, ETH) == entries(venue, SOL) == []
    assert [group.opened.group_id for group in venue.book.open_groups()] == [held]
    (closed,) = [each for each in of(happened, PositionGroupClosed) if each.realized == D(0)]
    assert closed.group_id != held
    assert venue.book.risk.committed(ETH) == D(0)
    halted = of(happened, PyramidEntriesHalted)
    assert {each.reason for each in halted} == {"the day's loss reached its limit"}
    assert {each.pyramid_id for each in halted} > set(venue.group().pyramid_ids)
    assert [order.request.quantity for order in venue.working("take_profit")] == [D(2)]
    (alert,) = [each for each in of(happened, AlertRaised) if each.kind == "breaker"]
    assert ": 9 resting entries are cancelled" in alert.text
    check_record(venue)


def test_keep_leaves_the_entries_of_groups_with_fills_and_of_no_other() -> None:
    venue = HandVenue(limited(breaker_dca="keep"))
    bought(venue)
    bought(venue, SOL)
    venue.signal(symbol=NAMES[ETH])
    kept = entries(venue, SOL)

    lost(venue)

    assert entries(venue, SOL) == kept != []
    assert entries(venue, ETH) == []
    lots = [leg.lot.quantity for leg in venue.legs()]
    venue.fill(venue.entries()[0], "2", "99.5")
    assert sum(leg.lot.quantity for leg in venue.legs()) == sum(lots) + 2


def test_entries_nobody_has_heard_of_yet_are_called_off_too() -> None:
    venue = HandVenue(limited())
    bought(venue)
    venue.move("90")
    venue.handle(venue.received(symbol=NAMES[ETH]))
    unsent = [order.request for order in venue.working("entry") if order.request.symbol == ETH]
    in_doubt = unsent[0].client_order_id
    venue.errands.clear()
    report = AnswerLost(detail="timed out")
    venue.handle(OrderReported(client_order_id=in_doubt, report=report))

    happened = venue.signal("long", kind="exit", price=None)

    called_off = {each.client_order_id for each in of(happened, OrderCancelRequested)}
    assert called_off >= {each.client_order_id for each in unsent}
    doubted = venue.book.order(in_doubt)
    assert doubted is not None
    assert doubted.cancel_requested
    assert doubted.status is OrderStatus.UNKNOWN or doubted.is_final
    # What was not sent yet is called off before its turn, and never comes back.
    for request in unsent[1:]:
        order = venue.book.order(request.client_order_id)
        assert order is not None
        assert order.cancel_requested
    assert all(work.state != "requested" for work in works_of(venue.book))


def test_a_kept_entry_the_venue_does_not_find_is_called_off_rather_than_sent_again() -> None:
    venue = HandVenue(limited(breaker_dca="keep"))
    bought(venue)
    bought(venue, SOL)
    venue.handle(venue.received(symbol=NAMES[SOL]))
    venue.errands.clear()
    (unsent, *_) = [o.request for o in venue.working("entry") if o.status is OrderStatus.REQUESTED]
    identity = unsent.client_order_id
    venue.handle(OrderReported(client_order_id=identity, report=AnswerLost(detail="timed out")))
    lost(venue)
    kept = venue.book.order(identity)
    assert kept is not None
    assert not kept.cancel_requested

    absent = NotFound(asked_at=venue.now, position=D(2))
    venue.handle(OrderReported(client_order_id=identity, report=absent))

    doubted = venue.book.order(identity)
    assert doubted is not None
    assert doubted.cancel_requested


def test_an_entry_that_missed_its_time_stays_away_also_after_the_reset() -> None:
    venue = HandVenue(limited(breaker_dca="keep"))
    bought(venue)
    held = bought(venue, SOL)
    venue.handle(venue.received(symbol=NAMES[SOL]))
    venue.errands.clear()
    unsent = [o.request for o in venue.working("entry") if o.status is OrderStatus.REQUESTED]
    assert {request.group_id for request in unsent} == {held}
    lost(venue)
    # Latched: what is earned later lets nothing in.
    venue.feed(funding(venue, "500", symbol=SOL))

    for request in unsent:
        report = SendWindowMissed()
        venue.feed(OrderReported(client_order_id=request.client_order_id, report=report))
    ended = {each.leg_id for each in of(venue.recorded, LegEntryEnded)}
    assert ended >= {request.leg_id for request in unsent}
    venue.operator("reset_breaker")
    venue.wait(seconds=120)

    assert not venue.book.brakes.is_tripped
    again = [o.request.leg_id for o in venue.working("entry") if o.request.attempt > 1]
    assert again == []


@pytest.mark.parametrize("is_bad_day", [False, True])
def test_a_refused_maker_is_tried_no_second_time_on_a_bad_day(is_bad_day: bool) -> None:
    risk = limited(LOST if is_bad_day else None, breaker_dca="keep").risk
    venue = HandVenue(Settings(risk=risk, grid=GridSettings(post_only=True)))
    bought(venue)
    bought(venue, SOL)
    venue.handle(venue.received(symbol=NAMES[SOL]))
    venue.errands.clear()
    (unsent, *_) = [o.request for o in venue.working("entry") if o.status is OrderStatus.REQUESTED]
    lost(venue)

    report = Refused(code="-5022", message="it would take", kind="post_only")
    happened = venue.handle(OrderReported(client_order_id=unsent.client_order_id, report=report))

    assert len(of(happened, OrderRejected)) == 1
    assert len(of(happened, OrderRequested)) == (0 if is_bad_day else 1)


def test_what_comes_in_waits_and_the_receipt_tells_both_reasons() -> None:
    venue = tripped_desk()

    happened = venue.signal()

    assert venue.outcome() == ("queued", "trading_state")
    (denied,) = of(happened, RiskDenied)
    failed = {
        check.rule: (check.value, check.limit) for check in denied.receipt if not check.passed
    }
    assert failed["trading_state"] == ("reducing", "active")
    assert failed["max_daily_loss"] == ("20", "20")
    for _ in range(3):
        assert of(venue.wait(seconds=10), RiskApproved) == []
    venue.operator("promote_signal", venue.last_signal)
    venue.operator("force_add_signal", venue.last_signal)
    assert of(venue.recorded[-20:], RiskApproved) == []
    assert len(venue.book.queue.waiting) == 1


def test_a_pyramid_is_refused_while_it_holds() -> None:
    venue = HandVenue(limited())
    bought(venue, SOL)
    bought(venue)
    lost(venue)

    venue.signal(symbol=NAMES[SOL])

    assert venue.outcome() == ("refused", "trading_state")


def test_profits_stops_reductions_and_closings_go_on() -> None:
    settings = _with_exits(limited(), stop_loss_percent=D(8))
    venue = HandVenue(settings)
    groups = [bought(venue, symbol) for symbol in (BTC, ETH, SOL)]
    lost(venue)

    taken = venue.working("take_profit")[0]
    venue.fill(taken, taken.request.quantity, "101")
    assert venue.book.group(groups[1]) is not None
    assert len(venue.book.open_groups()) == 1
    venue.operator("close_group", groups[2])

    assert venue.book.open_groups() == ()
    assert venue.book.risk.realized_today > -LOST
    assert venue.book.brakes.is_tripped


def test_a_watched_stop_closes_a_trade_while_it_holds() -> None:
    venue = HandVenue(_with_exits(limited(), stop_loss_percent=D(8)))
    bought(venue)
    bought(venue, SOL)
    lost(venue)

    happened = venue.move("91", SOL)

    assert len(of(happened, PositionGroupClosed)) == 1


def test_a_limit_tightened_under_the_days_loss_trips_at_once() -> None:
    venue = HandVenue(limited(LOST + 1))
    bought(venue)
    lost(venue)
    bought(venue, ETH)

    venue.feed(SettingsSubmitted(settings=limited(LOST), actor="ann", reason="enough"))

    assert figures(venue).limit == LOST
    assert entries(venue, ETH) == []
