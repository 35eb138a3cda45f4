"""Funding: counted once, split by open quantity to the last digit, part of what a trade earned."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from application.inputs import FundingReported
from domain.holdings import FundingRecorded
from domain.position_group import FundingShared
from domain.risk_engine import ProfitRecorded
from domain.trading_day import InputFailed
from tests.application.desk import BTC, of
from tests.application.hand_venue import HEDGED, HandVenue
from tests.application.test_adoption import opened

D = Decimal


def funding(venue: HandVenue, amount: str, number: int = 1, **changes: Any) -> FundingReported:
    fields: dict[str, Any] = {"symbol": BTC, "asset": "USDT", **changes}
    return FundingReported(
        funding_id=f"f{number}", amount=D(amount), settled_at=venue.now, **fields
    )


def shares(venue: HandVenue) -> dict[str, Decimal]:
    """What each open group received, by timeframe."""
    return {group.opened.timeframe: group.funding for group in venue.book.open_groups()}


def test_funding_is_split_by_open_quantity_and_the_last_takes_the_remainder() -> None:
    venue = HandVenue()
    opened(venue, "15", quantity="1")
    opened(venue, "60", quantity="2")

    happened = venue.feed(funding(venue, "-1"))

    assert sum((one.amount for one in of(happened, FundingShared)), D(0)) == D(-1)
    assert shares(venue)["15"].quantize(D("0.0001")) == D("-0.3333")
    assert venue.book.risk.realized_today == D(-1)
    assert venue.book.risk.realized_total == D(-1)


def test_it_is_counted_once_also_after_a_restart_and_on_the_next_day() -> None:
    venue = HandVenue()
    opened(venue, "15")
    reported = funding(venue, "-1")
    venue.feed(reported)

    venue.feed(reported)
    venue.start()
    venue.feed(reported)
    venue.now += timedelta(days=1)
    venue.feed(reported)

    assert len(of(venue.recorded, FundingShared)) == 1
    assert venue.book.risk.realized_total == D(-1)
    assert venue.book.risk.realized_today == D(0)


def test_each_further_settlement_adds_what_it_is_itself() -> None:
    venue = HandVenue()
    opened(venue, "15")
    venue.feed(funding(venue, "-1"))

    (earned,) = of(venue.feed(funding(venue, "0.4", 2)), ProfitRecorded)

    assert (earned.amount, earned.total) == (D("0.4"), D("-0.6"))
    assert venue.book.risk.realized_total == D("-0.6")


def test_without_an_open_trade_it_is_seen_and_changes_nothing() -> None:
    venue = HandVenue()
    venue.signal()

    (recorded,) = of(venue.feed(funding(venue, "-1")), FundingRecorded)

    assert (recorded.shares, recorded.reason) == ((), "no trade of ours was open")
    assert venue.book.risk.realized_total == D(0)


def test_another_symbol_has_no_share() -> None:
    venue = HandVenue()
    opened(venue, "15")

    (recorded,) = of(venue.feed(funding(venue, "-1", symbol="ETH/USDT:USDT")), FundingRecorded)

    assert recorded.shares == ()


def test_in_hedge_mode_a_side_gets_its_own_settlement() -> None:
    venue = HandVenue(HEDGED)
    opened(venue, "15")
    opened(venue, "60", "sell")

    venue.feed(funding(venue, "0.5", position_side="short"))

    assert shares(venue) == {"15": D(0), "60": D("0.5")}


def test_in_hedge_mode_a_net_settlement_is_paid_by_one_side_and_received_by_the_other() -> None:
    venue = HandVenue(HEDGED)
    opened(venue, "15", quantity="2")
    opened(venue, "60", "sell", quantity="0.5")

    venue.feed(funding(venue, "-3"))

    assert shares(venue) == {"15": D(-4), "60": D(1)}


def test_sides_that_cancel_out_share_by_size() -> None:
    venue = HandVenue(HEDGED)
    opened(venue, "15", quantity="2")
    opened(venue, "60", "sell", quantity="2")

    venue.feed(funding(venue, "-3"))

    assert shares(venue) == {"15": D("-1.5"), "60": D("-1.5")}


def test_funding_in_another_asset_counts_at_its_mark_or_is_told() -> None:
    venue = HandVenue()
    opened(venue, "15")

    (valued,) = of(venue.feed(funding(venue, "-0.01", asset="ETH")), FundingRecorded)
    (unknown,) = of(venue.feed(funding(venue, "-0.01", 2, asset="BNB")), FundingRecorded)

    assert (valued.value, unknown.value, unknown.shares) == (D(-1), None, ())
    assert unknown.reason == "BNB has no known worth in USDT"
    assert venue.book.risk.realized_total == D(-1)


def test_an_impossible_amount_is_shared_by_nobody() -> None:
    venue = HandVenue()
    opened(venue, "15")

    (recorded,) = of(venue.feed(funding(venue, "NaN")), FundingRecorded)

    assert recorded.shares == ()
    assert of(venue.recorded, InputFailed) == []
