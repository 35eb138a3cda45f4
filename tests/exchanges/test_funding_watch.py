"""Funding: asked for at start, by period and once settled; each settlement told once."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.funding_watch import FundingLimits, FundingWatch
from adapters.exchanges.wire.server import WireVenue
from application.inputs import FundingReported
from tests.exchanges.conftest import PREFIX
from tests.exchanges.stubs import START, SYMBOL, Inbox, StandingClock, ticket, until

QUICK = FundingLimits(period_seconds=30, retry_seconds=0.01, settling_seconds=0.01)
D = Decimal


def settled(name: str, hours: float) -> FundingReported:
    return FundingReported(
        funding_id=name,
        symbol=SYMBOL,
        amount=D("-0.12"),
        asset="USDT",
        settled_at=START + timedelta(hours=hours),
    )


class StubSource:
    """Answers with what is put into it, and notes from when on it was asked."""

    def __init__(self) -> None:
        self.asked: list[datetime] = []
        self.rows: Sequence[FundingReported] | Exception = ()

    async def funding(self, since: datetime) -> Sequence[FundingReported]:
        self.asked.append(since)
        if isinstance(self.rows, Exception):
            raise self.rows
        return [row for row in self.rows if row.settled_at >= since]


class Watched:
    def __init__(self) -> None:
        self.source, self.inbox = StubSource(), Inbox()
        self.watch = FundingWatch("main", self.source, self.inbox, StandingClock(), QUICK)

    def told(self) -> list[str]:
        return [seen.funding_id for _, seen in self.inbox.inputs if hasattr(seen, "funding_id")]


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    made = Watched()
    yield made
    await made.watch.stop()


async def test_the_first_round_goes_back_a_day(watched: Watched) -> None:
    watched.source.rows = [settled("old", -25), settled("a", -16), settled("b", -8)]
    assert await watched.watch.ask()
    assert watched.source.asked == [START - timedelta(hours=24)]
    assert watched.told() == ["a", "b"]


async def test_later_rounds_begin_shortly_before_the_latest_and_tell_only_what_is_new(
    watched: Watched,
) -> None:
    watched.source.rows = [settled("a", -8), settled("b", 0)]
    await watched.watch.ask()
    watched.source.rows = [settled("a", -8), settled("b", 0), settled("late", -0.1)]
    await watched.watch.ask()
    assert watched.source.asked[1] == START - timedelta(minutes=10)
    assert watched.told() == ["a", "b", "late"]


async def test_an_unreachable_venue_is_asked_again_from_the_same_time(watched: Watched) -> None:
    watched.source.rows = ConnectionError("no route")
    assert not await watched.watch.ask()
    watched.watch.start()
    await until(lambda: len(watched.source.asked) >= 3)
    watched.source.rows = [settled("a", -8)]
    await until(lambda: watched.told() == ["a"])
    assert len(set(watched.source.asked)) == 1


async def test_what_broke_once_does_not_end_the_rounds(watched: Watched) -> None:
    watched.source.rows = RuntimeError("broken")
    watched.watch.start()
    await until(lambda: len(watched.source.asked) >= 2)


async def test_a_settlement_that_was_streamed_is_asked_for_at_once(watched: Watched) -> None:
    watched.watch.start()
    await until(lambda: len(watched.source.asked) == 1)
    watched.source.rows = [settled("a", 0)]
    watched.watch.request(START)
    await until(lambda: watched.told() == ["a"])


async def test_the_venues_income_is_read_to_the_last_digit(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    await exchange.place(ticket(PREFIX + "A", price=None))
    venue.fund(SYMBOL, D("0.0123"))
    venue.fund(SYMBOL, D("-0.01"))
    paid, received = await exchange.funding(START - timedelta(days=9999))
    assert paid == FundingReported(
        funding_id="9689322001",
        symbol=SYMBOL,
        amount=D("-0.0738"),
        asset="USDT",
        settled_at=paid.settled_at,
    )
    assert (received.funding_id, received.amount) == ("9689322002", D("0.06"))
    later = received.settled_at + timedelta(milliseconds=1)
    assert await exchange.funding(later) == []


async def test_funding_that_cannot_be_read_is_a_connection_error(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    venue.inject("html_after", call="GET /fapi/v1/income")
    with pytest.raises(ConnectionError):
        await exchange.funding(START)
