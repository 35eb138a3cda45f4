"""Questions to a venue in rounds: each period, when asked for, and again after a failure."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from structlog.typing import FilteringBoundLogger


class RoundLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Waits in seconds: between rounds, and after a round that failed."""

    period_seconds: float = 60.0
    retry_seconds: float = 5.0


class RoundNews(msgspec.Struct, frozen=True, kw_only=True):
    """What the log calls a round that the period brought, and one that broke."""

    periodic: str
    broke: str


class Rounds:
    """Makes one round after another, never two at once, until stopped.

    `make` says whether it learned what it asked for. Whatever it raises is logged, and the next
    round comes all the same: the rounds must never end unheard.
    """

    def __init__(
        self,
        make: Callable[[], Awaitable[bool]],
        limits: RoundLimits,
        news: RoundNews,
        log: FilteringBoundLogger,
    ) -> None:
        self._make = make
        self._limits = limits
        self._news = news
        self._log = log
        self._is_due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, *, at_once: bool = True) -> None:
        """Begin, with a round at once or after the first period."""
        if self._task is not None:
            return
        if at_once:
            self._is_due.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def request(self) -> None:
        """Make a round soon; after the one under way, which may have asked too early."""
        self._is_due.set()

    async def stop(self) -> None:
        """End the rounds; one under way is given up."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _run(self) -> None:
        wait = self._limits.period_seconds
        while True:
            try:
                # Not wait_for: in Python 3.11 it loses a cancel that comes with its result.
                async with asyncio.timeout(wait):
                    await self._is_due.wait()
            except TimeoutError:
                self._log.debug(self._news.periodic)
            # Before the round: whoever asks while it is under way gets another.
            self._is_due.clear()
            is_done = await self._tried()
            wait = self._limits.period_seconds if is_done else self._limits.retry_seconds

    async def _tried(self) -> bool:
        try:
            return await self._make()
        except Exception:  # noqa: BLE001 - logged with its trace; the rounds must go on
            self._log.exception(self._news.broke)
            return False
