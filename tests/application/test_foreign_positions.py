"""What is not ours: never traded, never forgotten, and on futures no ground to trade on."""

from datetime import timedelta
from decimal import Decimal

from application.inputs import PositionSeen
from application.processes.positions import expected_positions, foreign_quantity
from domain.holdings import (
    BaselineChanged,
    BaselineTaken,
    DiscrepancyCleared,
    DiscrepancyFound,
    DustChanged,
    PositionAdopted,
)
from tests.application.desk import BTC, market, of
from tests.application.hand_venue import HEDGED, HandVenue
from tests.application.test_adoption import holding, opened

D = Decimal
SPOT = "BTC/USDT"


def test_a_surplus_is_foreign_stops_entries_and_is_never_closed() -> None:
    venue = holding()
    venue.by_hand("buy", "1", "90")
    for _ in range(4):
        venue.look()

    assert of(venue.recorded, PositionAdopted) == []
    assert len(of(venue.recorded, DiscrepancyFound)) == 1
    venue.signal("long", kind="exit", price=None)
    assert venue.held[BTC, "both"] == D(1)
    venue.by_hand("sell", "1", "90")
    assert len(of(venue.look(), DiscrepancyCleared)) == 1


def test_a_surplus_an_operator_accepts_is_baseline_from_then_on() -> None:
    venue = holding()
    venue.by_hand("buy", "1", "90")
    venue.look()

    (moved,) = of(venue.operator("clear_discrepancy", BTC), BaselineChanged)

    assert (moved.total, moved.actor) == (D(1), "ann")
    assert expected_positions(venue.book) == {(BTC, "both"): D(3)}
    assert venue.look() == []
    venue.signal(timeframe="60")
    assert venue.outcome() == ("queued", "foreign_position")


def test_what_is_missing_is_not_made_foreign_by_clearing_it() -> None:
    venue = holding()
    venue.by_hand("sell", "0.5", "90")
    venue.look()

    assert of(venue.operator("clear_discrepancy", BTC), BaselineChanged) == []
    venue.look()

    assert len(of(venue.look(), PositionAdopted)) == 1


def test_what_futures_held_at_first_refuses_the_symbol_until_it_is_flat() -> None:
    venue = HandVenue()
    venue.by_hand("buy", "1", "90")
    (taken,) = of(venue.look(), BaselineTaken)
    assert [(one.symbol, one.quantity) for one in taken.positions] == [(BTC, D(1))]
    venue.signal()
    assert venue.outcome() == ("queued", "foreign_position")
    venue.signal(symbol="ETHUSDT.P")
    assert venue.outcome()[0] == "admitted"

    venue.by_hand("sell", "1", "90")
    venue.look()
    happened = venue.look()

    (changed,) = of(happened, BaselineChanged)
    assert (changed.total, changed.actor) == (D(0), "engine")
    assert {g.opened.symbol for g in venue.book.open_groups()} == {BTC, "ETH/USDT:USDT"}


def test_what_spot_held_at_first_stands_in_nobodys_way() -> None:
    venue = HandVenue(markets=(market("BTC", symbol=SPOT, kind="spot"),), kind="spot", leverage=1)
    venue.by_hand("buy", "5", "90", symbol=SPOT)
    venue.look()

    venue.signal(symbol="BTCUSDT")
    venue.fill(venue.entries()[0], "2", "100")

    assert expected_positions(venue.book) == {(SPOT, "both"): D(7)}
    assert venue.look() == []


def test_on_spot_what_no_order_could_trade_is_no_difference() -> None:
    venue = HandVenue(markets=(market("BTC", symbol=SPOT, kind="spot"),), kind="spot", leverage=1)
    venue.look()

    venue.by_hand("buy", "0.0009", "90", symbol=SPOT)
    assert venue.look() == []
    venue.by_hand("buy", "0.0001", "90", symbol=SPOT)
    assert len(of(venue.look(), DiscrepancyFound)) == 1


def test_what_was_traded_before_the_first_look_is_compared_and_not_taken_for_foreign() -> None:
    venue = HandVenue()
    opened(venue, "15")
    venue.by_hand("buy", "1", "90")

    happened = venue.look()

    assert of(happened, BaselineTaken)[0].positions == ()
    (found,) = of(happened, DiscrepancyFound)
    assert found.discrepancy.difference == D(1)


def test_a_live_account_is_asked_before_it_trades_futures() -> None:
    venue = HandVenue()
    assert foreign_quantity(venue.book, BTC) == D(0)
    live = HandVenue(live=True)

    assert foreign_quantity(live.book, BTC) is None
    live.signal()
    assert live.outcome() == ("queued", "foreign_position")

    live.look()
    assert foreign_quantity(live.book, BTC) == D(0)
    assert len(live.book.open_groups()) == 1


def test_dust_is_taken_after_the_lots_and_the_foreign_part_last() -> None:
    small = market("BTC", symbol=SPOT, kind="spot", min_quantity=D("0.5"))
    venue = HandVenue(markets=(small,), kind="spot", leverage=1)
    venue.by_hand("buy", "5", "90", symbol=SPOT)
    venue.look()
    venue.signal(symbol="BTCUSDT")
    venue.fill(venue.entries()[0], "0.2", "100")
    venue.signal("long", kind="exit", symbol="BTCUSDT", price=None)
    venue.signal(symbol="BTCUSDT", timeframe="60")
    venue.fill(venue.entries()[0], "2", "100")
    assert expected_positions(venue.book) == {(SPOT, "both"): D("7.2")}

    venue.by_hand("sell", "3", "80", symbol=SPOT)
    venue.look()
    happened = venue.look()

    (adopted,) = of(happened, PositionAdopted)
    (dust,) = of(happened, DustChanged)
    (foreign,) = of(happened, BaselineChanged)
    assert (adopted.quantity, dust.amount, foreign.amount) == (D(2), D("-0.2"), D("-0.8"))
    assert adopted.priced_by == "trade"
    assert venue.book.holdings.dust == {}
    venue.wait(seconds=1)
    assert expected_positions(venue.book) == {(SPOT, "both"): D("4.2")}


def test_dust_stays_in_what_is_expected_of_the_venue() -> None:
    venue = HandVenue(markets=(market("BTC", min_quantity=D("0.5")),))
    venue.look()
    for timeframe in ("15", "60"):
        venue.signal(timeframe=timeframe)
        venue.fill(venue.entries()[0], "0.2", "100")
        happened = venue.signal("long", kind="exit", timeframe=timeframe, price=None)

    (dust,) = of(happened, DustChanged)
    assert (dust.amount, dust.total, dust.value) == (D("0.2"), D("0.4"), D(40))
    assert venue.book.open_groups() == ()
    assert venue.look() == []
    venue.now += timedelta(days=1)
    assert of(venue.look(), DiscrepancyFound) == []


def test_in_hedge_mode_a_surplus_of_one_side_is_never_taken_from_the_other() -> None:
    venue = HandVenue(HEDGED)
    venue.look()
    opened(venue, "60", "sell")

    venue.by_hand("buy", "1", "90", mode="long")
    for _ in range(3):
        venue.look()

    assert of(venue.recorded, PositionAdopted) == []
    (found,) = venue.book.holdings.disputes(BTC)
    assert (found.side, found.difference) == ("long", D(1))


def test_a_net_position_of_a_hedged_account_belongs_to_the_side_of_its_sign() -> None:
    venue = HandVenue(HEDGED)
    venue.look()
    opened(venue, "60", "sell")
    net = PositionSeen(symbol=BTC, quantity=D(-2))

    assert venue.look(positions=(net,)) == []


def test_sides_told_of_a_one_way_account_are_one_position() -> None:
    venue = holding()
    sides = (
        PositionSeen(symbol=BTC, side="long", quantity=D(3)),
        PositionSeen(symbol=BTC, side="short", quantity=D(-1)),
    )

    assert venue.look(positions=sides) == []


def test_what_a_closed_short_still_sold_is_told_with_its_sign() -> None:
    venue = HandVenue()
    venue.look()
    venue.signal("sell")
    late = venue.entries()[0]
    venue.signal("short", kind="exit", price=None)
    trade = venue.feed(venue.trade(late, D("0.5"), D(100)))

    (found,) = of(trade, DiscrepancyFound)

    assert (found.discrepancy.expected, found.discrepancy.seen) == (D(0), D("-0.5"))
    again = venue.feed(venue.trade(late, D("0.25"), D(100)))
    assert of(again, DiscrepancyFound)[0].discrepancy.seen == D("-0.75")
