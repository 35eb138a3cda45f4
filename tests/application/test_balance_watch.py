"""Money beside trading: transfers that are told, and jumps of the balance that are not."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from application.inputs import BalanceSeen, FundingReported
from application.journal import Recorded
from application.processes.equity import equity_of
from domain.equity import (
    BalanceJumped,
    BalanceJumpSuspected,
    CapitalTransferred,
    DrawdownBreached,
    EquitySampled,
)
from domain.settings import CapitalSettings, GridSettings
from tests.application.desk import BTC, Desk, of
from tests.application.drawdown_desk import alerts, holding, limited, ordered, tick
from tests.application.exit_desk import TWO_LEGS
from tests.application.hand_venue import HandVenue
from tests.application.invariants import check_record

D = Decimal
START = D(1_000_000)


def live(grid: GridSettings | None = None) -> HandVenue:
    """A live account with nothing open, whose balance was seen once."""
    settings = limited("20")
    venue = HandVenue(
        settings if grid is None else msgspec.structs.replace(settings, grid=grid), live=True
    )
    venue.look()
    seen(venue, "5000")
    return venue


def seen(venue: Desk, total: str | Decimal, currency: str = "USDT") -> list[Recorded]:
    """A minute later the venue says what it holds."""
    venue.now += timedelta(minutes=1)
    return venue.feed(BalanceSeen(currency=currency, total=D(total), free=D(total)))


@pytest.mark.parametrize("amount", ["250", "-250"])
def test_a_transfer_moves_equity_and_peak_alike(amount: str) -> None:
    venue = holding()
    venue.move("95")
    tick(venue)

    (moved,) = of(ordered(venue, "record_transfer", "", amount), CapitalTransferred)

    assert (moved.amount, moved.total, moved.actor) == (D(amount), D(amount), "ann")
    assert equity_of(venue.book) == START - 50 + D(amount)
    (sample,) = of(tick(venue), EquitySampled)
    assert sample.peak - sample.equity == D(50)
    assert sample.capital == START + D(amount)
    assert of(venue.recorded, DrawdownBreached) == []
    check_record(venue)


@pytest.mark.parametrize("amount", ["-1000000", "-2000000", "0", None])
def test_what_leaves_nothing_or_says_nothing_is_refused(amount: str | None) -> None:
    desk = Desk()
    happened = ordered(desk, "record_transfer", "", amount)
    assert of(happened, CapitalTransferred) == []
    (alert,) = alerts(happened, "risk_order_refused")
    assert alert.subject == "record_transfer"


def test_what_was_earned_may_be_taken_out_as_well() -> None:
    venue = holding()
    venue.move("140")
    venue.signal("long", kind="exit", price=None)
    happened = ordered(venue, "record_transfer", "", "-1000399")
    assert len(of(happened, CapitalTransferred)) == 1
    assert of(ordered(venue, "record_transfer", "", "-1"), CapitalTransferred) == []


def test_a_share_of_the_equity_follows_a_transfer() -> None:
    capital = CapitalSettings(group_budget_rule="equity_share")
    desk = Desk(msgspec.structs.replace(limited(), capital=capital))
    ordered(desk, "record_transfer", "", "-500000")
    desk.signal()
    (leg,) = desk.legs()
    # Half a million over ten groups of five pyramids, at 100.
    assert leg.plan.quantity == D(100)


def test_a_jump_is_told_once_at_the_second_look_and_settled_by_its_transfer() -> None:
    venue = live()
    first = seen(venue, "6000")
    assert of(first, BalanceJumpSuspected) != []
    assert of(first, BalanceJumped) == []

    (alert,) = alerts(seen(venue, "6000"), "balance_jump")

    assert alert.severity == "warning"
    assert "moved by 1000 USDT" in alert.text
    assert "`plimsoll risk transfer --account paper --amount 1000 --reason" in alert.text
    for _ in range(3):
        seen(venue, "6000")
    ordered(venue, "record_transfer", "", "1000")
    for _ in range(3):
        seen(venue, "6000")
    assert len(alerts(venue.recorded, "balance_jump")) == 1
    assert venue.book.equity.unsettled == D(0)
    check_record(venue)


def test_a_jump_is_no_drawdown() -> None:
    venue = holding(live=True)
    for total in ("5000", "4000", "4000", "4000", "10", "10", "10"):
        seen(venue, total)
    assert len(alerts(venue.recorded, "balance_jump")) >= 1
    assert equity_of(venue.book) == START
    assert of(venue.recorded, DrawdownBreached) == []


def test_a_transfer_told_before_the_money_moves_is_no_jump() -> None:
    venue = live()
    ordered(venue, "record_transfer", "", "-1000")
    seen(venue, "4000")
    seen(venue, "4000")
    assert alerts(venue.recorded, "balance_jump") == []


def test_trades_fees_and_funding_explain_a_balance_to_the_cent() -> None:
    venue = live()
    venue.signal()
    (entry,) = venue.working("entry")
    venue.fill(entry, "10", "100", fee=D("0.5"))
    seen(venue, "4999.5")
    assert unexplained(venue) == D(5000)
    funding = FundingReported(
        funding_id="f1", symbol=BTC, amount=D("-0.3"), asset="USDT", settled_at=venue.now
    )
    venue.feed(funding)
    seen(venue, "4999.2")
    venue.move("140")
    venue.signal("long", kind="exit", price=None)

    seen(venue, "5399.2")
    assert unexplained(venue) == D(5000)
    assert of(venue.recorded, BalanceJumpSuspected) == []


def unexplained(venue: Desk) -> Decimal:
    """What the newest look left over; the first balance of all explains nothing."""
    sight = venue.book.equity.balance
    assert sight is not None
    return sight.unexplained


def test_a_venue_that_realizes_by_the_average_entry_is_no_jump() -> None:
    """The lot bought at 100 is sold at 101: the books gain 5, the venue half as much again."""
    venue = live(TWO_LEGS)
    venue.signal()
    first, second = venue.entries()
    venue.fill(first, "5", "100")
    venue.fill(second, "5.05", "99")
    seen(venue, "5000")
    cheap = next(
        order for order in venue.working("take_profit") if order.request.leg_id.endswith("l0")
    )
    venue.fill(cheap, "5", "101")
    average = (D(500) + D("5.05") * 99) / D("10.05")
    for _ in range(3):
        seen(venue, D(5000) + (D(101) - average) * 5)
    assert of(venue.recorded, BalanceJumpSuspected) == []


def test_a_fill_not_heard_of_yet_is_a_suspicion_and_no_more() -> None:
    venue = live()
    venue.signal()
    (entry,) = venue.working("entry")
    late = venue.trade(entry, D(10), D(100), fee=D(30), fee_asset="USDT")
    assert len(of(seen(venue, "4970"), BalanceJumpSuspected)) == 1
    venue.feed(late)
    seen(venue, "4970")
    assert alerts(venue.recorded, "balance_jump") == []


def test_a_paper_account_and_another_currency_are_never_looked_at() -> None:
    desk = Desk()
    for total in ("1000000", "5", "5", "5"):
        seen(desk, total)
    venue = live()
    for total in ("3", "900", "900", "900"):
        seen(venue, total, "BNB")
    for watched in (desk, venue):
        assert of(watched.recorded, BalanceJumpSuspected) == []


def test_a_jump_while_the_house_was_down_is_told_after_its_start() -> None:
    venue = live()
    venue.start()
    seen(venue, "100")
    seen(venue, "100")
    assert len(alerts(venue.recorded, "balance_jump")) == 1
