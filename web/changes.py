"""What changed on the pages: hints to open browsers, each view at most once per message."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import get_args

from projections.views import ViewName

VIEWS: frozenset[str] = frozenset(get_args(ViewName))
MARKED_VIEWS = frozenset({"overview", "groups", "queue", "risk"})
"""What reads differently when marks move, though nothing was committed."""

SUBSCRIBERS_MAX = 200
# At most four messages a second to one browser, whatever the markets do.
COALESCE_SECONDS = 0.25
KEEP_ALIVE_SECONDS = 15.0


class TooManySubscribers(Exception):  # noqa: N818 - a refusal is named by what happened
    """No further page can be kept live: answer 503."""


class ChangeFeed:
    """Carries hints from the projections to every open page. Lives in one event loop.

    `publish` belongs to that loop; from another thread use `loop.call_soon_threadsafe`.
    """

    def __init__(
        self,
        *,
        coalesce_seconds: float = COALESCE_SECONDS,
        keep_alive_seconds: float = KEEP_ALIVE_SECONDS,
    ) -> None:
        self._coalesce_seconds = coalesce_seconds
        self._keep_alive_seconds = keep_alive_seconds
        self._subscriptions: set[_Subscription] = set()
        self._closed = False

    def publish(self, views: Iterable[str]) -> None:
        """Tell every page that these views read differently from now on."""
        changed = frozenset(views)
        assert changed <= VIEWS, f"views were {sorted(changed)}: publish only {sorted(VIEWS)}"
        for subscription in self._subscriptions:
            subscription.add(changed)

    @property
    def subscribers(self) -> int:
        """How many pages are live."""
        return len(self._subscriptions)

    def ensure_room(self) -> None:
        """Raise TooManySubscribers if the next page could not be kept live."""
        if self._closed or len(self._subscriptions) >= SUBSCRIBERS_MAX:
            raise TooManySubscribers(
                f"{len(self._subscriptions)} pages are live, at most {SUBSCRIBERS_MAX} may be:"
                " close some, then reload"
            )

    async def follow(self) -> AsyncIterator[frozenset[str]]:
        """Sets of changed views as they come; an empty set says only that we are alive.

        Ends when the feed is closed.
        """
        self.ensure_room()
        subscription = _Subscription()
        self._subscriptions.add(subscription)
        try:
            while not self._closed:
                yield await subscription.take(self._keep_alive_seconds)
                await subscription.rest(self._coalesce_seconds)
        finally:
            self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.end()


class _Subscription:
    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._woken = asyncio.Event()
        self._ended = asyncio.Event()

    def add(self, views: frozenset[str]) -> None:
        self._changed |= views
        self._woken.set()

    def end(self) -> None:
        self._woken.set()
        self._ended.set()

    async def take(self, seconds_max: float) -> frozenset[str]:
        """What changed since the last call; empty if nothing did within `seconds_max`."""
        await _wait(self._woken, seconds_max)
        self._woken.clear()
        changed = frozenset(self._changed)
        self._changed.clear()
        return changed

    async def rest(self, seconds: float) -> None:
        """Let changes gather for a moment, unless the feed ends."""
        await _wait(self._ended, seconds)


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
