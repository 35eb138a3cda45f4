"""The engine's clock: a tick each second, with the grid instants it met."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from adapters.clock import SystemClock
from application.inputs import ClockTicked
from application.ports import Submit

TICK_SECONDS = 1.0
PROMOTION_SECONDS = 10
MINUTE_SECONDS = 60


async def tick(
    accounts: Callable[[], Sequence[str]], submit: Submit, has_new_marks: Callable[[str], bool]
) -> None:
    """Tell every account each second that time passed, and which grid instants it met.

    A symbol's first mark lets the queue be walked at once: what waited for it waits no longer.
    """
    clock = SystemClock()
    before = clock.now()
    while True:
        await asyncio.sleep(TICK_SECONDS)
        now = clock.now()
        for account in accounts():
            passed = ticked(before, now)
            if has_new_marks(account):
                passed = msgspec.structs.replace(passed, promotion=True)
            submit(account, passed)
        before = now


def ticked(before: datetime, now: datetime) -> ClockTicked:
    """A tick at `now`, with the grid instants that lie after `before`."""
    return ClockTicked(
        due_at=now,
        promotion=_crosses(before, now, PROMOTION_SECONDS),
        minute=_crosses(before, now, MINUTE_SECONDS),
    )


def _crosses(before: datetime, now: datetime, seconds: int) -> bool:
    """Whether a whole multiple since midnight UTC lies in (before, now]."""
    midnight = before.replace(hour=0, minute=0, second=0, microsecond=0)
    grid = timedelta(seconds=seconds)
    return (before - midnight) // grid != (now - midnight) // grid
