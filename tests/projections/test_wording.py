"""Every event that the log may hold has words of its own."""

import re

import msgspec
import pytest

from application.journal import event_types
from domain.dca_leg import LegFeeValued
from domain.message import Event
from domain.order import OrderFilled, OrderRequested
from domain.position_group import CloseAttempted
from projections.models.audit_log import group_of, subject_of
from projections.wording import describe
from tests.golden.examples import examples
from tests.projections.story import MORNING, D, Story
from tests.projections.trading import proposal, requested_close, whole_trade

WORDLESS = describe.dispatch(object)
EXPONENT = re.compile(r"\d[eE][+-]?\d")


@pytest.mark.parametrize("event_type", event_types().values(), ids=list(event_types()))
def test_every_event_has_words_for_every_shape_it_may_have(event_type: type[Event]) -> None:
    assert describe.dispatch(event_type) is not WORDLESS
    for event in examples(event_type):
        said = describe(event)
        assert said.text
        assert "Decimal(" not in said.text
        assert "datetime" not in said.text
        assert not EXPONENT.search(said.text)


def test_a_name_without_words_is_shown_and_raises_nothing() -> None:
    class Unworded(Event, frozen=True, kw_only=True):
        NAME = "order.unworded.v1"

    assert describe(Unworded()).text == "order.unworded.v1 happened"


def test_a_fill_reads_as_a_trader_would_say_it() -> None:
    filled = OrderFilled(
        client_order_id="Pabc",
        trade_id="7",
        price=D("60000.00"),
        quantity=D("0.0100"),
        filled=D("0.03"),
        fee=D("0.12"),
        fee_asset="USDT",
        liquidity="maker",
        traded_at=MORNING,
    )
    assert describe(filled).text == (
        "Order Pabc filled 0.01 at 60000 as maker, fee 0.12 USDT; 0.03 filled in all"
    )


def test_a_fee_valued_later_says_what_it_costs_the_profit_so_far() -> None:
    valued = LegFeeValued(
        leg_id="g-p0-l0", trade_id="7", fee_value=D(5), entry_fee=D(3), realized=D(-2)
    )
    assert describe(valued).text == (
        "Leg g-p0-l0 paid a fee worth 5 for trade 7: 2 of it comes off the profit so far"
    )


def test_a_stop_says_at_which_price_it_wakes() -> None:
    (order,) = [
        recorded.event
        for recorded in requested_close(
            Story(), D("0.02"), purpose="stop", trigger_price=D(58000)
        ).events
        if isinstance(recorded.event, OrderRequested)
    ]
    assert "at market once 58000 is touched (stop, ioc, reduce-only)" in describe(order).text


def test_a_partial_close_says_of_how_many_legs_it_is() -> None:
    attempted = CloseAttempted(
        group_id="g",
        client_order_id="C",
        attempt=1,
        quantity=D("0.5"),
        price=D(60),
        attempted_at=MORNING,
    )
    part = msgspec.structs.replace(attempted, covers=("g-p0-l0", "g-p0-l1"))
    assert describe(attempted).text.startswith("Group g closes 0.5 bounded by 60")
    assert describe(part).text.startswith("Group g closes 0.5 of 2 legs bounded by 60")


def test_every_event_of_a_trade_leads_to_its_group() -> None:
    of_the_trade = [
        recorded.event
        for recorded in whole_trade().events
        if recorded.event.NAME.split(".")[0] in {"dca_leg", "exit", "pyramid", "position_group"}
    ]
    assert of_the_trade
    assert {group_of(event) for event in of_the_trade} == {"gabc"}


def test_a_decision_is_about_the_signal_it_judged() -> None:
    (approved,) = [
        recorded.event
        for recorded in whole_trade().events
        if recorded.event.NAME == "risk_engine.approved.v1"
    ]
    assert subject_of(approved) == proposal().signal_id
