"""What comes in the middle of an offset: exits, stops, midnight, restarts, late news."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from application.inputs import (
    AnswerLost,
    ClockTicked,
    MarkMoved,
    OperatorActed,
    OrderReported,
)
from domain.dca_leg import LegExitFilled
from domain.offset import (
    OffsetLoserEnded,
    OffsetLoserStarted,
    OffsetWinnerEnded,
)
from domain.order_terms import OrderStatus
from domain.position_group import PositionGroupClosed
from domain.settings import ExitSettings
from tests.application.desk import BTC, ETH, SOL, Desk, of
from tests.application.invariants import check_always, check_record, check_settled
from tests.application.offset_desk import (
    TRADES,
    OffsetDesk,
    asks_for,
    at_the_loser,
    check_offset,
    expires,
    fills,
    sale_in,
    settled,
    two_winners,
)

D = Decimal
ZERO = D(0)
AS_IT_SHOULD = Desk.carry_out


def check_all(desk: Desk) -> None:
    check_offset(desk)
    check_settled(desk)
    check_record(desk)


def leave(desk: OffsetDesk, symbol: str) -> None:
    """An exit signal; the venue hears nothing of it yet."""
    desk.handle(desk.received("long", kind="exit", symbol=symbol, price=None, timeframe=None))


def test_a_winner_that_leaves_in_the_middle_has_earned_what_its_exit_made() -> None:
    desk = two_winners()
    desk.begin()
    leave(desk, "BTCUSDT.P")

    desk.settle()

    first = of(desk.recorded, OffsetWinnerEnded)[0]
    (closed,) = [c for c in of(desk.recorded, PositionGroupClosed) if c.group_id == first.group_id]
    assert first.earned == closed.realized
    assert settled(desk).outcome == "covered"
    check_all(desk)


def test_a_winner_that_stops_out_in_the_middle_brings_a_loss_that_pays_for_nothing() -> None:
    exits = ExitSettings(coalesce_ms=0, stop_loss_percent=D(5))
    desk = two_winners_with(exits, sol="96")
    desk.answers.append(expires)
    desk.offset()
    desk.price(BTC, "90")

    desk.feed(MarkMoved(symbol=BTC))
    desk.tick(3)

    first, second = of(desk.recorded, OffsetWinnerEnded)
    assert (first.outcome, second.outcome) == ("closing", "sold")
    assert first.earned < D(-490)
    assert second.earned > ZERO
    assert of(desk.recorded, OffsetLoserStarted) == []
    assert settled(desk).reason == "the winners earned nothing that could pay for it"
    assert desk.held == {SOL: D(50)}
    check_all(desk)


def two_winners_with(exits: ExitSettings, *, sol: str) -> OffsetDesk:
    """Winners and a loser that stand nearer to what they cost."""
    desk = OffsetDesk(msgspec.structs.replace(TRADES, exits=exits))
    for symbol in ("BTCUSDT.P", "ETHUSDT.P", "SOLUSDT.P"):
        desk.signal(symbol=symbol)
        desk.tick()
    for symbol, price in ((BTC, "103"), (ETH, "102"), (SOL, sol)):
        desk.price(symbol, price)
    desk.tick()
    return desk


def test_what_a_winners_own_target_sells_meanwhile_is_earned_as_well() -> None:
    near = (
        msgspec.structs.replace(TRADES.grid.legs[0], take_profit_percent=D(7)),
        msgspec.structs.replace(TRADES.grid.legs[1], take_profit_percent=D(90)),
    )
    grid = msgspec.structs.replace(TRADES.grid, legs=near)
    desk = two_winners(msgspec.structs.replace(TRADES, grid=grid))
    desk.price(SOL, "98")
    desk.tick()
    targets = [o for o in desk.working("take_profit") if o.request.symbol == BTC]
    (target,) = (o for o in targets if o.request.price == D(107))
    desk.begin()

    for report in desk.core.fill(target.request.client_order_id, D(10), desk.now):
        desk.handle(report)
    desk.settle()

    first = of(desk.recorded, OffsetWinnerEnded)[0]
    fell = [f for f in of(desk.recorded, LegExitFilled) if f.leg_id.startswith(first.group_id)]
    assert [f.price for f in fell] == [D(107), D(106)]
    assert first.earned == sum(f.realized for f in fell)
    assert first.outcome == "sold"
    assert settled(desk).outcome == "covered"
    check_all(desk)


def test_an_exit_of_the_loser_while_winners_sell_leaves_the_profit_where_it_is() -> None:
    desk = two_winners()
    desk.begin()
    leave(desk, "SOLUSDT.P")

    desk.settle()

    assert [each.outcome for each in of(desk.recorded, OffsetWinnerEnded)] == ["sold"]
    end = settled(desk)
    assert (end.outcome, end.reason) == ("nothing_closed", "the loser is closed otherwise")
    assert end.realized == ZERO
    assert desk.held == {ETH: D(50)}
    check_all(desk)


@pytest.mark.parametrize(
    ("answer", "outcome", "end"),
    [
        (AS_IT_SHOULD, "closed", "covered"),
        (fills("20"), "closing", "reduced"),
        (expires, "closing", "nothing_closed"),
    ],
)
def test_an_exit_of_the_loser_wins_and_its_own_sale_is_not_the_offsets(
    answer: Callable[..., object], outcome: str, end: str
) -> None:
    desk = at_the_loser(two_winners())
    leave(desk, "SOLUSDT.P")
    desk.answers.append(answer)  # type: ignore[arg-type]

    desk.settle()

    (ended,) = of(desk.recorded, OffsetLoserEnded)
    sale = sale_in(desk, SOL)
    own = [
        f
        for f in of(desk.recorded, LegExitFilled)
        if f.client_order_id == sale.request.client_order_id
    ]
    assert ended.outcome == outcome
    assert ended.realized == sum((f.realized for f in own), ZERO)
    assert settled(desk).outcome == end
    assert SOL not in desk.held
    check_all(desk)


def test_an_emergency_stop_in_the_middle_wins_over_every_step() -> None:
    desk = two_winners()
    desk.begin()

    desk.feed(
        OperatorActed(action="emergency_stop", subject="paper", actor="ann", reason="everything")
    )
    desk.tick(3)

    assert desk.held == {}
    assert settled(desk).outcome == "stopped"
    assert of(desk.recorded, OffsetLoserStarted) == []
    check_all(desk)


@pytest.mark.parametrize("is_selling_the_loser", [False, True])
def test_midnight_in_the_middle_changes_nothing(*, is_selling_the_loser: bool) -> None:
    desk = two_winners()
    desk.now = datetime(2026, 1, 5, 23, 59, 58, tzinfo=UTC)
    desk.feed(ClockTicked(due_at=desk.now))
    if is_selling_the_loser:
        at_the_loser(desk)
        assert desk.group_in(BTC).closed is not None
    else:
        desk.begin()

    desk.now = datetime(2026, 1, 6, 0, 0, 1, tzinfo=UTC)
    desk.handle(ClockTicked(due_at=desk.now))
    assert desk.book.date == "2026-01-06"
    assert desk.book.offset is not None
    desk.settle()

    assert settled(desk).outcome == "covered"
    check_offset(desk)
    check_record(desk)


@pytest.mark.parametrize("has_it", [False, True])
@pytest.mark.parametrize("is_selling_the_loser", [False, True])
def test_a_restart_asks_for_the_sale_in_flight_and_goes_on(
    *, is_selling_the_loser: bool, has_it: bool
) -> None:
    desk = two_winners()
    if is_selling_the_loser:
        at_the_loser(desk)
    else:
        desk.begin()
        while not asks_for(desk, BTC):
            desk.reports.extend(desk.carry_out(desk.errands.popleft()))
            while desk.reports:
                desk.handle(desk.reports.popleft())
    sale = sale_in(desk, SOL if is_selling_the_loser else BTC)
    if has_it:
        desk.carry_out(sale.request)
    desk.errands.clear()

    desk.start()
    known = desk.book.order(sale.request.client_order_id)
    assert known is not None
    assert known.status is OrderStatus.UNKNOWN
    for _ in range(5):
        desk.wait(seconds=20)
        desk.ask()
    desk.tick(3)

    assert settled(desk).outcome == "covered"
    check_all(desk)


def test_a_lost_answer_of_the_losers_sale_holds_the_offset_until_it_is_known() -> None:
    desk = at_the_loser(two_winners())
    sale = sale_in(desk, SOL)
    desk.carry_out(desk.errands.popleft())
    lost = AnswerLost(detail="timeout")
    desk.feed(OrderReported(client_order_id=sale.request.client_order_id, report=lost))
    desk.tick(5)
    assert len(of(desk.recorded, OffsetLoserStarted)) == 1
    assert of(desk.recorded, OffsetLoserEnded) == []

    desk.ask()

    assert settled(desk).outcome == "covered"
    check_all(desk)


@pytest.mark.parametrize("has_it", [False, True])
def test_what_the_losers_sale_may_still_sell_is_offered_by_nothing_else(*, has_it: bool) -> None:
    """An operator's own reduction takes its place while nobody knows what became of it."""
    desk = at_the_loser(two_winners())
    sale = sale_in(desk, SOL)
    if has_it:
        desk.carry_out(sale.request)
    desk.errands.clear()
    lost = AnswerLost(detail="timeout")
    desk.feed(OrderReported(client_order_id=sale.request.client_order_id, report=lost))

    subject = desk.group_in(SOL).opened.group_id
    acted = OperatorActed(action="reduce_group", subject=subject, actor="ann", reason="enough")
    desk.feed(msgspec.structs.replace(acted, percent=D(20)))

    assert [each for each in desk.working("take_profit") if each.request.symbol == SOL] == []
    check_always(desk)
    for _ in range(5):
        desk.wait(seconds=20)
        desk.ask()
    desk.tick(3)
    check_all(desk)


def test_what_an_operator_sells_of_a_winner_in_the_same_instant_pays_for_nothing() -> None:
    desk = at_the_loser(two_winners())
    sale = sale_in(desk, SOL)
    desk.carry_out(sale.request)
    desk.errands.clear()
    lost = AnswerLost(detail="timeout")
    desk.feed(OrderReported(client_order_id=sale.request.client_order_id, report=lost))
    subject = desk.group_in(ETH).opened.group_id
    acted = OperatorActed(action="reduce_group", subject=subject, actor="ann", reason="enough")
    desk.feed(msgspec.structs.replace(acted, percent=D(50)))
    assert desk.book.offset is not None

    desk.ask()

    in_steps = sum((each.earned for each in of(desk.recorded, OffsetWinnerEnded)), ZERO)
    own = sale_in(desk, ETH)
    assert own.filled > ZERO
    assert own.request.client_order_id not in desk.group_in(ETH).bounded_sales
    assert settled(desk).earned == in_steps
    check_record(desk)
