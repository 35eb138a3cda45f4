"""Within a sweep only what is watched sees the level reached; the queue sees where prices stood."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from adapters.exchanges.simulated.candles import Move
from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.simulation import Simulation, TimedSignal
from application.book import Book
from application.engine import AccountEngine, Handled
from application.inputs import AccountRegistered, InstrumentsSeen, SignalReceived
from application.journal import Recorded
from domain.exit import ExitTouched
from domain.pyramid import PyramidPlanned
from domain.settings import ExitSettings, GridSettings, LegSettings, PoolSettings, Settings
from tests.application.desk import BTC, MARKETS, of

D = Decimal
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
ONE_LEG = LegSettings(gap_percent=D(0), weight_percent=D(100), take_profit_percent=D(1))


def played(settings: Settings, prices: Sequence[tuple[int, str, str]]) -> list[Recorded]:
    """Two signals in BTC a second after the start, then the given moves (minute, symbol)."""
    recorded: list[Recorded] = []

    def commit(handled: Handled) -> None:
        recorded.extend(handled.recorded)

    core = MatchingCore(instruments=MARKETS, currency="USDT", balance=D(100_000))
    simulation = Simulation(AccountEngine(Book("simulation")), core, commit)
    simulation.now = START
    simulation.feed(registered(settings))
    simulation.feed(InstrumentsSeen(instruments=MARKETS))
    moves = [
        Move(symbol=symbol, price=D(price), at=START + timedelta(minutes=minute))
        for minute, symbol, price in prices
    ]
    at = START + timedelta(seconds=1)
    signals = [
        TimedSignal(at=at, received=signal(*told)) for told in (("15", "100"), ("60", "104"))
    ]
    by_symbol: list[Iterator[Move]] = [
        iter([move for move in moves if move.symbol == symbol]) for symbol in (BTC,)
    ]
    for _ in simulation.run(by_symbol, signals):
        assert simulation.now >= START
    return recorded


def registered(settings: Settings) -> AccountRegistered:
    return AccountRegistered(
        installation="simulation",
        venue="binanceusdm",
        market_kind="linear",
        paper=True,
        currency="USDT",
        starting_balance=D(100_000),
        settings=settings,
        actor="ann",
    )


def signal(timeframe: str, price: str) -> SignalReceived:
    tv = {"symbol": "BTCUSDT.P", "timeframe": timeframe, "entry_price": price}
    body = json.dumps({"tv": tv, "execution_intent": {"type": "signal", "side": "buy"}})
    return SignalReceived(
        signal_id=f"s-{timeframe}",
        received_at=START,
        source="127.0.0.1",
        body=body,
        body_hash=hashlib.sha256(body.encode()).hexdigest(),
    )


def settings(**exits: str) -> Settings:
    return Settings(
        pool=PoolSettings(max_open_groups=1),
        grid=GridSettings(legs=(ONE_LEG,)),
        exits=ExitSettings(coalesce_ms=0, **exits),  # type: ignore[arg-type]
    )


def test_a_slot_freed_within_a_sweep_is_given_by_standing_prices() -> None:
    """The first trade takes its profit at 101 on the way to 110; the next ladder starts at 100."""
    plans = of(played(settings(), [(0, BTC, "100"), (2, BTC, "110")]), PyramidPlanned)

    assert [plan.entry_price for plan in plans] == [D(100), D(100)]


def test_a_watched_price_sees_the_level_that_touches_it() -> None:
    recorded = played(settings(execution="watch"), [(0, BTC, "100"), (2, BTC, "110")])

    (touched,) = of(recorded, ExitTouched)

    assert touched.mark == D(101)
