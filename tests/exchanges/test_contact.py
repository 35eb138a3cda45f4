"""What counts as a word of the venue, and that a healthy venue is never taken for lost."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.clock import SystemClock
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.ccxt_socket import StreamLimits
from adapters.exchanges.ccxt_stream import CcxtStream
from adapters.exchanges.contact import (
    ContactKeeper,
    ContactWatch,
    KeeperLimits,
    is_word_of_venue,
)
from adapters.exchanges.order_news import StreamListeners
from adapters.exchanges.wire.faults import QUERY_ORDER
from adapters.exchanges.wire.server import WireVenue
from tests.exchanges.conftest import PREFIX
from tests.exchanges.stubs import SYMBOL, StandingClock, ticket, until

TIME = "GET /fapi/v1/time"
QUICK = KeeperLimits(look_seconds=0.01, retry_seconds=0.02)


def test_the_first_moment_of_a_watch_is_its_own() -> None:
    clock = StandingClock()
    watch = ContactWatch(clock)
    begun = clock.now()
    clock.advance(90)
    assert watch.last_at == begun
    assert watch.silent_seconds == 90


def test_each_word_renews_the_watch() -> None:
    clock = StandingClock()
    watch = ContactWatch(clock)
    clock.advance(90)
    watch.heard()
    assert watch.last_at == clock.now()
    assert watch.silent_seconds == 0


def test_a_wall_clock_that_is_set_back_makes_no_silence_vanish() -> None:
    clock = StandingClock()
    watch = ContactWatch(clock)
    clock.advance(40)
    clock.at -= timedelta(hours=1)
    assert watch.silent_seconds == 40
    assert watch.last_at == clock.now() - timedelta(seconds=40)


def test_a_machine_that_slept_has_heard_nothing_meanwhile() -> None:
    clock = StandingClock()
    watch = ContactWatch(clock)
    clock.at += timedelta(hours=1)  # the steady clock stood still
    assert watch.silent_seconds == 3600
    assert watch.last_at == clock.now() - timedelta(hours=1)


@pytest.mark.parametrize(
    ("status", "body", "is_word"),
    [
        (200, '{"serverTime": 1}', True),
        (200, "[]", True),
        (400, '{"code": -2019, "msg": "Margin is insufficient."}', True),
        (429, ' {"code": -1003, "msg": "Too many requests"}', True),
        (200, "<html>please wait</html>", False),
        (200, "", False),
        (403, "<html>403</html>", False),
        (503, '{"code": -1008, "msg": "Request throttled"}', False),
        (502, "<html>Bad gateway</html>", False),
    ],
)
def test_only_json_of_the_venue_itself_is_its_word(status: int, body: str, is_word: bool) -> None:
    assert is_word_of_venue(status, body) is is_word


def silence(exchange: CcxtExchange) -> float:
    return exchange.client.contact.silent_seconds


async def test_an_answer_and_a_refusal_are_contact(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    await until(lambda: silence(exchange) > 0.1)
    await exchange.balance("USDT")
    assert silence(exchange) < 0.1

    await until(lambda: silence(exchange) > 0.1)
    await exchange.place(ticket(PREFIX + "A", quantity=Decimal(900)))
    assert venue.received_orders()[-1].refused_code is not None
    assert silence(exchange) < 0.1


@pytest.mark.parametrize("kind", ["html_after", "403_before", "502_after"])
async def test_what_somebody_before_the_venue_answers_is_none(
    exchange: CcxtExchange, venue: WireVenue, kind: str
) -> None:
    venue.inject(kind, call="GET /fapi/v3/account")
    before = exchange.client.contact.last_at
    with pytest.raises(ConnectionError):
        await exchange.balance("USDT")
    # Two clocks are laid beside each other, which differ by microseconds.
    assert abs(exchange.client.contact.last_at - before) < timedelta(milliseconds=1)


def stream_of(exchange: CcxtExchange, ping_seconds: float) -> CcxtStream:
    listeners = StreamListeners(
        on_report=lambda _: None,
        on_reconnect=lambda _: None,
        on_mark=lambda _: None,
        on_funding=lambda _: None,
    )
    limits = StreamLimits(watchdog_seconds=0.02, ping_seconds=ping_seconds)
    return CcxtStream(exchange, PREFIX, listeners, limits)


async def test_a_silent_stream_is_contact_by_its_pings_alone(exchange: CcxtExchange) -> None:
    stream = stream_of(exchange, ping_seconds=0.05)
    stream.start()
    await until(lambda: stream.is_user_stream_up)
    contact, longest = exchange.client.contact, 0.0
    heard: set[object] = set()
    loop = asyncio.get_running_loop()
    end = loop.time() + 5
    while len(heard) < 100 and loop.time() < end:
        heard.add(contact._heard_at)
        longest = max(longest, contact.silent_seconds)
        await asyncio.sleep(0.02)
    await stream.stop()
    assert len(heard) > 10
    assert longest < 1


async def test_each_frame_of_a_stream_is_contact(exchange: CcxtExchange, venue: WireVenue) -> None:
    stream = stream_of(exchange, ping_seconds=60)
    stream.start()
    await stream.watch([SYMBOL])
    await until(lambda: SYMBOL in stream.marks())
    for _ in range(3):
        before = exchange.client.contact._heard_at
        await until(lambda before=before: exchange.client.contact._heard_at > before)  # type: ignore[misc]
    await stream.stop()


async def test_a_stream_without_a_line_brings_no_contact(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    stream = stream_of(exchange, ping_seconds=0.05)
    stream.start()
    await until(lambda: stream.is_user_stream_up)
    venue.cut_line()
    await until(lambda: not stream.is_user_stream_up)
    await until(lambda: silence(exchange) > 1)

    venue.restore_line()

    await until(lambda: silence(exchange) < 0.5)
    await stream.stop()


class Asking:
    """Counts how often the time was asked."""

    def __init__(self, exchange: CcxtExchange) -> None:
        self.count = 0
        self._exchange = exchange

    async def __call__(self) -> None:
        self.count += 1
        await self._exchange.tell_time()


async def test_a_venue_that_is_quiet_is_asked_long_before_it_counts_as_lost(
    exchange: CcxtExchange,
) -> None:
    asking = Asking(exchange)
    keeper = ContactKeeper(exchange.client.contact, asking, lambda: 1, QUICK)
    assert keeper.quiet_seconds == 0.25
    longest = 0.0
    keeper.start()
    loop = asyncio.get_running_loop()
    end = loop.time() + 10
    while asking.count < 5 and loop.time() < end:
        longest = max(longest, silence(exchange))
        await asyncio.sleep(0.01)
    await keeper.stop()
    assert asking.count == 5
    assert longest < 1


def test_a_venue_is_asked_after_fifteen_seconds_where_a_minute_is_allowed() -> None:
    watch = ContactWatch(SystemClock())

    async def ask() -> None:
        raise AssertionError("nobody asks here")

    assert ContactKeeper(watch, ask, lambda: 60).quiet_seconds == 15
    assert ContactKeeper(watch, ask, lambda: None).quiet_seconds == 15
    assert ContactKeeper(watch, ask, lambda: 8).quiet_seconds == 2


async def test_a_venue_that_does_not_answer_is_asked_again_until_it_does(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    asking = Asking(exchange)
    keeper = ContactKeeper(exchange.client.contact, asking, lambda: 1, QUICK)
    venue.inject("503_before", call=TIME, count=3)
    keeper.start()
    await until(lambda: asking.count >= 3)
    await until(lambda: silence(exchange) < 0.2)
    await keeper.stop()
    assert asking.count >= 4


async def test_a_venue_that_speaks_by_itself_is_not_asked(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    asking = Asking(exchange)
    keeper = ContactKeeper(exchange.client.contact, asking, lambda: 4, QUICK)
    venue.inject("drop_before", call=QUERY_ORDER)
    keeper.start()
    for _ in range(5):
        await exchange.balance("USDT")
    await keeper.stop()
    assert asking.count == 0
