"""Prices the engine watches fire within a sweep, where a resting order would have: spec §11."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.exchanges.simulated.candles import Move
from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.simulation import Simulation
from application.book import Book
from application.engine import AccountEngine, Handled, Marks
from application.inputs import AccountRegistered, MarkMoved, OrderReported
from application.journal import Recorded
from application.processes.watching import Level
from domain.instrument import Side
from domain.message import Event, Input
from domain.order import OrderCancelRequested, OrderRequested
from domain.position_group import StopTrailed
from domain.settings import Settings
from tests.venue.bench import AT, SYMBOL, new_core, stop, ticket, told

D = Decimal
# Within a sweep only what is touched sees the level: all else the price before it.
STOOD = D(60000)
Reply = Callable[["ScriptedEngine", Decimal], list[Event]]


class ScriptedEngine(AccountEngine):
    """Hears what a real one would, at which mark, and answers from a script.

    `on_touch` is asked at each MarkMoved, `on_report` at each report of the venue.
    """

    def __init__(self, levels: list[Level], on_touch: Reply, on_report: Reply) -> None:
        super().__init__(Book("paper"))
        self.levels = levels
        self.heard: list[tuple[str, Decimal]] = []
        self._on_touch = on_touch
        self._on_report = on_report
        super().handle(REGISTERED, AT, {})

    def handle(
        self, received: Input, now: datetime, marks: Marks, *, has_turned: bool = False
    ) -> Handled:
        mark = marks[SYMBOL].price
        events: list[Event] = []
        if isinstance(received, MarkMoved):
            assert received.symbol == SYMBOL
            self.heard.append(("touched", mark))
            events = self._on_touch(self, mark)
        elif isinstance(received, OrderReported):
            self.heard.append((" ".join(told([received])[0]), mark))
            events = self._on_report(self, mark)
        return Handled(recorded=tuple(recorded(event, now) for event in events))


def recorded(event: Event, at: datetime) -> Recorded:
    return Recorded(
        stream="order:paper:x", version=1, event=event, at=at, causation_id="", correlation_id=""
    )


REGISTERED = AccountRegistered(
    installation="house",
    venue="simulated",
    market_kind="linear",
    paper=True,
    currency="USDT",
    starting_balance=D(100_000),
    settings=Settings(),
    actor="ann",
)


def nothing(_: ScriptedEngine, __: Decimal) -> list[Event]:
    return []


def use_up(engine: ScriptedEngine, mark: Decimal) -> list[Event]:
    """What was touched is watched no more."""
    engine.levels[:] = [
        level
        for level in engine.levels
        if not (mark >= level.price if level.rises else mark <= level.price)
    ]
    return [noted(mark)]


def noted(mark: Decimal) -> Event:
    """An event that asks nothing of the venue."""
    return StopTrailed(group_id="g", best=mark, trailed_at=AT)


def request(name: str, side: Side, price: str | None = None, quantity: str = "0.01") -> Event:
    return OrderRequested(
        client_order_id=name,
        purpose="close" if price is None else "entry",
        symbol=SYMBOL,
        side=side,
        quantity=D(quantity),
        price=None if price is None else D(price),
        time_in_force="gtc",
        reduce_only=price is None,
        group_id="g",
        pyramid_id="",
        leg_id="",
        signal_id="s",
        attempt=1,
        requested_at=AT,
        send_before=None,
    )


def long_core() -> MatchingCore:
    core = new_core()
    core.place(ticket("entry", "buy", "0.01", None), AT)
    return core


def falls(price: str) -> Level:
    return Level(price=D(price), rises=False)


def rises(price: str) -> Level:
    return Level(price=D(price), rises=True)


def played(
    core: MatchingCore,
    levels: list[Level],
    *prices: str,
    on_touch: Reply = use_up,
    on_report: Reply = nothing,
) -> list[tuple[str, Decimal]]:
    """What the engine hears while the price goes from one to the next."""
    engine = ScriptedEngine(levels, on_touch, on_report)
    simulation = Simulation(engine, core, lambda _: None, lambda _, __: tuple(engine.levels))
    for _ in simulation.run([moves(*prices)], []):
        continue
    return engine.heard


def moves(*prices: str) -> Iterator[Move]:
    for number, price in enumerate(prices, start=1):
        yield Move(symbol=SYMBOL, price=D(price), at=AT + timedelta(seconds=number))


def close_all(engine: ScriptedEngine, _: Decimal) -> list[Event]:
    engine.levels.clear()
    return [request("close", "sell")]


def protecting(*wanted: Level) -> Reply:
    """Watches these prices from the first report on, which takes an event."""

    def protect(engine: ScriptedEngine, mark: Decimal) -> list[Event]:
        if any(what == "touched" for what, _ in engine.heard):
            return []
        engine.levels[:] = wanted
        return [noted(mark)]

    return protect


def test_a_level_fires_within_the_sweep_and_is_closed_there_as_taker() -> None:
    core = long_core()
    assert played(core, [falls("59000")], "58000", on_touch=close_all) == [
        ("touched", D(59000)),
        ("close accepted", STOOD),
        ("close 0.01 at 59000 taker", STOOD),
        ("close filled 0.01", STOOD),
    ]
    assert core.price(SYMBOL) == D(58000)
    assert core.positions() == {}


def test_a_level_above_fires_on_the_way_up_at_its_own_price() -> None:
    heard = played(long_core(), [rises("60500")], "61000", on_touch=close_all)
    assert heard[0] == ("touched", D(60500))
    assert heard[2] == ("close 0.01 at 60500 taker", STOOD)


def test_a_level_exactly_at_the_target_is_reached_and_one_beyond_is_not() -> None:
    assert played(new_core(), [falls("59000")], "59000") == [("touched", D(59000))]
    assert played(new_core(), [falls("58999.9"), rises("60000.1")], "59000") == []


def test_levels_fire_in_the_order_the_price_reaches_them() -> None:
    levels = [falls("58500"), rises("61000"), falls("59500"), falls("59000")]
    assert played(new_core(), levels, "58000") == [
        ("touched", D(59500)),
        ("touched", D(59000)),
        ("touched", D(58500)),
    ]


def test_at_one_price_resting_orders_and_stops_come_before_watched_levels() -> None:
    core = long_core()
    core.place(stop("stop", "sell", "0.004", "59000"), AT)
    core.place(ticket("dip", "buy", "0.01", "59000"), AT)
    assert [what for what, _ in played(core, [falls("59000")], "58000")] == [
        "dip 0.01 at 59000 maker",
        "dip filled 0.01",
        "stop 0.004 at 59000 taker",
        "stop filled 0.004",
        "touched",
    ]


def test_orders_beyond_a_level_fill_after_it() -> None:
    core = long_core()
    core.place(ticket("before", "buy", "0.01", "59500"), AT)
    core.place(ticket("after", "buy", "0.01", "58500"), AT)
    assert [what for what, _ in played(core, [falls("59000")], "58000")] == [
        "before 0.01 at 59500 maker",
        "before filled 0.01",
        "touched",
        "after 0.01 at 58500 maker",
        "after filled 0.01",
    ]


def test_what_is_cancelled_and_placed_at_a_level_takes_part_in_the_rest_of_the_sweep() -> None:
    core = long_core()
    core.place(ticket("leg", "buy", "0.01", "58500"), AT)

    def react(engine: ScriptedEngine, _: Decimal) -> list[Event]:
        engine.levels.clear()
        cancel = OrderCancelRequested(client_order_id="leg", reason="its group is closing")
        return [cancel, request("deeper", "buy", "58200")]

    heard = played(core, [falls("59000")], "58000", on_touch=react)
    assert [what for what, _ in heard] == [
        "touched",
        "leg cancelled 0",
        "deeper accepted",
        "deeper 0.01 at 58200 maker",
        "deeper filled 0.01",
    ]


def test_a_level_that_moves_in_steps_is_followed_through_the_sweep() -> None:
    def trail(engine: ScriptedEngine, mark: Decimal) -> list[Event]:
        engine.levels[:] = [rises(str(mark + 200)), falls(str(mark - 300))]
        return [noted(mark)]

    heard = played(new_core(), [rises("60200")], "60700", "60000", on_touch=trail)
    assert [mark for what, mark in heard if what == "touched"] == [
        D(60200),
        D(60400),
        D(60600),
        D(60300),
        D(60000),
    ]


def test_a_level_that_a_fill_within_the_sweep_brings_is_considered_at_once() -> None:
    core = new_core()
    core.place(ticket("entry", "buy", "0.01", "59500"), AT)

    heard = played(core, [], "58000", on_report=protecting(falls("59000")))
    assert ("touched", D(59000)) in heard


def test_a_level_that_is_passed_when_it_appears_fires_where_the_price_stands() -> None:
    core = new_core()
    core.place(ticket("entry", "buy", "0.01", "59500"), AT)

    protect = protecting(falls("59700"), rises("59400"))
    heard = played(core, [], "58000", on_touch=close_all, on_report=protect)
    assert [mark for what, mark in heard if what == "touched"] == [D(59500)]


def test_a_level_nobody_acts_on_is_told_once_a_price_and_the_sweep_goes_on() -> None:
    core = long_core()
    core.place(ticket("far", "buy", "0.01", "58500"), AT)
    assert played(core, [falls("59000")], "58000", on_touch=nothing) == [
        ("touched", D(59000)),
        ("far 0.01 at 58500 maker", STOOD),
        ("far filled 0.01", STOOD),
        ("touched", D(58500)),
    ]
    assert core.price(SYMBOL) == D(58000)


def test_the_first_price_touches_a_level_it_has_passed() -> None:
    assert played(new_core(price=None), [rises("59000")], "60000") == [("touched", D(60000))]
