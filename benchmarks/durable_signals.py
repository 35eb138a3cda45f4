"""How many signals a second a house makes durable, and how many it decides."""

import asyncio
import os
import time

import asyncpg

from benchmarks.bench import Bench, Benchmark
from benchmarks.clients import bare_commits, health_act, http_clients, sustained, webhook_act
from benchmarks.figures import Figure, rate
from benchmarks.houses import House, paper_house
from benchmarks.waiting import until
from benchmarks.webhook import GROUPS, TIMEFRAMES

CLIENTS = 64
CONNECTIONS = 16
MOST = 50_000


def run(bench: Bench) -> list[Figure]:
    """202s a second over some seconds, and the pace at which the engine handled them."""
    return asyncio.run(_run(bench))


async def _run(bench: Bench) -> list[Figure]:
    seconds = bench.pick(full=6.0, quick=2.0, tiny=0.3)
    clients = bench.pick(full=CLIENTS, quick=CLIENTS, tiny=4)
    async with bare_commits(bench.databases.make(), CONNECTIONS) as commit:
        bench.say("bare inserts")
        inserts = _per_second(
            await sustained(commit, clients=CONNECTIONS, seconds=seconds, most=MOST)
        )
    async with paper_house(bench, GROUPS) as house, http_clients(clients) as session:
        bench.say("GET /health")
        before = house.cpu_seconds()
        asked = await sustained(
            health_act(session, house), clients=clients, seconds=seconds / 2, most=MOST
        )
        asking = house.cpu_seconds() - before
        bench.say("signals")
        act = webhook_act(session, house, TIMEFRAMES)
        began, before = time.perf_counter(), house.cpu_seconds()
        count, took = await sustained(act, clients=clients, seconds=seconds, most=MOST)
        await until(lambda: _all_decided(house, count), "the engine to decide every signal")
        decided, working = time.perf_counter() - began, house.cpu_seconds() - before
    shown = f"{clients} clients"
    name = f"signals made durable, {shown}"
    bare = f"bare INSERT, one row a commit, {CONNECTIONS} connections"
    # Processor time comes in whole ticks: too short a run may show none.
    tick = 1 / os.sysconf("SC_CLK_TCK")
    return [
        rate(name, count, took, (bare, inserts)),
        rate(name, count, took, (f"GET /health, {shown}", _per_second(asked))),
        rate("signals decided, the last one included", count, decided, (name, count / took)),
        Figure(
            name="processor time of the house, a signal",
            value=max(working, tick) / count * 1000,
            unit="ms",
            limit=max(asking, tick) / asked[0] * 1000,
            limit_name="GET /health",
        ),
    ]


def _per_second(done: tuple[int, float]) -> float:
    return done[0] / done[1]


async def _all_decided(house: House, count: int) -> bool:
    query = "SELECT count(*) FROM plimsoll.events WHERE topic = 'trading_day.signal_judged.v1'"
    connection = await asyncpg.connect(house.database_url)
    try:
        waiting = await connection.fetchval("SELECT count(*) FROM plimsoll.inbox")
        return waiting == 0 and int(await connection.fetchval(query)) >= count
    finally:
        await connection.close()


DURABLE_SIGNALS = Benchmark(name="signals", title="durable signals a second, sustained", run=run)
