"""How long a sender waits for its 202, which stands for a durable signal."""

import asyncio

from benchmarks.bench import Bench, Benchmark
from benchmarks.clients import (
    Act,
    bare_commits,
    closed_loop,
    health_act,
    http_clients,
    webhook_act,
)
from benchmarks.figures import Figure, latencies, percentile
from benchmarks.houses import House, paper_house

# Ten trades open; of the other timeframes each has one entry in the queue, replaced again
# and again: what a house under a storm of alerts does.
GROUPS = 10
TIMEFRAMES = 40


def run(bench: Bench) -> list[Figure]:
    """Acknowledgement beside one bare commit and one GET /health at the same concurrency."""
    return asyncio.run(_run(bench))


async def _run(bench: Bench) -> list[Figure]:
    figures: list[Figure] = []
    async with (
        paper_house(bench, GROUPS) as house,
        bare_commits(bench.databases.make(), 1) as commit,
    ):
        for clients in bench.pick(full=(1, 10, 100), quick=(1, 10, 100), tiny=(1, 2)):
            bench.say(f"webhook with {clients} clients")
            figures += await _measured(bench, house, commit, clients)
    return figures


async def _measured(bench: Bench, house: House, commit: Act, clients: int) -> list[Figure]:
    """In turns, so that whatever else the machine does falls on all three alike."""
    rounds = bench.pick(full=5, quick=2, tiny=1)
    times = max(2, bench.pick(full=1000, quick=400, tiny=6) // max(clients, 5))

    seconds = bench.pick(full=1.0, quick=0.5, tiny=0.5)

    async def turn(act: Act, count: int) -> list[float]:
        return await closed_loop(act, clients=count, times=times, seconds=seconds)

    commits: list[float] = []
    healths: list[float] = []
    acknowledged: list[float] = []
    async with http_clients(clients) as session:
        health, webhook = health_act(session, house), webhook_act(session, house, TIMEFRAMES)
        await closed_loop(health, clients=clients, times=1, seconds=seconds)
        for _ in range(rounds):
            commits += await turn(commit, 1)
            healths += await turn(health, clients)
            acknowledged += await turn(webhook, clients)
    name = f"webhook → 202, {clients} client{'s' if clients > 1 else ''}"
    return [
        *latencies(name, acknowledged, healths, "GET /health"),
        *_beside_both(name, acknowledged, healths, commits),
        *latencies("a bare commit of such a row, meanwhile", commits),
    ]


def _beside_both(
    name: str, acknowledged: list[float], healths: list[float], commits: list[float]
) -> list[Figure]:
    """Beside an answer and a commit, one after the other. Medians add up, tails do not."""
    limit = percentile(healths, 0.5) + percentile(commits, 0.5)
    return [
        Figure(
            name=f"{name}, p50",
            value=percentile(acknowledged, 0.5) * 1000,
            unit="ms",
            limit=limit * 1000,
            limit_name="GET /health + bare commit",
        )
    ]


WEBHOOK = Benchmark(name="webhook", title="from an alert to its 202", run=run)
