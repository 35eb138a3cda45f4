"""A venue played by hand: it accepts every order, trades when told, and holds what it traded."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from application.inputs import (
    Accepted,
    AccountRegistered,
    Ended,
    ForeignTrade,
    Found,
    OrderReported,
    PositionSeen,
    ReconciliationSeen,
    Refused,
    Traded,
)
from application.journal import Recorded
from domain.holding_terms import Held
from domain.instrument import PositionMode, Side
from domain.message import Event, Input
from domain.money import ZERO
from domain.order import Order, OrderCancelRequested, OrderRequested
from domain.order_terms import OrderStatus
from domain.settings import CapitalSettings, Settings
from tests.application.desk import BTC, PROMPT, Desk

D = Decimal
HEDGED = msgspec.structs.replace(PROMPT, capital=CapitalSettings(hedge_mode=True))


class HandVenue(Desk):
    """A desk whose venue keeps positions by symbol, in hedge mode by side, and nothing else.

    What closes a trade at once is sold at the mark, as far as it is held.
    """

    def __init__(self, settings: Settings = PROMPT, *, live: bool = False, **desk: Any) -> None:
        self._is_live = live
        self.held: dict[Held, Decimal] = {}
        self.foreign: list[ForeignTrade] = []
        self.cash = ZERO
        self._trades = 0
        super().__init__(settings, **desk)

    def handle(self, received: Input) -> list[Recorded]:
        """As a desk does, but for a live account where one is wanted."""
        if isinstance(received, AccountRegistered) and self._is_live:
            received = msgspec.structs.replace(received, paper=False)
        return super().handle(received)

    def carry_out(self, errand: Event) -> list[OrderReported]:
        """Accept, cancel, or close what is held at the mark."""
        identity: str = errand.client_order_id  # type: ignore[attr-defined]
        order = self.book.order(identity)
        assert order is not None
        if isinstance(errand, OrderCancelRequested):
            return [self._said(identity, Ended(status="cancelled", filled=order.filled))]
        if isinstance(errand, OrderRequested) and errand.purpose in ("close", "reduce"):
            return self._close(order)
        return [self._said(identity, Accepted(venue_order_id=identity))]

    def fill(
        self, order: Order, quantity: str | Decimal, price: str | Decimal, **fee: Any
    ) -> list[Recorded]:
        """Trade a part of an order; all that follows is carried out."""
        return self.feed(self.trade(order, D(quantity), D(price), **fee))

    def trade(self, order: Order, quantity: Decimal, price: Decimal, **fee: Any) -> OrderReported:
        """A trade of an order, which the engine has not heard of yet."""
        self._trades += 1
        signed = quantity if order.request.side == "buy" else -quantity
        held = self.position_of(order)
        self.held[held] = self.held.get(held, ZERO) + signed
        self.cash -= signed * price
        traded: dict[str, Any] = {"fee": ZERO, "fee_asset": "USDT", **fee}
        report = Traded(
            trade_id=f"t{self._trades}",
            price=price,
            quantity=quantity,
            liquidity="maker",
            traded_at=self.now,
            **traded,
        )
        return self._said(order.request.client_order_id, report)

    def by_hand(
        self,
        side: Side,
        quantity: str | Decimal,
        price: str | Decimal,
        *,
        symbol: str = BTC,
        mode: PositionMode = "both",
        at: datetime | None = None,
    ) -> ForeignTrade:
        """Somebody trades the account without us, or the venue liquidates."""
        self._trades += 1
        signed = D(quantity) if side == "buy" else -D(quantity)
        held: Held = (symbol, mode)
        self.held[held] = self.held.get(held, ZERO) + signed
        trade = ForeignTrade(
            symbol=symbol,
            side=side,
            price=D(price),
            quantity=D(quantity),
            trade_id=f"t{self._trades}",
            traded_at=at or self.now,
            position_side=mode,
        )
        self.foreign.append(trade)
        return trade

    def seen(self, **changes: Any) -> ReconciliationSeen:
        """What the venue holds now."""
        return ReconciliationSeen(
            asked_at=self.now,
            open_client_order_ids=tuple(o.request.client_order_id for o in self.working()),
            **{"positions": self._positions(), "foreign_trades": tuple(self.foreign), **changes},
        )

    def look(self, *, after: float = 11, **changes: Any) -> list[Recorded]:
        """Time passes, and the venue is asked what it holds, and what became of any order."""
        self.answer()
        self.now += timedelta(seconds=after)
        happened = self.feed(self.seen(**changes))
        self.answer()
        return happened

    def answer(self) -> None:
        """Every order whose fate is not known works as it did."""
        for order in tuple(self.book.working_orders()):
            identity = order.request.client_order_id
            if order.status is OrderStatus.UNKNOWN:
                found = Found(venue_order_id=identity, filled=order.filled)
                self.feed(self._said(identity, found))

    def position_of(self, order: Order) -> Held:
        """The position an order's trades move."""
        group = self.book.group(order.request.group_id)
        assert group is not None
        is_hedged = self.book.account.settings.capital.hedge_mode
        return order.request.symbol, group.opened.side if is_hedged else "both"

    def entries(self, number: int = 0) -> list[Order]:
        """The resting entries of an open group, the first leg's first."""
        own = [o for o in self.working("entry") if o.request.group_id == self._id(number)]
        return sorted(own, key=lambda order: order.request.leg_id)

    def _positions(self) -> tuple[PositionSeen, ...]:
        return tuple(
            PositionSeen(symbol=held[0], side=held[1], quantity=quantity)
            for held, quantity in sorted(self.held.items())
            if quantity != ZERO
        )

    def _id(self, number: int) -> str:
        return self.group(number).opened.group_id

    def _close(self, order: Order) -> list[OrderReported]:
        request = order.request
        held = self.held.get(self.position_of(order), ZERO)
        sellable = max(ZERO, held if request.side == "sell" else -held)
        quantity = min(request.quantity, sellable)
        identity = request.client_order_id
        if quantity == ZERO:
            return [self._said(identity, Refused(code="-2022", message="nothing to reduce"))]
        price = self.core.price(request.symbol)
        assert price is not None
        reports = [self.trade(order, quantity, price)]
        if quantity < request.quantity:
            reports.append(self._said(identity, Ended(status="cancelled", filled=quantity)))
        return reports

    @staticmethod
    def _said(identity: str, report: Any) -> OrderReported:
        return OrderReported(client_order_id=identity, report=report)
