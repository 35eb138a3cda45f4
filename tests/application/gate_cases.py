"""A desk and, for each rule of the gate, what makes it refuse the next signal of BTC."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from application.inputs import (
    BalanceSeen,
    InstrumentsSeen,
    PositionSeen,
    ReconciliationSeen,
    SettingsSubmitted,
)
from domain.gate import Rule
from domain.message import MarkSeen
from domain.settings import RiskSettings
from tests.application.desk import BTC, MARKETS, PROMPT, Desk

D = Decimal


class GateDesk(Desk):
    """A desk whose marks may be old, and whose settings and markets may change at any time."""

    mark_age = timedelta(0)

    def marks(self) -> dict[str, MarkSeen]:
        seen_at = self.now - self.mark_age
        fresh = super().marks()
        return {s: msgspec.structs.replace(fresh[s], at=seen_at) for s in sorted(fresh)}

    def set(self, part: str, **changes: Any) -> None:
        """Submit the settings with some of one part changed."""
        known = self.book.account.settings
        edited = msgspec.structs.replace(getattr(known, part), **changes)
        whole = msgspec.structs.replace(known, **{part: edited})
        self.feed(SettingsSubmitted(settings=whole, actor="ann", reason="try"))

    def relist(self, **changes: Any) -> None:
        """The venue changes the rules of BTC."""
        listed = [
            msgspec.structs.replace(each, **changes) if each.symbol == BTC else each
            for each in MARKETS
        ]
        self.feed(InstrumentsSeen(instruments=tuple(listed)))

    def reconcile(self, surplus: str) -> None:
        """The venue shows so many contracts of BTC beyond our own."""
        self.now += timedelta(seconds=5)
        groups = self.book.open_groups()
        legs = [leg for group in groups for leg in self.book.legs_of(group)]
        own = sum((leg.lot.quantity for leg in legs), D(0))
        self.feed(
            ReconciliationSeen(
                asked_at=self.now,
                open_client_order_ids=tuple(o.request.client_order_id for o in self.working()),
                positions=(PositionSeen(symbol=BTC, quantity=own + D(surplus)),),
            )
        )

    def fall(self) -> None:
        """ETH is bought on its whole ladder, 10.1 for 999.85, and falls to 90.

        90.85 are lost then, with entry fees of 0.1 as taker and 0.15997 as maker 91.10997.
        """
        self.signal(symbol="ETHUSDT.P")
        self.move("90", "ETH/USDT:USDT")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: what trips it, with what value and limit, what becomes of entry and pyramid.

    Value and limit of a pyramid may be others. No `pyramid` outcome: it can never trip one.
    """

    rule: Rule
    trip: Callable[[GateDesk], object]
    value: str
    limit: str
    wish: dict[str, Any] = {}
    entry: str | None = "queued"
    pyramid: str | None = "refused"
    pyramid_value: str = ""
    pyramid_limit: str = ""


def _discrepant(desk: GateDesk) -> None:
    desk.reconcile("0")
    desk.reconcile("1")


def _foreign(desk: GateDesk) -> None:
    _discrepant(desk)
    desk.operator("clear_discrepancy", BTC)


def _closing(desk: GateDesk) -> None:
    desk.signal()
    desk.handle(desk.received("long", kind="exit", price=None))


def _second_slot(desk: GateDesk) -> None:
    desk.signal(symbol="ETHUSDT.P")
    desk.set("pool", max_open_groups=1, pyramids_need_slot=True)


def _second_of_symbol(desk: GateDesk) -> None:
    desk.signal(timeframe="60")
    desk.set("risk", max_open_groups_per_symbol=1)


def _lost(desk: GateDesk) -> None:
    desk.set("risk", cooldown_minutes_after_loss=30)
    desk.signal(timeframe="60")
    desk.move("99.9")
    desk.signal("long", kind="exit", timeframe="60", price=None)
    desk.move("100")
    desk.wait(minutes=10)


def _old(desk: GateDesk) -> None:
    desk.mark_age = timedelta(seconds=31)


def _poor(desk: GateDesk) -> None:
    desk.feed(BalanceSeen(currency="USDT", total=D(500), free=D(500)))


def _losing(desk: GateDesk, **limit: Any) -> None:
    desk.set("risk", **limit)
    desk.fall()


CASES = (
    Case(
        rule="trading_state",
        trip=lambda desk: desk.operator("pause"),
        value="reducing",
        limit="active",
    ),
    Case(
        rule="currency",
        trip=lambda desk: desk.relist(settle="USDC"),
        value="USDC",
        limit="USDT",
        entry="rejected",
        pyramid="rejected",
    ),
    Case(
        rule="symbol_allowed",
        trip=lambda desk: desk.set("risk", symbols_allowed=("ETH/USDT:USDT",)),
        value=BTC,
        limit="ETH/USDT:USDT",
        entry="rejected",
        pyramid="rejected",
    ),
    Case(
        rule="leverage",
        trip=lambda desk: desk.set("capital", leverage=6),
        value="6",
        limit="5",
        entry="rejected",
        pyramid="rejected",
    ),
    Case(rule="discrepancy", trip=_discrepant, value="open", limit="none"),
    Case(rule="foreign_position", trip=_foreign, value="1", limit="0"),
    Case(rule="key_free", trip=_closing, value="<group>", limit="free", pyramid=None),
    Case(
        rule="one_direction",
        trip=lambda desk: desk.signal(timeframe="60"),
        wish={"side": "sell"},
        value="<group>",
        limit="free",
        pyramid=None,
    ),
    Case(
        rule="max_open_groups",
        trip=_second_slot,
        value="2",
        limit="1",
        pyramid_value="3",
    ),
    Case(rule="max_open_groups_per_symbol", trip=_second_of_symbol, value="2", limit="1"),
    Case(
        rule="max_committed_capital",
        trip=lambda desk: desk.set("risk", max_committed_capital=D(900)),
        value="999.85",
        limit="900",
        pyramid_value="1999.7",
    ),
    Case(
        rule="max_committed_capital_per_symbol",
        trip=lambda desk: desk.set("risk", max_committed_capital_per_symbol=D(900)),
        value="999.85",
        limit="900",
        pyramid_value="1999.7",
    ),
    Case(
        rule="max_daily_loss",
        trip=lambda desk: _losing(desk, max_daily_loss=D(50), daily_loss_includes_open=True),
        value="91.10997",
        limit="50",
        pyramid_value="91.20997",
    ),
    Case(rule="mark_fresh", trip=_old, value="31.0", limit="30"),
    Case(
        rule="max_entry_deviation",
        trip=lambda _: None,
        wish={"price": "106"},
        value="6",
        limit="5",
        entry="rejected",
        pyramid="rejected",
    ),
    Case(
        rule="max_drawdown",
        trip=lambda desk: _losing(desk, max_drawdown_percent=D("0.005")),
        value="0.009110997",
        limit="0.005",
        pyramid_value="0.009120997",
    ),
    Case(rule="cooldown", trip=_lost, value="10", limit="30"),
    Case(
        rule="free_balance",
        trip=_poor,
        value="1000.349925",
        limit="500",
        # Of its four entries that rest, 799.85, the taker fee of 0.05 % may still be due.
        pyramid_limit="499.600075",
    ),
    Case(
        rule="max_quantity",
        trip=lambda desk: desk.relist(max_quantity=D("1.5")),
        value="2.04",
        limit="1.5",
        entry="rejected",
        pyramid="rejected",
    ),
    Case(
        rule="open_orders",
        trip=lambda desk: desk.relist(max_open_orders=9),
        value="10",
        limit="9",
        pyramid_value="19",
    ),
    Case(
        rule="price_band",
        trip=lambda desk: desk.relist(band_percent=D(1)),
        value="2",
        limit="1",
    ),
    Case(
        rule="position_limit",
        trip=lambda desk: desk.relist(position_limit=D(9)),
        value="10.1",
        limit="9",
        pyramid_value="20.2",
    ),
    Case(
        rule="liquidation_distance",
        trip=lambda desk: desk.set("capital", leverage=5),
        # 98 less 80 % of 98.99505 ÷ 0.975, in percent of 98.
        value="17.11560481008854417623865997274767",
        limit="30",
        entry="rejected",
        pyramid="rejected",
    ),
)
BY_RULE = {case.rule: case for case in CASES}
STRICT: dict[Rule, dict[str, Any]] = {
    "liquidation_distance": {"min_liquidation_distance_percent": D(30)}
}


def desk_for(case: Case) -> GateDesk:
    """Where the rule's limit is what it is from the start, if nothing else trips it."""
    risk = RiskSettings(**STRICT.get(case.rule, {}))
    return GateDesk(msgspec.structs.replace(PROMPT, risk=risk))
