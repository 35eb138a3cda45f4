"""An offset under way: only one at a time, under a halt, with old prices, or going no further."""

from decimal import Decimal

from application.inputs import OperatorActed
from domain.day_terms import AlertKind
from domain.offset import (
    OffsetLoserStarted,
    OffsetPlanned,
    OffsetSettled,
    OffsetWinnerEnded,
    OffsetWinnerStarted,
)
from domain.risk_engine import TradingStateChanged
from domain.trading_day import AlertRaised
from tests.application.desk import BTC, ETH, SOL, Desk, of
from tests.application.invariants import check_record, check_settled
from tests.application.offset_desk import (
    check_offset,
    expires,
    is_lost,
    moves,
    prices_asked,
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


def test_only_one_offset_is_under_way() -> None:
    desk = two_winners()
    desk.begin()
    desk.begin()

    desk.settle()

    assert len(of(desk.recorded, OffsetPlanned)) == 1
    assert any("is under way" in text for text in alerts(desk, "risk_order_refused"))
    check_all(desk)


def test_a_halt_lets_the_sale_under_way_finish_and_no_other_begins() -> None:
    desk = two_winners()
    desk.begin()
    desk.handle(OperatorActed(action="halt", subject="", actor="ann", reason="enough"))

    desk.settle()

    assert [each.outcome for each in of(desk.recorded, OffsetWinnerEnded)] == ["sold"]
    assert (settled(desk).outcome, settled(desk).reason) == ("stopped", "trading was halted")
    assert desk.held == {ETH: D(50), SOL: D(50)}
    assert settled(desk).result > ZERO
    check_all(desk)


def test_a_halt_between_two_steps_ends_it_at_once() -> None:
    desk = two_winners()
    desk.handle(OperatorActed(action="pause", subject="", actor="ann", reason="careful"))
    desk.answers.extend([Desk.carry_out, Desk.carry_out, expires])
    desk.offset()
    assert desk.book.offset is not None
    assert desk.book.offset.loser is not None

    desk.feed(OperatorActed(action="halt", subject="", actor="ann", reason="enough"))
    assert of(desk.recorded, OffsetSettled) == []
    desk.answers.extend([expires, expires])
    desk.tick(3)

    assert settled(desk).outcome == "stopped"
    assert len(of(desk.recorded, OffsetLoserStarted)) == 1
    check_all(desk)


def test_it_goes_on_while_no_new_entries_are_taken() -> None:
    desk = two_winners()
    desk.begin()
    desk.handle(OperatorActed(action="pause", subject="", actor="ann", reason="careful"))
    assert of(desk.recorded, TradingStateChanged)[-1].state == "reducing"

    desk.settle()

    assert settled(desk).outcome == "covered"
    check_all(desk)


def test_it_waits_while_a_price_is_too_old() -> None:
    desk = two_winners()
    desk.answers.append(expires)
    desk.offset()
    fresh = desk.marks

    desk.marks = lambda: {s: m for s, m in fresh().items() if s != SOL}  # type: ignore[method-assign]
    desk.wait(seconds=45)
    assert len(of(desk.recorded, OffsetWinnerEnded)) == 1
    desk.wait(seconds=1)
    assert len(of(desk.recorded, OffsetWinnerStarted)) == 1

    desk.marks = fresh  # type: ignore[method-assign]
    desk.tick()

    assert settled(desk).outcome == "covered"
    check_all(desk)


def test_a_step_that_does_not_end_is_told_once() -> None:
    desk = two_winners()
    desk.answers.append(is_lost)
    desk.offset()

    for _ in range(12):
        desk.wait(seconds=30)

    stuck = [text for text in alerts(desk, "offset") if "gets no further" in text]
    assert len(stuck) == 1
    assert desk.group_in(BTC).opened.group_id in stuck[0]
    for _ in range(4):
        desk.ask()
        desk.wait(seconds=30)
    assert settled(desk).outcome == "covered"
    check_all(desk)


def test_a_winner_whose_price_fell_meanwhile_is_not_sold_at_a_loss() -> None:
    desk = two_winners()
    desk.answers.append(moves("99", BTC))
    before = desk.held[BTC]

    desk.offset()
    desk.tick(3)

    (first, *_) = of(desk.recorded, OffsetWinnerEnded)
    assert (first.outcome, first.earned) == ("unsold", D(0))
    assert desk.held[BTC] == before
    bound = of(desk.recorded, OffsetWinnerStarted)[0].bound
    assert bound is not None
    assert all(price is not None and price >= bound for price in prices_asked(desk, BTC))
    assert settled(desk).result >= 0
    check_all(desk)
