"""Whatever goes wrong at the venue on a signal's way: one order a leg, none lost, none doubled."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.e2e.alerts import accepted, alert
from tests.e2e.databases import Databases
from tests.e2e.live_account import (
    ACCOUNT,
    LogReader,
    add_account,
    assert_each_order_once,
    assert_provable,
    data_dir_of,
    opened,
    webhook_url,
)
from tests.e2e.plimsoll import Installation
from tests.e2e.troubles import Trouble, cutting_the_order_stream, failing, spoiling
from tests.e2e.venue_desk import VenueDesk, venue_here
from tests.e2e.waiting import until

LEGS = 5
SETTLED_SECONDS_MAX = 150.0


class Troubles(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong as entries are placed, as they fill, and as their exits fill.

    Where an order must be found absent, or waits for the next reconciliation, once is enough:
    each takes its half or whole minute.
    """

    name: str
    entries: Trouble | None = None
    fills: Trouble | None = None
    exits: Trouble | None = None


TROUBLES = (
    Troubles(
        name="dropped after acceptance", entries=failing("drop_after"), fills=failing("drop_after")
    ),
    Troubles(name="dropped before acceptance", entries=failing("drop_before")),
    Troubles(name="hanging after acceptance", entries=failing("hang_after")),
    Troubles(
        name="HTML with status 200", entries=failing("html_after"), fills=failing("html_after")
    ),
    Troubles(name="503 without a word", fills=failing("503_before")),
    Troubles(
        name="execution unknown", entries=failing("-1007_after"), fills=failing("-1007_after")
    ),
    Troubles(name="frames dropped", fills=spoiling("drop", count=LEGS)),
    Troubles(
        name="frames doubled",
        entries=spoiling("duplicate"),
        fills=spoiling("duplicate"),
        exits=spoiling("duplicate"),
    ),
    Troubles(
        name="the order stream cut",
        fills=cutting_the_order_stream,
        exits=cutting_the_order_stream,
    ),
)


class Scene:
    """One account with a venue of its own and one kind of trouble."""

    def __init__(self, installation: Installation, url: str, venue: VenueDesk) -> None:
        self._installation = installation
        self._venue = venue
        self._log = LogReader(url)

    async def play(self, troubles: Troubles) -> None:
        """A signal, five fills, five take-profits, and the end of it."""
        house = await opened(self._installation, self._log.url)
        words, venue = house.words, self._venue
        await self._make(troubles.entries)
        body = alert(self._installation.webhook_secret(ACCOUNT), price="59900")
        await accepted(webhook_url(house), body)
        await self._until(lambda: self._rest(entries=LEGS), "all entries rest", words)

        await self._make(troubles.fills)
        await venue.move("58000")
        await self._until(lambda: self._rest(exits=LEGS), "each lot has its exit", words)
        assert await venue.position() == sum(
            (order.quantity for order in await venue.exits()), Decimal(0)
        )

        await self._make(troubles.exits)
        await venue.move("61000")
        await self._until(self._is_over, "the group is closed", words)
        assert await house.stop() == 0
        assert await venue.position() == 0
        await assert_each_order_once(self._log.url, venue)
        await assert_provable(self._log.url)

    async def _make(self, trouble: Trouble | None) -> None:
        if trouble is not None:
            await trouble(self._venue)

    async def _until(
        self, stands: Callable[[], Awaitable[bool]], awaited: str, words: Callable[[], str]
    ) -> None:
        await until(stands, awaited, words=words, seconds=SETTLED_SECONDS_MAX)

    async def _rest(self, entries: int = 0, exits: int = 0) -> bool:
        counts = (len(await self._venue.entries()), len(await self._venue.exits()))
        return counts == (entries, exits) and not await self._log.unsettled()

    async def _is_over(self) -> bool:
        return await self._log.count("position_group.closed.v1") == 1


@pytest.mark.timeout(400)
async def test_whatever_the_venue_does_each_leg_has_exactly_one_order(
    private_dir: Path, databases: Databases
) -> None:
    """All at once, because an order counts as absent only after half a minute of asking."""
    prepared, home = databases.make(), data_dir_of(private_dir, "prepared")
    async with venue_here(private_dir / "venue") as venue:
        await add_account(Installation(home, prepared, venue.facts.variables(ACCOUNT)))

    async def scene(number: int, troubles: Troubles) -> None:
        url = databases.make(copy_of=prepared)
        own = data_dir_of(private_dir, f"home-{number}")
        shutil.copy(home / "secrets.json", own)
        async with venue_here(private_dir / f"venue-{number}") as venue:
            installation = Installation(own, url, venue.facts.variables(ACCOUNT))
            try:
                await Scene(installation, url, venue).play(troubles)
            except AssertionError as error:
                raise AssertionError(f"{troubles.name}: {error}") from error
            finally:
                await installation.close()

    scenes = [scene(number, troubles) for number, troubles in enumerate(TROUBLES)]
    ended = await asyncio.gather(*scenes, return_exceptions=True)
    failures = [repr(each) for each in ended if each is not None]
    assert not failures, "\n\n".join(failures).replace("\\n", "\n")
