"""The venue's own dead-man switch: armed where nothing is held, taken back where something is."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise

import pytest

from adapters.clock import SystemClock
from adapters.exchanges.ccxt_exchange import DIALECTS, CcxtExchange
from adapters.exchanges.countdown import Countdown, CountdownLimits
from adapters.exchanges.wire.server import WireVenue
from application.processes.dead_man import COUNTDOWN_VENUES
from application.work import NotSentError
from application.work_list import BookSnapshot
from domain.settings import RiskSettings, Settings
from tests.exchanges.conftest import PREFIX
from tests.exchanges.stubs import SYMBOL, settled, ticket, until
from tests.exchanges.test_rooms import OPENED

CALL = "POST /fapi/v1/countdownCancelAll"
ETH = "ETH/USDT:USDT"
D = Decimal
A, B, C = PREFIX + "A", PREFIX + "B", PREFIX + "C"
QUICK = CountdownLimits(retry_seconds=0.05, doubt_seconds=0.3, stop_seconds_max=2.0)


def snapshot(
    resting: tuple[str, ...] = (),
    held: tuple[str, ...] = (),
    *,
    seconds: int | None = 5,
    with_positions: bool = False,
) -> BookSnapshot:
    risk = RiskSettings(countdown_seconds=seconds, countdown_with_positions=with_positions)
    return BookSnapshot(
        account="main",
        opened=OPENED,
        settings=Settings(risk=risk),
        works=(),
        working=(),
        known_orders=frozenset(),
        symbols=tuple(sorted({*resting, *held})),
        resting=resting,
        held=held,
    )


class Scene:
    """A countdown at a venue, and what the venue was asked for."""

    def __init__(self, exchange: CcxtExchange, venue: WireVenue) -> None:
        self.is_current = True
        self.venue = venue
        self.countdown = Countdown("main", exchange, SystemClock(), lambda: self.is_current, QUICK)

    def asked(self, symbol: str = SYMBOL) -> list[int]:
        return [
            each.milliseconds for each in self.venue.countdowns_asked() if each.symbol == symbol
        ]

    def runs(self, *symbols: str) -> bool:
        return set(self.venue.countdowns()) == set(symbols)


@pytest.fixture
async def scene(exchange: CcxtExchange, venue: WireVenue) -> AsyncIterator[Scene]:
    made = Scene(exchange, venue)
    yield made
    await made.countdown.stop()


async def test_a_symbol_with_resting_entries_alone_is_armed_and_renewed(scene: Scene) -> None:
    scene.countdown.note(snapshot((SYMBOL,), seconds=1))
    await until(lambda: len(scene.asked()) >= 4)
    calls = scene.venue.countdowns_asked()
    assert set(scene.asked()) == {1000}
    spans = [(b.asked_at - a.asked_at).total_seconds() for a, b in pairwise(calls)]
    assert all(0.3 < span < 0.9 for span in spans), spans


async def test_the_same_wish_again_is_no_call(scene: Scene) -> None:
    for _ in range(20):
        scene.countdown.note(snapshot((SYMBOL,)))
        await settled()
    await until(lambda: scene.runs(SYMBOL))
    scene.countdown.note(snapshot((SYMBOL,)))
    await settled()
    assert scene.asked() == [5000]


async def test_a_first_lot_takes_the_countdown_back_at_once(scene: Scene) -> None:
    scene.countdown.note(snapshot((SYMBOL, ETH)))
    await until(lambda: scene.runs(SYMBOL, ETH))

    scene.countdown.note(snapshot((SYMBOL, ETH), held=(SYMBOL,)))

    await until(lambda: scene.runs(ETH))
    assert scene.asked() == [5000, 0]
    await until(lambda: scene.countdown.armed == (ETH,))


async def test_a_lot_that_comes_while_arming_is_under_way_is_disarmed_after_it(
    scene: Scene,
) -> None:
    scene.countdown.note(snapshot((SYMBOL,)))
    scene.countdown.note(snapshot((SYMBOL,), held=(SYMBOL,)))

    await until(lambda: scene.countdown.armed == ())

    assert scene.asked()[-1] == 0
    assert scene.runs()


async def test_with_positions_a_symbol_stays_armed_when_it_holds_lots(scene: Scene) -> None:
    scene.countdown.note(snapshot((SYMBOL,), held=(SYMBOL,), with_positions=True))
    await until(lambda: scene.runs(SYMBOL))
    assert 0 not in scene.asked()


async def test_a_symbol_that_holds_lots_is_disarmed_at_first_sight(scene: Scene) -> None:
    """An earlier process may have armed it just before its end."""
    scene.countdown.note(snapshot((SYMBOL,), held=(SYMBOL,)))
    await until(lambda: scene.countdown.armed == () and scene.asked() == [0])
    scene.countdown.note(snapshot((SYMBOL,), held=(SYMBOL,)))
    await settled()
    assert scene.asked() == [0]


async def test_what_no_longer_rests_is_disarmed_and_armed_again_when_it_does(
    scene: Scene,
) -> None:
    scene.countdown.note(snapshot((SYMBOL,)))
    await until(lambda: scene.runs(SYMBOL))
    scene.countdown.note(snapshot())
    await until(lambda: scene.runs() and scene.countdown.armed == ())
    scene.countdown.note(snapshot((SYMBOL,)))
    await until(lambda: scene.runs(SYMBOL))
    assert scene.asked() == [5000, 0, 5000]


async def test_off_by_default_nothing_is_ever_asked(scene: Scene) -> None:
    scene.countdown.note(snapshot((SYMBOL,), held=(ETH,), seconds=None))
    await settled()
    assert scene.countdown.armed == ()
    assert scene.venue.countdowns_asked() == ()


async def test_turning_the_setting_off_disarms_and_another_span_counts_at_once(
    scene: Scene,
) -> None:
    scene.countdown.note(snapshot((SYMBOL,)))
    await until(lambda: scene.asked() == [5000])
    scene.countdown.note(snapshot((SYMBOL,), seconds=9))
    await until(lambda: scene.asked() == [5000, 9000])
    scene.countdown.note(snapshot((SYMBOL,), seconds=None))
    await until(lambda: scene.runs() and scene.countdown.armed == ())


async def test_a_clean_stop_disarms_all_and_nothing_is_armed_after_it(scene: Scene) -> None:
    scene.countdown.note(snapshot((SYMBOL, ETH)))
    await until(lambda: scene.runs(SYMBOL, ETH))

    await scene.countdown.stop()

    assert scene.runs()
    scene.countdown.note(snapshot((SYMBOL,)))
    await settled()
    assert scene.countdown.armed == ()


async def test_a_stop_without_a_line_ends_in_time_and_says_what_still_runs(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.countdown.note(snapshot((SYMBOL,)))
    await until(lambda: scene.runs(SYMBOL))
    scene.venue.cut_line()
    async with asyncio.timeout(5):
        await scene.countdown.stop()
    assert "countdowns_left_running" in capsys.readouterr().out


async def test_who_does_not_hold_the_lease_arms_nothing_and_still_disarms(scene: Scene) -> None:
    scene.countdown.note(snapshot((SYMBOL,)))
    await until(lambda: scene.runs(SYMBOL))
    scene.is_current = False
    scene.countdown.note(snapshot((SYMBOL, ETH)))
    await settled()
    assert scene.asked(ETH) == []
    scene.countdown.note(snapshot((SYMBOL, ETH), held=(SYMBOL,)))
    await until(scene.runs)
    scene.is_current = True
    await until(lambda: scene.runs(ETH))


@pytest.mark.parametrize("kind", ["drop_before", "502_after", "html_after", "-1007_after"])
async def test_a_disarming_without_a_clear_answer_is_repeated(scene: Scene, kind: str) -> None:
    scene.countdown.note(snapshot((SYMBOL,)))
    await until(lambda: scene.runs(SYMBOL))
    scene.venue.inject(kind, call=CALL, count=2)

    scene.countdown.note(snapshot((SYMBOL,), held=(SYMBOL,)))

    await until(lambda: scene.countdown.armed == ())
    assert scene.runs()


async def test_an_arming_without_an_answer_is_disarmed_until_it_can_no_longer_come(
    scene: Scene,
) -> None:
    scene.venue.inject("502_after", call=CALL)
    scene.countdown.note(snapshot((SYMBOL,)))
    await until(lambda: scene.asked() == [5000])

    scene.countdown.note(snapshot((SYMBOL,), held=(SYMBOL,)))

    await until(lambda: scene.countdown.armed == ())
    zeros = [each for each in scene.venue.countdowns_asked() if not each.milliseconds]
    assert len(zeros) >= 2
    assert (zeros[-1].asked_at - zeros[0].asked_at).total_seconds() > 0.1


class OldVenue:
    """A venue without a countdown: asking it would be a mistake."""

    has_countdown = False

    async def set_countdown(self, symbol: str, seconds: int) -> None:
        raise NotSentError(f"{symbol} was to be armed for {seconds} s: there is no such call")


async def test_a_venue_without_a_countdown_is_never_asked_and_the_log_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    countdown = Countdown("main", OldVenue(), SystemClock(), lambda: True, QUICK)
    for _ in range(3):
        countdown.note(snapshot((SYMBOL,)))
    await settled()
    assert countdown.armed == ()
    assert capsys.readouterr().out.count("countdown_not_offered") == 1


def test_the_engine_and_the_adapters_name_the_same_venues() -> None:
    assert sorted(COUNTDOWN_VENUES) == sorted(
        name for name, dialect in DIALECTS.items() if dialect.has_countdown
    )


async def test_unrenewed_orders_vanish_exits_too_and_other_symbols_stay(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    """What the venue does, whoever armed it: the reason why lots keep a symbol from it."""
    await exchange.place(ticket(A, price=None))
    await exchange.place(ticket(B, side="sell", price=D(70_000), reduce_only=True))
    await exchange.place(ticket(C, symbol=ETH, price=D(2_000), quantity=D(1)))
    await exchange.set_countdown(SYMBOL, 1)
    await until(lambda: [order.client_order_id for order in venue.open_orders()] == [C])
    assert venue.countdowns() == {}
    (ended,) = [each.report for each in (await exchange.query(B, SYMBOL))]
    assert getattr(ended, "status", "") == "cancelled"


async def test_a_countdown_that_is_answered_otherwise_is_not_taken_for_set(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    venue.inject("html_after", call=CALL)
    with pytest.raises(ConnectionError):
        await exchange.set_countdown(SYMBOL, 5)
