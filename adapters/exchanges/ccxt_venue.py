"""What each venue must be asked in its own words, and what it answers, in ours."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from adapters.exchanges.ccxt_client import CcxtClient
from adapters.exchanges.ccxt_outcomes import OutcomeCodes
from application.inputs import FundingReported, Traded
from application.ports import OrderTicket
from domain.instrument import Instrument, PositionMode, Side

EndStatus = Literal["filled", "cancelled", "expired", "rejected"]


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as the venue shows it. `ended` none = it works. `filled` is cumulative.

    `is_waiting` = a stop that was not triggered: its venue id is one of the stops' own, no trade
    bears it. `would_take` = post-only, and the venue ended it because it would have taken.
    """

    client_order_id: str
    venue_order_id: str
    symbol: str
    filled: Decimal
    reduce_only: bool
    ended: EndStatus | None
    is_waiting: bool = False
    would_take: bool = False


class VenueStop(msgspec.Struct, frozen=True, kw_only=True):
    """A stop as the venue keeps it; `made_order_id` is the order it became, empty before that.

    `is_unclear` = it was triggered, but the order it became is not named (yet).
    """

    order: VenueOrder
    made_order_id: str = ""
    is_unclear: bool = False


class VenueTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade on our account and the venue's id of the order it belongs to."""

    venue_order_id: str
    trade: Traded
    side: Side
    position_side: PositionMode = "both"


class VenuePosition(msgspec.Struct, frozen=True, kw_only=True):
    """Signed quantity: positive long, negative short. `side` in hedge mode."""

    symbol: str
    quantity: Decimal
    side: PositionMode = "both"


class VenueBalance(msgspec.Struct, frozen=True, kw_only=True):
    """Wallet total, and what new orders may use, in units of the currency."""

    total: Decimal
    free: Decimal


class OrderFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A stream's news of one order: what it became, and the trade that made it so.

    `may_be_undone` = accepted, but the venue may still refuse it (post-only).
    """

    order: VenueOrder
    is_new: bool
    trade: Traded | None
    may_be_undone: bool = False


class StopFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A stream's news of one stop."""

    stop: VenueStop
    is_new: bool


class FundingFrame(msgspec.Struct, frozen=True, kw_only=True):
    """Funding was settled: what exactly must be asked for."""

    settled_at: datetime


class BookFrame(msgspec.Struct, frozen=True, kw_only=True):
    """Best bid and ask of a symbol, in quote units."""

    symbol: str
    bid: Decimal
    ask: Decimal


class KeyExpiredFrame(msgspec.Struct, frozen=True, kw_only=True):
    """The user stream's key has lapsed: nothing more will come on it."""


Frame = OrderFrame | StopFrame | FundingFrame | BookFrame | KeyExpiredFrame


class UnreadableAnswerError(ConnectionError):
    """The venue answered, but not with what was asked for; it proves nothing."""


class TradesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which trades: of one order, since a venue time (Unix milliseconds), or the `newest`."""

    symbol: str
    venue_order_id: str | None = None
    since_ms: int | None = None
    newest: int | None = None


class VenueDialect(Protocol):
    """One venue's words. Reads raise ConnectionError when they learned nothing certain."""

    venue: str
    codes: OutcomeCodes
    options: Mapping[str, object]
    rate_limit_ms: int
    has_countdown: bool

    def order_parameters(self, ticket: OrderTicket) -> dict[str, object]:
        """What `create_order` needs besides symbol, type, side, amount and price."""
        ...

    def cancel_parameters(self, client_order_id: str, *, is_stop: bool) -> dict[str, object]:
        """What `cancel_order` needs to find the order by our id."""
        ...

    def read_instruments(self, markets: Sequence[Mapping[str, object]]) -> list[Instrument]:
        """The tradable markets among ccxt's, by symbol."""
        ...

    def read_order(self, raw: object, symbol: str) -> VenueOrder:
        """An order of the venue's own answer."""
        ...

    def read_frame(self, frame: object) -> Frame | None:
        """A stream's frame, or none if it is about something else."""
        ...

    async def order(self, client: CcxtClient, symbol: str, identity: str) -> VenueOrder | None:
        """By our client order id; none if the venue definitely does not know it."""
        ...

    async def order_by_venue_id(
        self, client: CcxtClient, symbol: str, identity: str
    ) -> VenueOrder | None:
        """By the venue's id; none if the venue definitely does not know it."""
        ...

    async def stop(self, client: CcxtClient, symbol: str, identity: str) -> VenueOrder | None:
        """A stop by our client order id, as the order it became once it was triggered."""
        ...

    async def open_orders(self, client: CcxtClient, symbol: str | None) -> list[VenueOrder]:
        """Working orders and waiting stops of one symbol, or of all."""
        ...

    async def stops(self, client: CcxtClient, symbol: str) -> list[VenueStop]:
        """The latest stops of a symbol, those that ended included."""
        ...

    async def owners(self, client: CcxtClient, symbol: str) -> Mapping[str, str]:
        """The client ids of a symbol's latest orders by venue id, those that ended included."""
        ...

    async def trades(self, client: CcxtClient, query: TradesQuery) -> list[VenueTrade]:
        """Trades on our account, oldest first."""
        ...

    async def funding(self, client: CcxtClient, since_ms: int) -> list[FundingReported]:
        """Funding settled from a venue time on (Unix milliseconds, included), oldest first."""
        ...

    async def positions(self, client: CcxtClient) -> list[VenuePosition]:
        """What is held; in hedge mode a symbol may come once a side."""
        ...

    async def balance(self, client: CcxtClient, currency: str) -> VenueBalance:
        """The balance of one currency."""
        ...

    async def best_prices(self, client: CcxtClient, symbol: str) -> BookFrame:
        """Best bid and ask, asked for rather than streamed."""
        ...

    async def set_countdown(self, client: CcxtClient, symbol: str, seconds: int) -> None:
        """Have all orders of a symbol cancelled after so many seconds, 0 = never."""
        ...

    def is_user_stream(self, url: str) -> bool:
        """Whether a stream of this address carries our orders."""
        ...

    def forget_stream_key(self, client: CcxtClient) -> None:
        """Make the next connection of the user stream ask for its key anew."""
        ...

    async def renew_stream_key(self, client: CcxtClient) -> None:
        """Keep the user stream's key alive."""
        ...
