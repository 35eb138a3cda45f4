"""The wire venue as a process of its own, driven through its control desk."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import ccxt.pro
import pytest

from tests.venue.test_wire_orders import BTC, create

CHECKOUT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 60


class VenueProcess:
    def __init__(self, process: asyncio.subprocess.Process, facts: dict[str, str]) -> None:
        self.process = process
        self.facts = facts

    async def control(self, path: str, body: object = None) -> tuple[int, Any]:
        method = "GET" if body is None else "POST"
        url = self.facts["control_url"] + path
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=body) as response,
        ):
            return response.status, await response.json()


async def start(tmp_path: Path, *arguments: str) -> VenueProcess:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "adapters.exchanges.wire", "--json"),
        *("--state-dir", str(tmp_path / "venue"), *arguments),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        line = await process.stdout.readline()
    return VenueProcess(process, json.loads(line))


async def stop(venue: VenueProcess) -> int:
    venue.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(DEADLINE_SECONDS):
        return await venue.process.wait()


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[VenueProcess]:
    started = await start(tmp_path)
    yield started
    assert await stop(started) == 0


@pytest.fixture
async def remote(venue: VenueProcess) -> AsyncIterator[Any]:
    made = ccxt.pro.binanceusdm(
        {
            "apiKey": venue.facts["api_key"],
            "secret": venue.facts["secret"],
            "httpsProxy": venue.facts["proxy_url"],
            "wssProxy": venue.facts["proxy_url"],
            "cafile": venue.facts["ca_file"],
            "options": {"fetchCurrencies": False, "fetchMargins": False},
        }
    )
    try:
        yield made
    finally:
        await made.close()


async def test_it_trades_moves_fills_and_fails_as_told(venue: VenueProcess, remote: Any) -> None:
    await create(remote, "my-1", "buy", "0.01", "59000")
    assert await venue.control("/fill", {"client_order_id": "my-1", "quantity": "0.004"}) == (
        200,
        {"done": True},
    )
    assert await venue.control("/move", {"symbol": BTC, "price": "58000"}) == (200, {"done": True})
    _, positions = await venue.control("/positions")
    assert {symbol: Decimal(held) for symbol, held in positions.items()} == {BTC: Decimal("0.01")}
    assert (await venue.control("/prices"))[1][BTC] == "58000"

    await venue.control("/fault", {"kind": "drop_after"})
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await create(remote, "my-2", "buy", "0.01", "50000")
    _, received = await venue.control("/orders")
    assert [row["ticket"]["client_order_id"] for row in received] == ["my-1", "my-2"]
    _, working = await venue.control("/open-orders")
    assert [row["ticket"]["client_order_id"] for row in working] == ["my-2"]
    await venue.control("/expire", {"client_order_id": "my-2"})
    assert await venue.control("/open-orders") == (200, [])

    await venue.control("/hand", {"symbol": BTC, "side": "sell", "quantity": "0.01"})
    assert await venue.control("/positions") == (200, {})
    assert (await venue.control("/orders"))[1][-1]["ticket"]["client_order_id"] == "web_1"


async def test_the_line_is_cut_and_restored(venue: VenueProcess, remote: Any) -> None:
    await remote.load_markets()
    await venue.control("/line", {"line": "cut"})
    with pytest.raises(ccxt.NetworkError):
        await remote.fetch_ticker(BTC)
    await venue.control("/line", {"line": "restore"})
    assert (await remote.fetch_ticker(BTC))["last"] == 60000


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/move", {"symbol": "NOPE", "price": "1"}, "symbol was NOPE"),
        ("/move", {"symbol": BTC}, "missing required field `price`"),
        ("/fill", {"client_order_id": "nope", "quantity": "1"}, "none rests"),
        ("/expire", {"client_order_id": "nope"}, "none works"),
        ("/hand", {"symbol": BTC, "side": "buy", "quantity": "5000"}, "refused with -4005"),
        ("/fault", {"kind": "nope"}, "choose one of"),
        ("/stream-fault", {"kind": "nope"}, "Invalid enum value"),
        ("/line", {"line": "nope"}, "Invalid enum value"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_the_reason(
    venue: VenueProcess, path: str, body: object, says: str
) -> None:
    status, answer = await venue.control(path, body)
    assert status == 400
    assert says in answer["error"]


async def test_with_a_seed_the_prices_wander(tmp_path: Path) -> None:
    venue = await start(tmp_path, "--seed", "1")
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while Decimal((await venue.control("/prices"))[1][BTC]) == Decimal(60000):
                await asyncio.sleep(0.05)
    finally:
        assert await stop(venue) == 0
