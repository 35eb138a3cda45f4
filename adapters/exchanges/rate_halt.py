"""The pause a venue orders when we asked too much: nothing is sent until it is over."""

import re
from collections.abc import Mapping

from adapters.clock import SteadyClock

TOO_MANY_REQUESTS = 429
BANNED = 418
DEFAULT_SECONDS: Mapping[int, float] = {TOO_MANY_REQUESTS: 10.0, BANNED: 120.0}

# Binance: "Way too many requests; IP banned until 1795144684643." (Unix milliseconds)
_BANNED_UNTIL = re.compile(r"banned until (\d{13})")


class RateHalt:
    """When the next request may leave. One per venue and address."""

    def __init__(self, clock: SteadyClock) -> None:
        self._clock = clock
        self._until = 0.0

    def hear(self, status: int, headers: Mapping[str, str], body: str) -> None:
        """Take note of an HTTP answer; only 429 and 418 order a pause."""
        if status not in DEFAULT_SECONDS:
            return
        seconds = _retry_after(headers)
        if seconds is None:
            seconds = self._banned_seconds(body)
        if seconds is None:
            seconds = DEFAULT_SECONDS[status]
        self._until = max(self._until, self._clock.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds until something may be sent again; 0 = now."""
        return max(0.0, self._until - self._clock.monotonic())

    def _banned_seconds(self, body: str) -> float | None:
        found = _BANNED_UNTIL.search(body)
        if found is None:
            return None
        return max(0.0, int(found.group(1)) / 1000 - self._clock.now().timestamp())


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds, if the answer carries a usable one."""
    for name, value in headers.items():
        if name.lower() == "retry-after" and value.strip().isdigit():
            return float(value)
    return None
