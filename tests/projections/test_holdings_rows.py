"""What the dashboard's rows say of funding, late fees and adoptions is what the Book says."""

from datetime import timedelta
from decimal import Decimal

from application.inputs import ClockTicked, OperatorActed
from application.journal import Recorded
from domain.holdings import DustChanged
from projections.fold import Fold
from projections.models import MODELS, TABLES
from projections.rows import Row
from tests.application.hand_venue import HandVenue
from tests.application.test_adoption import holding
from tests.application.test_fees import with_a_fee_unvalued
from tests.application.test_funding import funding
from tests.projections.story import MORNING, SYMBOL, Story, opened_account

D = Decimal


def rows(recorded: list[Recorded], table: str) -> list[Row]:
    """The rows of a table as they stand after these events."""
    fold = Fold(TABLES)
    for position, each in enumerate(recorded, start=1):
        for model in MODELS:
            for change in model.project(each, position):
                fold.apply(position, change)
    return [version.values for name, _, version in fold.current() if name == table]


def total(found: list[Row], name: str) -> Decimal:
    """The sum of a column."""
    cells = (row[name] for row in found)
    return sum((cell for cell in cells if isinstance(cell, Decimal)), D(0))


def realized(venue: HandVenue) -> Decimal:
    """What the days' rows add up to."""
    every = [row["realized"] for row in rows(venue.recorded, "performance_days")]
    return sum((value for value in every if isinstance(value, Decimal)), D(0))


def test_funding_is_part_of_a_groups_and_of_the_days_result() -> None:
    venue = holding()

    venue.feed(funding(venue, "-1.5"))

    (group,) = rows(venue.recorded, "position_groups")
    assert group["funding"] == D("-1.5")
    assert realized(venue) == venue.book.risk.realized_total == D("-1.5")


def test_a_fee_valued_late_reaches_its_leg_and_its_day() -> None:
    venue = with_a_fee_unvalued()
    (exit_order,) = venue.working("take_profit")
    venue.fill(exit_order, "0.5", "101")
    venue.bnb = D(600)
    before = [row for row in rows(venue.recorded, "legs") if row["fees_pending"]]
    assert [row["fees_pending"] for row in before] == [1]

    venue.wait(seconds=1)

    leg = venue.legs()[0]
    (row,) = [row for row in rows(venue.recorded, "legs") if row["leg_id"] == leg.plan.leg_id]
    assert (row["fees_pending"], row["fees"]) == (0, leg.fees)
    assert (row["open_fee"], row["realized"]) == (leg.lot.entry_fee, leg.realized)
    assert realized(venue) == venue.book.risk.realized_total


def test_a_fee_valued_after_its_trade_and_its_day_still_reaches_both() -> None:
    venue = with_a_fee_unvalued()
    venue.signal("long", kind="exit", price=None)
    (pending,) = rows(venue.recorded, "pending_fees")
    assert (pending["fee"], pending["asset"]) == (D("0.01"), "BNB")
    closed_at = venue.now
    venue.now += timedelta(days=2)
    venue.signal(symbol="ETHUSDT.P")
    venue.start()
    venue.bnb = D(600)
    assert closed_at.date() < venue.now.date()

    venue.wait(seconds=1)

    assert realized(venue) == venue.book.risk.realized_total
    (group,) = [row for row in rows(venue.recorded, "position_groups") if row["closed_at"]]
    assert group["realized"] == venue.book.risk.realized_total
    legs = [row for row in rows(venue.recorded, "legs") if row["group_id"] == group["group_id"]]
    for name in ("realized", "fees"):
        assert total(legs, name) == group[name], name
    assert total(legs, "fees") >= D(6)
    assert {row["fees_pending"] for row in legs} == {0}
    assert rows(venue.recorded, "pending_fees") == []


def test_a_trades_own_result_is_that_of_its_legs_and_its_funding() -> None:
    venue = holding()
    venue.feed(funding(venue, "-1.5"))
    venue.signal("long", kind="exit", price=None)

    (group,) = rows(venue.recorded, "position_groups")

    assert group["closed_at"] is not None
    earned = total(rows(venue.recorded, "legs"), "realized")
    assert group["realized"] == earned - D("1.5") == venue.book.risk.realized_total
    assert group["fees"] == total(rows(venue.recorded, "legs"), "fees")


def test_what_was_held_before_us_and_what_is_accepted_later_is_foreign() -> None:
    venue = HandVenue()
    venue.by_hand("buy", "3", "90")
    venue.look()
    (before,) = rows(venue.recorded, "foreign_positions")
    assert (before["quantity"], before["reason"]) == (D(3), "held when the account was added")
    venue.by_hand("buy", "1", "90")
    venue.look()
    symbol = str(before["symbol"])

    venue.feed(
        OperatorActed(action="clear_discrepancy", subject=symbol, actor="ann", reason="mine")
    )

    (now,) = rows(venue.recorded, "foreign_positions")
    assert (now["quantity"], now["reason"]) == (D(4), "mine")
    venue.by_hand("sell", "4", "90")
    venue.look()
    venue.look()
    assert rows(venue.recorded, "foreign_positions") == []


def test_dust_is_shown_while_there_is_any() -> None:
    story = opened_account(Story()).input(ClockTicked(due_at=MORNING))
    for total_held in ("0.0004", "0"):
        story.then(
            DustChanged(
                symbol=SYMBOL,
                side="both",
                amount=D("0.0004"),
                total=D(total_held),
                value=D("24.1"),
                reason="too small to sell",
            )
        )
    (dust,) = rows(story.events[:-1], "dust")
    assert (dust["quantity"], dust["value"]) == (D("0.0004"), D("24.1"))
    assert rows(story.events, "dust") == []


def test_an_adoption_ends_its_discrepancy_and_shrinks_its_leg() -> None:
    venue = holding()
    venue.by_hand("sell", "0.5", "90")
    venue.look()
    (row,) = rows(venue.recorded, "discrepancies")
    assert (row["expected"], row["seen"], row["side"]) == (D(2), D("1.5"), "both")

    venue.look()

    assert rows(venue.recorded, "discrepancies") == []
    held = [row["open_quantity"] for row in rows(venue.recorded, "legs")]
    assert sum((q for q in held if isinstance(q, Decimal)), D(0)) == D("1.5")
    assert realized(venue) == venue.book.risk.realized_total == D(-5)
