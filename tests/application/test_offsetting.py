"""A loser is paid down by winners: every step, and what may become of it."""

from decimal import Decimal

import msgspec
import pytest

from application.inputs import OperatorActed
from domain.day_terms import AlertKind
from domain.offset import (
    OffsetLoserEnded,
    OffsetLoserStarted,
    OffsetPlanned,
    OffsetWinnerEnded,
    OffsetWinnerStarted,
)
from domain.offset_watch import OffsetOver
from domain.settings import ExitSettings, OffsetSettings
from domain.trading_day import AlertRaised
from tests.application.desk import BTC, ETH, SOL, Desk, of
from tests.application.invariants import check_record, check_settled
from tests.application.offset_desk import (
    TRADES,
    OffsetDesk,
    check_offset,
    expires,
    fills,
    moves,
    prices_asked,
    refuses,
    settled,
    two_winners,
)

D = Decimal
ZERO = D(0)


def alerts(desk: Desk, kind: AlertKind) -> list[str]:
    return [alert.text for alert in of(desk.recorded, AlertRaised) if alert.kind == kind]


def check_all(desk: Desk) -> None:
    check_offset(desk)
    check_settled(desk)
    check_record(desk)


def test_two_winners_pay_for_the_whole_loser() -> None:
    desk = two_winners()

    happened = desk.offset()

    first, second = of(happened, OffsetWinnerStarted)
    (planned,) = of(happened, OffsetPlanned)
    assert [each.group_id for each in planned.winners] == [first.group_id, second.group_id]
    assert first.need == planned.needed
    earned = [each.earned for each in of(happened, OffsetWinnerEnded)]
    assert second.need == planned.needed - earned[0]
    assert sum(earned) >= planned.needed
    assert [each.outcome for each in of(happened, OffsetWinnerEnded)] == ["sold", "sold"]
    (lost,) = of(happened, OffsetLoserEnded)
    assert (lost.outcome, lost.realized) == ("closed", -planned.needed)
    assert (settled(desk).outcome, settled(desk).reason) == ("covered", "the loser is closed")
    assert len(of(happened, OffsetOver)) == 1
    assert desk.book.offset is None
    assert any("covered: earned" in text for text in alerts(desk, "offset"))
    check_all(desk)


def test_a_winner_that_gives_a_part_keeps_its_structure() -> None:
    desk = two_winners()
    desk.price(BTC, "140")
    desk.tick()
    before = desk.working("take_profit")

    desk.offset()

    sold = D(50) - desk.held[BTC]
    assert D(10) < sold < D(11)
    assert desk.held == {BTC: D(50) - sold, ETH: D(50)}
    now = {order.request.leg_id: order for order in desk.working("take_profit")}
    untouched = [order for order in before if now.get(order.request.leg_id) == order]
    assert len(untouched) == 3, "only the leg that gave was offered anew"
    assert len(desk.legs()) == 2
    assert settled(desk).outcome == "covered"
    check_all(desk)


def test_where_winners_cannot_cover_it_the_loser_is_reduced_as_far_as_they_pay() -> None:
    rules = msgspec.structs.replace(
        TRADES.risk, offset=OffsetSettings(partial_cover="reduce_loser")
    )
    desk = two_winners(msgspec.structs.replace(TRADES, risk=rules))
    desk.price(SOL, "80")
    desk.tick()

    desk.offset()

    assert settled(desk).outcome == "reduced"
    assert D(0) < desk.held[SOL] < D(40)
    assert D(0) <= settled(desk).result < D("0.1")
    check_all(desk)


@pytest.mark.parametrize("answer", [refuses, expires, fills("7")])
def test_a_winners_order_that_does_not_sell_it_all_is_followed_by_another(answer: object) -> None:
    desk = two_winners()
    desk.answers.append(answer)  # type: ignore[arg-type]

    desk.offset()
    assert desk.book.offset is not None
    assert desk.book.offset.winner is not None
    desk.tick()

    assert settled(desk).outcome == "covered"
    assert desk.held[ETH] > ZERO
    check_all(desk)


def test_a_sale_that_earned_less_than_planned_lets_the_next_winner_earn_more() -> None:
    desk = two_winners()
    desk.answers.append(moves("105.5", BTC))

    happened = desk.offset()

    (planned,) = of(happened, OffsetPlanned)
    first, second = of(happened, OffsetWinnerEnded)
    assert first.earned < planned.winners[0].expected
    assert second.earned > planned.winners[1].expected
    assert settled(desk).outcome == "covered"
    check_all(desk)


def test_a_loser_that_costs_less_meanwhile_needs_no_second_winner() -> None:
    desk = two_winners()
    desk.answers.append(moves("97", SOL))

    happened = desk.offset()

    assert [each.outcome for each in of(happened, OffsetWinnerEnded)] == ["sold", "not_needed"]
    assert desk.held == {ETH: D(50)}
    assert settled(desk).outcome == "covered"
    assert settled(desk).result > D(100)
    check_all(desk)


def test_a_loser_that_recovers_meanwhile_is_left_alone_and_the_profit_stays() -> None:
    desk = two_winners()
    desk.answers.append(moves("101", SOL))

    happened = desk.offset()

    assert of(happened, OffsetLoserStarted) == []
    end = settled(desk)
    assert (end.outcome, end.reason) == ("nothing_closed", "the loser is in profit again")
    assert end.result == end.earned > ZERO
    assert desk.held[SOL] == D(50)
    check_all(desk)


def test_a_winner_out_of_profit_is_passed_over() -> None:
    desk = two_winners()
    desk.answers.append(moves("99", ETH))

    happened = desk.offset()

    assert [each.outcome for each in of(happened, OffsetWinnerEnded)] == ["sold", "no_profit"]
    assert desk.held[ETH] == D(50)
    assert settled(desk).outcome == "reduced"
    check_all(desk)


def test_a_winner_that_was_blocked_meanwhile_is_passed_over() -> None:
    desk = two_winners()
    desk.begin()
    desk.handle(
        OperatorActed(
            action="offset_block",
            subject=desk.group_in(ETH).opened.group_id,
            actor="ann",
            reason="not that one",
        )
    )

    desk.settle()

    outcomes = [each.outcome for each in of(desk.recorded, OffsetWinnerEnded)]
    assert outcomes == ["sold", "blocked"]
    assert desk.held[ETH] == D(50)
    check_all(desk)


def test_a_loser_that_was_blocked_meanwhile_is_not_sold() -> None:
    desk = two_winners()
    desk.begin()
    desk.handle(
        OperatorActed(
            action="offset_block",
            subject=desk.group_in(SOL).opened.group_id,
            actor="ann",
            reason="not that one",
        )
    )

    desk.settle()

    assert settled(desk).reason == "the loser was blocked"
    assert desk.held[SOL] == D(50)
    check_all(desk)


def test_a_falling_loser_is_never_sold_below_what_the_profit_pays_for() -> None:
    """It falls just before each order arrives: its bound is not paid, the profit stays."""
    desk = two_winners()
    desk.answers.extend([Desk.carry_out, Desk.carry_out, moves("88", SOL)])

    desk.offset()
    (started,) = of(desk.recorded, OffsetLoserStarted)
    assert prices_asked(desk, SOL) == [started.bound]
    desk.price(SOL, "88")
    desk.tick(2)

    ended = of(desk.recorded, OffsetLoserEnded)
    assert (ended[0].outcome, ended[0].realized) == ("unsold", ZERO)
    assert [each.outcome for each in ended[1:]] == ["sold"]
    again = of(desk.recorded, OffsetLoserStarted)[1]
    assert sum(p.quantity for p in again.parts) < sum(p.quantity for p in started.parts)
    assert settled(desk).outcome == "reduced"
    check_all(desk)


def test_a_loser_nobody_pays_for_is_offered_three_times_three_times_and_kept() -> None:
    desk = two_winners()
    desk.answers.extend([Desk.carry_out, Desk.carry_out, *[expires] * 9])

    desk.offset()
    desk.tick(12)

    attempts = of(desk.recorded, OffsetLoserStarted)
    assert [each.attempt for each in attempts] == [1, 2, 3]
    assert len(prices_asked(desk, SOL)) == 9
    assert None not in prices_asked(desk, SOL), "never plain market"
    assert settled(desk).reason == "the loser was offered 3 times"
    assert settled(desk).outcome == "nothing_closed"
    assert desk.held[SOL] == D(50)
    check_all(desk)


def test_what_is_left_of_the_budget_pays_for_the_rest_of_the_loser() -> None:
    desk = two_winners()
    partly = [fills("20"), expires, expires]
    desk.answers.extend([Desk.carry_out, Desk.carry_out, *partly])

    desk.offset()
    desk.tick(3)

    first, second = of(desk.recorded, OffsetLoserEnded)
    assert (first.outcome, second.outcome) == ("part_sold", "closed")
    assert settled(desk).outcome == "covered"
    assert settled(desk).realized == first.realized + second.realized
    check_all(desk)


def test_a_short_loser_is_paid_down_as_well() -> None:
    desk = OffsetDesk()
    for symbol, side in (("BTCUSDT.P", "buy"), ("SOLUSDT.P", "sell")):
        desk.signal(side, symbol=symbol)
        desk.tick()
    desk.price(BTC, "120")
    desk.price(SOL, "107")
    desk.tick()

    desk.offset()

    assert settled(desk).outcome == "covered"
    assert SOL not in desk.held
    check_all(desk)


def test_a_loser_that_is_flat_and_waits_for_deeper_fills_is_covered_all_the_same() -> None:
    deeper = msgspec.structs.replace(TRADES.grid.legs[1], gap_percent=D(-30))
    grid = msgspec.structs.replace(TRADES.grid, legs=(TRADES.grid.legs[0], deeper))
    exits = ExitSettings(coalesce_ms=0, close_when_flat=False)
    desk = OffsetDesk(msgspec.structs.replace(TRADES, grid=grid, exits=exits))
    for symbol in ("BTCUSDT.P", "SOLUSDT.P"):
        desk.signal(symbol=symbol)
        desk.tick()
    desk.price(BTC, "120")
    desk.price(SOL, "92")
    desk.tick()

    desk.offset()

    assert settled(desk).outcome == "covered"
    assert desk.group_in(SOL).is_open
    assert desk.held[SOL] == ZERO
    check_all(desk)
