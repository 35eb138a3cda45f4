"""A wire venue and an unmodified ccxt on it, for each test that asks."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import ccxt.pro
import pytest

from adapters.exchanges.wire.server import WireVenue

CCXT_TIMEOUT_MS = 1_500


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[WireVenue]:
    async with WireVenue(tmp_path / "venue") as venue:
        yield venue


@pytest.fixture
async def client(wire: WireVenue) -> AsyncIterator[Any]:
    """ccxt.pro's binanceusdm as it comes, its own rate limit off so that tests are quick."""
    made = ccxt.pro.binanceusdm(
        {**wire.ccxt_config(timeout_ms=CCXT_TIMEOUT_MS), "enableRateLimit": False}
    )
    try:
        await made.load_markets()
        yield made
    finally:
        await made.close()
