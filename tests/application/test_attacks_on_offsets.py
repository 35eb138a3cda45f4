"""What was found by attacking offsets: winners sold in vain, unknown fees, exits that must win."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from application.inputs import ClockTicked, MarkMoved, OperatorActed, OrderReported, Traded
from application.journal import Recorded
from domain.dca_leg import LegExitFilled
from domain.message import Event
from domain.offset import (
    OffsetLoserStarted,
    OffsetPlanned,
    OffsetSettled,
    OffsetWinnerStarted,
)
from domain.order import Order, OrderRequested
from domain.position_group import ReductionEnded, ReductionStarted
from domain.settings import ExitSettings, OffsetSettings
from tests.application.desk import BTC, ETH, MARKETS, SOL, Desk, market, of
from tests.application.hand_venue import HandVenue
from tests.application.invariants import check_record, check_settled
from tests.application.offset_desk import (
    SIGNALS,
    TRADES,
    OffsetDesk,
    check_offset,
    expires,
    fills,
    settled,
    two_winners,
)

D = Decimal
# By rule, with no wait at all: the loser's turn comes whenever somebody looks.
AT_ONCE = msgspec.structs.replace(
    TRADES,
    risk=msgspec.structs.replace(
        TRADES.risk, offset=OffsetSettings(required_pyramids=1, post_full_wait_minutes=0)
    ),
)


class Unsaleable(OffsetDesk):
    """Nobody buys SOL at the bound, after the first `answers`."""

    def carry_out(self, errand: Event) -> list[OrderReported]:
        """The loser's sales expire."""
        is_sale = isinstance(errand, OrderRequested) and errand.purpose == "reduce"
        if is_sale and isinstance(errand, OrderRequested) and errand.symbol == SOL:
            answer = self.answers.popleft() if self.answers else expires
            return answer(self, errand)
        return Desk.carry_out(self, errand)


def unsaleable(**desk: Any) -> Unsaleable:
    """As `two_winners`, by rule; no one has looked yet."""
    made = Unsaleable(AT_ONCE, **desk)
    for symbol in (BTC, ETH, SOL):
        made.signal(symbol=SIGNALS[symbol])
        made.tick()
    for symbol, price in ((BTC, "130"), (ETH, "130"), (SOL, "92")):
        made.price(symbol, price)
    made.tick()
    return made


def looks(desk: OffsetDesk, seconds: int) -> list[Recorded]:
    """The losers are looked at every ten seconds, and the clock ticks in between."""
    happened: list[Recorded] = []
    for second in range(seconds):
        desk.now += timedelta(seconds=1)
        ticked = ClockTicked(due_at=desk.now, offset=second % 10 == 0)
        happened += desk.feed(ticked)
    return happened


def check_all(desk: Desk) -> None:
    check_offset(desk)
    check_settled(desk)
    check_record(desk)


def outcomes(happened: Sequence[Recorded]) -> list[str]:
    return [each.outcome for each in of(happened, OffsetSettled)]


class TestWinnersAreNotSoldInVainAgainAndAgain:
    def test_a_loser_nobody_buys_waits_a_while_also_where_no_wait_is_set(self) -> None:
        desk = unsaleable()

        happened = looks(desk, 180)

        assert outcomes(happened) == ["nothing_closed"]
        check_all(desk)

    def test_a_loser_of_which_a_crumb_was_bought_waits_as_well(self) -> None:
        desk = unsaleable()
        desk.answers.extend([fills("0.001"), *[expires] * 99])

        happened = looks(desk, 180)

        assert outcomes(happened) == ["reduced"]
        check_all(desk)

    def test_what_a_halt_cut_short_does_not_sell_other_winners_as_soon_as_it_ends(self) -> None:
        desk = unsaleable()
        desk.now += timedelta(seconds=1)
        desk.handle(ClockTicked(due_at=desk.now, offset=True))
        assert len(of(desk.recorded, OffsetWinnerStarted)) == 1
        desk.operator("halt")
        assert outcomes(desk.recorded) == ["stopped"]
        assert settled(desk).earned > D(0)
        desk.operator("resume")

        assert of(looks(desk, 60), OffsetPlanned) == []
        check_all(desk)

    def test_after_the_while_its_turn_comes_again(self) -> None:
        desk = unsaleable()
        looks(desk, 60)

        assert len(of(looks(desk, 3600), OffsetPlanned)) >= 1


BNB = (*MARKETS, market("BNB"))


def paid_in_bnb(desk: OffsetDesk, symbol: str) -> None:
    """The entry of a trade costs 10 BNB, of which nobody knows the worth."""
    every, carry_out = desk.marks, desk.carry_out

    def in_bnb(errand: Event) -> list[OrderReported]:
        reports = carry_out(errand)
        is_it = isinstance(errand, OrderRequested) and errand.symbol == symbol
        return [_in_bnb(each) for each in reports] if is_it else reports

    desk.marks = lambda: {s: m for s, m in every().items() if not s.startswith("BNB")}  # type: ignore[method-assign]
    desk.carry_out = in_bnb  # type: ignore[method-assign]


def _in_bnb(report: OrderReported) -> OrderReported:
    traded = report.report
    if not isinstance(traded, Traded):
        return report
    fee = msgspec.structs.replace(traded, fee=D(10), fee_asset="BNB")
    return msgspec.structs.replace(report, report=fee)


def three_trades(unknown: str) -> OffsetDesk:
    """As `two_winners`, where what one of them cost is not known."""
    made = OffsetDesk(AT_ONCE, markets=BNB)
    paid_in_bnb(made, unknown)
    for symbol in (BTC, ETH, SOL):
        made.signal(symbol=SIGNALS[symbol])
        made.tick()
    for symbol, price in ((BTC, "112"), (ETH, "111"), (SOL, "92")):
        made.price(symbol, price)
    made.tick()
    return made


class TestWhatIsNotKnownIsNotZero:
    def test_a_winner_whose_entry_fee_has_no_worth_yet_does_not_pay(self) -> None:
        """Its 50 cost 100 each and 10 BNB a fill: at 112 it may be far from any profit."""
        desk = three_trades(BTC)

        looks(desk, 1)

        (planned,) = of(desk.recorded, OffsetPlanned)
        assert [each.symbol for each in planned.winners] == [ETH]

    def test_a_loser_whose_entry_fee_has_no_worth_yet_takes_nobodys_turn(self) -> None:
        """Nobody knows what it would cost to close, and nothing could be sold for it."""
        desk = three_trades(SOL)

        looks(desk, 1)

        assert of(desk.recorded, OffsetPlanned) == []


WATCHED = msgspec.structs.replace(
    TRADES,
    exits=ExitSettings(coalesce_ms=0, execution="watch"),
    grid=msgspec.structs.replace(
        TRADES.grid,
        legs=tuple(
            msgspec.structs.replace(leg, take_profit_percent=D(7)) for leg in TRADES.grid.legs
        ),
    ),
)


class TestAnExitOfAParticipantWins:
    def test_a_target_that_is_touched_sells_its_lot_whatever_the_bound_offered(self) -> None:
        desk = two_winners(WATCHED)
        desk.answers.extend([expires] * 2)
        desk.begin()
        desk.settle()
        (sale,) = of(desk.recorded, OffsetWinnerStarted)
        desk.price(BTC, "107.5")

        happened = desk.feed(MarkMoved(symbol=BTC))

        assert [each.bound for each in of(happened, ReductionStarted)][:1] == [None], sale
        assert of(happened, ReductionEnded) != []
        desk.tick(10)
        check_all(desk)


class TestToSkipIsMoreThanAMoment:
    def test_where_no_wait_is_set_a_loser_passed_over_is_not_paid_for_a_moment_later(self) -> None:
        desk = two_winners(AT_ONCE)
        desk.price(BTC, "130")
        desk.operator("offset_skip", desk.group_in(SOL).opened.group_id)

        assert of(looks(desk, 120), OffsetPlanned) == []
        assert len(of(looks(desk, 600), OffsetPlanned)) == 1


DEEPER = msgspec.structs.replace(
    TRADES,
    grid=msgspec.structs.replace(
        TRADES.grid,
        legs=(TRADES.grid.legs[0], msgspec.structs.replace(TRADES.grid.legs[1], gap_percent=D(-4))),
    ),
)


class TestALotThatGrowsWhileItIsSold:
    def test_a_loser_that_buys_on_meanwhile_sells_what_was_planned_and_loses_no_more(self) -> None:
        """Its deeper leg had bought 5 when 30 were to be sold, and 10 more before they were."""
        desk = bought_in_part()
        deeper = next(o for o in desk.entries(1) if o.filled == D(5))
        desk.operator_of_offset()

        desk.fill(deeper, "10", "96")
        desk.settle()
        desk.wait(seconds=2)

        end = settled(desk)
        planned = [part for step in of(desk.recorded, OffsetLoserStarted) for part in step.parts]
        assert sum(sale.quantity for sale in sold_of(desk, SOL)) == sum(p.quantity for p in planned)
        assert -end.realized <= end.earned, f"lost {end.realized} with {end.earned} earned"

    def test_a_part_that_an_operator_closes_is_that_part(self) -> None:
        desk = bought_in_part()
        deeper = next(o for o in desk.entries(1) if o.filled == D(5))
        desk.reduce(percent="50")

        desk.fill(deeper, "10", "96")
        desk.settle()
        desk.wait(seconds=2)

        assert sum(sale.quantity for sale in sold_of(desk, SOL)) == D(15)


class Slow(HandVenue):
    """Its answers to sales in SOL come only when asked for."""

    is_waiting = False

    def carry_out(self, errand: Event) -> list[OrderReported]:
        """As told; while it waits a sale in SOL stays on its way."""
        match errand:
            case OrderRequested(purpose="reduce", symbol=symbol) if symbol == SOL:
                if self.is_waiting:
                    self.kept = errand
                    return []
        return super().carry_out(errand)

    def fill(self, order: Order, quantity: str | D, price: str | D, **fee: Any) -> list[Recorded]:
        """The entry trades first, then what was on its way."""
        happened = super().fill(order, quantity, price, **fee)
        if self.is_waiting:
            self.is_waiting = False
            self.reports.extend(self.carry_out(self.kept))
        return happened

    def operator_of_offset(self) -> None:
        """The loser is to be paid down, and its sale is on its way."""
        self.is_waiting = True
        subject = self.book.open_groups()[1].opened.group_id
        acted = OperatorActed(action="offset_now", subject=subject, actor="ann", reason="deep")
        self.feed(acted)
        assert self.kept.symbol == SOL

    def reduce(self, percent: str) -> None:
        """An operator closes a part, and the sale is on its way."""
        self.is_waiting = True
        subject = self.book.open_groups()[1].opened.group_id
        acted = OperatorActed(
            action="reduce_group", subject=subject, actor="ann", reason="less", percent=D(percent)
        )
        self.feed(acted)


def bought_in_part() -> Slow:
    """50 BTC at 106 are 6 % up; of SOL at 92 are held 25 bought at 100 and 5 of a leg at 96."""
    desk = Slow(DEEPER)
    desk.look()
    for symbol in (BTC, SOL):
        desk.signal(symbol=SIGNALS[symbol])
        desk.wait(seconds=1)
    first, second = desk.entries(0)
    desk.fill(first, first.request.quantity, "100")
    desk.fill(second, second.request.quantity, "96")
    first, second = desk.entries(1)
    desk.fill(first, first.request.quantity, "100")
    desk.fill(second, "5", "96")
    desk.move("106", BTC)
    desk.move("92", SOL)
    desk.wait(seconds=1)
    return desk


def sold_of(desk: Desk, symbol: str) -> list[LegExitFilled]:
    return [sale for sale in of(desk.recorded, LegExitFilled) if leg_symbol(desk, sale) == symbol]


def leg_symbol(desk: Desk, sale: LegExitFilled) -> str:
    leg = desk.book.leg(sale.leg_id)
    assert leg is not None
    return leg.plan.symbol
