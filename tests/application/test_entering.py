"""From a signal to working orders: new entries, pyramids, refusals."""

import json
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from application.inputs import SignalReceived
from domain.dca_leg import LegPlanned
from domain.order import OrderRequested
from domain.position_group import PositionGroupOpened, PyramidAdmitted
from domain.queue import SignalQueued
from domain.risk_engine import RiskApproved, RiskDenied
from domain.settings import (
    CapitalSettings,
    GridSettings,
    RiskSettings,
    Settings,
    SignalSettings,
)
from tests.application.desk import BTC, MARKETS, PROMPT, Desk, market, names, of

D = Decimal


def with_settings(**parts: msgspec.Struct) -> Settings:
    return msgspec.structs.replace(PROMPT, **parts)


def test_a_new_entry_becomes_five_legs_with_their_orders() -> None:
    desk = Desk(price="101")

    happened = desk.handle(desk.received())

    assert names(happened)[:6] == [
        "trading_day.signal_received",
        "trading_day.signal_read",
        "risk_engine.approved",
        "position_group.opened",
        "position_group.pyramid_admitted",
        "pyramid.planned",
    ]
    orders = of(happened, OrderRequested)
    assert [(o.price, o.quantity, o.side, o.time_in_force) for o in orders] == [
        (D(100), D(2), "buy", "gtc"),
        (D("99.5"), D("2.01"), "buy", "gtc"),
        (D(99), D("2.02"), "buy", "gtc"),
        (D("98.5"), D("2.03"), "buy", "gtc"),
        (D(98), D("2.04"), "buy", "gtc"),
    ]
    assert all(not order.reduce_only for order in orders)
    assert len({order.client_order_id for order in orders}) == 5
    assert desk.outcome() == ("admitted", "approved")
    legs = of(happened, LegPlanned)
    assert desk.book.risk.committed() == sum(leg.price * leg.quantity for leg in legs)
    assert all(event.correlation_id == "s1" for event in happened)


def test_a_shorts_ladder_goes_up_and_is_reserved_at_the_mark_if_that_is_higher() -> None:
    desk = Desk(price="99.9")

    legs = of(desk.handle(desk.received("sell", price="99")), LegPlanned)

    assert [leg.price for leg in legs] == [D(99), D("99.5"), D(100), D("100.5"), D(101)]
    assert [leg.reserve_price for leg in legs] == [
        D("99.9"),
        D("99.9"),
        D(100),
        D("100.5"),
        D(101),
    ]


def test_without_a_price_of_its_own_an_entry_takes_the_mark() -> None:
    desk = Desk(price="200")

    legs = of(desk.signal(price=None), LegPlanned)

    assert legs[0].price == D(200)


def test_a_second_signal_of_the_group_is_a_pyramid() -> None:
    desk = Desk(price="101")
    desk.signal()

    happened = desk.signal(price="99")

    assert of(happened, PositionGroupOpened) == []
    (joined,) = of(happened, PyramidAdmitted)
    assert (joined.index, joined.group_id) == (1, desk.group().opened.group_id)
    assert len(desk.legs()) == 10
    assert desk.outcome() == ("admitted", "approved")


def test_a_pyramid_takes_no_slot() -> None:
    settings = with_settings(pool=msgspec.structs.replace(PROMPT.pool, max_open_groups=1))
    desk = Desk(settings, price="101")
    desk.signal()

    desk.signal()

    assert desk.outcome() == ("admitted", "approved")
    assert len(desk.book.risk.slots) == 1


def test_a_full_group_refuses_a_further_entry() -> None:
    desk = Desk(with_settings(grid=GridSettings(max_pyramids=2)), price="101")
    desk.signal()
    desk.signal()

    desk.signal()

    assert desk.outcome() == ("refused", "max_pyramids")
    assert len(desk.legs()) == 10


def test_a_transient_refusal_refuses_a_pyramid_and_queues_a_new_entry() -> None:
    desk = Desk(with_settings(risk=RiskSettings(max_committed_capital=D(1000))), price="101")
    desk.signal()

    desk.signal()
    assert desk.outcome() == ("refused", "max_committed_capital")

    desk.signal(symbol="ETHUSDT.P")
    assert desk.outcome() == ("queued", "max_committed_capital")


def test_a_permanent_refusal_rejects() -> None:
    desk = Desk(with_settings(risk=RiskSettings(symbols_allowed=("ETH/USDT:USDT",))))

    happened = desk.signal()

    assert desk.outcome() == ("rejected", "symbol_allowed")
    assert of(happened, SignalQueued) == []


def test_an_entry_too_far_from_the_mark_is_rejected_on_arrival() -> None:
    desk = Desk()

    desk.signal(price="106")

    assert desk.outcome() == ("rejected", "max_entry_deviation")


def test_a_settled_loss_of_the_day_queues_what_comes_next() -> None:
    desk = Desk(with_settings(risk=RiskSettings(max_daily_loss=D(10))))
    desk.signal()
    desk.move("97")
    desk.signal("long", kind="exit", price=None)

    desk.signal(price="97")

    assert desk.book.risk.realized_today < D(-10)
    assert desk.outcome() == ("queued", "trading_state")
    receipt = of(desk.recorded, RiskDenied)[-1].receipt
    assert [check.rule for check in receipt if not check.passed][:2] == [
        "trading_state",
        "max_daily_loss",
    ]


def test_a_resend_is_a_duplicate() -> None:
    desk = Desk()
    desk.signal(same=True)

    desk.signal(same=True)

    assert desk.outcome() == ("duplicate", "a resend of a signal already taken in")
    assert len(desk.legs()) == 5


def test_a_stale_entry_is_rejected_and_one_at_the_limit_is_not() -> None:
    desk = Desk()
    limit = desk.now - timedelta(seconds=300)

    desk.signal(timestamp=(limit - timedelta(microseconds=1)).isoformat())
    assert desk.outcome()[0] == "rejected"
    assert desk.outcome()[1].startswith("stale")

    desk.signal(timestamp=limit.isoformat())
    assert desk.outcome() == ("admitted", "approved")


def test_a_stale_exit_is_processed() -> None:
    desk = Desk()
    desk.signal()

    desk.signal(
        "long", kind="exit", price=None, timestamp=(desk.now - timedelta(days=9)).isoformat()
    )

    assert desk.outcome()[0] == "admitted"
    assert desk.book.open_groups() == ()


@pytest.mark.parametrize("price", ["{{close}}", "{{strategy.order.price}}"])
def test_placeholders_tradingview_left_are_rejected_by_name(price: str) -> None:
    desk = Desk()

    desk.signal(price=price)

    outcome, reason = desk.outcome()
    assert outcome == "rejected"
    assert "tv.entry_price" in reason
    assert price in reason


def test_an_unknown_symbol_is_rejected_with_the_nearest() -> None:
    desk = Desk()

    desk.signal(symbol="BTCUSD.P")

    outcome, reason = desk.outcome()
    assert outcome == "rejected"
    assert f"nearest: {BTC}" in reason


def test_a_body_that_is_no_signal_is_rejected_with_its_reason() -> None:
    desk = Desk()

    desk.feed(msgspec.structs.replace(desk.received(), body="[1]"))

    assert desk.outcome() == (
        "rejected",
        "the body was no JSON object: send one, as in the alert template",
    )


def test_a_budget_too_small_is_rejected_with_the_smallest_that_works() -> None:
    capital = CapitalSettings(group_budget=D(100))
    desk = Desk(with_settings(capital=capital))

    desk.signal()

    outcome, reason = desk.outcome()
    assert outcome == "rejected"
    assert reason.endswith("give it at least 25")
    works = CapitalSettings(group_budget=D(125))
    again = Desk(with_settings(capital=works))
    again.signal()
    assert again.outcome() == ("admitted", "approved")


def test_a_spot_account_cannot_go_short() -> None:
    spot = market("BTC", symbol="BTC/USDT", kind="spot")
    desk = Desk(markets=(spot,), kind="spot", leverage=1)

    desk.signal("sell", symbol="BTCUSDT")

    assert desk.outcome() == ("rejected", "a spot account cannot go short")


def test_an_entry_without_any_mark_waits_for_one() -> None:
    desk = Desk(markets=MARKETS)
    received = desk.received(price=None)

    handled = desk.engine.handle(received, desk.now, {})
    desk.commit(handled.stored, handled.recorded)
    assert desk.outcome() == ("queued", "mark_fresh")

    desk.wait(seconds=10)
    assert desk.outcome() == ("admitted", "promoted from the queue")
    assert desk.legs()[0].plan.price == D(100)


def test_an_entry_whose_market_has_no_mark_yet_is_queued_not_lost() -> None:
    desk = Desk()

    handled = desk.engine.handle(desk.received(), desk.now, {})
    desk.commit(handled.stored, handled.recorded)

    assert desk.outcome() == ("queued", "mark_fresh")


def test_a_mark_that_is_no_number_is_none() -> None:
    desk = Desk()
    marks = desk.marks()
    broken = {BTC: msgspec.structs.replace(marks[BTC], price=D("NaN"))}

    handled = desk.engine.handle(desk.received(), desk.now, broken)

    assert not handled.failure
    assert desk.book.marks == {}
    (denied,) = of(handled.recorded, RiskDenied)
    assert denied.reason == "mark_fresh"


def test_opposite_signals_wait_by_default() -> None:
    desk = Desk()
    desk.signal()

    desk.signal("sell", timeframe="60")

    assert desk.outcome() == ("queued", "one_direction")


def test_opposite_signals_may_be_rejected() -> None:
    desk = Desk(with_settings(signals=SignalSettings(opposite="reject")))
    desk.signal()

    desk.signal("sell", timeframe="60")

    assert desk.outcome() == ("rejected", "the symbol is open in the opposite direction")


@pytest.mark.parametrize("kind", ["reverse", "signal"])
def test_a_reversal_closes_all_against_it_and_enters_once_flat(kind: str) -> None:
    settings = with_settings(signals=SignalSettings(opposite="reverse"))
    desk = Desk(settings if kind == "signal" else PROMPT)
    desk.signal()
    desk.signal(timeframe="60")

    happened = desk.signal("sell", kind=kind)

    (approved,) = of(happened, RiskApproved)
    assert (approved.proposal.side, approved.proposal.promoted) == ("short", True)
    assert desk.outcome() == ("admitted", "promoted from the queue")
    assert [group.opened.side for group in desk.book.open_groups()] == ["short"]


def test_the_ledger_balances_after_all_of_it() -> None:
    desk = Desk(with_settings(pool=msgspec.structs.replace(PROMPT.pool, max_open_groups=1)))
    desk.signal()
    desk.signal("sell")
    desk.signal(symbol="ETHUSDT.P")
    desk.signal(symbol="NO")
    desk.signal(same=True)
    desk.signal("long", kind="exit", price=None)

    received = {event.signal_id for event in of(desk.recorded, SignalReceived)}

    assert received == set(desk.book.day.outcomes)
    assert json.loads(of(desk.recorded, SignalReceived)[0].body)["number"] == 1


def test_a_groups_opening_carries_the_signals_own_stop_where_one_is_allowed() -> None:
    for allowed, expected in ((True, D(95)), (False, None)):
        desk = Desk(with_settings(signals=SignalSettings(allow_stop_loss=allowed)))

        happened = desk.signal(risk={"stop_loss": "95"})

        (opened,) = of(happened, PositionGroupOpened)
        assert opened.stop_loss == expected
