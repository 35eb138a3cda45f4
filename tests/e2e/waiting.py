"""Waiting for a condition, with a deadline and with the words of whoever did not meet it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.05


async def until(
    ask: Callable[[], Awaitable[T | None]],
    awaited: str,
    *,
    words: Callable[[], str] = str,
    seconds: float = DEADLINE_SECONDS,
) -> T:
    """The first answer that is true. Fails with `awaited`, the last answer and the words."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            told = f"not within {seconds:.0f} s: {awaited}\nlast answer: {answer!r}\n{words()}"
            raise AssertionError(told)
        await asyncio.sleep(POLL_SECONDS)
