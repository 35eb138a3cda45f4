"""How long from an alert to its order at the venue: on paper, and through ccxt over the wire."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import asyncpg
import ccxt.pro
import msgspec

from benchmarks.alerts import SYMBOL, alert
from benchmarks.bench import Bench, Benchmark
from benchmarks.clients import http_clients, send
from benchmarks.figures import Figure, latencies
from benchmarks.houses import House, Venue, live_house, paper_house, wire_venue
from benchmarks.waiting import until

GROUPS = 1000
BURST_MAX = 100

Moments = dict[str, datetime]
"""When something happened, by signal or by client order id."""
Placed = Callable[[], Awaitable[Moments]]
Burst = Callable[[int], Awaitable[list[float]]]
"""Sends so many at once; the seconds that each took to its end."""

_ACCEPTED = """
    SELECT convert_from(requested.state, 'UTF8')::jsonb #>> '{event,signal_id}' AS signal_id,
           (convert_from(accepted.state, 'UTF8')::jsonb ->> 'at')::timestamptz AS at
    FROM plimsoll.events AS requested
    JOIN plimsoll.events AS accepted ON accepted.originator_id = requested.originator_id
    WHERE requested.topic = 'order.requested.v1' AND accepted.topic = 'order.accepted.v1'
"""
_REQUESTED = """
    SELECT convert_from(state, 'UTF8')::jsonb #>> '{event,signal_id}' AS signal_id,
           convert_from(state, 'UTF8')::jsonb #>> '{event,client_order_id}' AS client_order_id,
           (convert_from(state, 'UTF8')::jsonb ->> 'at')::timestamptz AS at
    FROM plimsoll.events WHERE topic = 'order.requested.v1'
"""


class Sender:
    """Sends bursts of alerts, each for a trade of its own, and times their orders."""

    def __init__(self, session: aiohttp.ClientSession, house: House, placed: Placed) -> None:
        self._session = session
        self._house = house
        self._placed = placed
        self._timeframes = iter(range(1, GROUPS))
        self._sent: Moments = {}

    async def burst(self, count: int) -> list[float]:
        """So many alerts at once; seconds from sending each to its order being placed."""
        sent: Moments = dict(await asyncio.gather(*(self._one() for _ in range(count))))

        async def all_placed() -> bool:
            return sent.keys() <= (await self._placed()).keys()

        await until(all_placed, f"{count} orders to be placed")
        self._sent.update(sent)
        done = await self._placed()
        return [(done[signal] - began).total_seconds() for signal, began in sent.items()]

    async def warm_up(self) -> None:
        """The first order of a symbol also sets leverage and margin mode at the venue."""
        await self.burst(1)
        self._sent.clear()

    async def until_decided(self) -> list[float]:
        """Seconds from sending each alert of all bursts to the engine's taking it up."""
        rows = await _rows(self._house.database_url, _REQUESTED)
        decided = {row["signal_id"]: row["at"] for row in rows}
        return [(decided[signal] - began).total_seconds() for signal, began in self._sent.items()]

    async def _one(self) -> tuple[str, datetime]:
        body = alert(self._house.secret, next(self._timeframes))
        began = datetime.now(UTC)
        return await send(self._session, self._house, body), began


def run(bench: Bench) -> list[Figure]:
    """Bursts of 1, 10 and 100 alerts at once; the wire beside bare calls of ccxt."""
    return [*asyncio.run(_on_paper(bench)), *asyncio.run(_over_the_wire(bench))]


async def _on_paper(bench: Bench) -> list[Figure]:
    bench.say("orders on paper")
    figures: list[Figure] = []
    async with paper_house(bench, GROUPS) as house, http_clients(BURST_MAX) as session:
        sender = Sender(session, house, lambda: _accepted_on_paper(house))
        await sender.warm_up()
        for count, times in plan(bench):
            samples = [one for _ in range(times) for one in await sender.burst(count)]
            figures += latencies(f"alert → accepted on paper, {_named(count)}", samples)
            if count == 1:
                alone = await sender.until_decided()
                figures += latencies("  of which until the engine decides", alone)
    return figures


async def _over_the_wire(bench: Bench) -> list[Figure]:
    bench.say("orders over the wire")
    figures: list[Figure] = []
    async with (
        wire_venue(bench) as bare_venue,
        _bare_ccxt(bare_venue) as exchange,
        wire_venue(bench) as venue,
        live_house(bench, venue, GROUPS) as house,
        http_clients(BURST_MAX) as session,
    ):
        bare = _bare_burst(exchange, bare_venue)
        sender = Sender(session, house, lambda: _received(house, venue))
        await bare(1)
        await sender.warm_up()
        for count, times in plan(bench):
            limits, samples = await in_turns((bare, sender.burst), count, times)
            name = f"alert → received by the wire venue, {_named(count)}"
            figures += latencies(name, samples, limits, "bare create_order of ccxt")
            if count == 1:
                alone = await sender.until_decided()
                figures += latencies("  of which until the engine decides", alone)
    return figures


async def in_turns(bursts: tuple[Burst, Burst], count: int, times: int) -> list[list[float]]:
    """What each took; one after the other, so that a busy moment falls on both alike."""
    samples: list[list[float]] = [[], []]
    for _ in range(times):
        for number, burst in enumerate(bursts):
            samples[number] += await burst(count)
    return samples


def plan(bench: Bench) -> Iterator[tuple[int, int]]:
    """How many at once, and how often: below the venue's 600 orders a minute in all."""
    yield from bench.pick(
        full=((1, 40), (10, 10), (100, 3)),
        quick=((1, 10), (10, 2), (100, 1)),
        tiny=((1, 1), (2, 1)),
    )


def _named(count: int) -> str:
    return "alone" if count == 1 else f"{count} at once"


async def _accepted_on_paper(house: House) -> Moments:
    """When the engine heard of each order's acceptance, by signal."""
    rows = await _rows(house.database_url, _ACCEPTED)
    return {row["signal_id"]: row["at"] for row in rows}


async def _received(house: House, venue: Venue) -> Moments:
    """When the exchange took each order, by signal."""
    signals = {
        row["client_order_id"]: row["signal_id"]
        for row in await _rows(house.database_url, _REQUESTED)
    }
    taken = await _taken(venue)
    return {signals[order]: at for order, at in taken.items() if order in signals}


async def _taken(venue: Venue) -> Moments:
    return {
        row["ticket"]["client_order_id"]: msgspec.convert(row["received_at"], datetime)
        for row in await venue.received()
        if row["refused_code"] is None
    }


def _bare_burst(exchange: Any, venue: Venue) -> Burst:  # noqa: ANN401 - ccxt has no types
    """The same orders, sent by ccxt alone: seconds from the call to the venue taking it."""
    numbers = iter(range(100_000))

    async def one() -> tuple[str, datetime]:
        name = f"bare{next(numbers)}"
        began = datetime.now(UTC)
        parameters = {"newClientOrderId": name, "timeInForce": "GTC"}
        amount, price = Decimal("0.16"), Decimal(120)
        await exchange.create_order(SYMBOL, "limit", "buy", amount, price, parameters)
        return name, began

    async def burst(count: int) -> list[float]:
        sent: Moments = dict(await asyncio.gather(*(one() for _ in range(count))))
        done = await _taken(venue)
        return [(done[name] - began).total_seconds() for name, began in sent.items()]

    return burst


@asynccontextmanager
async def _bare_ccxt(venue: Venue) -> AsyncIterator[Any]:
    exchange = ccxt.pro.binanceusdm(
        {
            "apiKey": venue.api_key,
            "secret": venue.secret,
            "httpsProxy": venue.proxy_url,
            "wssProxy": venue.proxy_url,
            "cafile": venue.ca_file,
            "enableRateLimit": False,
            "options": {"fetchCurrencies": False, "fetchMargins": False},
        }
    )
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


async def _rows(url: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        rows: list[Any] = await connection.fetch(query)
        return rows
    finally:
        await connection.close()


ORDERS = Benchmark(name="orders", title="from an alert to its order at the venue", run=run)
