"""One WebSocket of ccxt as far as we look at it, and how its end is borne."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
import structlog

log = structlog.get_logger(__name__)


class StreamLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the streams, in seconds unless named otherwise."""

    ping_seconds: float = 5.0
    silence_seconds_max: float = 15.0
    watchdog_seconds: float = 1.0
    mark_age_seconds_max: float = 10.0
    key_renewal_seconds: float = 1_200.0
    reconnect_seconds: tuple[float, ...] = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
    symbols_per_connection: int = 100

    def reconnect_delay(self, failures: int) -> float:
        """The wait before the next connection; the last one repeats."""
        return self.reconnect_seconds[min(failures, len(self.reconnect_seconds) - 1)]


class Socket(Protocol):
    """`ccxt.async_support.base.ws.client.Client`. Times in Unix milliseconds."""

    url: str
    last_message_at: int | None
    lastPong: int | None  # noqa: N815 -- ccxt's name
    connectionEstablished: int | None  # noqa: N815 -- ccxt's name

    def closed(self) -> bool:
        """Whether nothing can come on it any more."""
        ...

    def on_error(self, error: Exception) -> None:
        """Reject its waiters, forget and close it."""
        ...


async def succeeds(event: str, watch: Callable[[], Awaitable[object]]) -> bool:
    """Whether ccxt's watch ended well. A cancel that is not ours is ccxt closing a socket."""
    try:
        await watch()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        log.warning(event, error="closed")
        return False
    except Exception as error:  # noqa: BLE001 -- whatever ended it, connect again
        log.warning(event, error=type(error).__name__)
        return False
    return True
