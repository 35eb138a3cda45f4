"""A house that dies at a named step of its work, and is started again until it is told to close."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tests.e2e.plimsoll import House, Installation
from tests.e2e.waiting import until


class Death(msgspec.Struct, frozen=True, kw_only=True):
    """Where a house writes its steps, and the step it dies at, if any.

    Steps count from the moment the file `begins` exists.
    """

    steps: Path
    begins: Path
    at: str = ""

    def variables(self) -> dict[str, str]:
        """As the launcher reads them."""
        paths = {"PLIMSOLL_TEST_STEPS": str(self.steps), "PLIMSOLL_TEST_FROM": str(self.begins)}
        return paths | ({"PLIMSOLL_TEST_KILL": self.at} if self.at else {})


class Mortal:
    """A house that is started again whenever it was killed, until it is told to close."""

    def __init__(self, installation: Installation, death: Death) -> None:
        self._installation = installation
        self._death = death
        self._may_live = asyncio.Event()
        self._may_live.set()
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
        steps = self._death.steps
        passed = steps.read_text(encoding="utf-8") if steps.exists() else "none"
        return f"{self._installation.words()}\n--- deaths {self.deaths}, steps:\n{passed}"

    async def alive(self) -> House:
        """The house, once it says where it is."""

        async def introduced() -> House | None:
            if self._tending.done():
                self._tending.result()
                raise AssertionError(f"the house ended by itself\n{self.words()}")
            return self.house if self.house is not None and self.house.facts else None

        return await until(introduced, "the house is open", words=self.words, seconds=150)

    def count_steps(self) -> None:
        """From now on its steps count, and it may die at one of them."""
        self._death.begins.touch()

    @asynccontextmanager
    async def dead(self) -> AsyncIterator[None]:
        """Killed now, and started again only afterwards."""
        house = await self.alive()
        self._may_live.clear()
        await house.kill()
        await self._noticed(house)
        try:
            yield
        finally:
            self._may_live.set()

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
        while True:
            await self._may_live.wait()
            house = await self._installation.launch(
                *("serve", "--port", "0", "--json"),
                module="tests.e2e.launcher",
                **self._death.variables(),
            )
            self.house = house
            await house.introduced()
            code = await house.process.wait()
            if code != -signal.SIGKILL:
                return code
            self.house = None
            self.deaths += 1
            self._death = msgspec.structs.replace(self._death, at="")
