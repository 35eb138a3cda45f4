"""A signal's journey through a house that dies on the way, and is started again."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Literal

import aiohttp
import msgspec

from tests.e2e.alerts import alert, post
from tests.e2e.live_account import (
    LogReader,
    assert_each_order_once,
    assert_provable,
    webhook_url,
)
from tests.e2e.plimsoll import House, Installation
from tests.e2e.venue_desk import Order, VenueDesk
from tests.e2e.waiting import until

Way = Literal["take-profit", "exit-signal"]
Stands = Callable[[], Awaitable[bool]]
JOURNEY_SECONDS_MAX = 200.0


class Mortal:
    """A house that is started again whenever it was killed, until it is told to close."""

    def __init__(
        self, installation: Installation, steps: Path, kill: str, signals_before: int
    ) -> None:
        self._installation = installation
        self._variables = {
            "PLIMSOLL_TEST_STEPS": str(steps),
            "PLIMSOLL_TEST_FROM": str(signals_before),
        }
        self._kill = kill
        self.steps = steps
        self.house: House | None = None
        self.deaths = 0
        self._tending: asyncio.Task[int]

    @asynccontextmanager
    async def living(self) -> AsyncIterator["Mortal"]:
        """Open, and open again after each death. Closes in good order, or fails."""
        self._tending = asyncio.create_task(self._tend())
        try:
            yield self
            await self._close()
        finally:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)
            await self._installation.close()

    def words(self) -> str:
        """What every life of it said last, and the steps that were passed."""
        steps = self.steps.read_text(encoding="utf-8") if self.steps.exists() else "none"
        return f"{self._installation.words()}\n--- deaths {self.deaths}, steps:\n{steps}"

    async def alive(self) -> House:
        """The house, once it says where it is."""

        async def introduced() -> House | None:
            if self._tending.done():
                self._tending.result()
                raise AssertionError(f"the house ended by itself\n{self.words()}")
            return self.house if self.house is not None and self.house.facts else None

        return await until(introduced, "the house is open", words=self.words, seconds=150)

    async def _close(self) -> None:
        """A death that came at the very end is followed by one more life, and that one closes."""
        while not self._tending.done():
            house = await self.alive()
            house.signal(signal.SIGTERM)
            await house.ended()
            await self._noticed(house)
        assert await self._tending == 0, self.words()

    async def _noticed(self, house: House) -> None:
        """Until the tending knows that this life is over."""

        async def over() -> bool:
            return self._tending.done() or self.house is not house

        await until(over, "the end of the house is noticed", words=self.words)

    async def _tend(self) -> int:
        """Start it, and again after each SIGKILL; the exit code it ended with in the end."""
        kill = {"PLIMSOLL_TEST_KILL": self._kill} if self._kill else {}
        while True:
            house = await self._installation.launch(
                *("serve", "--port", "0", "--json"),
                module="tests.e2e.launcher",
                **self._variables,
                **kill,
            )
            self.house = house
            await house.introduced()
            code = await house.process.wait()
            if code != -signal.SIGKILL:
                return code
            self.house = None
            self.deaths += 1
            kill = {}


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """One signal's way: an alert, fills, an exit; with whatever happens to the house."""

    mortal: Mortal
    installation: Installation
    venue: VenueDesk
    log: LogReader
    way: Way

    async def travel(self) -> None:
        """To the end: the group closed, nothing held, nothing resting."""
        await until(self.log.has_mark, "the engine has a mark", words=self.mortal.words)
        await self._send("signal")
        await self._settled(self._both_entries_rest, "both entries rest")
        await self.venue.move(str(max(_price(order) for order in await self.venue.entries())))
        await self._settled(self._the_exit_rests, "the lot's exit rests")
        if self.way == "take-profit":
            (take_profit,) = await self.venue.exits()
            await self.venue.move(str(_price(take_profit)))
        else:
            await self._send("exit")
        await self._settled(self._is_over, "the group is closed")

    async def assert_nothing_lost_or_doubled(self, admitted: int) -> None:
        """Call once the house has closed."""
        outcomes = [state["outcome"] for state in await self._judged()]
        assert outcomes.count("admitted") == admitted, outcomes
        # Handled again before the market's price is known again, a signal waits for it.
        assert set(outcomes) <= {"admitted", "queued", "duplicate", "no_effect"}, outcomes
        assert await self.venue.position() == 0
        assert await self.log.count("position_group.closed.v1") == 1
        assert await self.log.count("trading_day.input_failed.v1") == 0
        assert await self.log.count("order.expired.v1") == 0
        await assert_each_order_once(self.log.url, self.venue)
        await assert_provable(self.log.url)

    async def _judged(self) -> list[dict[str, str]]:
        return await self.log.states("trading_day.signal_judged.v1")

    async def _send(self, kind: str) -> None:
        """Until it was answered with 202, as a sender does who is not given up on."""
        secret = self.installation.webhook_secret("main")
        body = alert(secret, price="59900", kind=kind)

        async def taken() -> bool:
            house = await self.mortal.alive()
            try:
                status, _ = await post(webhook_url(house), body)
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                return False
            return status == 202

        await until(taken, f"the {kind} was answered with 202", words=self.mortal.words)

    async def _settled(self, stands: Stands, awaited: str) -> None:
        async def ask() -> bool:
            return await stands() and not await self.log.unsettled()

        await until(ask, awaited, words=self.mortal.words, seconds=JOURNEY_SECONDS_MAX)

    async def _both_entries_rest(self) -> bool:
        return len(await self.venue.entries()) == 2

    async def _the_exit_rests(self) -> bool:
        return len(await self.venue.exits()) == 1

    async def _is_over(self) -> bool:
        return await self.log.count("position_group.closed.v1") == 1 and not (
            await self.venue.working()
        )


def _price(order: Order) -> Decimal:
    assert order.price is not None, f"{order} rests without a price"
    return order.price
