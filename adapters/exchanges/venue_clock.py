"""The venue's clock as against ours: signed requests live only within its receive window."""

import structlog

from adapters.exchanges.ccxt_client import CcxtClient
from adapters.exchanges.rounds import RoundLimits, RoundNews, Rounds

log = structlog.get_logger(__name__)

LIMITS = RoundLimits(period_seconds=600.0)
NEWS = RoundNews(periodic="venue_clock_round", broke="venue_clock_broke")


class VenueClock:
    """Keeps ccxt's `timeDifference` true: at start, every ten minutes, and when told."""

    def __init__(self, client: CcxtClient) -> None:
        self._client = client
        self._rounds = Rounds(self.sync, LIMITS, NEWS, log)

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
        self._rounds.request()

    def start(self) -> None:
        """Keep it true from now on; it was measured just before."""
        self._rounds.start(at_once=False)

    async def stop(self) -> None:
        """End the rounds."""
        await self._rounds.stop()
