"""Waiting for a condition, never for a fixed time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.05


async def until(
    ask: Callable[[], Awaitable[bool]], awaited: str, seconds: float = DEADLINE_SECONDS
) -> None:
    """Ask until the answer is yes. Raises TimeoutError naming what was awaited."""
    deadline = time.monotonic() + seconds
    while not await ask():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {awaited}: read the house's log")
        await asyncio.sleep(POLL_SECONDS)
