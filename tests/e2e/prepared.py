"""Accounts made once, of which every case gets a copy: its own database, secrets and venue."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.e2e.databases import Databases
from tests.e2e.journey import Journey
from tests.e2e.live_account import ACCOUNT, LogReader, add_account, data_dir_of
from tests.e2e.mortal import Death, Mortal
from tests.e2e.plimsoll import Installation
from tests.e2e.troubles import Trouble
from tests.e2e.venue_desk import venue_here
from tests.e2e.waiting import until
from tests.e2e.ways import HEDGED, SETTINGS, Way

# Each house holds about ten of the server's connections.
AT_ONCE = 7


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One journey: its way, the step it is killed at, what goes wrong at the venue meanwhile."""

    name: str
    way: Way
    kill: str = ""
    trouble: Trouble | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A database nobody is connected to, and the secrets that belong to it."""

    url: str
    secrets: Path


class Prepared:
    """A one-way account and one in hedge mode, each added by the command, once it is needed."""

    def __init__(self, parent: Path, databases: Databases) -> None:
        self._parent = parent
        self._databases = databases
        self._accounts: dict[bool, Account] = {}
        self._adding = asyncio.Lock()

    async def run(self, case: Case) -> tuple[list[str], int]:
        """One journey; the steps that were passed, and how often the house died."""
        async with self._adding:
            account = await self._account(hedged=case.way.hedged)
        url = self._databases.make(copy_of=account.url)
        home = data_dir_of(self._parent, case.name)
        shutil.copy(account.secrets, home / account.secrets.name)
        async with venue_here(self._parent / f"{case.name}-venue") as venue:
            installation = Installation(home, url, venue.facts.variables(ACCOUNT))
            death = Death(steps=home / "steps.txt", begins=home / "begins", at=case.kill)
            journey = Journey(
                mortal=Mortal(installation, death),
                installation=installation,
                venue=venue,
                log=LogReader(url),
                timeframe=case.way.timeframe,
            )
            try:
                await _travelled(journey, case)
            except AssertionError as error:
                raise AssertionError(f"{case.name} {case.kill}:\n{error}") from error
        await asyncio.to_thread(self._databases.drop, url)
        return death.steps.read_text(encoding="utf-8").splitlines(), journey.mortal.deaths

    async def _account(self, *, hedged: bool) -> Account:
        if hedged not in self._accounts:
            name = "hedged" if hedged else "one-way"
            url, home = self._databases.make(), data_dir_of(self._parent, name)
            async with venue_here(self._parent / f"{name}-venue") as venue:
                installation = Installation(home, url, venue.facts.variables(ACCOUNT))
                await add_account(installation, HEDGED if hedged else SETTINGS)
            self._accounts[hedged] = Account(url=url, secrets=home / "secrets.json")
        return self._accounts[hedged]


async def all_of(prepared: Prepared, cases: Sequence[Case]) -> list[int]:
    """How often the house of each case died. Fails with the words of every case that failed."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def run(case: Case) -> int:
        async with turns:
            return (await prepared.run(case))[1]

    ended = await asyncio.gather(*(run(case) for case in cases), return_exceptions=True)
    failures = [error for error in ended if isinstance(error, BaseException)]
    told = "\n\n".join(str(error) or repr(error) for error in failures)
    assert not failures, f"{len(failures)} of {len(ended)} failed:\n{told}"
    return [deaths for deaths in ended if isinstance(deaths, int)]


async def _travelled(journey: Journey, case: Case) -> None:
    async with journey.mortal.living():
        await until(journey.log.has_mark, "the engine has a mark", words=journey.mortal.words)
        await case.way.prepare(journey)
        journey.mortal.count_steps()
        if case.trouble is not None:
            await case.trouble(journey.venue)
        await case.way.travel(journey)
    await journey.assert_nothing_lost_or_doubled(case.way.admitted, case.way.refused)
