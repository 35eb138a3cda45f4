"""The wire venue as a process of its own: `python -m adapters.exchanges.wire --state-dir DIR`."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import msgspec

from adapters.clock import SystemClock
from adapters.exchanges.simulated.market import RandomWalk
from adapters.exchanges.wire.server import WireVenue

STEP_SECONDS = 0.25


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m adapters.exchanges.wire")
    parser.add_argument("--state-dir", type=Path, required=True, help="where certificates go")
    parser.add_argument("--seed", type=int, default=None, help="let prices wander from this seed")
    parser.add_argument("--json", action="store_true", help="print one JSON line when ready")
    options = parser.parse_args()
    asyncio.run(_run(options.state_dir, options.seed, as_json=options.json))


async def _run(state_dir: Path, seed: int | None, *, as_json: bool) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for stop in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(stop, stopped.set)

    async with WireVenue(state_dir) as venue:
        sys.stdout.write(_introduction(venue, as_json=as_json) + "\n")
        sys.stdout.flush()
        wandering = asyncio.create_task(_wander(venue, seed)) if seed is not None else None
        await stopped.wait()
        if wandering is not None:
            wandering.cancel()
            await asyncio.gather(wandering, return_exceptions=True)


async def _wander(venue: WireVenue, seed: int) -> None:
    """Move every market once a step; what the moves fill reaches the client's streams."""
    walk, clock = RandomWalk(seed=seed), SystemClock()
    while True:
        for move in walk.step(clock.now()):
            await venue.move(move.symbol, move.price)
        await asyncio.sleep(STEP_SECONDS)


def _introduction(venue: WireVenue, *, as_json: bool) -> str:
    facts = {
        "proxy_url": venue.proxy_url,
        "ca_file": venue.ca_file,
        "control_url": venue.control_url,
        "api_key": venue.api_key,
        "secret": venue.secret,
    }
    if as_json:
        return msgspec.json.encode(facts).decode()
    return "\n".join(f"{name:<12} {value}" for name, value in facts.items())


if __name__ == "__main__":
    main()
