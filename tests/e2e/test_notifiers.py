"""Whoever is told of alerts: never in the way of a signal, and told again after a crash."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from adapters.postgres.inbox_writer import AsyncInbox
from application.inputs import OperatorActed
from tests.e2e.alerts import accepted, alert
from tests.e2e.databases import Databases
from tests.e2e.live_account import LogReader, data_dir_of
from tests.e2e.plimsoll import Api, House, Installation, health
from tests.e2e.waiting import until
from tests.notifying.target import Target

ACCOUNT = "paper"
LOAD = 40


@pytest.fixture
async def installation(private_dir: Path, databases: Databases) -> AsyncIterator[Installation]:
    made = Installation(data_dir_of(private_dir, "home"), databases.make())
    yield made
    await made.close()


async def opened(installation: Installation, target: Target) -> House:
    return await installation.open("demo", "--port", "0", "--json", PLIMSOLL_NOTIFY=target.url)


async def provoke(installation: Installation, subject: str) -> None:
    """An order that the engine cannot carry out: it raises an alert of its own."""
    acted = OperatorActed(action="promote_signal", subject=subject, actor="ann", reason="test")
    async with AsyncInbox(installation.database_url) as inbox:
        await inbox.put(ACCOUNT, acted)


async def notifiers_word(house: House) -> str:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{house.base_url}/health") as response,
    ):
        return str((await response.json())["notifiers"])


async def test_a_receiver_that_never_answers_delays_no_signal_and_no_stop(
    installation: Installation,
) -> None:
    async with Target("hang") as target:
        house = await opened(installation, target)
        await provoke(installation, "nowhere")
        await target.until(lambda: target.hanging == 1, "the notifier hangs")

        for number in range(LOAD):
            await provoke(installation, f"nowhere-{number}")
        secret = house.facts["webhook_secret"]
        signal_id = await accepted(house.facts["webhook_url"], alert(secret, price=None))
        api = Api(house, house.facts["api_token"], ACCOUNT)

        async def judged() -> tuple[str, str] | None:
            return (await api.outcomes()).get(signal_id)

        outcome = await until(judged, "the signal has an outcome", words=house.words)
        log = LogReader(installation.database_url)

        async def all_raised() -> bool:
            return await log.count("trading_day.alert_raised.v1") >= LOAD + 1

        await until(all_raised, "every alert is in the log", words=house.words)
        # All of it happened while the one message that was begun is still on its way.
        assert (target.hanging, target.heard) == (1, [])
        assert outcome[0] == "admitted"
        assert await health(house.base_url) == 200

        assert await house.stop(10) == 0
        await target.until(lambda: target.hanging == 0, "the sender ended with the house")
    assert "s3cret" not in house.words() + house.said()


async def test_a_house_killed_between_sending_and_noting_it_tells_the_same_again(
    installation: Installation,
) -> None:
    async with Target() as target:
        house = await opened(installation, target)
        target.before_answer = lambda: house.signal(signal.SIGKILL)
        await provoke(installation, "nowhere")
        await target.until(lambda: len(target.heard) == 1, "the alert was heard")
        await house.ended()

        target.before_answer = lambda: None
        house = await opened(installation, target)
        await target.until(lambda: len(target.heard) == 2, "it was heard again")
        await provoke(installation, "elsewhere")
        await target.until(lambda: len(target.heard) == 3, "and then the next one")
        assert await house.stop() == 0

    first, again, later = [each["message"] for each in target.heard]
    assert first == again
    assert ("subject: nowhere" in first, "subject: elsewhere" in later) == (True, True)


async def test_a_receiver_that_was_down_over_a_restart_hears_of_everything_once_it_is_back(
    installation: Installation,
) -> None:
    async with Target("refuse") as target:
        house = await opened(installation, target)
        await provoke(installation, "nowhere")
        await target.until(lambda: target.refused == 1, "it was refused")

        async def failing() -> bool:
            return await notifiers_word(house) == "failing"

        await until(failing, "the house says that its notifier fails", words=house.words)
        found = await installation.run("doctor", "--json", PLIMSOLL_NOTIFY=target.url)
        [told] = [each for each in found.document()["findings"] if "notifier" in each["check"]]
        assert told["verdict"] == "warning"
        assert "503" in told["detail"]
        # A failing notifier raises no alert about itself.
        assert await LogReader(installation.database_url).count("trading_day.alert_raised.v1") == 1
        assert await house.stop() == 0
        assert "notifier_failed" in house.words()
        assert "s3cret" not in house.words() + found.out

        target.manner = "take"
        again = await opened(installation, target)
        await target.until(lambda: len(target.heard) == 1, "it was told after all")
        assert await notifiers_word(again) == "ok"
        assert await again.stop() == 0
    assert "subject: nowhere" in target.heard[0]["message"]


async def test_a_new_notifier_hears_of_the_first_thing_that_the_starting_engine_finds(
    installation: Installation,
) -> None:
    before = await installation.open("demo", "--port", "0", "--json")
    assert await before.stop() == 0
    await provoke(installation, "waiting-in-the-inbox")

    async with Target() as target:
        house = await opened(installation, target)
        await target.until(lambda: bool(target.heard), "the alert of the start is told")
        assert await house.stop() == 0
    assert "subject: waiting-in-the-inbox" in target.heard[0]["message"]


async def test_without_a_notifier_the_house_says_so(installation: Installation) -> None:
    house = await installation.open("demo", "--port", "0", "--json")
    assert await notifiers_word(house) == "none"
    assert await asyncio.wait_for(house.stop(), 30) == 0
