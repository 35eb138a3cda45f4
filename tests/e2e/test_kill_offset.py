"""kill -9 amid an offset: the loser is paid down once, for no more than the winner earned."""

from decimal import Decimal

import aiohttp
import pytest

from tests.e2e.journey import Journey
from tests.e2e.live_account import ACCOUNT
from tests.e2e.prepared import Case, Prepared, all_of
from tests.e2e.waiting import until
from tests.e2e.ways import SECOND, Way

LOSER, WINNER = "240", "360"
# The plan and the winner's step are one commit; so are its end and the beginning of the loser's.
# Between all inputs it is cut in tests/application/test_offset_crashes.py.
POINTS = (
    "after:commit-reduction-started-1",
    "after:place-close-1",
    "before:place-close-2",
    "after:place-close-2",
)


async def _hold_a_loser_and_a_winner(journey: Journey) -> None:
    """Bought at about 59,480 and at about 56,500; the market stands at 59,000 in the end."""
    await journey.send("signal", timeframe=LOSER)
    await journey.rests(entries=2)
    await journey.venue.move(SECOND)
    await journey.rests(exits=2)
    await journey.venue.move("57000")
    await journey.send("signal", price="56900", timeframe=WINNER)
    await journey.rests(entries=2, exits=2)
    await journey.venue.move("56331")
    await journey.rests(exits=4)
    await journey.venue.move("59000")


async def _offset(journey: Journey) -> None:
    """Through the API, until it was taken; then the log and the venue tell the same end."""
    await _ask_for_it(journey)
    await journey.happened("offset.settled.v1")
    await journey.closed(1)
    await journey.rests(exits=2)

    (planned,) = await journey.log.states("offset.planned.v1")
    (end,) = await journey.log.states("offset.settled.v1")
    assert end["outcome"] == "covered"
    assert Decimal(end["result"]) == Decimal(end["earned"]) + Decimal(end["realized"])
    assert -Decimal(end["realized"]) <= Decimal(end["earned"])
    assert await journey.log.count("offset_watch.over.v1") == 1
    sold = await journey.sales("reduce")
    assert len(sold) == 2, f"the winner and the loser sell once each, sales were {sold}"
    assert sold[1] == Decimal(planned["loser"]["quantity"])


async def _ask_for_it(journey: Journey) -> None:
    """Until it is planned: handled before the price is known again, an order is refused."""
    opened = await journey.log.states("position_group.opened.v1")
    (loser,) = (group["group_id"] for group in opened if group["timeframe"] == LOSER)
    wish = {"action": "offset_now", "subject": loser, "reason": "too deep"}

    async def planned() -> bool:
        house = await journey.mortal.alive()
        if await journey.log.count("offset.planned.v1"):
            return True
        if not await journey.log.has_mark():
            return False
        headers = {"Authorization": f"Bearer {journey.installation.secrets()['api_token']}"}
        url = f"{house.base_url}/api/v1/operator"
        try:
            async with (
                aiohttp.ClientSession(headers=headers) as session,
                session.post(url, params={"account": ACCOUNT}, json=wish) as response,
            ):
                assert response.status == 202, await response.text()
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            return False
        return False

    await until(planned, "the offset is planned", words=journey.mortal.words, seconds=120)


OFFSET = Way(prepare=_hold_a_loser_and_a_winner, travel=_offset, admitted=2)
CASES = [
    Case(name=f"offset-{number}", way=OFFSET, kill=point) for number, point in enumerate(POINTS)
]


@pytest.mark.timeout(300)
async def test_a_house_killed_amid_an_offset_pays_its_loser_down_once(prepared: Prepared) -> None:
    deaths = await all_of(prepared, CASES)
    assert deaths == [1] * len(CASES), dict(zip(POINTS, deaths, strict=True))
