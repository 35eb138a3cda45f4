"""kill -9 amid a burst of alerts: each one that was answered with 202 is handled, once."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.alerts import alert, post
from tests.e2e.databases import Databases
from tests.e2e.live_account import LogReader, assert_provable, data_dir_of
from tests.e2e.plimsoll import House, Installation
from tests.e2e.waiting import until

ACCOUNT = "paper"
RECEIVED = "trading_day.signal_received.v1"
JUDGED = "trading_day.signal_judged.v1"
TIMEFRAMES = ("1", "3", "5", "15", "30", "45", "60", "120", "240", "D")
KEYS = [(symbol, timeframe) for symbol in ("BTCUSDT.P", "ETHUSDT.P") for timeframe in TIMEFRAMES]


async def send(house: House, symbol: str, timeframe: str) -> str | None:
    """The signal's id if the answer was 202; nothing if there was another one, or none."""
    body = alert(house.facts["webhook_secret"], symbol=symbol, timeframe=timeframe, price=None)
    try:
        status, answer = await post(house.facts["webhook_url"], body)
    except (aiohttp.ClientError, ConnectionError, TimeoutError):
        return None
    return str(answer["signal_id"]) if status == 202 else None


async def burst(house: House) -> list[str]:
    """All at once; the ids of those that were taken."""
    sent = await asyncio.gather(*(send(house, *key) for key in KEYS))
    return [identity for identity in sent if identity is not None]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kill", ["before:commit-signal-1", "after:commit-signal-1", "by hand"])
async def test_every_alert_answered_with_202_is_in_the_ledger_once_after_a_kill(
    private_dir: Path, databases: Databases, kill: str
) -> None:
    url = databases.make()
    installation = Installation(data_dir_of(private_dir, "home"), url)
    try:
        arguments = ("demo", "--port", "0", "--json")
        house = await installation.open(
            *arguments, module="tests.e2e.launcher", PLIMSOLL_TEST_KILL=kill
        )
        taken = await burst(house)
        if kill == "by hand":
            house.signal(signal.SIGKILL)
        await house.ended()

        again = await installation.open(*arguments)
        taken += await burst(again)
        assert len(taken) >= len(KEYS)
        log = LogReader(url)

        async def all_handled() -> bool:
            return await log.waiting() == 0

        await until(all_handled, "the inbox is empty", words=again.words)
        received = Counter(each["signal_id"] for each in await log.states(RECEIVED))
        assert {identity: received[identity] for identity in taken} == dict.fromkeys(taken, 1)
        judged = {each["signal_id"] for each in await log.states(JUDGED)}
        assert judged == set(received)
        assert await again.stop() == 0
        await assert_provable(url, ACCOUNT)
    finally:
        await installation.close()
