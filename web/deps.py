"""Everything the web needs of the house, each a narrow promise the composition root fills."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from adapters.clock import SteadyClock
from application.offset_outlook import OffsetOutlook
from domain.message import Input
from web.access import Access
from web.changes import ChangeFeed
from web.sources import SourceLimit
from web.views import Views

EngineState = Literal["starting", "running", "stopping", "stopped"]


class WebAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Where signals of one account come in. `webhook_secret` is plain: signatures need it.

    `source_allow_list` is the one of the account's settings: addresses, networks, a preset.
    """

    account: str
    webhook_secret: str
    source_allow_list: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"WebAccount(account={self.account!r}, webhook_secret=***)"


class Accounts(Protocol):
    """The accounts as they stand now; they change while the web runs."""

    def find(self, account: str) -> WebAccount | None:
        """The account of this id; None if there is none."""
        ...


class InboxDoor(Protocol):
    """Where inputs become durable."""

    async def put(self, account: str, occurrence: Input) -> int:
        """The inbox id, after the commit. Raises InboxUnavailable if it was not made durable."""
        ...


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether signals can be taken and worked. `database` is `ok` or says what is wrong.

    Notifiers that fail delay nothing and lose nothing: they make no house unhealthy.
    """

    engine: EngineState
    database: str
    notifiers: Literal["none", "ok", "failing"] = "none"

    @property
    def is_ok(self) -> bool:
        """Whether both work."""
        return self.engine == "running" and self.database == "ok"


class StreamHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One connection to a venue. `heard_at`: its last message, None if there was none."""

    name: str
    is_connected: bool
    heard_at: datetime | None


class NotifierHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told of alerts, and since when that fails. `trouble` names no part of the address."""

    name: str
    sent_at: datetime | None
    failing_since: datetime | None
    trouble: str


class OrderLatency(msgspec.Struct, frozen=True, kw_only=True):
    """From a signal's receipt to its first order at the venue, in milliseconds."""

    count: int
    p50_ms: int
    p99_ms: int


class EngineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the running engine says of itself, for the dashboard's banner."""

    engine: EngineState
    started_at: datetime | None = None
    streams: tuple[StreamHealth, ...] = ()
    order_latency: OrderLatency | None = None
    notifiers: tuple[NotifierHealth, ...] = ()


class WebDeps(msgspec.Struct, frozen=True, kw_only=True):
    """What `create_app` is given. `trusted_proxies` are addresses or networks."""

    version: str
    clock: SteadyClock
    inbox: InboxDoor
    accounts: Accounts
    views: Views
    access: Access
    changes: ChangeFeed
    health: Callable[[], Awaitable[Health]]
    status: Callable[[], EngineStatus]
    offset_outlook: Callable[[str], Awaitable[OffsetOutlook]]
    trusted_proxies: tuple[str, ...] = ()
    source_limit: SourceLimit = SourceLimit()
    login_limit: SourceLimit = SourceLimit(burst=10, per_second=1)
    secure_cookies: bool = False
