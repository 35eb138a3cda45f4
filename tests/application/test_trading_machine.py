"""Any trading in any order, with answers lost, doubled and late: what must hold, holds."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from application.inputs import AnswerLost, OrderReported, PositionSeen, ReconciliationSeen
from domain.order import OrderCancelRequested, OrderRequested
from domain.order_terms import OrderStatus
from domain.settings import CapitalSettings, ExitSettings, GridSettings, PoolSettings, RiskSettings
from tests.application.desk import BTC, ETH, PROMPT, Desk, market
from tests.application.invariants import check_always, check_record, check_settled

D = Decimal
SETTINGS = msgspec.structs.replace(
    PROMPT,
    pool=PoolSettings(max_open_groups=3),
    grid=GridSettings(max_pyramids=2, unfilled_minutes=30),
    exits=ExitSettings(coalesce_ms=0, close_when_flat=True),
    capital=CapitalSettings(group_budget=D(400)),
    risk=RiskSettings(max_committed_capital=D(900), max_daily_loss=D(40)),
)
ROUNDS_MAX = 60
SYMBOLS = st.sampled_from([BTC, ETH])
NAMES = {BTC: "BTCUSDT.P", ETH: "ETHUSDT.P"}


class Trading(RuleBasedStateMachine):
    """A desk whose venue answers when and how it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(SETTINGS, markets=(market("BTC"), market("ETH", step=D("0.1"))))
        self.desk.handle(
            ReconciliationSeen(asked_at=self.desk.now, open_client_order_ids=(), positions=())
        )

    @rule(
        side=st.sampled_from(["buy", "sell"]),
        symbol=SYMBOLS,
        timeframe=st.sampled_from(["15", "60"]),
        kind=st.sampled_from(["signal", "signal", "signal", "reverse"]),
        offset=st.integers(-6, 6),
    )
    def enter(self, side: str, symbol: str, timeframe: str, kind: str, offset: int) -> None:
        mark = self.desk.core.price(symbol) or D(100)
        price = str(mark * (100 + offset) / 100)
        received = self.desk.received(
            side, kind=kind, symbol=NAMES[symbol], timeframe=timeframe, price=price
        )
        self.desk.handle(received)

    @rule(
        side=st.sampled_from(["long", "short", None]),
        symbol=SYMBOLS,
        timeframe=st.sampled_from(["15", None]),
    )
    def leave(self, side: str | None, symbol: str, timeframe: str | None) -> None:
        received = self.desk.received(
            side, kind="exit", symbol=NAMES[symbol], timeframe=timeframe, price=None
        )
        self.desk.handle(received)

    @rule(symbol=SYMBOLS, percent=st.integers(-4, 4))
    def move(self, symbol: str, percent: int) -> None:
        price = self.desk.core.price(symbol) or D(100)
        target = (price * (100 + percent) / 100).quantize(D("0.1"))
        self.desk.core.begin_move(symbol, target, self.desk.now)
        while (reports := self.desk.core.next_fill()) is not None:
            self.desk.reports.extend(reports)

    @rule(data=st.data(), tenths=st.integers(1, 10))
    def fill_a_part(self, data: st.DataObject, tenths: int) -> None:
        resting = [o for o in self.desk.core.open_orders() if o.ticket.price is not None]
        if not resting:
            return
        order = data.draw(st.sampled_from(resting))
        step = self.desk.core.instrument(order.ticket.symbol).step  # type: ignore[union-attr]
        quantity = max(step, (order.remaining * tenths / 10) // step * step)
        reports = self.desk.core.fill(order.client_order_id, quantity, self.desk.now)
        self.desk.reports.extend(reports)

    @rule(data=st.data())
    def the_venue_ends_an_order(self, data: st.DataObject) -> None:
        working = self.desk.core.open_orders()
        if working:
            order = data.draw(st.sampled_from(working))
            self.desk.reports.extend(self.desk.core.expire(order.client_order_id, self.desk.now))

    @rule(action=st.sampled_from(["pause", "resume", "resume", "close_group", "halt"]))
    def the_operator_acts(self, action: str) -> None:
        groups = self.desk.book.open_groups()
        subject = groups[0].opened.group_id if groups else "gnone"
        self.desk.operator(action, subject)

    @precondition(lambda self: self.desk.errands)
    @rule(count=st.integers(1, 12))
    def carry_out(self, count: int) -> None:
        for _ in range(min(count, len(self.desk.errands))):
            self.desk.reports.extend(self.desk.carry_out(self.desk.errands.popleft()))

    @precondition(lambda self: self.desk.errands)
    @rule(arrives=st.booleans())
    def lose_an_answer(self, arrives: bool) -> None:
        errand = self.desk.errands.popleft()
        if arrives:
            self.desk.carry_out(errand)
        lost = AnswerLost(detail="timed out")
        identity: str = errand.client_order_id  # type: ignore[attr-defined]
        self.desk.handle(OrderReported(client_order_id=identity, report=lost))

    @precondition(lambda self: self.desk.reports)
    @rule(data=st.data(), twice=st.booleans(), count=st.integers(1, 8))
    def hear(self, data: st.DataObject, twice: bool, count: int) -> None:
        for _ in range(min(count, len(self.desk.reports))):
            place = data.draw(st.integers(0, min(4, len(self.desk.reports) - 1)))
            report = self.desk.reports[place]
            if not twice:
                del self.desk.reports[place]
            self.desk.handle(report)

    @rule()
    def ask(self) -> None:
        self._ask()

    @rule(seconds=st.sampled_from([1, 10, 61, 3_600]))
    def time_passes(self, seconds: int) -> None:
        self.desk.wait_quietly(seconds=seconds)

    @rule()
    def a_day_passes(self) -> None:
        self.desk.wait_quietly(hours=17)

    @rule()
    def another_engine_takes_over(self) -> None:
        """Requests in its hands are gone; what the book still wants cancelled is asked anew."""
        self.desk.errands.clear()
        self.desk.start()
        self._ask_for_cancels()

    @rule()
    def all_settles(self) -> None:
        self._drain()
        check_settled(self.desk)
        held = self.desk.core.positions()
        snapshot = ReconciliationSeen(
            asked_at=self.desk.now,
            open_client_order_ids=tuple(o.client_order_id for o in self.desk.core.open_orders()),
            positions=tuple(PositionSeen(symbol=s, quantity=q) for s, q in sorted(held.items())),
        )
        self.desk.now += timedelta(seconds=1)
        assert self.desk.handle(msgspec.structs.replace(snapshot, asked_at=self.desk.now)) == []

    @invariant()
    def holds(self) -> None:
        check_always(self.desk)

    def teardown(self) -> None:
        self._drain()
        check_settled(self.desk)
        check_record(self.desk)

    def _ask(self) -> None:
        for order in tuple(self.desk.book.orders()):
            unsure = order.status is OrderStatus.UNKNOWN or order.trades_missing is not None
            if unsure and not order.is_final:
                asked = (order.request.client_order_id, self.desk.now, order.request.symbol)
                self._hear_all(self.desk.core.query(*asked))

    def _hear_all(self, reports: Any) -> None:
        for report in reports:
            self.desk.handle(report)

    def _ask_for_cancels(self) -> None:
        on_its_way = {
            errand.client_order_id
            for errand in self.desk.errands
            if isinstance(errand, OrderCancelRequested | OrderRequested)
        }
        for order in self.desk.working():
            identity = order.request.client_order_id
            open_still = order.status is OrderStatus.OPEN and order.cancel_requested
            if open_still and identity not in on_its_way:
                self.desk.errands.append(
                    OrderCancelRequested(client_order_id=identity, reason="still wanted")
                )

    def _drain(self) -> None:
        """Ask and carry out until nothing is on its way; unknown orders take a while."""
        for _ in range(ROUNDS_MAX):
            self.desk.settle()
            self._ask()
            self._ask_for_cancels()
            if not self.desk.errands and not self.desk.reports and not self._unsettled():
                return
            self.desk.wait_quietly(seconds=16)
        raise AssertionError(f"never came to rest: {self._unsettled()}")

    def _unsettled(self) -> list[str]:
        """Orders whose fate is open, and groups that are still on their way out."""
        resting = (OrderStatus.OPEN,)
        orders = [
            order.request.client_order_id
            for order in self.desk.working()
            if order.status not in resting or order.cancel_requested or order.trades_missing
        ]
        closing = [g.opened.group_id for g in self.desk.book.open_groups() if not g.is_open]
        return orders + closing


TestTrading: Callable[[], Any] = Trading.TestCase
Trading.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=50,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
