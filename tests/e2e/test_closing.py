"""What runs in the background ends when it is told to, whatever it was just asked for."""

import asyncio
from typing import Any, cast

import pytest

from adapters.exchanges.reconciliation import Reconciliation
from adapters.exchanges.venue_clock import VenueClock
from application.inputs import ReconciliationSeen
from tests.e2e.plimsoll import CHECKOUT

SECONDS_MAX = 5.0


class QuietVenue:
    """Whatever is asked of it, nothing is there."""

    async def reconcile(self, symbols: object) -> ReconciliationSeen:
        raise ConnectionError("the venue is quiet")


class QuietBook:
    def working_orders(self) -> tuple[()]:
        return ()

    def symbols_in_use(self) -> tuple[()]:
        return ()


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("between", range(6))
async def test_a_reconciliation_asked_for_just_before_it_is_stopped_stops(between: int) -> None:
    venue, book = cast("Any", QuietVenue()), cast("Any", QuietBook())
    rounds = Reconciliation("main", venue, book, lambda *_: None)
    rounds.start()
    await turns(10)
    rounds.request("the stream has just connected")
    await turns(between)
    async with asyncio.timeout(SECONDS_MAX):
        await rounds.stop()


@pytest.mark.parametrize("between", range(6))
async def test_a_clock_asked_to_sync_just_before_it_is_stopped_stops(
    between: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sync(self: VenueClock) -> bool:
        return True

    monkeypatch.setattr(VenueClock, "sync", sync)
    clock = VenueClock(cast("Any", None))
    clock.start()
    await turns(10)
    clock.sync_soon()
    await turns(between)
    async with asyncio.timeout(SECONDS_MAX):
        await clock.stop()


def test_no_loop_waits_in_a_way_that_can_swallow_its_own_cancellation() -> None:
    """Python 3.11's wait_for returns a result that came with the cancel, which is then lost."""
    rooms = ("adapters/exchanges", "cli", "projections")
    sources = [path for room in rooms for path in sorted((CHECKOUT / room).rglob("*.py"))]
    guilty = [
        str(path.relative_to(CHECKOUT))
        for path in sources
        if "asyncio.wait_for(" in path.read_text(encoding="utf-8")
    ]
    assert guilty == []
