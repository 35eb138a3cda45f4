"""kill -9 amid an emergency stop of two trades: flat and halted all the same, nothing doubled."""

import aiohttp
import pytest

from adapters.postgres.event_log import PostgresEventLog
from application.loading import load_book
from tests.e2e.journey import Journey
from tests.e2e.live_account import ACCOUNT
from tests.e2e.prepared import Case, Prepared, all_of
from tests.e2e.waiting import until
from tests.e2e.ways import FIRST, Way

STOPPED = "equity.emergency_stopped.v1"
# A commit, a cancel or a sale each, just before and just after: the stop itself, what it calls
# off, the sale of either trade, and the end of the first.
POINTS = (
    "before:commit-emergency-stopped-1",
    "after:commit-emergency-stopped-1",
    "after:cancel-1",
    "after:place-close-1",
    "after:commit-group-closed-1",
)


async def _hold_two_trades(journey: Journey) -> None:
    """Each with one lot that is offered, and one entry that rests."""
    await journey.send("signal")
    await journey.send("signal", timeframe="30")
    await journey.rests(entries=4)
    await journey.venue.move(FIRST)
    await journey.rests(entries=2, exits=2)


async def _stop_everything(journey: Journey) -> None:
    """Through the API, again and again until it was taken; the log proves the end of it."""

    async def taken() -> bool:
        house = await journey.mortal.alive()
        if await journey.log.count(STOPPED):
            return True
        headers = {"Authorization": f"Bearer {journey.installation.secrets()['api_token']}"}
        wish = {"action": "emergency_stop", "subject": ACCOUNT, "reason": "a drill"}
        url = f"{house.base_url}/api/v1/operator"
        try:
            async with (
                aiohttp.ClientSession(headers=headers) as session,
                session.post(url, params={"account": ACCOUNT}, json=wish) as response,
            ):
                return response.status == 202
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return False

    await until(taken, "the stop was answered with 202", words=journey.mortal.words)
    await journey.closed(2)
    assert await journey.log.count(STOPPED) == 1
    assert await journey.alerts("emergency_stop") == 1
    assert set(await journey.reasons_to_close()) == {"emergency stop by operator: a drill"}
    assert await journey.venue.positions() == {}
    assert await journey.venue.working() == []
    _assert_halted(journey.log.url)


def _assert_halted(url: str) -> None:
    """For good: the next signal is queued, and would be after any number of starts."""
    with PostgresEventLog(url) as log:
        book = load_book(log, ACCOUNT)
    assert book.equity.stopped is not None
    assert "emergency_stop" in book.brakes.holds
    assert book.risk.trading_state == "halted"
    assert book.open_groups() == ()


EMERGENCY = Way(prepare=_hold_two_trades, travel=_stop_everything, admitted=2)
CASES = [Case(name=f"stop-{number}", way=EMERGENCY, kill=at) for number, at in enumerate(POINTS)]


@pytest.mark.timeout(300)
async def test_a_house_killed_amid_an_emergency_stop_is_flat_and_halted(prepared: Prepared) -> None:
    deaths = await all_of(prepared, CASES)
    assert deaths == [1] * len(CASES), dict(zip(POINTS, deaths, strict=True))
