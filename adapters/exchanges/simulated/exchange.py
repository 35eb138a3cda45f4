"""The simulated venue in process: what a paper account and the demo trade on."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.orders import is_reducing
from application.inputs import BalanceSeen, OrderReported, PositionSeen, ReconciliationSeen
from application.ports import Clock, OrderTicket
from application.work import OpenOrder
from domain.instrument import Instrument, PositionMode
from domain.message import Input, MarkSeen
from domain.money import ZERO

SIDES_KEPT_MAX = 10_000


class SimulatedExchange:
    """A `ReconcilableExchange` and its `MarketData` around one matching core.

    What a move of the price fills, and funding, goes to `submit`, one report at a time, as a
    venue's stream would bring it. `prefix` begins the client ids of the orders that `reconcile`
    calls ours.
    """

    def __init__(
        self,
        *,
        core: MatchingCore,
        clock: Clock,
        submit: Callable[[Input], None],
        prefix: str = "",
    ) -> None:
        self.core = core
        self._clock = clock
        self._submit = submit
        self._prefix = prefix
        self._marks: dict[str, MarkSeen] = {}
        # In hedge mode the position sides of the orders sent, the oldest forgotten.
        self._sides: dict[str, PositionMode] = {}

    def move(self, symbol: str, price: Decimal, at: datetime) -> None:
        """Sweep to `price`. Each fill is submitted before the next is looked for.

        So an order that `submit` places or cancels at once takes part in the rest of the sweep.
        """
        self.core.begin_move(symbol, price, at)
        while (reports := self.core.next_fill()) is not None:
            for report in reports:
                self._submit(report)
        self._marks[symbol] = MarkSeen(symbol=symbol, price=price, at=at)

    def fund(self, symbol: str, rate: Decimal, at: datetime) -> None:
        """Settle funding, `rate` in percent. Raises ValueError as the core does."""
        for report in self.core.fund(symbol, rate, at):
            self._submit(report)

    def marks(self) -> Mapping[str, MarkSeen]:
        """The latest mark of every symbol that has moved."""
        return dict(self._marks)

    async def watch(self, symbols: Sequence[str]) -> None:
        """Every listed market is always watched. Raises KeyError for one that is not listed."""
        for symbol in symbols:
            if self.core.instrument(symbol) is None:
                message = f"symbol was {symbol}: the simulated venue does not list it"
                raise KeyError(message)

    async def load_instruments(self) -> Sequence[Instrument]:
        """The listed markets, by symbol."""
        return self.core.instruments()

    async def place(self, ticket: OrderTicket) -> Sequence[OrderReported]:
        """Send one order, once. Reports of other orders follow if it made them end."""
        if ticket.position_side != "both":
            self._sides[ticket.client_order_id] = ticket.position_side
            if len(self._sides) > SIDES_KEPT_MAX:
                del self._sides[next(iter(self._sides))]
        return self.core.place(ticket, self._clock.now())

    async def cancel(self, client_order_id: str, symbol: str) -> Sequence[OrderReported]:
        """Cancel one order of `symbol`; of another symbol it is unknown, as at a venue."""
        reports = self.core.cancel(self._named(client_order_id, symbol), self._clock.now())
        return _renamed(reports, client_order_id)

    def note(self, tickets: Iterable[OrderTicket]) -> None:
        """Know the position side of orders that an earlier process sent."""
        for ticket in tickets:
            self._sides[ticket.client_order_id] = ticket.position_side

    async def query(
        self, client_order_id: str, symbol: str, position_side: PositionMode = "both"
    ) -> Sequence[OrderReported]:
        """What became of an order.

        In hedge mode the position that goes with one that is not found is told only if its
        side is given, or the order was sent through this exchange.
        """
        identity = self._named(client_order_id, symbol)
        side = self._sides.get(client_order_id, position_side)
        reports = self.core.query(identity, self._clock.now(), symbol, side)
        return _renamed(reports, client_order_id)

    async def reconcile(self, symbols: Sequence[str]) -> ReconciliationSeen:
        """Our open orders of any symbol, and the positions: those asked for, and every other.

        In hedge mode there are two positions a symbol, one a side.
        """
        quantities = {(held.symbol, held.side): held.quantity for held in self.core.held()}
        wanted = sorted({*symbols, *(symbol for symbol, _ in quantities)})
        return ReconciliationSeen(
            asked_at=self._clock.now(),
            open_client_order_ids=tuple(
                order.client_order_id for order in await self.open_orders()
            ),
            positions=tuple(
                PositionSeen(
                    symbol=symbol, quantity=quantities.get((symbol, side), ZERO), side=side
                )
                for symbol in wanted
                for side in self.core.sides
            ),
        )

    async def open_orders(self) -> Sequence[OpenOrder]:
        """Our working orders, in order of arrival."""
        return [
            OpenOrder(
                client_order_id=order.client_order_id,
                symbol=order.ticket.symbol,
                reduce_only=is_reducing(order.ticket),
            )
            for order in self.core.open_orders()
            if order.client_order_id.startswith(self._prefix)
        ]

    async def balance(self, currency: str) -> BalanceSeen:
        """The account currency, or what fees are paid with. Raises ValueError for another one."""
        kept = self.core.holdings.fee_asset
        if kept is not None and currency == kept.asset:
            return BalanceSeen(currency=currency, total=kept.balance, free=kept.balance)
        if currency != self.core.currency:
            message = f"currency was {currency}: this account is kept in {self.core.currency}"
            raise ValueError(message)
        return BalanceSeen(currency=currency, total=self.core.balance, free=self.core.free)

    async def close(self) -> None:
        """Nothing to release; working orders stay at the venue."""

    def _named(self, client_order_id: str, symbol: str) -> str:
        """The id, or one that no order can have if the order belongs to another symbol."""
        order = self.core.order(client_order_id)
        if order is not None and order.ticket.symbol != symbol:
            return ""
        return client_order_id


def _renamed(reports: Sequence[OrderReported], client_order_id: str) -> list[OrderReported]:
    return [
        OrderReported(client_order_id=client_order_id, report=reported.report)
        for reported in reports
    ]
