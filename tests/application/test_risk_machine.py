"""Any markets, signals, failures and orders under tight limits: no promise is ever broken."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from application.inputs import AnswerLost, ClockTicked, OperatorActed, OrderReported
from domain.order import OrderRequested
from domain.settings import (
    CapitalSettings,
    ExitSettings,
    GridSettings,
    OffsetSettings,
    PoolSettings,
    RiskSettings,
    Settings,
)
from tests.application.auditing import Auditor
from tests.application.desk import ACCOUNT, Desk, market
from tests.application.exit_desk import ladder
from tests.application.loose_ends import LooseEnds
from tests.application.risk_rules import RiskRules
from tests.application.test_trading_machine import MARKETS, Trading
from tests.application.worlds import budget

D = Decimal
# One side in both markets: when they part, one wins and one loses.
PAIRS = st.sampled_from([("buy", "buy"), ("sell", "sell"), ("buy", "sell")])
# What an offset meets on its way.
BETWEEN = (
    *("nothing", "a run", "a run", "halt", "halt", "pause", "close_group"),
    *("another engine", "midnight", "a lost answer"),
)
# Small maximums, coarse minimums, contracts; and minimums that hold for exits too.
VENUES: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"max_quantity": D("2.5")},
    {"step": D("0.1"), "min_quantity": D("0.5"), "reduce_only_exempt": False},
    {"contract_size": D("0.1"), "step": D("0.1"), "min_quantity": D("0.1")},
)
# How far each market moves, how far an offset then gets, what it meets, and if all is settled.
Parting = tuple[tuple[int, int], int, str, bool]
PARTINGS: st.SearchStrategy[Parting] = st.tuples(
    st.sampled_from([(6, -3), (-3, 6), (3, -6), (-6, 3), (4, -1), (-1, 4), (3, -3)]),
    st.integers(0, 12),
    st.sampled_from(BETWEEN),
    st.booleans(),
)
# Targets far away, so that there are winners to take from.
GRIDS = st.sampled_from(
    [
        ladder(("0", "100", "30")),
        ladder(("0", "50", "20"), ("-1", "50", "30")),
        ladder(("0", "40", "1"), ("-0.5", "60", "25")),
    ]
)
OFFSETS = st.builds(
    OffsetSettings,
    require_full_pyramids=st.booleans(),
    required_pyramids=st.just(1),
    timer_start=st.sampled_from(["pyramids_full", "all_legs_submitted", "all_legs_filled"]),
    post_full_wait_minutes=st.sampled_from([0, 0, 1]),
    loss_threshold_percent=st.sampled_from([D("-0.5"), D(-2)]),
    max_winners=st.sampled_from([1, 3]),
    partial_cover=st.sampled_from(["abort", "reduce_loser"]),
    min_close_notional=st.sampled_from([D(5), D(20)]),
)
RISKS = st.builds(
    RiskSettings,
    max_committed_capital=st.sampled_from([D(900), D(2000), None]),
    max_committed_capital_per_symbol=st.sampled_from([None, D(700)]),
    max_daily_loss=st.sampled_from([D(5), D(20), None]),
    daily_loss_includes_open=st.booleans(),
    breaker_dca=st.sampled_from(["cancel", "keep"]),
    max_drawdown_percent=st.sampled_from([D("0.002"), D("0.005"), None]),
    cooldown_minutes_after_loss=st.sampled_from([0, 5]),
    offset=OFFSETS,
)


@st.composite
def tight_settings(draw: Any) -> Settings:
    """Small trades under limits that a few moves of the market reach."""
    grid: GridSettings = draw(GRIDS)
    return Settings(
        pool=PoolSettings(max_open_groups=draw(st.sampled_from([2, 4]))),
        grid=msgspec.structs.replace(
            grid, max_pyramids=draw(st.sampled_from([1, 2])), unfilled_minutes=None
        ),
        exits=ExitSettings(
            coalesce_ms=0,
            mode=draw(st.sampled_from(["per_leg", "aggregate"])),
            take_profit_percent=D(20),
            stop_loss_percent=draw(st.sampled_from([None, None, D(3)])),
        ),
        capital=CapitalSettings(group_budget=D(400), pyramid_capital="full"),
        risk=draw(RISKS),
    )


REACHED = {
    "breaker holds",
    "breaker lifted",
    "emergency_stop holds",
    "emergency stop by drawdown",
    "emergency stop by operator",
    "dead_man holds",
    "dead_man lifted",
    "operator holds",
    "offset planned",
    "offset covered",
    "offset reduced",
    "denied by trading_state",
    "denied by max_committed_capital",
    "denied by cooldown",
}


class Risk(Trading):
    """The trading machine with a clock on every grid, tight limits, and an operator's risk orders.

    Its drawdowns are thousandths: the desk holds a million.
    """

    reached: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.promises = RiskRules(self.auditor.model)
        self.read_along: Auditor | None = None

    @initialize(
        settings=tight_settings(),
        venue=st.sampled_from(VENUES),
        sides=PAIRS,
        parting=st.none() | PARTINGS,
    )
    def begin(
        self,
        settings: Settings,
        venue: dict[str, Any],
        sides: tuple[str, str],
        parting: Parting | None,
    ) -> None:
        coarse = {"step": D("0.1"), **venue}
        markets = (market("BTC", **venue), market("ETH", **coarse))
        self.desk = Desk(settings, markets=markets)
        LooseEnds(self.desk).reconcile()
        self.trades_begin_anew(sides, parting)

    @precondition(lambda self: not self.desk.book.open_groups() and not self._is_held())
    @rule(sides=PAIRS, parting=st.none() | PARTINGS)
    def trades_begin_anew(self, sides: tuple[str, str], parting: Parting | None) -> None:
        """Nothing is open and nothing holds: one trade in each market."""
        for at, side in enumerate(sides):
            self.enter_along(at, side, "15", 0, heard=True)
        if parting is not None and len(self.desk.book.open_groups()) > 1:
            self.the_markets_part(parting)

    @rule(
        at=MARKETS,
        percent=st.sampled_from([-6, -4, -3, 3, 4, 6]),
        seconds=st.sampled_from([10, 20, 60]),
    )
    def the_market_runs(self, at: int, percent: int, seconds: int) -> None:
        """A strong move, all heard, and the clock ticks on its grids."""
        self.move_and_hear(at, percent)
        self._tick(seconds)
        self.desk.settle()

    @precondition(lambda self: len(self.desk.book.open_groups()) > 1)
    @rule(parting=PARTINGS)
    def the_markets_part(self, parting: Parting) -> None:
        """One rises and the other falls: an offset may begin, and something comes between."""
        percents, steps, between, settles = parting
        for at, percent in enumerate(percents):
            self.move_and_hear(at, percent)
        self._tick(60)
        if self.desk.book.offset is not None:
            self.something_comes_between(steps, between)
        if settles:
            self.desk.settle()

    @precondition(lambda self: self.desk.book.offset is not None)
    @rule(steps=st.integers(0, 12), between=st.sampled_from(BETWEEN))
    def something_comes_between(self, steps: int, between: str) -> None:
        """The offset goes on by a request or an answer at a time, until this."""
        for _ in range(steps):
            if self.desk.errands:
                self.carry_out(1)
            elif self.desk.reports:
                self.desk.handle(self.desk.reports.popleft())
        match between:
            case "halt" | "pause" | "close_group":
                self.desk.handle(self._acted(between, self._a_group(steps)))
                self.desk.settle()
            case "another engine":
                self.another_engine_takes_over()
            case "midnight":
                self.a_day_passes()
            case "a lost answer" if self.desk.errands:
                self.lose_an_answer(arrives=steps % 2 == 0)
            case "a run":
                self._nobody_pays(-6 if steps % 2 else -2)
            case _:
                return

    def _nobody_pays(self, percent: int) -> None:
        """The loser's market runs away before its order arrives, and stays there a while."""
        offset = self.desk.book.offset
        loser = offset and self.desk.book.group(offset.planned.loser.group_id)
        if not loser:
            return
        places = {self._symbol(at): at for at in range(2)}
        away = percent if loser.opened.side == "long" else -percent
        self.move(places[loser.opened.symbol], away, looks=False)
        for _ in range(5):
            self.desk.settle()
            self._tick(2)

    @precondition(lambda self: self._unsent() is not None)
    @rule(action=st.sampled_from(["pause", "halt", None]))
    def an_entry_is_nowhere_to_be_found(self, action: str | None) -> None:
        """It got lost on its way, and trading may be held back before that is proven."""
        errand = self._unsent()
        assert errand is not None, "the precondition asks for an entry on its way"
        self.desk.errands.remove(errand)
        identity, lost = errand.client_order_id, AnswerLost(detail="timed out")
        self.desk.handle(OrderReported(client_order_id=identity, report=lost))
        if action is not None:
            self.desk.handle(self._acted(action, ""))
        for _ in range(3):
            self.desk.now += timedelta(seconds=16)
            LooseEnds(self.desk).ask()

    @rule(seconds=st.sampled_from([10, 60]), settles=st.booleans())
    def the_clock_ticks(self, seconds: int, *, settles: bool) -> None:
        self._tick(seconds)
        if settles:
            self.desk.settle()

    @precondition(lambda self: self.desk.book.open_groups())
    @rule(
        action=st.sampled_from(["offset_now", "offset_now", "offset_block", "offset_unblock"]),
        place=st.integers(0, 3),
    )
    def the_operator_orders_an_offset(self, action: str, place: int) -> None:
        self.desk.handle(self._acted(action, self._a_group(place)))

    @precondition(lambda self: self._is_held())
    @rule(actions=st.sampled_from([("reset_breaker",), ("resume",), ("reset_breaker", "resume")]))
    def the_operator_lets_go(self, actions: tuple[str, ...]) -> None:
        for action in actions:
            self.desk.handle(self._acted(action, ""))

    @precondition(lambda self: self.desk.book.open_groups())
    @rule(really=st.sampled_from([False, False, False, False, True]))
    def the_operator_stops_everything(self, *, really: bool) -> None:
        self.desk.handle(self._acted("emergency_stop", ACCOUNT if really else "elsewhere"))

    @rule(amount=st.sampled_from([D(100), D(-50)]))
    def money_is_transferred(self, amount: Decimal) -> None:
        acted = OperatorActed(
            action="record_transfer", subject="", actor="ann", reason="moved", amount=amount
        )
        self.desk.handle(acted)

    @precondition(lambda self: self.desk.book.open_groups())
    @rule()
    def contact_is_lost_and_found(self) -> None:
        since = self.desk.now
        self.desk.now += timedelta(seconds=90)
        self.desk.handle(ClockTicked(due_at=self.desk.now, contact_at=since))
        self.desk.now += timedelta(seconds=1)
        self.desk.handle(ClockTicked(due_at=self.desk.now, contact_at=self.desk.now))

    @invariant()
    def holds(self) -> None:
        if self.auditor.desk is not self.desk:
            self.auditor = Auditor(self.desk)
        if self.read_along is not self.auditor:
            self.read_along, self.promises = self.auditor, RiskRules(self.auditor.model)
            self.auditor.witnesses.append(self.promises.follow)
        super().holds()
        self.promises.check_standing()
        Risk.reached.update(self.promises.seen)

    def _unsent(self) -> OrderRequested | None:
        asked = (each for each in self.desk.errands if isinstance(each, OrderRequested))
        return next((each for each in asked if each.purpose == "entry"), None)

    def _is_held(self) -> bool:
        return bool(self.desk.book.brakes.holds)

    def _tick(self, seconds: int) -> None:
        """The next instant that many seconds on, with the grids it meets."""
        now = self.desk.now = self.desk.now + timedelta(seconds=seconds)
        self.desk.handle(
            ClockTicked(
                due_at=now,
                promotion=True,
                offset=True,
                minute=seconds == 60,
                contact_at=now,
            )
        )


def test_no_promise_is_broken_and_every_brake_is_reached() -> None:
    """A search that never trips the breaker would prove nothing of it."""
    Risk.reached.clear()

    run_state_machine_as_test(Risk, settings=budget(runs=300, steps=50))

    missing = sorted(REACHED - Risk.reached)
    assert missing == [], f"never reached: {missing}; reached: {sorted(Risk.reached)}"
