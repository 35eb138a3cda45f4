"""What the venue holds for an account just now: our working orders, positions, balance."""

from collections.abc import Sequence
from decimal import Decimal

from adapters.exchanges.ccxt_client import CcxtClient
from adapters.exchanges.ccxt_venue import VenueDialect
from application.inputs import BalanceSeen, PositionSeen, ReconciliationSeen
from application.work import OpenOrder
from domain.money import ZERO


class VenueSnapshot:
    """Reads whole-account facts. Every method raises ConnectionError if unreachable."""

    def __init__(self, client: CcxtClient, dialect: VenueDialect, prefix: str) -> None:
        self._client = client
        self._dialect = dialect
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
        """Our open orders, and net positions: of `symbols` and of all that are not flat."""
        asked_at = self._client.clock.now()
        orders = await self.open_orders()
        held: dict[str, Decimal] = dict.fromkeys(symbols, ZERO)
        for position in await self._dialect.positions(self._client):
            if position.quantity or position.symbol in held:
                held[position.symbol] = held.get(position.symbol, ZERO) + position.quantity
        return ReconciliationSeen(
            asked_at=asked_at,
            open_client_order_ids=tuple(sorted(order.client_order_id for order in orders)),
            positions=tuple(
                PositionSeen(symbol=symbol, quantity=held[symbol]) for symbol in sorted(held)
            ),
        )

    async def position(self, symbol: str) -> Decimal:
        """The net position in one symbol: positive long, negative short."""
        held = await self._dialect.positions(self._client)
        return sum((each.quantity for each in held if each.symbol == symbol), ZERO)

    async def balance(self, currency: str) -> BalanceSeen:
        """Wallet total and what new orders may use."""
        seen = await self._dialect.balance(self._client, currency)
        return BalanceSeen(currency=currency, total=seen.total, free=seen.free)
