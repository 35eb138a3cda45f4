import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import pairwise

import httpx
import pytest

from tests.web.stub_house import VERSION, StubHouse
from web.access import SESSION_COOKIE
from web.app import create_app
from web.changes import SUBSCRIBERS_MAX, ChangeFeed, TooManySubscribers
from web.server import WebServer, serve

SECONDS_MAX = 10


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while not condition():
            await asyncio.sleep(0.005)


async def take(feed: AsyncIterator[frozenset[str]]) -> frozenset[str]:
    async with asyncio.timeout(SECONDS_MAX):
        return await anext(feed)


async def test_changes_close_together_come_as_one_hint() -> None:
    changes = ChangeFeed(coalesce_seconds=0.05)
    feed = changes.follow()
    first = asyncio.create_task(take(feed))
    await until(lambda: changes.subscribers)
    changes.publish({"overview"})
    assert await first == {"overview"}
    for _ in range(50):
        changes.publish({"groups"})
        changes.publish({"log", "groups"})
    assert await take(feed) == {"groups", "log"}
    await feed.aclose()  # type: ignore[attr-defined]
    assert changes.subscribers == 0


async def test_at_most_four_hints_a_second_reach_a_page() -> None:
    changes = ChangeFeed()
    heard: list[float] = []

    async def listen() -> None:
        async for _ in changes.follow():
            heard.append(asyncio.get_running_loop().time())  # noqa: PERF401 - read while it grows

    listening = asyncio.create_task(listen())
    await until(lambda: changes.subscribers)
    while len(heard) < 4:
        changes.publish({"overview"})
        await asyncio.sleep(0.005)
    changes.close()
    await listening
    gaps = [later - earlier for earlier, later in pairwise(heard[:4])]
    assert min(gaps) >= 0.24


async def test_silence_is_broken_by_an_empty_hint() -> None:
    changes = ChangeFeed(keep_alive_seconds=0.01)
    assert await take(changes.follow()) == frozenset()


async def test_closing_ends_every_stream_and_admits_no_other() -> None:
    changes = ChangeFeed(keep_alive_seconds=60)

    async def listen() -> int:
        return len([views async for views in changes.follow()])

    listening = [asyncio.create_task(listen()) for _ in range(3)]
    await until(lambda: changes.subscribers == 3)
    changes.close()
    async with asyncio.timeout(SECONDS_MAX):
        await asyncio.gather(*listening)
    with pytest.raises(TooManySubscribers):
        changes.ensure_room()


def test_only_known_views_may_be_published() -> None:
    with pytest.raises(AssertionError, match="positions"):
        ChangeFeed().publish({"positions"})


async def test_the_number_of_live_pages_is_bounded() -> None:
    changes = ChangeFeed(keep_alive_seconds=60)
    tasks = [asyncio.create_task(take(changes.follow())) for _ in range(SUBSCRIBERS_MAX)]
    await until(lambda: changes.subscribers == SUBSCRIBERS_MAX)
    with pytest.raises(TooManySubscribers, match="at most 200"):
        changes.ensure_room()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def live_page(house: StubHouse) -> AsyncIterator[AsyncIterator[str]]:
    """The lines of one page's stream, over a real socket."""
    cookie = house.access.issue_cookie(house.clock.now())
    async with (
        WebServer(create_app(house.deps), "127.0.0.1", 0) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client,
        client.stream("GET", "/events", headers={"Cookie": f"{SESSION_COOKIE}={cookie}"}) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield answer.aiter_lines()


async def event(lines: AsyncIterator[str]) -> tuple[str, str]:
    name = data = ""
    async with asyncio.timeout(SECONDS_MAX):
        async for line in lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = line.removeprefix("data: ")
            elif not line and name:
                return name, data
    raise AssertionError("the stream ended")


async def test_a_page_is_greeted_and_then_told_what_changed(house: StubHouse) -> None:
    async with live_page(house) as lines:
        name, data = await event(lines)
        assert name == "hello"
        assert json.loads(data)["version"] == VERSION
        await until(lambda: house.changes.subscribers)
        house.changes.publish({"groups", "overview"})
        assert await event(lines) == ("changed", "groups overview")


async def test_a_silent_stream_beats_with_a_comment_and_the_time(house: StubHouse) -> None:
    house.changes._keep_alive_seconds = 0.02
    async with live_page(house) as lines:
        assert (await event(lines))[0] == "hello"
        assert await event(lines) == ("beat", house.clock.now().isoformat())


async def test_serve_tells_the_bound_port_and_stops_when_asked(house: StubHouse) -> None:
    stop, bound = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        serve(create_app(house.deps), "127.0.0.1", 0, stop, bound.set_result)
    )
    port = await bound
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/health")
    assert answer.json()["status"] == "ok"
    stop.set()
    async with asyncio.timeout(SECONDS_MAX):
        assert await task == port


async def test_a_taken_port_is_named(house: StubHouse) -> None:
    async with WebServer(create_app(house.deps), "127.0.0.1", 0) as server:
        other = WebServer(create_app(StubHouse().deps), "127.0.0.1", server.port)
        with pytest.raises(OSError, match=str(server.port)):
            await other.start()


@contextmanager
def stub_process() -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.web.stub_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ready, _, _ = select.select([process.stdout], [], [], 30)
        assert ready, "the stub server said nothing within 30 s"
        yield process, json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.stdout.close()
        if process.poll() is None:
            process.kill()
        process.wait(10)


def test_sigterm_ends_a_server_with_open_pages_within_a_second() -> None:
    with stub_process() as (process, told), httpx.Client(base_url=told["url"]) as client:
        assert client.get(told["login"]).status_code == 200
        with client.stream("GET", "/events") as first, client.stream("GET", "/events") as second:
            # The second is never read: it must not hold the server either.
            assert second.status_code == 200
            assert next(first.iter_lines()).startswith("retry")
            began = time.monotonic()
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(SECONDS_MAX) == 0
            assert time.monotonic() - began < 1
