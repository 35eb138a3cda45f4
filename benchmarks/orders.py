"""How long from an alert to its order at the venue: on paper, and through ccxt over the wire."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, AsyncIterator

import asyncpg
import ccxt.pro
import msgspec

from benchmarks.alerts import SYMBOL, alert
from benchmarks.bench import Bench, Benchmark
from benchmarks.clients import http_clients, send
from benchmarks.figures import Figure, latencies
from benchmarks.houses import House, Venue, live_house, paper_house, wire_venue
from benchmarks.waiting import until

Moments = dict[str, datetime]
"""When something happened, by signal or by client order id."""
Placed = Callable[[], Awaitable[Moments]]

_ACCEPTED = """
    SELECT convert_from(requested.state, 'UTF8')::jsonb #>> '{event,signal_id}' AS signal_id,
           (convert_from(accepted.state, 'UTF8')::jsonb ->> 'at')::timestamptz AS at
    FROM plimsoll.events AS requested
    JOIN plimsoll.events AS accepted ON accepted.originator_id = requested.originator_id
    WHERE requested.topic = 'order.requested.v1' AND accepted.topic = 'order.accepted.v1'
"""
_REQUESTED = """
    SELECT convert_from(state, 'UTF8')::jsonb #>> '{event,signal_id}' AS signal_id,
           convert_from(state, 'UTF8')::jsonb #>> '{event,client_order_id}' AS client_order_id
    FROM plimsoll.events WHERE topic = 'order.requested.v1'
"""


def run(bench: Bench) -> list[Figure]:
    """Bursts of 1, 10 and 100 alerts at once; the wire beside bare calls of ccxt."""
    return asyncio.run(_run(bench))


async def _run(bench: Bench) -> list[Figure]:
    figures: list[Figure] = []
    bench.say("orders on paper")
    async with paper_house(bench, 1000) as house:
        async for clients, samples in _bursts(bench, house, lambda: accepted_on_paper(house)):
            figures += latencies(f"alert → accepted on paper, {_burst(clients)}", samples)
    async with wire_venue(bench) as venue:
        bench.say("bare create_order over the wire")
        bare = {clients: samples async for clients, samples in _bare_bursts(bench, venue)}
    async with wire_venue(bench) as venue, live_house(bench, venue, 1000) as house:
        bench.say("orders over the wire")
        async for clients, samples in _bursts(bench, house, lambda: received(house, venue)):
            figures += latencies(
                f"alert → received by the wire venue, {_burst(clients)}",
                samples,
                bare[clients],
                "bare create_order of ccxt",
            )
    return figures


def _burst(clients: int) -> str:
    return "alone" if clients == 1 else f"{clients} at once"


def plan(bench: Bench) -> Iterator[tuple[int, int]]:
    """How many at once, and how often. Under the venue's 600 orders a minute in all."""
    yield from bench.pick(
        full=((1, 40), (10, 10), (100, 2)),
        quick=((1, 10), (10, 2), (100, 1)),
        tiny=((1, 1), (2, 1)),
    )


async def _bursts(
    bench: Bench, house: House, placed: Placed
) -> AsyncIterator[tuple[int, list[float]]]:
    """Seconds from sending each alert to its order's acceptance, by size of burst."""
    timeframes = iter(range(1, 1000))
    async with http_clients(100) as session:

        async def one() -> tuple[str, datetime]:
            body = alert(house.secret, next(timeframes))
            began = datetime.now(UTC)
            return await send(session, house, body), began

        async def burst(count: int) -> list[float]:
            sent: Moments = dict(await asyncio.gather(*(one() for _ in range(count))))

            async def all_placed() -> bool:
                return sent.keys() <= (await placed()).keys()

            await until(all_placed, f"{count} orders to be accepted")
            done = await placed()
            return [(done[signal] - began).total_seconds() for signal, began in sent.items()]

        # The first order of a symbol also sets leverage and margin mode at the venue.
        await burst(1)
        for count, times in plan(bench):
            yield count, [sample for _ in range(times) for sample in await burst(count)]


async def accepted_on_paper(house: House) -> Moments:
    """When the engine heard of each order's acceptance, by signal."""
    rows = await _rows(house.database_url, _ACCEPTED)
    return {row["signal_id"]: row["at"] for row in rows}


async def received(house: House, venue: Venue) -> Moments:
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


async def _bare_bursts(bench: Bench, venue: Venue) -> AsyncIterator[tuple[int, list[float]]]:
    """The same orders, sent by ccxt alone: seconds from the call to the venue taking it."""
    numbers = iter(range(100_000))
    async with _bare_ccxt(venue) as exchange:

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

        await burst(1)
        for count, times in plan(bench):
            yield count, [sample for _ in range(times) for sample in await burst(count)]


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
