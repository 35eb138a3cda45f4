"""How fast the engine decides in memory, and how fast recorded prices are simulated."""

from decimal import localcontext

from eventsourcing.persistence import StoredEvent

from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.simulation import Simulation
from adapters.memory_log import MemoryEventLog
from application.book import Book
from application.engine import AccountEngine, Handled
from application.journal import GENESIS, JournalMapper, seal
from benchmarks.bench import Bench, Benchmark
from benchmarks.figures import Figure, rate
from benchmarks.reading import fastest
from benchmarks.recorded_day import (
    ACCOUNT,
    STEPS_MAX,
    Day,
    by_market,
    day,
    market_moves,
    new_core,
    open_account,
    signals,
)
from domain.money import DECISION_CONTEXT

COMMIT_EVENTS = 2_000


def engine(bench: Bench) -> list[Figure]:
    """Inputs handled in memory, beside encoding and sealing the events they cause."""
    recorded = day(bench.pick(full=STEPS_MAX, quick=1_500, tiny=60))
    times = bench.pick(full=3, quick=1, tiny=1)
    bench.say(f"handling {len(recorded.calls)} inputs")
    handling = fastest(lambda: _handled(recorded), times)
    bench.say(f"encoding and sealing {len(recorded.stored)} events")
    sealing = fastest(lambda: _sealed(recorded), times)
    inputs, events = len(recorded.calls), len(recorded.stored)
    name = "encoding and sealing alone"
    return [
        rate("engine in memory, inputs", inputs, handling, (name, inputs / sealing)),
        rate("engine in memory, events", events, handling, (name, events / sealing)),
    ]


def simulate(bench: Bench) -> list[Figure]:
    """Moves of the market through engine and venue, beside those two by themselves."""
    steps = bench.pick(full=STEPS_MAX, quick=1_500, tiny=60)
    recorded, moves = day(steps), market_moves(steps, seed=1)
    times = bench.pick(full=3, quick=1, tiny=1)
    bench.say(f"simulating {len(moves)} moves of the market")
    simulating = fastest(lambda: _simulated(steps), times)
    bench.say("matching and deciding alone")
    matching = fastest(lambda: _matched(new_core(), steps), times)
    deciding = fastest(lambda: _handled(recorded), times)
    limit = ("matching + deciding what was recorded", len(moves) / (matching + deciding))
    return [rate("moves of the market, simulated", len(moves), simulating, limit)]


def _handled(recorded: Day) -> None:
    machine = AccountEngine(Book(ACCOUNT))
    events = 0
    for received, now, marks in recorded.calls:
        events += len(machine.handle(received, now, marks).stored)
    if events != len(recorded.stored):
        raise RuntimeError(f"{events} events were decided, {len(recorded.stored)} before")


def _sealed(recorded: Day) -> None:
    mapper = JournalMapper()
    with localcontext(DECISION_CONTEXT):
        _, head = seal(GENESIS, [mapper.to_stored_event(each) for each in recorded.recorded])
    if not recorded.stored[-1].state.endswith(head.encode() + b'"}'):
        raise RuntimeError(f"the chain ended in {head}, otherwise than before")


def _simulated(steps: int) -> None:
    """What `plimsoll simulate` does between reading its files and printing its summary."""
    log = MemoryEventLog()
    waiting: list[StoredEvent] = []

    def commit(handled: Handled) -> None:
        waiting.extend(handled.stored)
        if len(waiting) >= COMMIT_EVENTS:
            flush()

    def flush() -> None:
        log.append(tuple(waiting))
        waiting.clear()

    simulation = Simulation(AccountEngine(Book(ACCOUNT)), new_core(), commit)
    moves = market_moves(steps, seed=1)
    open_account(simulation)
    for _ in simulation.run(by_market(moves), signals(moves, seed=1)):
        pass
    flush()


def _matched(core: MatchingCore, steps: int) -> None:
    for move in market_moves(steps, seed=1):
        core.begin_move(move.symbol, move.price, move.at)
        while core.next_fill() is not None:
            pass


ENGINE = Benchmark(name="engine", title="deciding in memory", run=engine)
SIMULATE = Benchmark(name="simulate", title="recorded prices through the engine", run=simulate)
