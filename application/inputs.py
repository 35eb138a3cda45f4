"""Everything that can happen to an account from outside: the union of inputs.

Facts are always recorded; observations only when they cause something.
"""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from domain.instrument import Instrument, MarketKind, PositionMode, Side
from domain.message import Event, Input
from domain.order_terms import RefusalKind
from domain.settings import Settings


class Accepted(msgspec.Struct, frozen=True, kw_only=True, tag="accepted"):
    """The venue has the order and gave it an id. It may be resting or already filled."""

    venue_order_id: str


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """A definite no: a (venue, code) pair of the whitelist. The order does not exist.

    `kind` names the refusals that are answered otherwise than by giving up the order.
    """

    code: str
    message: str
    kind: RefusalKind = "other"


class AnswerLost(msgspec.Struct, frozen=True, kw_only=True, tag="answer_lost"):
    """Sent, and the answer is not known to be yes or no. Only asking may resolve it."""

    detail: str


class Traded(msgspec.Struct, frozen=True, kw_only=True, tag="traded"):
    """One fill, counted once by `trade_id`. Fee in units of `fee_asset`, positive = paid."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Literal["maker", "taker"]
    traded_at: datetime


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """The order is final at the venue with this cumulative fill."""

    status: Literal["filled", "cancelled", "expired", "rejected"]
    filled: Decimal


class Found(msgspec.Struct, frozen=True, kw_only=True, tag="found"):
    """Asked, and the order works at the venue with this cumulative fill."""

    venue_order_id: str
    filled: Decimal


class NotFound(msgspec.Struct, frozen=True, kw_only=True, tag="not_found"):
    """Asked by id, among open orders and among trades after every expiry: nowhere.

    `position` is the account's signed quantity of the symbol just after (in hedge mode that of
    the order's position side), none if not known.
    """

    asked_at: datetime
    position: Decimal | None = None


class CancelRefused(msgspec.Struct, frozen=True, kw_only=True, tag="cancel_refused"):
    """The venue does not know a working order to cancel: ask what became of it."""

    code: str
    message: str


class SendWindowMissed(msgspec.Struct, frozen=True, kw_only=True, tag="send_window_missed"):
    """Never sent: its `send_before` had passed when its turn came."""


Report = (
    Accepted
    | Refused
    | AnswerLost
    | Traded
    | Ended
    | Found
    | NotFound
    | CancelRefused
    | SendWindowMissed
)


# Stored for ever: add fields with defaults, never change a NAME.


class AccountRegistered(Input, frozen=True, kw_only=True):
    """The operator added an account. Balances in units of `currency`."""

    NAME: ClassVar[str] = "trading_day.account_registered.v1"
    installation: str
    venue: str
    market_kind: MarketKind
    paper: bool
    currency: str
    starting_balance: Decimal
    settings: Settings
    actor: str


class SettingsSubmitted(Input, frozen=True, kw_only=True):
    """The operator changed the settings, already validated as a whole."""

    NAME: ClassVar[str] = "trading_day.settings_submitted.v1"
    settings: Settings
    actor: str
    reason: str


class SignalReceived(Input, frozen=True, kw_only=True):
    """One authentic webhook. `body` is its JSON text without the secret, else unchanged."""

    NAME: ClassVar[str] = "trading_day.signal_received.v1"
    signal_id: str
    received_at: datetime
    source: str
    body: str
    body_hash: str


class OrderReported(Input, frozen=True, kw_only=True):
    """The venue, or our own sender, said something of one order."""

    NAME: ClassVar[str] = "trading_day.order_reported.v1"
    client_order_id: str
    report: Report


class InstrumentsSeen(Input, frozen=True, kw_only=True):
    """The venue's rules of some markets as they stand now, an observation."""

    NAME: ClassVar[str] = "trading_day.instruments_seen.v1"
    instruments: tuple[Instrument, ...]


class BalanceSeen(Input, frozen=True, kw_only=True):
    """The venue's balance of the capital currency, an observation."""

    NAME: ClassVar[str] = "trading_day.balance_seen.v1"
    currency: str
    total: Decimal
    free: Decimal


class PositionSeen(msgspec.Struct, frozen=True, kw_only=True):
    """Signed quantity at the venue: positive long, negative short. `side` in hedge mode."""

    symbol: str
    quantity: Decimal
    side: PositionMode = "both"


class ForeignTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A trade on our account that none of our orders made: by hand, liquidation, ADL."""

    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    trade_id: str
    traded_at: datetime
    position_side: PositionMode = "both"


class ReconciliationSeen(Input, frozen=True, kw_only=True):
    """What the venue holds, an observation judged against the Book as it stands when handled.

    `open_client_order_ids` are the working orders that carry our account's prefix.
    `foreign_trades` are the latest ones of the symbols asked for, oldest first.
    """

    NAME: ClassVar[str] = "trading_day.reconciliation_seen.v1"
    asked_at: datetime
    open_client_order_ids: tuple[str, ...]
    positions: tuple[PositionSeen, ...]
    foreign_trades: tuple[ForeignTrade, ...] = ()


class MarkMoved(Input, frozen=True, kw_only=True):
    """The mark of a symbol may have reached a watched level, an observation.

    The mark itself comes with the input's `marks`.
    """

    NAME: ClassVar[str] = "trading_day.mark_moved.v1"
    symbol: str


class FundingReported(Input, frozen=True, kw_only=True):
    """The venue settled funding of a position: `amount` above zero was received.

    Counted once by `funding_id`; in units of `asset`.
    """

    NAME: ClassVar[str] = "trading_day.funding_reported.v1"
    funding_id: str
    symbol: str
    amount: Decimal
    asset: str
    settled_at: datetime
    position_side: PositionMode = "both"


class ClockTicked(Input, frozen=True, kw_only=True):
    """Time passed, an observation. The flags say which grid instants were met.

    `contact_at`: when the venue last said anything at all; none = nobody watches that.
    """

    NAME: ClassVar[str] = "trading_day.clock_ticked.v1"
    due_at: datetime
    promotion: bool = False
    minute: bool = False
    offset: bool = False
    contact_at: datetime | None = None


OperatorAction = Literal[
    "close_group",
    "reduce_group",
    "promote_signal",
    "remove_signal",
    "force_add_signal",
    "pause",
    "resume",
    "halt",
    "clear_discrepancy",
    "reset_breaker",
    "emergency_stop",
    "record_transfer",
    "offset_now",
    "offset_skip",
    "offset_block",
    "offset_unblock",
]


class OperatorActed(Input, frozen=True, kw_only=True):
    """An operator's click or command. `subject` is the group, signal or symbol it is about.

    `percent` of the open quantity is what `reduce_group` closes; `amount` of the capital
    currency is what `record_transfer` took in, below zero: out. An `emergency_stop` names the
    account itself as its subject: the typed confirmation.
    """

    NAME: ClassVar[str] = "trading_day.operator_acted.v1"
    action: OperatorAction
    subject: str
    actor: str
    reason: str
    percent: Decimal | None = None
    amount: Decimal | None = None


OBSERVATIONS: tuple[type[Event], ...] = (
    BalanceSeen,
    ClockTicked,
    InstrumentsSeen,
    MarkMoved,
    ReconciliationSeen,
)
