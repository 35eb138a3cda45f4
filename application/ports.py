"""What the engine needs of the outside world, each a narrow promise an adapter keeps."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from application.inputs import OrderReported, ReconciliationSeen
from domain.instrument import Instrument, PositionMode, Side
from domain.message import Input, MarkSeen


class OrderTicket(msgspec.Struct, frozen=True, kw_only=True):
    """One order as it is to be sent. Quantity in contracts; no price = plain market.

    With a `trigger_price` it is a stop: it waits until the market touches that price, then
    trades at market. In hedge mode `position_side` is `long` or `short`.
    """

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal | None
    time_in_force: Literal["gtc", "ioc", "post_only"]
    reduce_only: bool
    position_side: PositionMode = "both"
    trigger_price: Decimal | None = None


class Exchange(Protocol):
    """One account at one venue. No method raises for what a venue may answer.

    Each answers with the reports it learned, in the order in which they happened: trades
    before the end they lead to. What is uncertain comes back as `AnswerLost`.
    """

    async def load_instruments(self) -> Sequence[Instrument]:
        """The venue's markets of this account's kind. Raises ConnectionError if unreachable."""
        ...

    async def place(self, ticket: OrderTicket) -> Sequence[OrderReported]:
        """Send one order, once."""
        ...

    async def cancel(self, client_order_id: str, symbol: str) -> Sequence[OrderReported]:
        """Ask the venue to cancel one order."""
        ...

    async def query(self, client_order_id: str, symbol: str) -> Sequence[OrderReported]:
        """Ask by id, among open orders and among trades what became of an order."""
        ...

    async def reconcile(self, symbols: Sequence[str]) -> ReconciliationSeen:
        """Open orders of ours and positions. Raises ConnectionError if unreachable."""
        ...

    async def close(self) -> None:
        """Release connections; nothing is cancelled at the venue."""
        ...


class MarketData(Protocol):
    """The latest mark per symbol. Reading never blocks."""

    def marks(self) -> Mapping[str, MarkSeen]:
        """The newest mark of every watched symbol that has one."""
        ...

    async def watch(self, symbols: Sequence[str]) -> None:
        """Make sure marks of these symbols are kept fresh from now on."""
        ...


class Clock(Protocol):
    """The one reader of the time."""

    def now(self) -> datetime:
        """UTC-aware, microseconds."""
        ...


Submit = Callable[[str, Input], None]
"""Hand an input of an account to the engine's writer, from any thread; never blocks."""
