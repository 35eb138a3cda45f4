"""The wire venue's answers have the key sets of the real venue's, as captured."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.wire.desk import Desk
from adapters.exchanges.wire.market_answers import exchange_info, market_frame
from adapters.exchanges.wire.server import INSTRUMENTS
from tests.venue.bench import move
from tests.venue.test_simulated_exchange import StandingClock

VENUES = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "venues"
INFO = VENUES / "binanceusdm-exchangeInfo-2021.json.gz"
FRAMES = VENUES / "binanceusdm-ws-frames-2024-08-08.jsonl.gz"

captured = pytest.mark.skipif(
    not VENUES.is_dir(), reason="the venues' captures are not beside the checkout"
)


@pytest.fixture
def desk() -> Desk:
    core = MatchingCore(instruments=INSTRUMENTS, currency="USDT", balance=Decimal(1))
    move(core, "60000")
    return Desk(core=core, clock=StandingClock())


def wired(answer: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(answer))


@captured
def test_exchange_info_has_the_key_sets_of_the_real_one(desk: Desk) -> None:
    real = json.loads(gzip.decompress(INFO.read_bytes()))
    ours = wired(exchange_info(desk))
    assert set(ours) == set(real)
    for section in ("rateLimits", "assets", "symbols"):
        assert {frozenset(row) for row in ours[section]} == {frozenset(real[section][0])}
    real_filters = {row["filterType"]: set(row) for row in real["symbols"][0]["filters"]}
    assert len(ours["symbols"]) == len(INSTRUMENTS)
    for market in ours["symbols"]:
        assert {row["filterType"]: set(row) for row in market["filters"]} == real_filters
        for key, value in market.items():
            assert type(value) is type(real["symbols"][0][key]), key


@captured
@pytest.mark.parametrize("stream", ["bookTicker", "trade"])
def test_market_frames_have_the_keys_and_types_of_the_real_ones(desk: Desk, stream: str) -> None:
    with gzip.open(FRAMES, "rt", encoding="utf-8") as file:
        frames = (json.loads(line.partition(" ")[2])["data"] for line in file)
        real = next(frame for frame in frames if frame["e"] == stream)
    ours = wired(market_frame(stream, desk, INSTRUMENTS[0], 1))
    assert {key: type(value) for key, value in ours.items()} == {
        key: type(value) for key, value in real.items()
    }


def test_streams_that_are_not_simulated_and_markets_without_a_price_are_silent(
    desk: Desk,
) -> None:
    assert market_frame("depth", desk, INSTRUMENTS[0], 1) is None
    assert market_frame("bookTicker", desk, INSTRUMENTS[1], 1) is None
