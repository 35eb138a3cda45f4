"""States and figures are derived as the specification says, whatever order things came in."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.pages.results import ClosedTrades, RealizedDay, breakdown, day_rows, totals
from projections.standing import (
    LegRow,
    Mark,
    Parts,
    average_entry,
    group_state,
    group_view,
    leg_state,
    leg_view,
)
from tests.projections.rows import FILLED, GROUP, HELD, leg
from tests.projections.story import MORNING, D


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "PLANNED"),
        ({"entry_status": "requested"}, "REQUESTED"),
        ({"entry_status": "unknown"}, "UNKNOWN"),
        ({"entry_status": "open"}, "OPEN"),
        ({"entry_status": "open", "entry_filled": D(1)}, "PARTIALLY_FILLED"),
        ({"entry_status": "unknown", "entry_filled": D(1)}, "UNKNOWN"),
        ({"entry_status": "open", **HELD}, "FILLED"),
        ({"entry_status": "ended", **HELD, "entry_filled": D(1)}, "FILLED"),
        ({"entry_status": "open", **FILLED}, "CLOSED"),
        ({"entry_status": "ended", "entry_open": False}, "CANCELLED"),
        ({"entry_status": "expired", "entry_open": False}, "CANCELLED"),
        ({"entry_open": False}, "CANCELLED"),
        ({"entry_status": "rejected", "entry_open": False}, "REJECTED"),
        ({"skipped": "min_notional"}, "SKIPPED"),
    ],
)
def test_a_leg_shows_its_state(changes: dict, state: str) -> None:
    assert leg_state(leg(**changes)) == state


@pytest.mark.parametrize(
    ("legs", "group", "state"),
    [
        ([leg()], {}, "WAITING"),
        ([leg(entry_status="open"), leg()], {}, "LIVE"),
        ([leg(**HELD), leg(entry_status="open")], {}, "DCA_ACTIVE"),
        ([leg(**HELD), leg(skipped="price", entry_open=False)], {}, "PROFIT_TAKING"),
        ([leg(**FILLED)], {"closing_at": MORNING}, "CLOSING"),
        ([leg(**FILLED)], {"closing_at": MORNING, "closed_at": MORNING}, "CLOSED"),
    ],
)
def test_a_group_shows_its_state(legs: list[LegRow], group: dict, state: str) -> None:
    assert group_state(msgspec.structs.replace(GROUP, **group), legs) == state


def test_a_short_gains_as_the_mark_falls_and_its_target_lies_below() -> None:
    short = leg(**HELD, side="short")
    view = leg_view(short, D("99.5"))
    assert (view.target, view.progress_percent) == (D(99), D(50))
    group = group_view(
        msgspec.structs.replace(GROUP, side="short"),
        Parts(legs=[short]),
        Mark(price=D("99.5"), at=MORNING),
    )
    assert group.unrealized == D("0.8")
    assert group.pnl_percent == D("0.4")


def test_contracts_of_a_size_are_valued_by_it() -> None:
    held = leg(**HELD, contract_size=D("0.01"))
    assert average_entry([held]) == D(10000)
    view = group_view(GROUP, Parts(legs=[held]), Mark(price=D(10100), at=MORNING))
    assert view.unrealized == D("1.8")


@given(
    st.lists(
        st.tuples(
            st.decimals(1, 10**6, places=2), st.decimals("0.001", 100, places=3), st.booleans()
        ),
        max_size=8,
    ),
    st.decimals(1, 10**6, places=2),
)
def test_profit_is_the_sum_over_the_legs_to_the_last_digit(
    lots: list[tuple[Decimal, Decimal, bool]], mark: Decimal
) -> None:
    legs = [
        leg(
            leg_id=f"g-p0-l{index}",
            entry_filled=quantity,
            entry_cost=price * quantity,
            open_quantity=quantity if is_open else D(0),
            open_cost=price * quantity if is_open else D(0),
            open_fee=D("0.01") if is_open else D(0),
            realized=D("-0.07"),
        )
        for index, (price, quantity, is_open) in enumerate(lots)
    ]
    view = group_view(GROUP, Parts(legs=legs), Mark(price=mark, at=MORNING))
    expected = sum(
        ((mark - price) * quantity - D("0.01") for price, quantity, is_open in lots if is_open),
        D(0),
    )
    assert view.unrealized == expected
    assert view.pnl == expected - D("0.07") * len(lots)


def closed(date: str, realized: Decimal, **changes: Any) -> ClosedTrades:
    """As many trades as are said to have won or lost, `realized` together."""
    wins, losses = changes.get("wins", 0), changes.get("losses", 0)
    trades = ClosedTrades(
        date=date,
        symbol="A",
        timeframe="15",
        side="long",
        realized=realized,
        fees=D(1),
        trades_closed=wins + losses,
        wins=wins,
        losses=losses,
        gross_profit=max(D(0), realized),
        gross_loss=max(D(0), -realized),
    )
    return msgspec.structs.replace(trades, **changes)


def test_drawdown_is_measured_from_the_peak_before_it() -> None:
    results = {"2026-01-05": D(100), "2026-01-06": D(-220)}
    days = [RealizedDay(date=date, realized=result) for date, result in results.items()]
    trades = [closed("2026-01-05", D(100), wins=1), closed("2026-01-06", D(-220), losses=2)]
    shown = day_rows(days, trades, D(1000))
    assert [row.equity for row in shown] == [D(1100), D(880)]
    assert [row.drawdown_percent for row in shown] == [D(0), D(20)]
    assert [(row.wins, row.losses) for row in shown] == [(1, 0), (0, 2)]
    figures = totals(shown, trades)
    assert (figures.max_drawdown_percent, figures.expectancy) == (D(20), D(-40))
    assert figures.profit_factor == D(100) / D(220)
    assert (figures.average_win, figures.average_loss) == (D(100), D(110))


def test_a_trade_may_close_on_a_day_that_realized_nothing() -> None:
    days = [RealizedDay(date="2026-01-05", realized=D(8))]
    shown = day_rows(days, [closed("2026-01-06", D(8), wins=1)], D(1000))
    assert [(row.date, row.trades_closed, row.equity) for row in shown] == [
        ("2026-01-05", 0, D(1008)),
        ("2026-01-06", 1, D(1008)),
    ]


def test_without_trades_no_ratio_is_made_up() -> None:
    figures = totals((), [])
    assert (figures.trades_closed, figures.realized) == (0, D(0))
    assert figures.win_rate_percent is None
    assert figures.expectancy is None
    assert figures.profit_factor is None


def test_a_breakdown_sums_what_was_traded_under_one_name() -> None:
    common: dict[str, Any] = {"wins": 1, "losses": 1}
    trades = [
        closed("2026-01-05", D(3), symbol="A", **common),
        closed("2026-01-05", D(-1), symbol="A", timeframe="60", side="short", **common),
        closed("2026-01-06", D(2), symbol="B", **common),
    ]
    assert [(row.name, row.realized) for row in breakdown(trades, "symbol")] == [
        ("A", D(2)),
        ("B", D(2)),
    ]
    assert [(row.name, row.trades_closed) for row in breakdown(trades, "timeframe")] == [
        ("15", 4),
        ("60", 2),
    ]
