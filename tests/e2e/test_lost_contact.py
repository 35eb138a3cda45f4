"""A cut line, a dead engine: nothing new is entered, and entries do not outlive their engine."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.alerts import accepted, alert
from tests.e2e.databases import Databases
from tests.e2e.live_account import (
    ACCOUNT,
    LogReader,
    add_account,
    api_of,
    assert_books_are_the_venues,
    assert_provable,
    data_dir_of,
    opened,
    webhook_url,
)
from tests.e2e.plimsoll import Installation
from tests.e2e.venue_desk import BTC, VenueDesk, venue_here
from tests.e2e.waiting import until

ETH = "ETH/USDT:USDT"
LEGS = 5


async def held(log: LogReader, name: str) -> list[Any]:
    """The holds for lost contact, or their ends."""
    states = await log.states(name)
    return [each for each in states if each.get("hold", each).get("cause") == "dead_man"]


@pytest.mark.timeout(240)
async def test_a_signal_without_contact_waits_and_is_promoted_once_the_line_is_back(
    private_dir: Path, databases: Databases
) -> None:
    url, home = databases.make(), data_dir_of(private_dir, "home")
    async with venue_here(private_dir / "venue") as venue:
        installation = Installation(home, url, venue.facts.variables(ACCOUNT))
        await add_account(installation, {"risk": {"symbols_allowed": [BTC], "stale_seconds": 4}})
        house, log = await opened(installation, url), LogReader(url)
        words, secret = house.words, installation.webhook_secret(ACCOUNT)
        try:
            await accepted(webhook_url(house), alert(secret, price="59900"))

            async def rests() -> bool:
                return len(await venue.entries()) == LEGS and not await log.unsettled()

            await until(rests, "all entries rest", words=words)
            before = len(await held(log, "brakes.hold_placed.v1"))
            await venue.line("cut")

            async def is_held() -> bool:
                return len(await held(log, "brakes.hold_placed.v1")) > before

            await until(is_held, "entries are held back for want of contact", words=words)
            body = alert(secret, price="59900", timeframe="60")
            waiting = await accepted(webhook_url(house), body)

            async def outcome() -> tuple[str, str]:
                api = api_of(house, installation)
                return (await api.outcomes()).get(waiting, ("", ""))

            async def queued() -> bool:
                return await outcome() == ("queued", "trading_state")

            await until(queued, "the signal waits for the trading state", words=words)
            assert len(await venue.received()) == LEGS
            await venue.line("restore")

            async def promoted() -> bool:
                return (await outcome())[0] == "admitted" and len(await venue.entries()) == 2 * LEGS

            await until(promoted, "the signal is promoted and rests", words=words)
            placed = await held(log, "brakes.hold_placed.v1")
            lifted = await held(log, "brakes.hold_lifted.v1")
            assert len(lifted) == len(placed)
            assert placed[-1]["hold"]["reason"].startswith("the venue said nothing for ")
            assert await house.stop() == 0
        finally:
            await installation.close()
        await assert_books_are_the_venues(url, venue)
        await assert_provable(url)


class Countdown:
    """An account whose entries are not to outlive its engine."""

    def __init__(self, installation: Installation, url: str, venue: VenueDesk) -> None:
        self.installation = installation
        self.venue = venue
        self.log = LogReader(url)
        self.url = url

    async def works(self) -> dict[tuple[str, bool], int]:
        """How many orders work at the venue, by symbol and whether they close."""
        return Counter((order.symbol, order.closes) for order in await self.venue.working())

    async def until_works(self, wanted: dict[tuple[str, bool], int], armed: set[str]) -> None:
        async def stands() -> bool:
            return await self.works() == wanted and await self.venue.countdowns() == armed

        await until(
            stands,
            f"{wanted} rest, {armed} armed; now {json.dumps(str(await self.works()))}",
            words=self.installation.words,
        )


@pytest.mark.timeout(240)
async def test_entries_vanish_with_their_engine_and_take_profits_stay(
    private_dir: Path, databases: Databases
) -> None:
    url, home = databases.make(), data_dir_of(private_dir, "home")
    async with venue_here(private_dir / "venue") as venue:
        installation = Installation(home, url, venue.facts.variables(ACCOUNT))
        scene = Countdown(installation, url, venue)
        settings = {"risk": {"symbols_allowed": [BTC, ETH], "countdown_seconds": 6}}
        await add_account(installation, settings)
        try:
            await _play(scene)
        finally:
            await installation.close()
        await assert_books_are_the_venues(url, venue)
        await assert_provable(url)


async def _play(scene: Countdown) -> None:
    installation, venue = scene.installation, scene.venue
    house = await opened(installation, scene.url)
    secret = installation.webhook_secret(ACCOUNT)
    await accepted(webhook_url(house), alert(secret, price="59900"))
    await accepted(webhook_url(house), alert(secret, price="2990", symbol="ETHUSDT.P"))
    await scene.until_works({(BTC, False): LEGS, (ETH, False): LEGS}, {BTC, ETH})

    await venue.move("59850")
    with_a_lot = {(BTC, False): LEGS - 1, (BTC, True): 1}
    await scene.until_works({**with_a_lot, (ETH, False): LEGS}, {ETH})

    await house.kill()
    await scene.until_works(with_a_lot, set())

    again = await opened(installation, scene.url)

    async def settled() -> bool:
        is_closed = await scene.log.count("position_group.closed.v1") == 1
        return is_closed and not await scene.log.unsettled()

    await until(settled, "what vanished was asked about", words=again.words)
    assert await scene.works() == with_a_lot
    await accepted(
        webhook_url(again), alert(secret, price="2990", symbol="ETHUSDT.P", timeframe="60")
    )
    await scene.until_works({**with_a_lot, (ETH, False): LEGS}, {ETH})

    assert await again.stop() == 0

    assert await scene.works() == {**with_a_lot, (ETH, False): LEGS}
    assert await venue.countdowns() == set()
