"""What trades with exits are made and looked at with: ladders, single fills, single reports."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from application.inputs import OperatorActed, OrderReported, Traded
from application.journal import Recorded
from domain.order import Order
from domain.position_group import CloseAttempted
from domain.settings import ExitSettings, GridSettings, LegSettings, Settings
from tests.application.desk import PROMPT, Desk, of

D = Decimal
SPOT = "BTC/USDT"


def ladder(*legs: tuple[str, str, str]) -> GridSettings:
    """Legs of (gap, weight, target), in percent."""
    made = tuple(
        LegSettings(gap_percent=D(gap), weight_percent=D(weight), take_profit_percent=D(target))
        for gap, weight, target in legs
    )
    return GridSettings(legs=made)


# 5 at 100 and 5.05 at 99.
TWO_LEGS = ladder(("0", "50", "9"), ("-1", "50", "9"))


def settings(grid: GridSettings = TWO_LEGS, **exits: Any) -> Settings:
    changed: dict[str, Any] = {"coalesce_ms": 0}
    for name, value in exits.items():
        changed[name] = D(value) if name.endswith("percent") else value
    return msgspec.structs.replace(PROMPT, grid=grid, exits=ExitSettings(**changed))


def reduce_group(desk: Desk, percent: str) -> list[Recorded]:
    """An operator's click; the venue hears nothing of it yet."""
    acted = OperatorActed(
        action="reduce_group",
        subject=desk.group().opened.group_id,
        actor="ann",
        reason="less",
        percent=D(percent),
    )
    return desk.handle(acted)


def sales(happened: Sequence[Recorded]) -> list[Decimal]:
    return [attempt.quantity for attempt in of(happened, CloseAttempted)]


def offered(desk: Desk) -> Decimal:
    """What the exits that are not called off may still sell."""
    exits = [o for o in desk.working() if o.request.purpose != "entry" and not o.cancel_requested]
    return sum((o.request.quantity - o.filled for o in exits), D(0))


def held(desk: Desk) -> Decimal:
    """The lots of every open group."""
    legs = (leg for group in desk.book.open_groups() for leg in desk.book.legs_of(group))
    return sum((leg.lot.quantity for leg in legs), D(0))


def entry_at(desk: Desk, price: str) -> Order:
    return next(o for o in desk.working("entry") if o.request.price == D(price))


def fill(desk: Desk, order: Order, quantity: str) -> None:
    """A part of a resting order trades at its limit."""
    for report in desk.core.fill(order.request.client_order_id, D(quantity), desk.now):
        desk.feed(report)


def hear(desk: Desk, order: Order, report: Any) -> list[Recorded]:
    """What a venue says of an order; it hears nothing of the consequences yet."""
    identity = order.request.client_order_id
    return desk.handle(OrderReported(client_order_id=identity, report=report))


def traded(desk: Desk, quantity: str, price: str, trade_id: str = "hand") -> Traded:
    return Traded(
        trade_id=trade_id,
        price=D(price),
        quantity=D(quantity),
        fee=D(0),
        fee_asset="USDT",
        liquidity="taker",
        traded_at=desk.now,
    )
