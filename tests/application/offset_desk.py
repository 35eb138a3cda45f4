"""A desk with two winners and a loser, a venue told to misbehave, and what must hold."""

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal, localcontext
from typing import Any

import msgspec

from application.inputs import AnswerLost, Ended, OperatorActed, OrderReported, Refused
from application.journal import Recorded
from application.processes.protection import unprotected_legs
from domain.dca_leg import LegExitFilled
from domain.identity import group_of
from domain.message import Event
from domain.money import DECISION_CONTEXT, ZERO
from domain.offset import (
    OffsetLoserEnded,
    OffsetLoserStarted,
    OffsetRealized,
    OffsetSettled,
    OffsetWinnerEnded,
    OffsetWinnerStarted,
)
from domain.order import Order, OrderRequested
from domain.position_group import CloseAttempted, PositionGroup, ReductionStarted
from domain.risk_engine import ProfitRecorded
from domain.settings import GridSettings, LegSettings, Settings
from tests.application.desk import BTC, ETH, MARKETS, PROMPT, SOL, Desk, of

D = Decimal
SIGNALS = {BTC: "BTCUSDT.P", ETH: "ETHUSDT.P", SOL: "SOLUSDT.P"}
# Two legs that buy 25 each at 100, with targets far away.
LEGS = tuple(
    LegSettings(gap_percent=D(gap), weight_percent=D(50), take_profit_percent=D(target))
    for gap, target in (("0", "90"), ("0", "80"))
)
GRID = GridSettings(legs=LEGS, max_pyramids=1, unfilled_minutes=None)
TRADES = msgspec.structs.replace(PROMPT, grid=GRID)

Answer = Callable[["OffsetDesk", OrderRequested], list[OrderReported]]


def refuses(_: "OffsetDesk", asked: OrderRequested) -> list[OrderReported]:
    """The venue says no."""
    return [_said(asked, Refused(code="-2021", message="not now"))]


def expires(_: "OffsetDesk", asked: OrderRequested) -> list[OrderReported]:
    """Nobody takes it."""
    return [_said(asked, Ended(status="expired", filled=ZERO))]


def is_lost(_: "OffsetDesk", asked: OrderRequested) -> list[OrderReported]:
    """It never arrives, and nobody knows."""
    return [_said(asked, AnswerLost(detail="timed out"))]


def fills(quantity: str) -> Answer:
    """Only so much of it trades."""

    def answer(desk: "OffsetDesk", asked: OrderRequested) -> list[OrderReported]:
        desk.core.max_fill_quantity = D(quantity)
        reports = Desk.carry_out(desk, asked)
        desk.core.max_fill_quantity = None
        return reports

    return answer


def moves(price: str, symbol: str) -> Answer:
    """The market moves just before the order arrives."""

    def answer(desk: "OffsetDesk", asked: OrderRequested) -> list[OrderReported]:
        reports: list[OrderReported] = []
        desk.core.begin_move(symbol, D(price), desk.now)
        while (fallen := desk.core.next_fill()) is not None:
            reports.extend(fallen)
        return reports + Desk.carry_out(desk, asked)

    return answer


class OffsetDesk(Desk):
    """The venue answers each sale of a part as `answers` says in turn, then as it should."""

    def __init__(self, settings: Settings = TRADES, **desk: Any) -> None:
        self.answers: deque[Answer] = deque()
        super().__init__(settings, **desk)

    def carry_out(self, errand: Event) -> list[OrderReported]:
        """As told, once each; then as a venue should."""
        is_sale = isinstance(errand, OrderRequested) and errand.purpose == "reduce"
        if is_sale and self.answers:
            assert isinstance(errand, OrderRequested)
            return self.answers.popleft()(self, errand)
        return super().carry_out(errand)

    def price(self, symbol: str, price: str) -> None:
        """The market stands elsewhere; no order of ours is reached on the way."""
        self._set_price(symbol, D(price))

    def group_in(self, symbol: str) -> PositionGroup:
        """The trade in a symbol, open or closed."""
        known = (self.book.group(each) for each in self.groups)
        return next(g for g in known if g is not None and g.opened.symbol == symbol)

    @property
    def groups(self) -> list[str]:
        """The ids of all trades there ever were, in the order of their events."""
        started = (each for each in self.recorded if each.stream.startswith("position_group"))
        return list(dict.fromkeys(each.stream.rpartition(":")[2] for each in started))

    def offset(self, symbol: str = SOL) -> list[Recorded]:
        """An operator lets a loser be paid down, and all that the venue answers at once."""
        return self.begin(symbol) + self.settle()

    def begin(self, symbol: str = SOL) -> list[Recorded]:
        """The same, and the venue hears nothing of it yet."""
        subject = self.group_in(symbol).opened.group_id
        return self.handle(
            OperatorActed(action="offset_now", subject=subject, actor="ann", reason="too deep")
        )

    def tick(self, times: int = 1) -> list[Recorded]:
        """Seconds pass."""
        return [each for _ in range(times) for each in self.wait(seconds=1)]

    @property
    def held(self) -> dict[str, Decimal]:
        """The lots by symbol."""
        held: dict[str, Decimal] = {}
        for group in self.book.open_groups():
            lots = (leg.lot.quantity for leg in self.book.legs_of(group))
            held[group.opened.symbol] = held.get(group.opened.symbol, ZERO) + sum(lots, ZERO)
        return held


def two_winners(settings: Settings = TRADES, **desk: Any) -> OffsetDesk:
    """50 of each at 100: BTC stands at 106, ETH at 104, SOL at 92."""
    made = OffsetDesk(settings, **desk)
    for symbol in (BTC, ETH, SOL):
        made.signal(symbol=SIGNALS[symbol])
        made.tick()
    for symbol, price in ((BTC, "106"), (ETH, "104"), (SOL, "92")):
        made.price(symbol, price)
    made.tick()
    assert made.held == {each.symbol: D(50) for each in MARKETS}
    return made


def at_the_loser(desk: OffsetDesk) -> OffsetDesk:
    """The winners have paid; the loser's first order is on its way to the venue."""
    desk.begin()
    while not of(desk.recorded, OffsetLoserStarted) or not asks_for(desk, SOL):
        if desk.errands:
            desk.reports.extend(desk.carry_out(desk.errands.popleft()))
        else:
            desk.handle(desk.reports.popleft())
    return desk


def asks_for(desk: OffsetDesk, symbol: str) -> bool:
    return any(
        isinstance(e, OrderRequested) and e.symbol == symbol and e.purpose == "reduce"
        for e in desk.errands
    )


def sale_in(desk: OffsetDesk, symbol: str) -> Order:
    """The latest order that sells a part in a symbol."""
    sales = [o for o in desk.book.orders() if o.request.purpose == "reduce"]
    own = [o for o in sales if o.request.symbol == symbol]
    return max(own, key=lambda order: order.request.attempt)


def settled(desk: Desk) -> OffsetSettled:
    """How the one offset ended."""
    (event,) = of(desk.recorded, OffsetSettled)
    return event


def prices_asked(desk: Desk, symbol: str) -> list[Decimal | None]:
    """The prices at which parts of a symbol's trade were offered."""
    return [
        asked.price
        for asked in of(desk.recorded, OrderRequested)
        if asked.purpose == "reduce" and asked.symbol == symbol
    ]


def check_offset(desk: Desk) -> None:
    """What must hold of every offset there was, recomputed from the trades' own events."""
    for event in of(desk.recorded, OffsetSettled):
        with localcontext(DECISION_CONTEXT):
            _check_sums(desk.recorded, event)
    for group in desk.book.open_groups():
        assert unprotected_legs(desk.book, group) == (), "a lot is unprotected"
    _check_order_ids(desk)


def _check_sums(recorded: Sequence[Recorded], event: OffsetSettled) -> None:
    """Earned is what winners' legs realized in their steps, realized what bounded sales did."""
    earned = _earned(recorded, event.offset_id)
    realized = _realized(recorded, event.offset_id)
    assert event.earned == earned
    assert event.realized == realized
    assert event.result == earned + realized
    assert -realized <= max(ZERO, earned), f"lost {realized} with {earned} earned"


def _earned(recorded: Sequence[Recorded], offset_id: str) -> Decimal:
    total, winner = ZERO, ""
    for each in recorded:
        match each.event:
            case OffsetWinnerStarted(group_id=group_id) as event if event.offset_id == offset_id:
                winner = group_id
            case OffsetWinnerEnded() as event if event.offset_id == offset_id:
                winner = ""
            case ProfitRecorded(group_id=group_id, leg_id=leg_id, amount=amount):
                is_funding = leg_id == group_id
                total += amount if group_id == winner and not is_funding else ZERO
            case OffsetRealized(group_id=group_id, amount=amount) as event:
                is_late = event.offset_id == offset_id and not offset_id.startswith(group_id)
                total += amount if is_late else ZERO
            case _:
                pass
    return total


def _realized(recorded: Sequence[Recorded], offset_id: str) -> Decimal:
    """By the orders that were decided while a reduction of the offset's was under way."""
    bounded = _bounded_orders(recorded, offset_id)
    filled = of(recorded, LegExitFilled)
    fees = sum(
        (
            e.amount
            for e in of(recorded, OffsetRealized)
            if e.part.endswith("|fee")
            and e.offset_id == offset_id
            and offset_id.startswith(e.group_id)
        ),
        ZERO,
    )
    return sum((f.realized for f in filled if f.client_order_id in bounded), fees)


def _bounded_orders(recorded: Sequence[Recorded], offset_id: str) -> set[str]:
    found: set[str] = set()
    is_under_way = False
    loser = group_of(offset_id)
    for each in recorded:
        match each.event:
            case OffsetLoserStarted() as event if event.offset_id == offset_id:
                is_under_way = True
            case OffsetLoserEnded() as event if event.offset_id == offset_id:
                is_under_way = False
            case ReductionStarted(group_id=group_id, bound=None) if group_id == loser:
                is_under_way = False
            case CloseAttempted(group_id=group_id, covers=covers) as event if group_id == loser:
                if is_under_way and covers:
                    found.add(event.client_order_id)
            case _:
                pass
    return found


def _check_order_ids(desk: Desk) -> None:
    asked = [requested.client_order_id for requested in of(desk.recorded, OrderRequested)]
    assert len(asked) == len(set(asked)), "an order was asked for twice"


def _said(asked: OrderRequested, report: Any) -> OrderReported:
    return OrderReported(client_order_id=asked.client_order_id, report=report)
