"""Senders of alerts: each on a connection of its own, sending again once it was answered."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import asyncpg

from benchmarks.alerts import alert
from benchmarks.houses import House

Act = Callable[[], Awaitable[None]]
ANSWER_SECONDS_MAX = 30
SENDERS = 250
_numbers = itertools.count()

# As a webhook is stored, one row a commit; nobody's inbox, so that no engine takes it.
BARE_COMMIT = "INSERT INTO bare_inbox (account, kind, payload) VALUES ($1, $2, $3) RETURNING id"
BARE_TABLE = "CREATE TABLE bare_inbox (LIKE plimsoll.inbox INCLUDING ALL)"


@asynccontextmanager
async def http_clients(count: int) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that holds as many connections as there are clients."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=count),
        timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX),
    ) as session:
        yield session


async def closed_loop(act: Act, *, clients: int, times: int, seconds: float) -> list[float]:
    """Each client acts `times` times in turn, at most for so long; the seconds of each act."""
    samples: list[float] = []
    deadline = time.perf_counter() + seconds

    async def client() -> None:
        for _ in range(times):
            began = time.perf_counter()
            await act()
            ended = time.perf_counter()
            samples.append(ended - began)
            if ended > deadline:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    return samples


async def sustained(act: Act, *, clients: int, seconds: float, most: int) -> tuple[int, float]:
    """Clients act for so long, but at most so often: how often, and within how many seconds."""
    done = 0
    began = time.perf_counter()

    async def client() -> None:
        nonlocal done
        while done < most and time.perf_counter() - began < seconds:
            await act()
            done += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    return done, time.perf_counter() - began


def webhook_act(session: aiohttp.ClientSession, house: House, timeframes: int) -> Act:
    """Send one alert of a rotating timeframe and sender; 202 is the only answer accepted."""

    async def act() -> None:
        number = next(_numbers)
        await send(session, house, alert(house.secret, 1 + number % timeframes))

    return act


async def send(session: aiohttp.ClientSession, house: House, body: bytes) -> str:
    """Post an alert; the signal's id. Raises RuntimeError for any answer but 202."""
    sender = next(_numbers) % SENDERS
    headers = {"Content-Type": "application/json", "X-Forwarded-For": f"10.0.0.{sender}"}
    async with session.post(house.webhook_url, data=body, headers=headers) as response:
        text = await response.text()
        if response.status != HTTPStatus.ACCEPTED:
            raise RuntimeError(f"the webhook answered {response.status}: {text}")
        return str((await response.json())["signal_id"])


def health_act(session: aiohttp.ClientSession, house: House) -> Act:
    """GET /health: what any answer of this house costs."""

    async def act() -> None:
        async with session.get(f"{house.base_url}/health") as response:
            await response.read()
            if response.status != HTTPStatus.OK:
                raise RuntimeError(f"/health answered {response.status}")

    return act


@asynccontextmanager
async def bare_commits(url: str, connections: int) -> AsyncIterator[Act]:
    """INSERT of one row as large as a stored signal, one commit each, on that many connections."""
    async with asyncpg.create_pool(url, min_size=connections, max_size=connections) as pool:
        await pool.execute(BARE_TABLE)
        payload = alert("", 15) + b" " * 300

        async def act() -> None:
            await pool.fetchval(BARE_COMMIT, "bench", "signal_received", payload)

        yield act
