"""A mark that reaches a watched price is told at once, and not over and over."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapters.exchanges.level_watch import LevelWatch
from application.inputs import MarkMoved
from application.work_list import SymbolLevels
from domain.message import MarkSeen
from tests.exchanges.stubs import SYMBOL, StandingClock

ETHER = "ETH/USDT:USDT"
AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Watched:
    """A watch on one symbol between 59 000 and 61 000."""

    def __init__(self) -> None:
        self.clock = StandingClock()
        self.told: list[MarkMoved] = []
        self.watch = LevelWatch(self.told.append, self.clock.monotonic)
        self.levels(59_000, 61_000)

    def levels(self, falling: int | None, rising: int | None, symbol: str = SYMBOL) -> None:
        self.watch.watch(
            [
                SymbolLevels(
                    symbol=symbol,
                    falling=None if falling is None else Decimal(falling),
                    rising=None if rising is None else Decimal(rising),
                )
            ]
        )

    def mark(self, price: int, symbol: str = SYMBOL) -> None:
        self.watch.see(MarkSeen(symbol=symbol, price=Decimal(price), at=AT))


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.mark.parametrize(
    ("price", "count"),
    [(60_000, 0), (60_999, 0), (61_000, 1), (62_000, 1), (59_001, 0), (59_000, 1)],
)
def test_a_level_is_told_once_a_mark_is_at_it_or_beyond(
    watched: Watched, price: int, count: int
) -> None:
    watched.mark(price)
    assert watched.told == [MarkMoved(symbol=SYMBOL)] * count


def test_a_symbol_without_levels_is_never_told(watched: Watched) -> None:
    watched.mark(1, ETHER)
    watched.watch.watch([])
    watched.mark(62_000)
    assert watched.told == []


def test_a_level_that_appears_where_the_mark_already_is_is_told_at_once(watched: Watched) -> None:
    watched.mark(60_000)
    watched.levels(None, 59_500)
    assert watched.told == [MarkMoved(symbol=SYMBOL)]


def test_while_a_mark_stays_beyond_it_is_told_again_no_sooner_than_after_100_ms(
    watched: Watched,
) -> None:
    watched.mark(61_000)
    for _ in range(9):
        watched.clock.advance(0.01)
        watched.mark(61_001)
    assert len(watched.told) == 1
    watched.clock.advance(0.011)
    watched.mark(61_002)
    assert len(watched.told) == 2


def test_a_mark_that_comes_and_goes_is_told_no_oftener(watched: Watched) -> None:
    for _ in range(50):
        watched.mark(61_000)
        watched.mark(60_999)
        watched.clock.advance(0.01)
    assert 4 <= len(watched.told) <= 6


def test_before_a_writer_that_commits_nothing_ever_less_piles_up(watched: Watched) -> None:
    for _ in range(1_000):
        watched.mark(61_000)
        watched.clock.advance(0.01)
    assert 10 <= len(watched.told) <= 14


def test_each_commit_shows_that_the_writer_is_alive(watched: Watched) -> None:
    for _ in range(100):
        watched.mark(61_000)
        watched.clock.advance(0.05)
        watched.levels(59_000, 61_000)
        watched.clock.advance(0.05)
    assert 45 <= len(watched.told) <= 100


def test_another_level_is_told_without_any_wait(watched: Watched) -> None:
    watched.mark(61_000)
    watched.levels(59_000, 61_500)
    watched.mark(61_400)
    assert len(watched.told) == 1
    watched.mark(61_500)
    assert len(watched.told) == 2


def test_one_symbol_does_not_wait_for_another(watched: Watched) -> None:
    watched.watch.watch(
        [
            SymbolLevels(symbol=SYMBOL, rising=Decimal(61_000)),
            SymbolLevels(symbol=ETHER, rising=Decimal(3_100)),
        ]
    )
    watched.mark(61_000)
    watched.mark(3_100, ETHER)
    assert watched.told == [MarkMoved(symbol=SYMBOL), MarkMoved(symbol=ETHER)]
