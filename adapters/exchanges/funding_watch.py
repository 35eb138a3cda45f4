"""Funding as the venue settles it: asked for, since no stream tells the amounts."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from adapters.clock import SteadyClock
from adapters.exchanges.rounds import RoundLimits, RoundNews, Rounds
from application.inputs import FundingReported
from application.ports import Submit

log = structlog.get_logger(__name__)

KNOWN_MAX = 5_000
NEWS = RoundNews(periodic="funding_round", broke="funding_watch_broke")


class FundingSource(Protocol):
    """Where settled funding can be asked for."""

    async def funding(self, since: datetime) -> Sequence[FundingReported]:
        """What was settled from `since` on, oldest first. Raises ConnectionError."""
        ...


class FundingLimits(RoundLimits, frozen=True, kw_only=True):
    """Bounds of the watch, in seconds.

    A round each `period_seconds` costs 30 of the venue's 2 400 weight a minute and catches every
    settlement, whatever its interval. `settling_seconds` after a settlement was streamed its
    amounts can be asked for. The first round goes back `first_seconds`; each later one to
    `overlap_seconds` before the latest settlement known, since amounts may be booked late.
    """

    settling_seconds: float = 1.0
    first_seconds: float = 24 * 3600.0
    overlap_seconds: float = 600.0


class FundingWatch:
    """Submits each settlement once per start; the log itself knows what it counted before."""

    def __init__(
        self,
        account: str,
        source: FundingSource,
        submit: Submit,
        clock: SteadyClock,
        limits: FundingLimits | None = None,
    ) -> None:
        self._account = account
        self._source = source
        self._submit = submit
        self._clock = clock
        self._limits = limits or FundingLimits()
        self._latest_at: datetime | None = None
        self._known: OrderedDict[str, None] = OrderedDict()
        self._rounds = Rounds(self.ask, self._limits, NEWS, log.bind(account=account))

    def start(self) -> None:
        """Begin with a round at once."""
        self._rounds.start()

    def request(self, settled_at: datetime) -> None:
        """Funding was just settled: ask soon, and not only at the next round."""
        log.info("funding_settled", account=self._account, settled_at=settled_at.isoformat())
        delay = self._limits.settling_seconds
        asyncio.get_running_loop().call_later(delay, self._rounds.request)

    async def stop(self) -> None:
        """End the rounds; one under way is given up, since it changes nothing of ours."""
        await self._rounds.stop()

    async def ask(self) -> bool:
        """One round. Whether the venue could be read."""
        try:
            settled = await self._source.funding(self._since())
        except ConnectionError as error:
            log.warning("funding_not_read", account=self._account, error=str(error))
            return False
        for one in settled:
            self._tell(one)
        return True

    def _since(self) -> datetime:
        if self._latest_at is None:
            return self._clock.now() - timedelta(seconds=self._limits.first_seconds)
        return self._latest_at - timedelta(seconds=self._limits.overlap_seconds)

    def _tell(self, one: FundingReported) -> None:
        self._latest_at = max(self._latest_at or one.settled_at, one.settled_at)
        if one.funding_id in self._known:
            return
        self._known[one.funding_id] = None
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        self._submit(self._account, one)
