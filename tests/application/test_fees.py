"""Fees in any asset: valued by the fill, by a mark, or later, and never forgotten."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from application.inputs import InstrumentsSeen, OrderReported
from application.processes.roster import symbols_in_use
from application.processes.valuation import fee_value
from domain.dca_leg import LegFeeValued
from domain.holdings import FeeDeferred, FeeValued
from domain.message import MarkSeen
from domain.trading_day import AlertRaised, InputFailed
from tests.application.desk import BTC, MARKETS, market, of
from tests.application.hand_venue import HandVenue

D = Decimal
BNB = "BNB/USDT:USDT"
IN_BNB: dict[str, Any] = {"fee": D("0.01"), "fee_asset": "BNB"}


class BnbVenue(HandVenue):
    """It lists BNB, whose mark is known only when told."""

    def __init__(self, **desk: Any) -> None:
        self.bnb: Decimal | None = None
        super().__init__(**desk)
        self.feed(InstrumentsSeen(instruments=(*MARKETS, market("BNB"))))

    def marks(self) -> dict[str, MarkSeen]:
        """Those of the desk, and that of BNB."""
        marks = super().marks()
        if self.bnb is not None:
            marks[BNB] = MarkSeen(symbol=BNB, price=self.bnb, at=self.now)
        return marks


def with_a_fee_unvalued() -> BnbVenue:
    """A lot of 2 at 100 whose fee was paid in BNB."""
    venue = BnbVenue()
    venue.signal()
    venue.fill(venue.entries()[0], "2", "100", **IN_BNB)
    return venue


@pytest.mark.parametrize(
    ("asset", "value"), [("USDT", "2"), ("BTC", "180"), ("ETH", "200"), ("XRP", None)]
)
def test_a_fee_is_valued_by_what_its_asset_is(asset: str, value: str | None) -> None:
    venue = HandVenue()
    venue.signal()
    venue.signal(symbol="ETHUSDT.P")

    worth = fee_value(venue.book, BTC, asset, D(2), D(90))

    assert worth == (None if value is None else D(value))


def test_no_fee_is_worth_nothing_whatever_its_asset() -> None:
    assert fee_value(HandVenue().book, BTC, "XRP", D(0), D(90)) == D(0)


def test_the_mark_of_a_fees_asset_comes_with_the_trade() -> None:
    venue = BnbVenue()
    venue.bnb = D(600)
    venue.signal()
    report = venue.trade(venue.entries()[0], D(2), D(100), **IN_BNB)

    assert BNB in symbols_in_use(venue.book, report)
    venue.feed(report)

    heard = next(o for o in of(venue.recorded, OrderReported) if o.report == report.report)
    assert [mark.price for mark in heard.marks if mark.symbol == BNB] == [D(600)]
    assert fee_value(venue.book, BTC, "BNB", D("0.01"), D(100)) == D(6)


def test_a_fee_without_a_mark_waits_visibly() -> None:
    venue = with_a_fee_unvalued()

    (deferred,) = of(venue.recorded, FeeDeferred)
    assert (deferred.pending.fee, deferred.pending.asset) == (D("0.01"), "BNB")
    alerts = [a for a in of(venue.recorded, AlertRaised) if a.kind == "fee_unvalued"]
    assert [(a.severity, a.subject) for a in alerts] == [("warning", "BNB")]
    for _ in range(3):
        venue.wait(seconds=1)
    assert len([a for a in of(venue.recorded, AlertRaised) if a.kind == "fee_unvalued"]) == 1


def test_a_fee_that_waited_joins_the_lot_once_its_mark_is_known() -> None:
    venue = with_a_fee_unvalued()
    venue.bnb = D(600)

    happened = venue.wait(seconds=1)

    (valued,) = of(happened, LegFeeValued)
    assert (valued.fee_value, valued.entry_fee, valued.realized) == (D(6), D(6), D(0))
    assert venue.legs()[0].lot.entry_fee == D(6)
    assert venue.book.holdings.pending_fees == {}
    assert venue.book.risk.realized_total == D(0)
    assert of(venue.wait(seconds=1), FeeValued) == []


def test_the_part_of_a_fee_whose_lot_was_sold_meanwhile_is_realized() -> None:
    venue = with_a_fee_unvalued()
    (exit_order,) = venue.working("take_profit")
    venue.fill(exit_order, "0.5", "101")
    before = venue.book.risk.realized_total
    venue.bnb = D(600)

    venue.wait(seconds=1)

    assert venue.legs()[0].lot.entry_fee == D("4.5")
    assert venue.book.risk.realized_total - before == D("-1.5")


def test_the_fee_of_an_exit_is_realized_whole() -> None:
    venue = BnbVenue()
    venue.signal()
    venue.fill(venue.entries()[0], "2", "100")
    (exit_order,) = venue.working("take_profit")
    venue.fill(exit_order, "0.5", "101", **IN_BNB)
    before = venue.book.risk.realized_total
    venue.bnb = D(600)

    venue.wait(seconds=1)

    assert venue.legs()[0].lot.entry_fee == D(0)
    assert venue.book.risk.realized_total - before == D(-6)


def test_a_fee_outlives_its_trade_and_its_day() -> None:
    venue = with_a_fee_unvalued()
    venue.signal("long", kind="exit", price=None)
    assert venue.book.open_groups() == ()
    total = venue.book.risk.realized_total
    venue.now += timedelta(days=2)
    venue.signal(symbol="ETHUSDT.P")
    assert venue.book.leg(of(venue.recorded, FeeDeferred)[0].pending.leg_id) is None
    venue.start()
    venue.bnb = D(600)

    venue.wait(seconds=1)

    assert venue.book.risk.realized_total - total == D(-6)
    assert venue.book.holdings.pending_fees == {}
    assert of(venue.recorded, InputFailed) == []


def test_a_clock_that_ticks_for_a_waiting_fee_alone_is_not_idle() -> None:
    venue = with_a_fee_unvalued()
    venue.signal("long", kind="exit", price=None)
    venue.bnb = D(600)

    assert len(of(venue.wait(seconds=1), FeeValued)) == 1
