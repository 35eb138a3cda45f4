"""When a venue can be reached again: exits are made good before anything else is done."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from adapters.exchanges.wire.server import WireVenue
from application.inputs import Ended, OrderReported, ReconciliationSeen
from application.work import WorkingOrder
from cli.rooms import LiveRoom
from domain.settings import RiskSettings, Settings
from tests.exchanges.stubs import START, SYMBOL, Inbox, ticket, until
from tests.exchanges.test_reconciliation import Round
from tests.exchanges.test_rooms import snapshot

ENTRIES, EXITS = ("a", "c"), ("b", "d")
ENDED = Ended(status="cancelled", filled=Decimal(0))


async def test_exits_that_vanished_are_asked_about_first_and_told_first() -> None:
    round_ = Round()
    round_.open()
    round_.book.working = [
        WorkingOrder(client_order_id=identity, symbol=SYMBOL, closes=identity in EXITS)
        for identity in "abcd"
    ]
    round_.exchange.answers = {("query", identity): [ENDED] for identity in "abcd"}

    assert await round_.reconciliation.reconcile()

    asked = [identity for call, identity in round_.exchange.calls if call == "query"]
    told: list[Any] = [seen for _, seen in round_.inbox.inputs]
    assert asked == [*EXITS, *ENTRIES]
    assert [each.client_order_id for each in told[:-1]] == [*EXITS, *ENTRIES]
    assert all(isinstance(each, OrderReported) for each in told[:-1])
    assert isinstance(told[-1], ReconciliationSeen)


class Connection:
    """A live room, and why it wanted to be reconciled."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.room = LiveRoom(snapshot(), Inbox(), self.reasons.append)
        self.room._ccxt.client.api.timeout_on_exit = 0


@pytest.fixture
async def connection(
    venue: WireVenue, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Connection]:
    monkeypatch.setenv("PLIMSOLL_MAIN_API_KEY", venue.api_key)
    monkeypatch.setenv("PLIMSOLL_MAIN_API_SECRET", venue.secret)
    monkeypatch.setenv("PLIMSOLL_PROXY_URL", venue.proxy_url)
    monkeypatch.setenv("PLIMSOLL_CA_FILE", venue.ca_file)
    made = Connection()
    await made.room.start()
    await until(lambda: SYMBOL in made.room.marks())
    yield made
    await made.room.stop()
    await made.room.exchange.close()


async def test_lost_contact_is_back_only_once_the_book_was_compared_with_the_venue(
    connection: Connection,
) -> None:
    room = connection.room
    assert room.contact_at() is not None
    lost = msgspec.structs.replace(snapshot(), contact_lost_at=START)

    room.note(lost)

    assert room.contact_at() is None
    assert "contact was lost" in connection.reasons
    room.compared()
    assert room.contact_at() is not None
    room.note(lost)
    assert room.contact_at() is not None
    room.note(snapshot())
    assert room.contact_at() is not None


async def test_a_room_keeps_countdowns_as_its_settings_say_and_takes_them_back_at_its_end(
    connection: Connection, venue: WireVenue
) -> None:
    room = connection.room
    armed = msgspec.structs.replace(
        snapshot(),
        settings=Settings(risk=RiskSettings(countdown_seconds=30)),
        resting=(SYMBOL,),
    )
    await room.exchange.place(ticket("PmainA"))
    room.note(armed)
    await until(lambda: list(venue.countdowns()) == [SYMBOL])

    room.note(msgspec.structs.replace(armed, held=(SYMBOL,)))
    await until(lambda: venue.countdowns() == {})

    room.note(armed)
    await until(lambda: list(venue.countdowns()) == [SYMBOL])
    await room.stop()
    assert venue.countdowns() == {}
    assert len(venue.open_orders()) == 1
