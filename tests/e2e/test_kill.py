"""kill -9 at every step of a signal's journey: nothing is lost, nothing is doubled."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tests.e2e.conftest import Databases
from tests.e2e.killing import Journey, Mortal, Way
from tests.e2e.live_account import ACCOUNT, LogReader, add_account, data_dir_of
from tests.e2e.plimsoll import Installation
from tests.e2e.venue_desk import BTC, venue_here

# Two legs have every kind of step that five have: each kind of order, and one to take back.
TWO_LEGS = {
    "risk": {"symbols_allowed": [BTC]},
    "grid": {
        "legs": [
            {"gap_percent": "0", "weight_percent": "50", "take_profit_percent": "1"},
            {"gap_percent": "-1", "weight_percent": "50", "take_profit_percent": "1"},
        ]
    },
}
# Each house holds about ten of the server's connections.
AT_ONCE = 7


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """An installation with an account, whose database and secrets every case gets a copy of."""

    parent: Path
    databases: Databases
    url: str
    secrets: Path

    async def run(self, name: str, way: Way, kill: str) -> tuple[list[str], int]:
        """One journey; the steps that were passed, and how often the house died."""
        url = self.databases.make(copy_of=self.url)
        home = data_dir_of(self.parent, name)
        shutil.copy(self.secrets, home / self.secrets.name)
        async with venue_here(self.parent / f"{name}-venue") as venue:
            installation = Installation(home, url, venue.facts.variables(ACCOUNT))
            steps = home / "steps.txt"
            exiting = way == "exit-signal"
            mortal = Mortal(installation, steps, kill, signals_before=1 if exiting else 0)
            journey = Journey(
                mortal=mortal,
                installation=installation,
                venue=venue,
                log=LogReader(url),
                way=way,
            )
            try:
                async with mortal.living():
                    await journey.travel()
                await journey.assert_nothing_lost_or_doubled(admitted=2 if exiting else 1)
            except AssertionError as error:
                raise AssertionError(f"killed {kill or 'never'}:\n{error}") from error
        return steps.read_text(encoding="utf-8").splitlines(), mortal.deaths


@pytest.fixture
async def prepared(private_dir: Path, databases: Databases) -> Prepared:
    url = databases.make()
    home = data_dir_of(private_dir, "prepared")
    async with venue_here(private_dir / "venue") as venue:
        installation = Installation(home, url, venue.facts.variables(ACCOUNT))
        await add_account(installation, TWO_LEGS)
    return Prepared(parent=private_dir, databases=databases, url=url, secrets=home / "secrets.json")


@pytest.mark.timeout(420)
@pytest.mark.parametrize("way", ["take-profit", "exit-signal"])
async def test_a_house_killed_at_any_step_loses_nothing_and_doubles_nothing(
    prepared: Prepared, way: Way
) -> None:
    undisturbed, deaths = await prepared.run("undisturbed", way, kill="")
    assert deaths == 0
    points = kill_points(undisturbed)
    assert REQUIRED[way] <= {kind(point) for point in points}, undisturbed

    turns = asyncio.Semaphore(AT_ONCE)

    async def killed(number: int, point: str) -> int:
        async with turns:
            _, deaths = await prepared.run(f"case-{number}", way, point)
            return deaths

    cases = (killed(number, point) for number, point in enumerate(points))
    ended = await asyncio.gather(*cases, return_exceptions=True)
    failures = [str(each) for each in ended if isinstance(each, BaseException)]
    assert not failures, f"{len(failures)} of {len(ended)} failed:\n" + "\n\n".join(failures)
    # Commits that are joined by chance leave a later one of their kind unreached, and what
    # only ticks along (`other`) may come in one run and not in the next.
    missed = [
        point
        for point, deaths in zip(points, ended, strict=True)
        if not deaths and kind(point) != "commit-other"
    ]
    assert not [point for point in missed if point.endswith("-1")], missed
    assert len(missed) <= len(points) // 5, missed


# Before and after each of these a death must have been tried.
REQUIRED: dict[Way, set[str]] = {
    "take-profit": {
        "commit-signal",
        "commit-accepted",
        "commit-entry-filled",
        "commit-exit-filled",
        "commit-order-ended",
        "commit-group-closed",
        "place-entry",
        "place-exit",
        "cancel",
    },
    "exit-signal": {
        "commit-signal",
        "commit-close-requested",
        "commit-group-closed",
        "place-close",
        "cancel",
    },
}


def kill_points(lines: Sequence[str]) -> list[str]:
    """One point a step, and of a commit with several facts one for each first of its kind."""
    points: list[str] = []
    for line in lines:
        names = line.split(" ")
        firsts = [name for name in names if name.endswith("-1") and "other" not in name]
        points.extend(firsts or names[:1])
    return list(dict.fromkeys(points))


def kind(point: str) -> str:
    """`before:place-entry-2` is about placing an entry."""
    return point.split(":")[1].rsplit("-", 1)[0]
