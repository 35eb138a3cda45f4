"""When a venue last said anything at all, and the question that is asked of one that is quiet."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from adapters.clock import SteadyClock

log = structlog.get_logger(__name__)

# A venue that was quiet for so long is asked the time, unless contact counts as lost earlier.
QUIET_SECONDS = 15.0
# How much of what is allowed may pass in silence before that.
QUIET_SHARE = 0.25
# From this status on it is somebody before the venue who answers, or a venue that cannot work.
SERVER_TROUBLE = 500


class ContactWatch:
    """Remembers the last word of one venue; before the first, the moment of its own making."""

    def __init__(self, clock: SteadyClock) -> None:
        self._clock = clock
        self._heard_at = clock.now()
        self._heard_steady = clock.monotonic()

    def heard(self) -> None:
        """The venue itself said something just now, a refusal included."""
        self._heard_at = self._clock.now()
        self._heard_steady = self._clock.monotonic()

    @property
    def last_at(self) -> datetime:
        """The moment of the last word, the earlier one where two clocks differ.

        The wall clock may be set back, and a steady one stands still while a machine sleeps.
        """
        by_steady = self._clock.now() - timedelta(seconds=self._steady_silence())
        return min(self._heard_at, by_steady)

    @property
    def silent_seconds(self) -> float:
        """How long nothing was heard."""
        by_wall = (self._clock.now() - self._heard_at).total_seconds()
        return max(by_wall, self._steady_silence())

    def _steady_silence(self) -> float:
        return self._clock.monotonic() - self._heard_steady


def is_word_of_venue(status: int, body: str) -> bool:
    """Whether an HTTP answer is the venue's own: JSON, be it a yes or a refusal.

    Pages of HTML come from whoever stands before it.
    """
    return status < SERVER_TROUBLE and body.lstrip()[:1] in ("{", "[")


class KeeperLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Waits in seconds: between looks, and between questions that were not answered."""

    look_seconds: float = 0.5
    retry_seconds: float = 2.0


class ContactKeeper:
    """Asks a venue that is quiet, so that a healthy one is never taken for lost.

    `ask` makes the cheapest call there is; its answer renews the watch by itself.
    `stale_seconds` gives how long silence is allowed now, none = for ever.
    """

    def __init__(
        self,
        watch: ContactWatch,
        ask: Callable[[], Awaitable[object]],
        stale_seconds: Callable[[], int | None],
        limits: KeeperLimits | None = None,
    ) -> None:
        self._watch = watch
        self._ask = ask
        self._stale_seconds = stale_seconds
        self._limits = limits or KeeperLimits()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Keep watch from now on."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End the watch; a question under way is given up."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    @property
    def quiet_seconds(self) -> float:
        """The silence after which the venue is asked."""
        stale_seconds = self._stale_seconds()
        if stale_seconds is None:
            return QUIET_SECONDS
        return min(QUIET_SECONDS, stale_seconds * QUIET_SHARE)

    async def _run(self) -> None:
        while True:
            if self._watch.silent_seconds < self.quiet_seconds:
                await asyncio.sleep(min(self._limits.look_seconds, self.quiet_seconds))
                continue
            try:
                await self._ask()
            except Exception as error:  # noqa: BLE001 - whatever it was, it is asked again
                log.debug("venue_not_asked", error=repr(error))
            if self._watch.silent_seconds >= self.quiet_seconds:
                await asyncio.sleep(self._limits.retry_seconds)
