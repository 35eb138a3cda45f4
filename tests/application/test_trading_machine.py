"""Any trading in any order, with answers lost, doubled and late: what must hold, holds."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from application.inputs import (
    AnswerLost,
    MarkMoved,
    OperatorActed,
    OrderReported,
    Refused,
    SendWindowMissed,
    SettingsSubmitted,
    SignalReceived,
)
from application.processes.watching import levels
from domain.order import OrderRequested, OrderResent
from domain.order_terms import RefusalKind
from domain.settings import CapitalSettings, ExitSettings, GridSettings, PoolSettings, RiskSettings
from tests.application.auditing import Auditor
from tests.application.desk import PROMPT, Desk, market
from tests.application.invariants import check_always, check_record, check_standing
from tests.application.loose_ends import LooseEnds
from tests.application.worlds import World, budget, rules, worlds

D = Decimal
SETTINGS = msgspec.structs.replace(
    PROMPT,
    pool=PoolSettings(max_open_groups=3),
    grid=GridSettings(max_pyramids=2, unfilled_minutes=30),
    exits=ExitSettings(coalesce_ms=0, close_when_flat=True),
    capital=CapitalSettings(group_budget=D(400)),
    risk=RiskSettings(max_committed_capital=D(900), max_daily_loss=D(40)),
)
MARKETS = st.sampled_from([0, 0, 1])
SIDES = st.sampled_from(["buy", "sell"])
TIMEFRAMES = st.sampled_from(["15", "60"])


class Trading(RuleBasedStateMachine):
    """A desk whose venue answers when and how it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(SETTINGS, markets=(market("BTC"), market("ETH", step=D("0.1"))))
        self.auditor = Auditor(self.desk)
        self.last_signal: SignalReceived | None = None
        LooseEnds(self.desk).reconcile()

    @rule(
        side=SIDES,
        at=MARKETS,
        timeframe=TIMEFRAMES,
        kind=st.sampled_from(["signal", "signal", "signal", "reverse"]),
        offset=st.integers(-5, 5),
        stop=st.sampled_from([None, None, None, -2, 2]),
    )
    def enter(
        self, side: str, at: int, timeframe: str, kind: str, offset: int, stop: int | None
    ) -> None:
        symbol = self._symbol(at)
        price = (self.desk.core.price(symbol) or D(100)) * (100 + offset) / 100
        risk = {} if stop is None else {"stop_loss": str(price * (100 + stop) / 100)}
        self._send(side, at, kind=kind, timeframe=timeframe, price=str(price), risk=risk)

    @precondition(lambda self: self.desk.book.open_groups())
    @rule(
        side=st.sampled_from(["long", "short", None]),
        at=MARKETS,
        timeframe=st.sampled_from(["15", None]),
    )
    def leave(self, side: str | None, at: int, timeframe: str | None) -> None:
        self._send(side, at, kind="exit", timeframe=timeframe, price=None)

    @precondition(lambda self: self.desk.book.open_groups())
    @rule(
        side=st.sampled_from(["long", "short", None]),
        at=MARKETS,
        timeframe=st.sampled_from(["15", None]),
        unit=st.sampled_from(["contracts", "base", "quote", "share"]),
        amount=st.sampled_from(["0.2", "0.7", "50"]),
    )
    def scale_out(
        self, side: str | None, at: int, timeframe: str | None, unit: str, amount: str
    ) -> None:
        symbol = self.desk.core.instruments()[at].venue_symbol
        tv = {"symbol": symbol, "timeframe": timeframe, "entry_price": None}
        intent: dict[str, Any] = {"type": "reduce", "side": side}
        if unit == "share":
            tv |= {"prev_market_position_size": "3", "market_position_size": "2"}
        else:
            intent |= {"position_size_type": unit, "amount": amount}
        self._hear_signal(self.desk.received(tv=tv, execution_intent=intent))

    @precondition(lambda self: self.last_signal is not None)
    @rule()
    def the_same_alert_comes_again(self) -> None:
        assert self.last_signal is not None
        fresh = self.desk.received()
        again = {"signal_id": fresh.signal_id, "received_at": fresh.received_at}
        self.desk.handle(msgspec.structs.replace(self.last_signal, **again))
        self.last_signal = None

    @rule(at=MARKETS, percent=st.sampled_from([-4, -2, -1, -1, 1, 1, 2, 4]), looks=st.booleans())
    def move(self, at: int, percent: int, *, looks: bool) -> None:
        """What rests on the way trades; the engine looks at the mark, or does so later."""
        symbol = self._symbol(at)
        price = self.desk.core.price(symbol) or D(100)
        target = (price * (100 + percent) / 100).quantize(D("0.1"))
        self.desk.core.begin_move(symbol, target, self.desk.now)
        while (reports := self.desk.core.next_fill()) is not None:
            self.desk.reports.extend(reports)
        if looks and any(levels(self.desk.book, symbol)):
            self.desk.handle(MarkMoved(symbol=symbol))

    @precondition(lambda self: self.desk.book.open_groups())
    @rule(quantity=st.sampled_from([None, None, D("0.3")]))
    def the_market_grows_thin(self, quantity: Decimal | None) -> None:
        self.desk.core.max_fill_quantity = quantity

    @precondition(lambda self: self.desk.core.open_orders())
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

    @precondition(lambda self: self.desk.core.open_orders())
    @rule(data=st.data())
    def the_venue_ends_an_order(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.desk.core.open_orders()))
        self.desk.reports.extend(self.desk.core.expire(order.client_order_id, self.desk.now))

    @precondition(lambda self: self.desk.book.open_groups())
    @rule(at=MARKETS, rate=st.sampled_from(["0.01", "-0.03"]))
    def funding_is_settled(self, at: int, rate: str) -> None:
        instrument = self.desk.core.instruments()[at]
        if instrument.kind != "spot":
            self.desk.now += timedelta(seconds=1)
            paid = self.desk.core.fund(instrument.symbol, D(rate), self.desk.now)
            self.desk.reports.extend(paid)  # type: ignore[arg-type]

    @precondition(lambda self: self.desk.book.open_groups())
    @rule(
        action=st.sampled_from(["pause", "close_group", "close_group", "halt"]),
        place=st.integers(0, 3),
    )
    def the_operator_acts(self, action: str, place: int) -> None:
        """Whoever stopped the trading resumes it before anything else."""
        if self.desk.book.risk.trading_state != "active":
            action = "resume"
        self.desk.handle(self._acted(action, self._a_group(place)))

    @precondition(lambda self: self.desk.book.open_groups())
    @rule(place=st.integers(0, 3), percent=st.sampled_from([D(10), D(50), D(100)]))
    def the_operator_reduces(self, place: int, percent: Decimal) -> None:
        acted = self._acted("reduce_group", self._a_group(place))
        self.desk.handle(msgspec.structs.replace(acted, percent=percent))

    @precondition(lambda self: self.desk.book.queue.waiting)
    @rule(
        action=st.sampled_from(["promote_signal", "remove_signal", "force_add_signal"]),
        place=st.integers(0, 3),
    )
    def the_operator_orders_the_queue(self, action: str, place: int) -> None:
        waiting = self.desk.book.queue.waiting
        self.desk.handle(self._acted(action, waiting[place % len(waiting)].signal_id))

    @precondition(lambda self: self.desk.errands)
    @rule(count=st.integers(1, 12))
    def carry_out(self, count: int) -> None:
        for _ in range(min(count, len(self.desk.errands))):
            errand = self.desk.errands.popleft()
            order = self.desk.book.order(errand.client_order_id)  # type: ignore[attr-defined]
            is_late = isinstance(errand, OrderRequested | OrderResent) and (
                order is not None
                and order.request.send_before is not None
                and self.desk.now >= order.request.send_before
            )
            if is_late and order is not None:
                name = order.request.client_order_id
                missed = OrderReported(client_order_id=name, report=SendWindowMissed())
                self.desk.reports.append(missed)
            elif order is not None or isinstance(errand, OrderRequested):
                self.desk.reports.extend(self.desk.carry_out(errand))

    @precondition(lambda self: any(isinstance(e, OrderRequested) for e in self.desk.errands))
    @rule(kind=st.sampled_from(["other", "insufficient_funds", "post_only"]))
    def the_venue_refuses(self, kind: RefusalKind) -> None:
        errand = next(e for e in self.desk.errands if isinstance(e, OrderRequested))
        self.desk.errands.remove(errand)
        own: RefusalKind = kind if errand.purpose == "entry" else "other"
        refused = Refused(code="-1", message="no", kind=own)
        self.desk.handle(OrderReported(client_order_id=errand.client_order_id, report=refused))

    @precondition(lambda self: self.desk.errands)
    @rule(arrives=st.booleans())
    def lose_an_answer(self, arrives: bool) -> None:
        errand = self.desk.errands.popleft()
        identity: str = errand.client_order_id  # type: ignore[attr-defined]
        if arrives and self.desk.book.order(identity) is not None:
            self.desk.carry_out(errand)
        lost = AnswerLost(detail="timed out")
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

    @precondition(lambda self: self.desk.book.open_groups())
    @rule()
    def ask(self) -> None:
        LooseEnds(self.desk).ask()

    @precondition(lambda self: self.desk.book.open_groups())
    @rule()
    def the_venue_is_asked_what_it_holds(self) -> None:
        LooseEnds(self.desk).reconcile()

    @precondition(lambda self: self.desk.book.open_groups())
    @rule(seconds=st.sampled_from([1, 10, 61, 3_600]))
    def time_passes(self, seconds: int) -> None:
        self.desk.wait_quietly(seconds=seconds)

    @precondition(lambda self: self.desk.book.open_groups())
    @rule()
    def a_day_passes(self) -> None:
        self.desk.wait_quietly(hours=17)

    @precondition(lambda self: self.desk.book.open_groups())
    @rule()
    def another_engine_takes_over(self) -> None:
        """Requests in its hands are gone; what the book still wants cancelled is asked anew."""
        self.desk.errands.clear()
        self.desk.start()
        LooseEnds(self.desk).ask_for_cancels()

    @rule(
        at=MARKETS,
        side=SIDES,
        timeframe=TIMEFRAMES,
        percent=st.sampled_from([0, 0, -1, 1]),
        heard=st.sampled_from([True, True, False]),
    )
    def enter_along(self, at: int, side: str, timeframe: str, percent: int, *, heard: bool) -> None:
        """Near the mark and on the side that is open, all placed; what trades is heard, or not."""
        groups = (group.opened for group in self.desk.book.open_groups())
        open_sides = [opened.side for opened in groups if opened.symbol == self._symbol(at)]
        if open_sides and not self.desk.core.hedge_mode:
            side = open_sides[0]
        self.enter(side, at, timeframe, "signal", percent, None)
        self.carry_out(12)
        if heard:
            self.desk.settle()

    @rule(at=MARKETS, percent=st.sampled_from([-2, -1, -1, 1, 1, 2]))
    def move_and_hear(self, at: int, percent: int) -> None:
        self.move(at, percent, looks=True)
        self.desk.settle()

    @precondition(lambda self: self.desk.errands or self.desk.reports)
    @rule()
    def all_is_carried_out(self) -> None:
        self.desk.settle()

    @precondition(lambda self: self.desk.book.open_groups())
    @rule()
    def all_settles(self) -> None:
        LooseEnds(self.desk).tie_up()
        self.holds()
        check_standing(self.desk)
        self.auditor.check_settled()

    @invariant()
    def holds(self) -> None:
        check_always(self.desk)
        if self.auditor.desk is not self.desk:
            self.auditor = Auditor(self.desk)
        self.auditor.look()

    def teardown(self) -> None:
        self.all_settles()
        check_record(self.desk)

    def _symbol(self, at: int) -> str:
        return self.desk.core.instruments()[at].symbol

    def _send(self, side: str | None, at: int, **signal: Any) -> None:
        instrument = self.desk.core.instruments()[at]
        suffix = "" if instrument.kind == "spot" else ".P"
        if instrument.kind == "spot" and side is not None:
            side = "buy"
        name = f"{instrument.venue_symbol}{suffix}"
        self._hear_signal(self.desk.received(side, symbol=name, **signal))

    def _hear_signal(self, received: SignalReceived) -> None:
        self.last_signal = received
        self.desk.handle(received)

    def _a_group(self, place: int) -> str:
        groups = self.desk.book.open_groups()
        return groups[place % len(groups)].opened.group_id if groups else "gnone"

    @staticmethod
    def _acted(action: Any, subject: str) -> OperatorActed:
        return OperatorActed(action=action, subject=subject, actor="ann", reason="because")


class AnyTrading(Trading):
    """The same by any settings, on any venue; the settings may change while it trades."""

    world: World

    @initialize(world=worlds(), sides=st.lists(SIDES, min_size=1, max_size=2))
    def begin(self, world: World, sides: list[str]) -> None:
        self.world = world
        self.desk = world.desk()
        LooseEnds(self.desk).reconcile()
        for at, side in enumerate(sides):
            self.enter_along(at, side, "15", 0, heard=True)

    @precondition(lambda self: self.desk.book.open_groups())
    @rule(data=st.data())
    def the_settings_change(self, data: st.DataObject) -> None:
        world = self.world
        changed = data.draw(rules(hedged=world.is_hedged, venue_stops=world.venue_stops))
        self.desk.handle(SettingsSubmitted(settings=changed, actor="ann", reason="because"))


TestTrading: Callable[[], Any] = AnyTrading.TestCase
AnyTrading.TestCase.settings = budget(runs=300, steps=50)
