"""What the dashboard's rows say of funding, late fees and adoptions is what the Book says."""

from decimal import Decimal

from application.journal import Recorded
from projections.fold import Fold
from projections.models import MODELS, TABLES
from projections.rows import Row
from tests.application.hand_venue import HandVenue
from tests.application.test_adoption import holding
from tests.application.test_fees import with_a_fee_unvalued
from tests.application.test_funding import funding

D = Decimal


def rows(recorded: list[Recorded], table: str) -> list[Row]:
    """The rows of a table as they stand after these events."""
    fold = Fold(TABLES)
    for position, each in enumerate(recorded, start=1):
        for model in MODELS:
            for change in model.project(each, position):
                fold.apply(position, change)
    return [version.values for name, _, version in fold.current() if name == table]


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
