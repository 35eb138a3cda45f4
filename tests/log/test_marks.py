"""Prices pass by for the eye: the newest mark, and a row per symbol and minute."""

from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.postgres.connection import connect
from adapters.postgres.marks import (
    TapeMinute,
    read_live_marks,
    read_tape,
    write_live_marks,
    write_tape,
)
from domain.message import MarkSeen
from tests.log.postgres import owner
from tests.log.story import MORNING


def mark(symbol: str, price: str, seconds: int = 0) -> MarkSeen:
    return MarkSeen(symbol=symbol, price=Decimal(price), at=MORNING + timedelta(seconds=seconds))


def minute(close: str, *, low: str, high: str, at: int = 0) -> TapeMinute:
    return TapeMinute(
        symbol="BTC/USDT",
        minute=MORNING + timedelta(minutes=at),
        open=Decimal(100),
        high=Decimal(high),
        low=Decimal(low),
        close=Decimal(close),
    )


def test_the_newest_mark_of_each_symbol_is_shown_exactly(postgres_url: str) -> None:
    with connect(postgres_url) as connection:
        write_live_marks(connection, "paper", [mark("BTC/USDT", "90000.10"), mark("ETH/USDT", "3")])
        write_live_marks(connection, "paper", [mark("BTC/USDT", "90000.20", 1)])
        write_live_marks(connection, "live", [mark("BTC/USDT", "1", 2)])

        assert read_live_marks(connection, "paper") == [
            mark("BTC/USDT", "90000.20", 1),
            mark("ETH/USDT", "3"),
        ]


def test_a_late_mark_does_not_replace_a_newer_one(postgres_url: str) -> None:
    with connect(postgres_url) as connection:
        write_live_marks(connection, "paper", [mark("BTC/USDT", "2", 5)])
        write_live_marks(connection, "paper", [mark("BTC/USDT", "1", 4)])

        assert read_live_marks(connection, "paper") == [mark("BTC/USDT", "2", 5)]


def test_no_marks_are_no_rows(postgres_url: str) -> None:
    with connect(postgres_url) as connection:
        write_live_marks(connection, "paper", [])
        write_tape(connection, "paper", [])

        assert read_live_marks(connection, "paper") == []


def test_live_marks_cost_no_write_ahead_log(postgres_url: str) -> None:
    with owner(postgres_url) as connection:
        assert connection.execute(
            "SELECT relpersistence::text FROM pg_class WHERE oid = 'plimsoll.live_marks'::regclass"
        ).fetchone() == ("u",)


def test_a_minute_written_in_two_parts_is_one_minute(postgres_url: str) -> None:
    with connect(postgres_url) as connection:
        write_tape(connection, "paper", [minute("101", low="99", high="102")])
        write_tape(connection, "paper", [minute("100", low="98", high="101")])

        span = (MORNING, MORNING + timedelta(minutes=1))
        assert list(read_tape(connection, "paper", "BTC/USDT", span)) == [
            minute("100", low="98", high="102")
        ]


@pytest.mark.parametrize(("start", "end", "closes"), [(0, 3, "012"), (1, 2, "1"), (3, 9, "")])
def test_the_tape_is_read_by_half_open_spans(
    postgres_url: str, start: int, end: int, closes: str
) -> None:
    with connect(postgres_url) as connection:
        write_tape(
            connection, "paper", [minute(str(at), low="0", high="9", at=at) for at in range(3)]
        )
        span = (MORNING + timedelta(minutes=start), MORNING + timedelta(minutes=end))
        read = read_tape(connection, "paper", "BTC/USDT", span)

        assert "".join(str(row.close) for row in read) == closes
