"""Keeps open pages live: one stream of hints a page, which then asks for what it shows."""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.response import Stream

from web.deps import WebDeps
from web.guard import PAGE

RETRY_MS = 1000


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """The first message. Another version than the page's means: load the page anew."""

    version: str
    now: datetime


@get("/events", opt={PAGE: True}, include_in_schema=False)
async def follow_changes(deps: NamedDependency[WebDeps]) -> Stream:
    """Server-sent events: `hello`, then `changed` with the names of views, and `beat`."""
    deps.changes.ensure_room()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(_messages(deps), media_type="text/event-stream", headers=headers)


async def _messages(deps: WebDeps) -> AsyncIterator[str]:
    hello = Hello(version=deps.version, now=deps.clock.now())
    yield f"retry: {RETRY_MS}\n{_message('hello', msgspec.json.encode(hello).decode())}"
    async for views in deps.changes.follow():
        if views:
            yield _message("changed", " ".join(sorted(views)))
        else:
            # The comment keeps proxies from closing; the event tells the page that we are alive.
            yield ": keep-alive\n" + _message("beat", deps.clock.now().isoformat())


def _message(event: str, data: str) -> str:
    return f"event: {event}\ndata: {data}\n\n"
