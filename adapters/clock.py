"""The one reader of the time: the wall clock for the record, a steady one for waiting."""

import time
from datetime import UTC, datetime
from typing import Protocol

from application.ports import Clock


class SteadyClock(Clock, Protocol):
    """A clock that can also measure spans."""

    def monotonic(self) -> float:
        """Seconds that only grow."""
        ...


class SystemClock:
    """This machine's clocks. Keeps `SteadyClock`."""

    def now(self) -> datetime:
        """UTC-aware, microseconds. May jump when the host's clock is set."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only grow; comparable within this process only."""
        return time.monotonic()
