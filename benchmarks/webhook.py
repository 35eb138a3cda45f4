"""How long a sender waits for its 202, which stands for a durable signal."""

import asyncio

from benchmarks.bench import Bench, Benchmark
from benchmarks.clients import bare_commits, closed_loop, health_act, http_clients, webhook_act
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
    async with paper_house(bench, GROUPS) as house:
        async with bare_commits(bench.databases.make(), 1) as commit:
            times = bench.pick(full=1000, quick=300, tiny=5)
            commits = await closed_loop(commit, clients=1, times=times)
        figures += latencies("bare commit of one signal-sized row", commits)
        for clients in bench.pick(full=(1, 10, 100), quick=(1, 10, 100), tiny=(1, 2)):
            bench.say(f"webhook with {clients} clients")
            figures += await _measured(bench, house, clients, commits)
    return figures


async def _measured(
    bench: Bench, house: House, clients: int, commits: list[float]
) -> list[Figure]:
    times = max(2, bench.pick(full=6000, quick=1000, tiny=6) // max(clients, 10))
    async with http_clients(clients) as session:
        await closed_loop(health_act(session, house), clients=clients, times=1)
        healths = await closed_loop(health_act(session, house), clients=clients, times=times)
        act = webhook_act(session, house, TIMEFRAMES)
        acknowledged = await closed_loop(act, clients=clients, times=times)
    shown = f"{clients} client{'s' if clients > 1 else ''}"
    return [
        *latencies(f"webhook → 202, {shown}", acknowledged, healths, "GET /health"),
        *_beside_both(f"webhook → 202, {shown}", acknowledged, healths, commits),
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
