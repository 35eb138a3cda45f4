"""What the venue holds for an account just now: our working orders, positions, balance."""

from collections.abc import Sequence
from decimal import Decimal

from adapters.exchanges.ccxt_client import CcxtClient
from adapters.exchanges.ccxt_venue import VenueDialect
from adapters.exchanges.foreign_trades import ForeignTrades
from application.inputs import BalanceSeen, PositionSeen, ReconciliationSeen
from application.ports import OrderTicket
from application.work import OpenOrder
from domain.instrument import PositionMode
from domain.money import ZERO


class VenueSnapshot:
    """Reads whole-account facts. Every method raises ConnectionError if unreachable."""

    def __init__(
        self, client: CcxtClient, dialect: VenueDialect, foreign: ForeignTrades, prefix: str
    ) -> None:
        self._client = client
        self._dialect = dialect
        self._foreign = foreign
        self._prefix = prefix

    async def open_orders(self) -> list[OpenOrder]:
        """Working orders of ours on any symbol: an orphan may sit where nobody looks."""
        return [
            OpenOrder(
                client_order_id=order.client_order_id,
                symbol=order.symbol,
                reduce_only=order.reduce_only,
            )
            for order in await self._dialect.open_orders(self._client, None)
            if order.client_order_id.startswith(self._prefix)
        ]

    async def reconcile(self, symbols: Sequence[str]) -> ReconciliationSeen:
        """Our open orders, positions, and foreign trades.

        Positions of `symbols` and of all that are not flat, in hedge mode one of each side that
        is held; foreign trades of `symbols`, asked for last, so that none is missing which the
        positions already show.
        """
        asked_at = self._client.clock.now()
        orders = await self.open_orders()
        positions = await self._positions(symbols)
        return ReconciliationSeen(
            asked_at=asked_at,
            open_client_order_ids=tuple(sorted(order.client_order_id for order in orders)),
            positions=positions,
            foreign_trades=await self._foreign.latest(symbols),
        )

    async def position(self, symbol: str, ticket: OrderTicket | None) -> Decimal | None:
        """What is held of one symbol: positive long, negative short.

        In hedge mode it is that of the ticket's side, and unknown without a ticket.
        """
        held = [each for each in await self._dialect.positions(self._client) if each.quantity]
        sides = {each.side for each in held if each.symbol == symbol}
        wanted = "both" if ticket is None else ticket.position_side
        if ticket is None and sides - {"both"}:
            return None
        return sum(
            (each.quantity for each in held if (each.symbol, each.side) == (symbol, wanted)), ZERO
        )

    async def _positions(self, symbols: Sequence[str]) -> tuple[PositionSeen, ...]:
        held: dict[tuple[str, PositionMode], Decimal] = {}
        for each in await self._dialect.positions(self._client):
            if each.quantity:
                key = (each.symbol, each.side)
                held[key] = held.get(key, ZERO) + each.quantity
        seen = {symbol for symbol, _ in held}
        flat: dict[tuple[str, PositionMode], Decimal] = {
            (symbol, "both"): ZERO for symbol in symbols if symbol not in seen
        }
        return tuple(
            PositionSeen(symbol=symbol, side=side, quantity=quantity)
            for (symbol, side), quantity in sorted({**flat, **held}.items())
        )

    async def balance(self, currency: str) -> BalanceSeen:
        """Wallet total and what new orders may use."""
        seen = await self._dialect.balance(self._client, currency)
        return BalanceSeen(currency=currency, total=seen.total, free=seen.free)
