"""What was closed outside leaves the books; what is foreign stays, is seen, and is never closed."""

from datetime import timedelta
from decimal import Decimal

import pytest

from application.processes.positions import expected_positions
from domain.dca_leg import LegExitFilled
from domain.holdings import (
    PositionAdopted,
)
from domain.order_terms import OrderStatus
from domain.position_group import PositionGroupClosed
from domain.trading_day import AlertRaised, InputFailed
from tests.application.desk import BTC, of
from tests.application.hand_venue import HEDGED, HandVenue

D = Decimal


def holding(*timeframes: str, side: str = "buy") -> HandVenue:
    """Groups of 2 bought (or sold) at 100, one after the other, after a first look."""
    venue = HandVenue()
    venue.look()
    for timeframe in timeframes or ("15",):
        opened(venue, timeframe, side)
    return venue


def opened(venue: HandVenue, timeframe: str, side: str = "buy", quantity: str = "2") -> None:
    """One more group, whose first leg filled at 100."""
    venue.now += timedelta(minutes=1)
    venue.signal(side, timeframe=timeframe)
    venue.fill(venue.entries(len(venue.book.open_groups()) - 1)[0], quantity, "100")


def lots(venue: HandVenue) -> dict[str, Decimal]:
    """What each open group holds, by timeframe."""
    return {
        group.opened.timeframe: sum((leg.lot.quantity for leg in venue.book.legs_of(group)), D(0))
        for group in venue.book.open_groups()
    }


def test_a_lot_that_is_missing_twice_leaves_the_books_at_the_venues_own_price() -> None:
    venue = holding()
    venue.by_hand("sell", "0.5", "90")

    assert of(venue.look(), PositionAdopted) == []
    happened = venue.look()

    (adopted,) = of(happened, PositionAdopted)
    assert (adopted.quantity, adopted.priced_by) == (D("0.5"), "trade")
    (left,) = of(happened, LegExitFilled)
    assert (left.price, left.quantity) == (D(90), D("0.5"))
    assert (left.realized, left.fee) == (D(-5), D(0))
    assert left.client_order_id == ""
    assert lots(venue) == {"15": D("1.5")}
    assert venue.book.risk.realized_total == D(-5)
    assert venue.book.holdings.discrepancies == {}
    assert venue.look() == []


def test_the_operator_is_told_at_once_and_in_the_strongest_words() -> None:
    venue = holding()
    venue.by_hand("sell", "0.5", "90")
    venue.look()

    (alert,) = [a for a in of(venue.look(), AlertRaised) if a.kind == "position_adopted"]

    assert (alert.severity, alert.subject) == ("critical", BTC)
    assert "0.5" in alert.text
    assert "trade price" in alert.text


@pytest.mark.parametrize("after", [1, 9.999])
def test_two_looks_too_close_together_confirm_nothing(after: float) -> None:
    venue = holding()
    venue.by_hand("sell", "0.5", "90")
    venue.look()

    assert of(venue.look(after=after), PositionAdopted) == []
    assert lots(venue) == {"15": D(2)}


def test_a_difference_that_changed_must_be_confirmed_anew() -> None:
    venue = holding()
    venue.by_hand("sell", "0.5", "90")
    venue.look()
    venue.by_hand("sell", "0.1", "90")

    assert of(venue.look(), PositionAdopted) == []
    (adopted,) = of(venue.look(), PositionAdopted)

    assert adopted.quantity == D("0.6")


def test_entries_of_the_symbol_wait_from_the_first_look_until_it_is_settled() -> None:
    venue = holding()
    venue.by_hand("sell", "0.5", "90")
    venue.look()
    venue.signal(timeframe="60")
    assert venue.outcome() == ("queued", "discrepancy")

    venue.look()

    assert venue.outcome()[0] == "admitted"


def test_the_oldest_group_gives_first_and_nearest_targets_before_others() -> None:
    venue = holding("15", "60")
    venue.fill(venue.entries(0)[0], "2.01", "99.5")
    venue.by_hand("sell", "3", "95")
    venue.look()

    happened = venue.look()

    first, second = (leg.plan.leg_id for leg in venue.legs(0)[:2])
    given = [(fill.leg_id, fill.quantity) for fill in of(happened, LegExitFilled)]
    assert given == [(second, D("2.01")), (first, D("0.99"))]
    assert lots(venue) == {"15": D("1.01"), "60": D(2)}


def test_a_group_emptied_outside_closes_by_the_rules_there_are() -> None:
    venue = holding("15", "60")
    venue.by_hand("sell", "2.5", "95")
    venue.look()

    happened = venue.look() + venue.wait(seconds=1)

    (closed,) = of(happened, PositionGroupClosed)
    assert closed.realized == D(-10)
    assert lots(venue) == {"60": D("1.5")}


def test_a_short_is_bought_back_outside() -> None:
    venue = holding(side="sell")
    venue.by_hand("buy", "0.5", "90")
    venue.look()

    (left,) = of(venue.look(), LegExitFilled)

    assert left.realized == D(5)
    assert expected_positions(venue.book) == {(BTC, "both"): D("-1.5")}


def test_without_trades_that_cover_it_the_mark_is_the_price_and_the_event_says_so() -> None:
    venue = holding()
    venue.by_hand("sell", "0.5", "90")
    missed = venue.by_hand("sell", "0.25", "91")
    venue.foreign.remove(missed)
    venue.look()

    (adopted,) = of(venue.look(), PositionAdopted)

    assert adopted.priced_by == "mark"
    assert [(part.price, part.quantity) for part in adopted.parts] == [(D(100), D("0.75"))]


def test_without_any_price_nothing_is_taken_and_the_symbol_stays_blocked() -> None:
    venue = holding()
    venue.by_hand("sell", "0.5", "90")
    venue.foreign.clear()
    venue.look()
    venue.start()
    venue.now += timedelta(seconds=11)

    handled = venue.engine.handle(venue.seen(), venue.now, {})
    happened = venue.commit(handled.stored, handled.recorded)

    assert of(happened, PositionAdopted) == []
    assert of(happened, InputFailed) == []
    assert len(venue.book.holdings.disputes(BTC)) == 1


def test_a_trade_from_before_the_group_cannot_have_closed_it() -> None:
    venue = HandVenue()
    venue.by_hand("buy", "0.5", "50")
    venue.by_hand("sell", "0.5", "50")
    venue.look()
    opened(venue, "15")
    venue.held[BTC, "both"] -= D("0.5")
    venue.look()

    (adopted,) = of(venue.look(), PositionAdopted)

    assert adopted.priced_by == "mark"


def test_of_several_trades_the_newest_closed_it() -> None:
    venue = holding()
    venue.by_hand("buy", "0.5", "70")
    venue.by_hand("sell", "0.5", "80")
    venue.by_hand("sell", "0.3", "90")
    venue.by_hand("sell", "0.2", "91")
    venue.look()

    (adopted,) = of(venue.look(), PositionAdopted)

    assert [(part.price, part.quantity) for part in adopted.parts] == [
        (D(90), D("0.3")),
        (D(91), D("0.2")),
    ]


def test_a_trade_is_used_once_and_its_rest_under_another_name() -> None:
    venue = holding()
    venue.by_hand("sell", "0.5", "90")
    venue.held[BTC, "both"] += D("0.3")
    venue.look()
    venue.look()
    venue.held[BTC, "both"] -= D("0.3")
    venue.look()
    venue.look()
    venue.held[BTC, "both"] -= D("0.1")
    venue.look()
    venue.look()

    fills = of(venue.recorded, LegExitFilled)
    assert [(fill.price, fill.quantity) for fill in fills] == [
        (D(90), D("0.2")),
        (D(90), D("0.3")),
        (D(100), D("0.1")),
    ]
    assert len({fill.trade_id for fill in fills}) == 3


def test_one_trade_may_feed_several_legs_under_names_of_their_own() -> None:
    venue = holding("15", "60")
    trade = venue.by_hand("sell", "3", "95")
    venue.look()

    fills = of(venue.look(), LegExitFilled)

    assert [fill.trade_id for fill in fills] == [trade.trade_id, f"{trade.trade_id}/2"]
    assert [fill.quantity for fill in fills] == [D(2), D(1)]


def test_nothing_is_taken_while_an_order_of_the_symbol_is_on_its_way() -> None:
    venue = holding()
    venue.by_hand("sell", "0.5", "90")
    venue.now += timedelta(seconds=11)
    venue.feed(venue.seen())
    assert any(order.status is OrderStatus.UNKNOWN for order in venue.working())
    venue.now += timedelta(seconds=11)

    assert of(venue.handle(venue.seen()), PositionAdopted) == []
    assert len(of(venue.look(), PositionAdopted)) == 1


def test_a_position_that_turned_round_empties_the_group_and_leaves_a_surplus() -> None:
    venue = holding()
    venue.by_hand("sell", "3", "95")
    venue.look()

    happened = venue.look()

    (adopted,) = of(happened, PositionAdopted)
    assert adopted.quantity == D(2)
    (rest,) = venue.book.holdings.disputes(BTC)
    assert (rest.expected, rest.seen) == (D(0), D(-1))


def test_in_hedge_mode_each_side_answers_for_itself() -> None:
    venue = HandVenue(HEDGED)
    venue.look()
    opened(venue, "15")
    opened(venue, "60", "sell", "1.5")
    assert expected_positions(venue.book) == {(BTC, "long"): D(2), (BTC, "short"): D("-1.5")}
    assert venue.look() == []

    venue.by_hand("buy", "0.5", "90", mode="short")
    venue.by_hand("sell", "0.25", "110", mode="long")
    venue.look()
    fills = of(venue.look(), LegExitFilled)

    assert [(fill.price, fill.quantity) for fill in fills] == [
        (D(110), D("0.25")),
        (D(90), D("0.5")),
    ]
    assert lots(venue) == {"15": D("1.75"), "60": D(1)}


def test_a_restart_between_two_looks_forgets_nothing() -> None:
    venue = holding()
    venue.by_hand("sell", "0.5", "90")
    venue.look()
    venue.start()

    (adopted,) = of(venue.look(), PositionAdopted)

    assert adopted.quantity == D("0.5")
