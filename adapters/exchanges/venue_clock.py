"""The venue's clock as against ours: signed requests live only within its receive window."""

import asyncio

import structlog

from adapters.exchanges.ccxt_client import CcxtClient

log = structlog.get_logger(__name__)

RESYNC_SECONDS = 600.0
RETRY_SECONDS = 5.0


class VenueClock:
    """Keeps ccxt's `timeDifference` true: at start, every ten minutes, and when told."""

    def __init__(self, client: CcxtClient) -> None:
        self._client = client
        self._is_due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def sync(self) -> bool:
        """Measure once. Whether it worked; if not, the last difference goes on."""
        try:
            asked = await self._client.ask(self._client.api.load_time_difference)
        except ConnectionError as error:
            log.warning("venue_clock_unreachable", error=str(error))
            return False
        if asked.error is not None:
            log.warning("venue_clock_unreachable", error=type(asked.error).__name__)
            return False
        log.info("venue_clock_synced", difference_ms=asked.value)
        return True

    def sync_soon(self) -> None:
        """The venue refused a timestamp: measure now rather than at the next round."""
        self._is_due.set()

    def start(self) -> None:
        """Keep it true from now on."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End the rounds."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None

    async def _run(self) -> None:
        wait = RESYNC_SECONDS
        while True:
            try:
                # Not wait_for: in Python 3.11 it loses a cancel that comes with its result.
                async with asyncio.timeout(wait):
                    await self._is_due.wait()
            except TimeoutError:
                log.debug("venue_clock_round", seconds=wait)
            self._is_due.clear()
            wait = RESYNC_SECONDS if await self.sync() else RETRY_SECONDS
