"""What an account wants of its venue just now: the orders to send, cancel or ask about."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from application.inputs import BalanceSeen
from application.ports import Exchange, OrderTicket

WorkState = Literal["requested", "unknown", "cancel_requested", "trades_missing"]


class OrderWork(msgspec.Struct, frozen=True, kw_only=True):
    """One order of the Book that something must be done about.

    `state` says what: requested = send it; cancel_requested = cancel it; unknown and
    trades_missing = ask what became of it. At an engine's start every requested order is
    given as unknown, because it may have been sent before. `sending` counts resends:
    0 first, +1 each time the order was proven absent; one (client id, sending) is sent once.
    """

    account: str
    client_order_id: str
    symbol: str
    ticket: OrderTicket
    state: WorkState
    purpose: Literal["entry", "exit"]
    send_before: datetime | None = None
    first_asked: datetime | None = None
    sending: int = 0


class WorkingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that works at the venue, as far as the Book knows. `closes` = no entry."""

    client_order_id: str
    symbol: str
    closes: bool = False


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that works at the venue, as far as the venue says."""

    client_order_id: str
    symbol: str
    reduce_only: bool


class NotSentError(ConnectionError):
    """The call provably had no effect at the venue, and may have one if made again later.

    Refused connections, rate limits and clock skew end so. It is no `Refused`: the venue
    did not judge the order. `retry_after_seconds` is the least wait it asks for.
    """

    def __init__(self, reason: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class ReconcilableExchange(Exchange, Protocol):
    """An exchange that also shows enough to compare the Book with the venue."""

    async def open_orders(self) -> Sequence[OpenOrder]:
        """Working orders that carry our prefix. Raises ConnectionError if unreachable."""
        ...

    async def balance(self, currency: str) -> BalanceSeen:
        """The balance in units of `currency`. Raises ConnectionError if unreachable."""
        ...
