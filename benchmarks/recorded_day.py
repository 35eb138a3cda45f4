"""A day of trading made from a seed: the events, inputs and market moves that are measured."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
from eventsourcing.persistence import StoredEvent

from adapters.exchanges.simulated.candles import Move
from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.instruments import derive_instrument
from adapters.exchanges.simulated.market import DEMO_START_PRICES, RandomWalk
from adapters.exchanges.simulated.simulation import Simulation, TimedSignal
from application.book import Book
from application.engine import AccountEngine, Handled, Marks
from application.inputs import AccountRegistered, InstrumentsSeen, SignalReceived
from application.journal import Recorded
from domain.message import Input
from domain.settings import (
    CapitalSettings,
    ExitSettings,
    PoolSettings,
    QueueSettings,
    RiskSettings,
    Settings,
)
from domain.webhook_body import body_hash

ACCOUNT = "bench"
DATE = "2026-01-05"
OPENING = datetime(2026, 1, 5, 0, 1, tzinfo=UTC)
STEP = timedelta(seconds=15)
# The last move of a full day is at 23:58: the books stay open, and all lies in one day.
STEPS_MAX = 5_748
STEPS_PER_SIGNAL = 12
TIMEFRAMES = ("5", "15", "60")

Call = tuple[Input, datetime, Marks]
"""One input as the engine was given it, with the clock and the newest marks."""

SETTINGS = Settings(
    pool=PoolSettings(max_open_groups=9),
    queue=QueueSettings(limit=20),
    exits=ExitSettings(coalesce_ms=0),
    capital=CapitalSettings(group_budget=Decimal(2000)),
    risk=RiskSettings(max_daily_loss=None, max_drawdown_percent=None),
)


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded, and what the engine was asked; observations without effect left out."""

    recorded: tuple[Recorded, ...]
    stored: tuple[StoredEvent, ...]
    calls: tuple[Call, ...]


def day(steps: int, seed: int = 1) -> Day:
    """Three markets moving every 15 s and a signal every 3 minutes; the same every time.

    Raises ValueError for more steps than a day has.
    """
    if steps > STEPS_MAX:
        raise ValueError(f"steps were {steps}: one day has {STEPS_MAX}")
    handled: list[Handled] = []
    simulation = Simulation(AccountEngine(Book(ACCOUNT)), new_core(), handled.append)
    moves = market_moves(steps, seed)
    open_account(simulation)
    for _ in simulation.run(by_market(moves), signals(moves, seed)):
        pass
    recorded = tuple(each for one in handled for each in one.recorded)
    return Day(
        recorded=recorded,
        stored=tuple(each for one in handled for each in one.stored),
        calls=tuple(_call(each) for each in recorded if isinstance(each.event, Input)),
    )


def new_core() -> MatchingCore:
    """The simulated venue with the demo's three markets."""
    return MatchingCore(
        instruments=[derive_instrument(*listed) for listed in sorted(DEMO_START_PRICES.items())],
        currency="USDT",
        balance=Decimal(100_000),
    )


def market_moves(steps: int, seed: int) -> list[Move]:
    """The demo's market, in order of time."""
    walk = RandomWalk(seed=seed)
    return [move for step in range(steps) for move in walk.step(OPENING + step * STEP)]


def by_market(moves: list[Move]) -> list[Iterator[Move]]:
    """Each market's moves by themselves."""
    symbols = sorted(DEMO_START_PRICES)
    return [iter([move for move in moves if move.symbol == symbol]) for symbol in symbols]


def open_account(simulation: Simulation) -> None:
    """Register the paper account just before the first move."""
    simulation.now = OPENING - timedelta(seconds=1)
    simulation.feed(
        AccountRegistered(
            installation="benchmarks",
            venue="simulated",
            market_kind="linear",
            paper=True,
            currency="USDT",
            starting_balance=Decimal(100_000),
            settings=SETTINGS,
            actor="benchmarks",
        )
    )
    simulation.feed(InstrumentsSeen(instruments=simulation.core.instruments()))


def signals(moves: list[Move], seed: int) -> list[TimedSignal]:
    """An entry, or now and then an exit, of a market and timeframe drawn from the seed."""
    draw = random.Random(seed)
    latest = {move.symbol: move for move in moves[: len(DEMO_START_PRICES)]}
    drawn: list[TimedSignal] = []
    for number, move in enumerate(moves):
        latest[move.symbol] = move
        if number % (STEPS_PER_SIGNAL * len(DEMO_START_PRICES)) == 0:
            market = latest[draw.choice(sorted(latest))]
            drawn.append(_signal(draw, market, move.at, len(drawn)))
    return drawn


def _call(recorded: Recorded) -> Call:
    received = recorded.event
    assert isinstance(received, Input), f"{recorded.event_id} is no input"
    marks = {mark.symbol: mark for mark in received.marks}
    return msgspec.structs.replace(received, marks=()), recorded.at, marks


def _signal(draw: random.Random, market: Move, at: datetime, number: int) -> TimedSignal:
    kind = "exit" if draw.random() < 0.15 else "signal"
    body = msgspec.json.encode(
        {
            "source": "tradingview",
            "timestamp": at,
            "tv": {
                "exchange": "BINANCE",
                "symbol": market.symbol.split("/")[0] + "USDT.P",
                "timeframe": draw.choice(TIMEFRAMES),
                "action": "buy" if kind == "signal" else "sell",
                "entry_price": str(market.price),
                "order_size": "0.1",
            },
            "strategy_info": {"trade_id": "Long", "alert_name": "EMA 9/26"},
            "execution_intent": {
                "type": kind,
                "side": "long",
                "position_size_type": "contracts",
                "amount": "0.1",
                "precision_mode": "auto",
                "strategy": "grid",
            },
            "number": number,
        }
    ).decode()
    received = SignalReceived(
        signal_id=f"bench-{number:06d}",
        received_at=at,
        source="benchmarks",
        body=body,
        body_hash=body_hash(body),
    )
    return TimedSignal(at=at, received=received)
