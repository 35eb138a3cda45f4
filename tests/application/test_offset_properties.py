"""Whatever prices, fees and fills come: an offset never costs more than it earned."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.inputs import MarkMoved, OperatorActed
from domain.instrument import Instrument
from domain.offset import OffsetPlanned, OffsetSettled
from domain.settings import ExitSettings, LegSettings, OffsetSettings, Settings
from tests.application.desk import BTC, ETH, SOL, Desk, market, of
from tests.application.invariants import check_settled
from tests.application.loose_ends import LooseEnds
from tests.application.offset_desk import (
    SIGNALS,
    TRADES,
    Answer,
    OffsetDesk,
    check_offset,
    expires,
    fills,
    moves,
    refuses,
)

D = Decimal
SYMBOLS = (BTC, ETH, SOL)
MODES = ("per_leg", "aggregate", "hybrid")


def decimals(low: str, high: str, places: int = 1) -> st.SearchStrategy[Decimal]:
    return st.decimals(D(low), D(high), places=places)


ANSWERS: st.SearchStrategy[Answer] = st.one_of(
    st.just(Desk.carry_out),
    st.sampled_from([refuses, expires]),
    # A venue fills whole steps: anything else leaves dust, whose worth no one books.
    st.integers(1, 20).map(lambda quantity: fills(str(quantity))),
    st.tuples(st.sampled_from(SYMBOLS), decimals("70", "140")).map(
        lambda move: moves(str(move[1]), move[0])
    ),
)
MARKETS = st.tuples(
    st.sampled_from(["0.001", "0.1", "1"]), st.sampled_from(["0", "0.05", "0.4"])
).map(
    lambda rules: tuple(
        market(base, step=D(rules[0]), min_quantity=D(rules[0]), taker_fee_percent=D(rules[1]))
        for base in ("BTC", "ETH", "SOL")
    )
)


@st.composite
def rules(draw: st.DrawFn) -> Settings:
    weight = draw(st.integers(20, 80))
    legs = tuple(
        LegSettings(gap_percent=D(gap), weight_percent=D(share), take_profit_percent=D(target))
        for gap, share, target in (
            ("0", weight, draw(st.integers(45, 90))),
            ("-4", 100 - weight, 50),
        )
    )
    exits = ExitSettings(
        coalesce_ms=0,
        mode=draw(st.sampled_from(MODES)),
        take_profit_percent=D(60),
        stop_loss_percent=draw(st.sampled_from([None, D(35)])),
    )
    offset = OffsetSettings(partial_cover="reduce_loser", min_close_notional=D(20))
    return msgspec.structs.replace(
        TRADES,
        grid=msgspec.structs.replace(TRADES.grid, legs=legs),
        exits=exits,
        risk=msgspec.structs.replace(TRADES.risk, offset=offset),
    )


def close(desk: OffsetDesk, symbol: str) -> None:
    act(desk, "close_group", symbol)


def halve(desk: OffsetDesk, symbol: str) -> None:
    act(desk, "reduce_group", symbol, percent=D(50))


def act(desk: OffsetDesk, action: str, symbol: str, percent: Decimal | None = None) -> None:
    subject = desk.group_in(symbol).opened.group_id
    order = OperatorActed(
        action=action,  # type: ignore[arg-type]
        subject=subject,
        actor="ann",
        reason="because",
        percent=percent,
    )
    desk.feed(order)


def jump(desk: OffsetDesk, symbol: str) -> None:
    """A price that stops are watched at."""
    desk.move("63", symbol)
    desk.feed(MarkMoved(symbol=symbol))


def rest(desk: OffsetDesk, _: str) -> None:
    desk.tick()


def restart(desk: OffsetDesk, _: str) -> None:
    desk.start()
    desk.ask()


RACES: list[Callable[[OffsetDesk, str], None]] = [close, halve, jump, rest, rest, rest, restart]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    chosen=rules(),
    markets=MARKETS,
    prices=st.tuples(decimals("101", "135"), decimals("101", "135"), decimals("66", "99")),
    deep=st.booleans(),
    smooth=st.sampled_from([0, 1, 2, 3]),
    answers=st.lists(ANSWERS, max_size=14),
    races=st.lists(st.tuples(st.sampled_from(RACES), st.sampled_from(SYMBOLS)), max_size=4),
)
def test_the_loser_never_loses_more_than_the_winners_earned(
    chosen: Settings,
    markets: tuple[Instrument, ...],
    prices: tuple[Decimal, ...],
    deep: bool,
    smooth: int,
    answers: list[Answer],
    races: list[tuple[Callable[[OffsetDesk, str], None], str]],
) -> None:
    desk = OffsetDesk(chosen, markets=markets)
    for symbol in SYMBOLS:
        desk.signal(symbol=SIGNALS[symbol])
        desk.tick()
    if deep:
        desk.move("96", SOL)
    for symbol, price in zip(SYMBOLS, prices, strict=True):
        desk.move(str(price), symbol)
    desk.tick()

    desk.answers.extend([Desk.carry_out] * smooth + answers)
    desk.offset()
    for race, symbol in races:
        race(desk, symbol)
    desk.answers.clear()
    LooseEnds(desk).tie_up()
    desk.tick(12)
    LooseEnds(desk).tie_up()

    assert len(of(desk.recorded, OffsetSettled)) == len(of(desk.recorded, OffsetPlanned))
    check_offset(desk)
    check_settled(desk)
