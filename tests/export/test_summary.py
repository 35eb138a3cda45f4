"""A run in figures: what was realized, what is still open, and that both add up to the equity."""

import msgspec

from application.summary import GroupSummary, RunLedger, RunSummary
from domain.dca_leg import LegEntryFilled, LegExitFilled, LegFeeValued
from domain.position_group import FundingShared
from tests.projections.story import MORNING, SYMBOL, D, Story, opened_account
from tests.projections.trading import (
    GROUP,
    accepted,
    closed_group,
    entered,
    exited,
    leg_name,
    opened_group,
    whole_trade,
)


def summary(story: Story, mark: str = "60000") -> tuple[RunSummary, GroupSummary]:
    ledger = RunLedger()
    ledger.take_in(story.events)
    whole = ledger.summary(D(10000), {SYMBOL: D(mark)}, "d")
    assert whole.equity == 10000 + whole.realized_pnl + whole.unrealized_pnl
    (group,) = whole.groups
    assert group.realized_pnl == whole.realized_pnl
    return whole, group


def funding(amount: str) -> FundingShared:
    return FundingShared(
        group_id=GROUP, funding_id=f"f{amount}", amount=D(amount), settled_at=MORNING
    )


def test_a_closed_trade_realized_what_its_legs_did() -> None:
    whole, group = summary(whole_trade())
    assert (group.state, group.realized_pnl, group.fees) == ("CLOSED", D("5.76"), D("0.24"))
    assert (whole.unrealized_pnl, whole.equity) == (D(0), D("10005.76"))


def test_funding_is_realized_by_the_trade_it_was_shared_to() -> None:
    story = entered(accepted(opened_group(opened_account(Story())), "E0"))
    whole, _ = summary(story.then(funding("-0.5"), funding("0.2")), "60100")
    assert (whole.realized_pnl, whole.unrealized_pnl) == (D("-0.3"), D("0.88"))
    assert whole.equity == D("10000.58")
    closed, _ = summary(closed_group(exited(story)))
    assert closed.realized_pnl == D("5.46")


def test_a_fee_valued_later_costs_as_much_as_one_known_at_once() -> None:
    """Bought for a fee of 5, four tenths sold: two of it are realized, three are still open."""
    story = entered(opened_group(opened_account(Story())))
    known, later = (_sold(story, fee, entry_fee) for fee, entry_fee in (("5", "2"), (None, "0")))
    pending, _ = summary(later)
    later.then(
        LegFeeValued(
            leg_id=leg_name(), trade_id="t-E0", fee_value=D(5), entry_fee=D(3), realized=D(-2)
        )
    )
    whole, group = summary(later)
    assert pending.equity == whole.equity + 5
    assert summary(known)[1] == group
    assert (whole.realized_pnl, whole.unrealized_pnl, whole.fees) == (D(1), D(-3), D("5.4"))


def _sold(story: Story, fee: str | None, entry_fee: str) -> Story:
    told = Story()
    told.events = [
        msgspec.structs.replace(
            each,
            event=msgspec.structs.replace(each.event, fee_value=None if fee is None else D(fee)),
        )
        if isinstance(each.event, LegEntryFilled)
        else each
        for each in story.events
    ]
    return told.then(
        LegExitFilled(
            leg_id=leg_name(),
            client_order_id="X0",
            trade_id="t-X0",
            price=D(60850),
            quantity=D("0.004"),
            cost=D(240),
            entry_fee=D(entry_fee),
            fee=D("0.4"),
            fee_asset="USDT",
            fee_value=D("0.4"),
            realized=D(3) - D(entry_fee),
            traded_at=MORNING,
        )
    )
