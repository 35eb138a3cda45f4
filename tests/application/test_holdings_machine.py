"""Whoever trades: lots, dust and baseline are the venue's position, and sums are to the cent."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from application.inputs import FundingReported
from application.processes.adoption import origin
from application.processes.positions import expected_positions
from domain.dca_leg import LegDustWrittenOff, LegExitFilled
from domain.holding_terms import Held
from domain.holdings import DustChanged, FundingRecorded, PositionAdopted
from domain.instrument import PositionMode, Side
from domain.money import ZERO
from domain.order import Order
from domain.position_group import FundingShared
from domain.risk_engine import ProfitRecorded
from domain.settings import CapitalSettings, ExitSettings, GridSettings, RiskSettings
from domain.trading_day import InputFailed
from tests.application.desk import BTC, PROMPT, market, of
from tests.application.hand_venue import HandVenue
from tests.application.invariants import check_record

D = Decimal
TINY = D("1e-9")
FEE = D("0.0005")
TIMEFRAMES = st.sampled_from(["15", "60", "240"])
PARTS = st.integers(1, 10)


class Holding(RuleBasedStateMachine):
    """Several groups of one symbol, and somebody else who trades the same account."""

    hedged = False

    def __init__(self) -> None:
        super().__init__()
        rules = msgspec.structs.replace(
            PROMPT,
            grid=GridSettings(max_pyramids=2, unfilled_minutes=None),
            exits=ExitSettings(coalesce_ms=0),
            capital=CapitalSettings(hedge_mode=self.hedged, group_budget=D(1000)),
            risk=RiskSettings(max_daily_loss=None, max_committed_capital=None),
        )
        self.venue = HandVenue(rules, markets=(market("BTC", min_quantity=D("0.05")),))
        self.venue.look()
        # What was traded by hand and is not settled yet, by position.
        self.outside: dict[Held, Decimal] = {}
        self.fees = ZERO
        self.fundings = 0

    @initialize(side=st.sampled_from(["buy", "sell"]))
    def begin(self, side: str) -> None:
        self.enter(side, "15", "0.7")
        self.enter("sell" if self.hedged else side, "60", "0.5")

    @rule(
        side=st.sampled_from(["buy", "sell"]),
        timeframe=TIMEFRAMES,
        quantity=st.sampled_from(["0.02", "0.04", "0.7", "2"]),
    )
    def enter(self, side: str, timeframe: str, quantity: str) -> None:
        """One more pyramid or group, whose first leg fills at once, sometimes as mere dust."""
        known = {order.request.client_order_id for order in self.venue.working("entry")}
        self.venue.signal(side, timeframe=timeframe, price=str(self.venue.core.price(BTC)))
        entries = self.venue.working("entry")
        fresh = [order for order in entries if order.request.client_order_id not in known]
        first = sorted(fresh, key=lambda order: order.request.leg_id)[:1]
        for order in first:
            self._fill(order, min(D(quantity), order.request.quantity))

    @rule(data=st.data(), part=PARTS, purpose=st.sampled_from(["entry", "take_profit"]))
    def fill(self, data: st.DataObject, part: int, purpose: str) -> None:
        for _ in range(2):
            orders = [o for o in self.venue.working(purpose) if not o.cancel_requested]
            if not orders:
                return
            order = data.draw(st.sampled_from(orders))
            left = order.request.quantity - order.filled
            self._fill(order, max(D("0.001"), (left * part / 10).quantize(D("0.001"))))

    def _fill(self, order: Order, quantity: Decimal) -> None:
        """As far as the venue, and the leg, hold what an exit would sell."""
        if order.request.purpose != "entry":
            held = self.venue.held.get(self.venue.position_of(order), ZERO)
            leg = self.venue.book.leg(order.request.leg_id)
            assert leg is not None
            sellable = held if order.request.side == "sell" else -held
            quantity = min(quantity, sellable, leg.lot.quantity)
        price = order.request.price
        assert price is not None
        if quantity > ZERO:
            fee = quantity * price * FEE
            self.fees += fee
            self.venue.fill(order, quantity, price, fee=fee)

    @rule(timeframe=TIMEFRAMES)
    def leave(self, timeframe: str) -> None:
        self.venue.signal(None, kind="exit", timeframe=timeframe, price=None)
        self.venue.wait(seconds=1)

    @rule(percent=st.integers(-5, 5))
    def move(self, percent: int) -> None:
        price = self.venue.core.price(BTC) or D(100)
        self.venue.move(str((price * (100 + percent) / 100).quantize(D("0.1"))))

    @rule(cents=st.integers(-500, 500), side=st.sampled_from(["both", "long", "short"]))
    def fund(self, cents: int, side: PositionMode) -> None:
        self.fundings += 1
        reported = FundingReported(
            funding_id=f"f{self.fundings}",
            symbol=BTC,
            amount=D(cents) / 100,
            asset="USDT",
            settled_at=self.venue.now,
            position_side=side if self.hedged else "both",
        )
        self.venue.feed(reported)
        self.venue.feed(reported)

    @rule(data=st.data(), part=PARTS, closes=st.booleans())
    def trade_by_hand(self, data: st.DataObject, part: int, *, closes: bool) -> None:
        """Close a part of what is held, or add to it."""
        positions = sorted(held for held, quantity in self.venue.held.items() if quantity)
        if not positions:
            return
        held = data.draw(st.sampled_from(positions))
        quantity = (self.venue.held[held] * part / 10).quantize(D("0.001"))
        if quantity == ZERO:
            return
        signed = -quantity if closes else quantity
        price = self.venue.core.price(BTC) or D(100)
        side: Side = "buy" if signed > ZERO else "sell"
        self.venue.by_hand(side, abs(signed), price + 1, mode=held[1])
        self.outside[held] = self.outside.get(held, ZERO) + signed

    @rule()
    def look_twice(self) -> None:
        """Then only what is foreign is left to dispute."""
        self.venue.look()
        self.venue.look()
        self.venue.wait(seconds=1)
        disputes = self.venue.book.holdings.disputes(BTC)
        for found in disputes:
            came = origin(self.venue.book, found.held, found.difference)
            assert (came.lots, came.dust, came.baseline) == ((), ZERO, ZERO)
        self.outside = {found.held: found.difference for found in disputes}

    @rule()
    def accept(self) -> None:
        """The operator accepts what was found, a surplus; what was missing is found again."""
        for found in self.venue.book.holdings.disputes(BTC):
            came = origin(self.venue.book, found.held, found.difference)
            self.outside[found.held] = self.outside.get(found.held, ZERO) - came.surplus
        self.venue.operator("clear_discrepancy", BTC)

    @rule()
    def another_engine_takes_over(self) -> None:
        self.venue.start()

    @rule()
    def a_day_passes(self) -> None:
        self.venue.wait(hours=17)

    @invariant()
    def the_books_are_the_venues_position(self) -> None:
        assert of(self.venue.recorded, InputFailed) == []
        books = expected_positions(self.venue.book)
        for held in {*books, *self.venue.held, *self.outside}:
            ours = books.get(held, ZERO) + self.outside.get(held, ZERO)
            assert ours == self.venue.held.get(held, ZERO), held

    @invariant()
    def every_profit_was_recorded(self) -> None:
        recorded = self.venue.recorded
        earned = [e.realized for e in of(recorded, LegExitFilled)]
        earned += [e.realized for e in of(recorded, LegDustWrittenOff)]
        earned += [e.amount for e in of(recorded, FundingShared)]
        total = self.venue.book.risk.realized_total
        assert abs(sum(earned, ZERO) - total) < TINY
        assert abs(sum((e.amount for e in of(recorded, ProfitRecorded)), ZERO) - total) < TINY

    @invariant()
    def the_money_is_what_the_trades_moved(self) -> None:
        """Cash of our trades and of those adopted, dust at its value, funding, lots at cost."""
        book, recorded = self.venue.book, self.venue.recorded
        total = self.venue.cash - self.fees
        for fill in of(recorded, LegExitFilled):
            if not fill.client_order_id:
                is_long = self._side_of(fill.leg_id) == "long"
                total += fill.price * fill.quantity * (1 if is_long else -1)
        for dust in of(recorded, LegDustWrittenOff):
            is_long = self._side_of(dust.leg_id) == "long"
            total += dust.price * dust.quantity * (1 if is_long else -1)
        for settled in of(recorded, FundingRecorded):
            total += settled.amount if settled.shares else ZERO
        for group in book.open_groups():
            for leg in book.legs_of(group):
                cost = leg.lot.cost if group.opened.side == "long" else -leg.lot.cost
                total += cost + leg.lot.entry_fee
        assert abs(book.risk.realized_total - total) < TINY

    def teardown(self) -> None:
        self.look_twice()
        self.the_books_are_the_venues_position()
        for adopted in of(self.venue.recorded, PositionAdopted):
            parts = sum((part.quantity for part in adopted.parts), ZERO)
            assert parts == adopted.quantity
        assert all(dust.amount for dust in of(self.venue.recorded, DustChanged))
        check_record(self.venue)

    def _side_of(self, leg_id: str) -> str:
        plans: dict[str, Any] = {
            each.event.leg_id: each.event  # type: ignore[attr-defined]
            for each in self.venue.recorded
            if each.event.NAME == "dca_leg.planned.v1"
        }
        return str(plans[leg_id].side)


class HedgedHolding(Holding):
    """The same with long and short at once."""

    hedged = True


TestOneWay: Callable[[], Any] = Holding.TestCase
TestHedged: Callable[[], Any] = HedgedHolding.TestCase
for case in (Holding.TestCase, HedgedHolding.TestCase):
    case.settings = settings(
        max_examples=100,
        stateful_step_count=40,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
