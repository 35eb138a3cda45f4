"""An account's room at a venue: what it tells the engine beside the reports of orders."""

from collections.abc import AsyncIterator
from decimal import Decimal

import msgspec
import pytest

from adapters.exchanges.simulated.candles import Move
from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.wire.server import INSTRUMENTS, WireVenue
from application.inputs import FundingReported, InstrumentsSeen, MarkMoved
from application.work_list import BookSnapshot, SymbolLevels
from cli.rooms import LiveRoom, PaperRoom
from domain.account import AccountOpened
from domain.settings import CapitalSettings, Settings
from tests.exchanges.stubs import START, SYMBOL, Inbox, ticket, until

D = Decimal
OPENED = AccountOpened(
    installation="test",
    venue="binanceusdm",
    market_kind="linear",
    paper=False,
    currency="USDT",
    starting_balance=D(100_000),
    actor="operator",
)


def snapshot(*levels: SymbolLevels) -> BookSnapshot:
    return BookSnapshot(
        account="main",
        opened=OPENED,
        settings=Settings(),
        works=(),
        working=(),
        known_orders=frozenset(),
        symbols=(SYMBOL,),
        levels=levels,
    )


def test_a_simulated_market_tells_a_watched_price_once_it_stands_there() -> None:
    inbox = Inbox()
    core = MatchingCore(instruments=INSTRUMENTS, currency="USDT", balance=D(1))
    prices = [D(60_000), D(60_900), D(61_000)]
    moves = iter([[Move(symbol=SYMBOL, price=price, at=START)] for price in prices])
    room = PaperRoom(snapshot(), core, moves, inbox)
    room.note(snapshot(SymbolLevels(symbol=SYMBOL, rising=D(61_000))))
    for count in (0, 0, 1):
        room._step()
        assert inbox.inputs == [("main", MarkMoved(symbol=SYMBOL))] * count
    assert room.marks()[SYMBOL].price == D(61_000)


def test_a_simulated_account_follows_the_position_mode_of_the_settings_while_flat() -> None:
    core = MatchingCore(instruments=INSTRUMENTS, currency="USDT", balance=D(1_000))
    moves = iter([[Move(symbol=SYMBOL, price=D(60_000), at=START)]])
    room = PaperRoom(snapshot(), core, moves, Inbox())
    room._step()
    hedged = msgspec.structs.replace(
        snapshot(), settings=Settings(capital=CapitalSettings(hedge_mode=True))
    )
    room.note(hedged)
    assert core.hedge_mode
    core.place(ticket("PmainA", price=D(50_000), position_side="long"), START)
    room.note(snapshot())
    assert core.hedge_mode
    core.cancel("PmainA", START)
    room.note(snapshot())
    assert not core.hedge_mode


@pytest.fixture
async def live(
    venue: WireVenue, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[LiveRoom, Inbox]]:
    monkeypatch.setenv("PLIMSOLL_MAIN_API_KEY", venue.api_key)
    monkeypatch.setenv("PLIMSOLL_MAIN_API_SECRET", venue.secret)
    monkeypatch.setenv("PLIMSOLL_PROXY_URL", venue.proxy_url)
    monkeypatch.setenv("PLIMSOLL_CA_FILE", venue.ca_file)
    inbox = Inbox()
    room = LiveRoom(snapshot(), inbox, lambda _: None)
    room._ccxt.client.api.timeout_on_exit = 0
    await room.start()
    await until(lambda: SYMBOL in room.marks())
    yield room, inbox
    await room.stop()
    await room.exchange.close()


async def test_a_live_market_tells_a_watched_price_and_settled_funding_at_once(
    live: tuple[LiveRoom, Inbox], venue: WireVenue
) -> None:
    room, inbox = live
    assert isinstance(inbox.inputs[0][1], InstrumentsSeen)
    room.note(snapshot(SymbolLevels(symbol=SYMBOL, falling=D(59_000))))
    await venue.move(SYMBOL, D(58_900))
    await until(lambda: ("main", MarkMoved(symbol=SYMBOL)) in inbox.inputs)

    await room.exchange.place(ticket("PmainA", price=None))
    venue.fund(SYMBOL, D("0.01"))
    await until(lambda: any(isinstance(seen, FundingReported) for _, seen in inbox.inputs))
