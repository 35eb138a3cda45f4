"""A venue that opens nothing on a symbol whose margin mode and leverage are not as wanted."""

import asyncio
from collections.abc import Callable, Sequence

from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.venue_setup import SymbolSetting, VenueSetup
from application.inputs import BalanceSeen, OrderReported, ReconciliationSeen, Refused
from application.ports import OrderTicket
from application.work import NotSentError, OpenOrder
from domain.instrument import Instrument, exit_side

SETUP_CODE = "setup"


class PreparedExchange:
    """A CcxtExchange before whose first entry on a symbol the venue is set up and verified.

    Exits pass untouched: nothing may keep a position from being closed.
    """

    def __init__(self, exchange: CcxtExchange, wanted: Callable[[str], SymbolSetting]) -> None:
        self._exchange = exchange
        self._setup = VenueSetup(exchange)
        self._wanted = wanted
        self._turn = asyncio.Lock()
        self._ready: dict[str, SymbolSetting] = {}

    async def place(self, ticket: OrderTicket) -> Sequence[OrderReported]:
        """Send one order, once; an entry on a symbol set up otherwise is refused instead.

        Raises NotSentError while that could not be verified.
        """
        refused = "" if _only_closes(ticket) else await self._flaw(ticket.symbol)
        if refused:
            report = Refused(code=SETUP_CODE, message=refused)
            return [OrderReported(client_order_id=ticket.client_order_id, report=report)]
        return await self._exchange.place(ticket)

    async def load_instruments(self) -> Sequence[Instrument]:
        """The venue's markets. Raises ConnectionError if unreachable."""
        return await self._exchange.load_instruments()

    async def cancel(self, client_order_id: str, symbol: str) -> Sequence[OrderReported]:
        """Ask the venue to cancel one order."""
        return await self._exchange.cancel(client_order_id, symbol)

    async def query(self, client_order_id: str, symbol: str) -> Sequence[OrderReported]:
        """Ask what became of an order."""
        return await self._exchange.query(client_order_id, symbol)

    async def reconcile(self, symbols: Sequence[str]) -> ReconciliationSeen:
        """Open orders of ours and positions. Raises ConnectionError if unreachable."""
        return await self._exchange.reconcile(symbols)

    async def open_orders(self) -> Sequence[OpenOrder]:
        """Working orders that carry our prefix. Raises ConnectionError if unreachable."""
        return await self._exchange.open_orders()

    async def balance(self, currency: str) -> BalanceSeen:
        """The balance of a currency. Raises ConnectionError if unreachable."""
        return await self._exchange.balance(currency)

    async def close(self) -> None:
        """Release connections."""
        await self._exchange.close()

    async def _flaw(self, symbol: str) -> str:
        """Why the symbol may not be entered, empty if it may.

        One at a time: the first leg's order must not make the symbol look taken to the next.
        """
        async with self._turn:
            return await self._judged(symbol)

    async def _judged(self, symbol: str) -> str:
        wanted = self._wanted(symbol)
        if self._ready.get(symbol) == wanted:
            return ""
        await self._require_instruments()
        (finding,) = await self._setup.prepare([wanted])
        if not finding.is_verified:
            raise NotSentError(finding.detail)
        if finding.is_ready:
            self._ready[symbol] = wanted
            return ""
        return finding.detail

    async def _require_instruments(self) -> None:
        if self._exchange.instruments:
            return
        try:
            await self._exchange.load_instruments()
        except ConnectionError as error:
            raise NotSentError(str(error)) from error


def _only_closes(ticket: OrderTicket) -> bool:
    """In hedge mode an exit bears no flag: it is told by the position it is of, and its side."""
    if ticket.position_side == "both":
        return ticket.reduce_only
    return ticket.side == exit_side(ticket.position_side)
