"""A venue on the wire, and unmodified ccxt pointed at it by its own proxy settings."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.clock import SystemClock
from adapters.exchanges.ccxt_client import CcxtConnection
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.wire.server import WireVenue

PREFIX = "PTESTMAIN"


def connection(venue: WireVenue, **changes: object) -> CcxtConnection:
    """Short waits, so that hanging calls end within a test."""
    fields: dict[str, object] = {
        "venue": "binanceusdm",
        "api_key": venue.api_key,
        "secret": venue.secret,
        "proxy_url": venue.proxy_url,
        "ca_file": venue.ca_file,
        "recv_window_ms": 1_000,
        "timeout_ms": 1_000,
    }
    return CcxtConnection(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[WireVenue]:
    async with WireVenue(tmp_path) as opened:
        yield opened


@pytest.fixture
async def exchange(venue: WireVenue) -> AsyncIterator[CcxtExchange]:
    made = CcxtExchange(connection(venue), PREFIX, SystemClock())
    made.client.api.timeout_on_exit = 0
    await made.start()
    yield made
    await made.close()
