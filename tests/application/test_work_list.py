"""What the venue's side is told of a Book: the nearest watched prices, and which marks it needs."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from application import work_list
from application.processes.watching import Level
from application.work_list import SymbolLevels, levels_of, snapshot_of
from tests.application.desk import BTC, Desk
from tests.application.test_fees import BNB, with_a_fee_unvalued

D = Decimal


def watch(monkeypatch: pytest.MonkeyPatch, *levels: Level) -> None:
    def watched(_: Any, symbol: str) -> Iterator[Level]:
        yield from levels if symbol == BTC else ()

    monkeypatch.setattr(work_list, "levels", watched)


def rising(price: int) -> Level:
    return Level(price=D(price), rises=True)


def falling(price: int) -> Level:
    return Level(price=D(price), rises=False)


def test_the_level_a_mark_reaches_first_is_the_nearest_each_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch(monkeypatch, rising(130), falling(80), rising(110), falling(90))
    (levels,) = levels_of(Desk().book, [BTC, "ETH/USDT:USDT"])
    assert levels == SymbolLevels(symbol=BTC, rising=D(110), falling=D(90))


@pytest.mark.parametrize(
    ("level", "reached", "not_reached"), [(rising(110), 110, 109), (falling(90), 90, 91)]
)
def test_a_level_is_reached_at_its_price_and_beyond(
    monkeypatch: pytest.MonkeyPatch, level: Level, reached: int, not_reached: int
) -> None:
    watch(monkeypatch, level)
    (levels,) = levels_of(Desk().book, [BTC])
    assert levels.reached_by(D(reached))
    assert not levels.reached_by(D(not_reached))


def test_only_what_is_watched_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    watch(monkeypatch)
    desk = Desk()
    desk.signal()
    assert snapshot_of(desk.book).levels == ()


def test_the_levels_of_every_open_trade_are_in_the_snapshot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch(monkeypatch, rising(110))
    desk = Desk()
    assert snapshot_of(desk.book).levels == ()
    desk.signal()
    assert snapshot_of(desk.book).levels == (SymbolLevels(symbol=BTC, rising=D(110)),)


def test_a_fee_that_waits_for_a_mark_has_its_market_followed() -> None:
    assert BNB in snapshot_of(with_a_fee_unvalued().book).symbols
