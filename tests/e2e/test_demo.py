"""The demo as a newcomer meets it: one command, one line to paste, and nothing is forgotten."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from adapters.postgres import postmaster
from adapters.postgres.embedded_watchdog import CLUSTER
from adapters.postgres.lease import Lease
from tests.e2e.alerts import accepted, alert, post
from tests.e2e.databases import Databases
from tests.e2e.live_account import LogReader, add_account, assert_provable, data_dir_of
from tests.e2e.plimsoll import Api, House, Installation, health
from tests.e2e.venue_desk import venue_here
from tests.e2e.waiting import until

ACCOUNT = "paper"
STOP_SECONDS_MAX = 3.0


@pytest.fixture
async def installation(private_dir: Path, databases: Databases) -> AsyncIterator[Installation]:
    made = Installation(data_dir_of(private_dir, "home"), databases.make())
    yield made
    await made.close()


async def demo(installation: Installation, *arguments: str) -> House:
    return await installation.open("demo", "--port", "0", "--json", *arguments)


def api_of(house: House) -> Api:
    return Api(house, house.facts["api_token"], ACCOUNT)


async def open_group(house: House) -> dict[str, Any]:
    """The one open group, once the API shows it with an exit at work for what it holds."""

    async def shown() -> dict[str, Any] | None:
        groups = await api_of(house).groups()
        held = [group for group in groups if group["legs_filled"] and group["state"] != "CLOSED"]
        return held[0] if held and not held[0]["unprotected_legs"] else None

    return await until(shown, "a group with a filled leg is shown", words=house.words)


async def test_the_demo_says_where_it_is_in_one_line_and_is_healthy(
    installation: Installation,
) -> None:
    house = await demo(installation)
    assert set(house.facts) == {
        *("dashboard_url", "api_url", "api_token", "webhook_url", "webhook_secret"),
        "account_id",
    }
    assert house.said().count("\n") == 1
    assert await health(house.base_url) == 200

    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        for address in (house.facts["dashboard_url"], f"{house.base_url}/"):
            async with session.get(address) as page:
                assert page.status == 200, await page.text()
                assert "Plimsoll" in await page.text()
    # What was just announced is there at once: the account, and the tables of its pages.
    assert await api_of(house).groups() == []
    assert await house.stop() == 0


async def test_the_printed_curl_line_pasted_into_bash_opens_a_trade(
    installation: Installation,
) -> None:
    house = await installation.launch("demo", "--port", "0")

    async def welcome() -> str:
        return house.said() if "Ctrl-C" in house.said() else ""

    text = await until(welcome, "the welcome is printed", words=house.words, seconds=90)
    (line,) = re.findall(r"^curl .*?^}'$", text, re.MULTILINE | re.DOTALL)
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-c", line + " -w '\\n%{http_code}'"), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await shell.communicate()
    assert out.decode().splitlines()[-1] == "202", out

    (api_url,) = re.findall(r"^ +API +(http\S+)$", text, re.MULTILINE)
    (token,) = re.findall(r"^ +API token +(\S+)$", text, re.MULTILINE)
    house.facts = {"api_url": api_url, "api_token": token}
    group = await open_group(house)
    assert (group["symbol"], group["side"], group["timeframe"]) == ("BTC/USDT:USDT", "long", "15")
    assert group["legs_total"] == 5
    assert await house.stop() == 0


async def test_sigterm_ends_it_in_time_though_a_live_page_is_open(
    installation: Installation,
) -> None:
    house = await demo(installation)
    # By address alone a cookie jar keeps no cookies unless told to.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(house.facts["dashboard_url"]) as page:
            assert page.status == 200
        async with session.get(f"{house.base_url}/events") as stream:
            assert stream.status == 200
            assert b"hello" in await stream.content.readuntil(b"\n\n")
            assert await house.stop(STOP_SECONDS_MAX) == 0


async def test_a_restart_keeps_everything_and_the_paper_venue_holds_what_the_books_say(
    installation: Installation,
) -> None:
    house = await demo(installation)
    await accepted(house.facts["webhook_url"], alert(house.facts["webhook_secret"], price=None))
    before = await open_group(house)
    assert await house.stop() == 0

    again = await demo(installation, "--seed", "2")
    after = await open_group(again)
    assert (after["group_id"], after["signal_id"]) == (before["group_id"], before["signal_id"])
    assert after["legs_filled"] >= before["legs_filled"]
    await until_reconciled(again, installation)
    overview = await api_of(again).get("overview")
    assert (overview["discrepancies"], overview["unknown_orders"]) == (0, 0)

    exit_body = alert(again.facts["webhook_secret"], price=None, kind="exit")
    await accepted(again.facts["webhook_url"], exit_body)

    async def closed() -> bool:
        return all(group["state"] == "CLOSED" for group in await api_of(again).groups())

    await until(closed, "the group is closed", words=again.words)
    assert await again.stop() == 0
    log = log_of(installation)
    assert await log.count("holdings.discrepancy_found.v1") == 0
    assert await log.count("trading_day.input_failed.v1") == 0
    await assert_provable(log.url, ACCOUNT)


def log_of(installation: Installation) -> LogReader:
    return LogReader(installation.database_url)


async def until_reconciled(house: House, installation: Installation) -> None:
    """Whatever was asked about at the start was answered."""
    log = log_of(installation)

    async def settled() -> bool:
        return not await log.unsettled()

    await until(settled, "no order is unknown", words=house.words)


@pytest.mark.timeout(240)
async def test_an_alert_is_never_refused_while_the_house_opens(
    private_dir: Path, databases: Databases
) -> None:
    """TradingView never sends again after a 4xx: as long as it is not 202 it must be 503."""
    url = databases.make()
    async with venue_here(private_dir / "venue") as venue:
        variables = venue.facts.variables("main")
        installation = Installation(data_dir_of(private_dir, "home"), url, variables)
        try:
            secret = await add_account(installation)
            with Lease.open(url) as lease:
                # As when another machine's engine is only just about to die.
                lease.take("main")
                house = await installation.open("serve", "--port", "0", "--json")
                target = f"{house.base_url}/webhook/main"
                assert (await post(target, alert(secret)))[0] == 503

            async def answered() -> int:
                status, _ = await post(target, alert(secret))
                return status if status != 503 else 0

            assert await until(answered, "it is no longer 503", words=house.words) == 202
            assert (await post(f"{house.base_url}/webhook/nobody", alert(secret)))[0] == 404
            assert await house.stop() == 0
        finally:
            await installation.close()


@pytest.fixture
async def self_hosted(private_dir: Path) -> AsyncIterator[Installation]:
    """An installation with a database server of its own, which root must let its user reach."""
    home = private_dir / "home"
    home.mkdir(mode=0o711)
    home.chmod(0o711)
    made = Installation(home, None)
    yield made
    await made.close()


@pytest.mark.timeout(240)
async def test_killed_with_its_own_database_it_goes_on_and_leaves_no_server_behind(
    self_hosted: Installation,
) -> None:
    """The embedded server outlives a kill -9 of its user only until its watchdog has noticed."""
    home = self_hosted.data_dir
    house = await demo(self_hosted)
    await accepted(house.facts["webhook_url"], alert(house.facts["webhook_secret"], price=None))
    before = await open_group(house)
    await house.kill()

    again = await demo(self_hosted)
    assert (await open_group(again))["group_id"] == before["group_id"]
    served = postmaster.serving(home / CLUSTER)
    assert served is not None
    await again.kill()

    async def gone() -> bool:
        return postmaster.serving(home / CLUSTER) is None and not of_the_server(home)

    await until(gone, "the database server and its watchdog have ended", words=again.words)
    assert not is_running(served.pid)


@pytest.mark.timeout(240)
async def test_an_embedded_server_that_dies_is_started_again_and_nothing_is_lost(
    self_hosted: Installation,
) -> None:
    cluster = self_hosted.data_dir / CLUSTER
    house = await demo(self_hosted)
    await accepted(house.facts["webhook_url"], alert(house.facts["webhook_secret"], price=None))
    before = await open_group(house)
    served = postmaster.serving(cluster)
    assert served is not None
    psutil.Process(served.pid).kill()

    async def another() -> bool:
        now = postmaster.serving(cluster)
        return now is not None and now.pid != served.pid

    await until(another, "another server serves", words=house.words)
    second = alert(house.facts["webhook_secret"], symbol="ETHUSDT.P", price=None)
    await until(lambda: taken(house, second), "an alert is taken again", words=house.words)
    assert before["group_id"] in {each["group_id"] for each in await api_of(house).groups()}


async def taken(house: House, body: str) -> bool:
    """Whether the webhook took this alert; until it can, it asks the sender to come again."""
    status, _ = await post(house.facts["webhook_url"], body)
    assert status in {202, 503}
    return status == 202


def is_running(pid: int) -> bool:
    """A process that ended and was not yet reaped runs no more."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def of_the_server(home: Path) -> list[psutil.Process]:
    """Processes that were started for this data directory."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(home) in part for part in process.info["cmdline"] or [])
    ]
