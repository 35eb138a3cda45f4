"""Hedge mode through unmodified ccxt: two positions a symbol, and every order names its own."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from adapters.clock import SystemClock
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.wire.server import WireVenue
from application.inputs import (
    Accepted,
    Ended,
    NotFound,
    OrderReported,
    PositionSeen,
    Report,
    Traded,
)
from application.ports import OrderTicket
from application.work import OpenOrder
from tests.exchanges.conftest import PREFIX, connection
from tests.exchanges.stubs import SYMBOL, ticket

D = Decimal
LONG = {"position_side": "long"}
SHORT = {"position_side": "short", "side": "sell"}


def told(reports: Sequence[OrderReported]) -> list[Report]:
    return [reported.report for reported in reports]


def order(name: str, **changes: Any) -> OrderTicket:
    return ticket(PREFIX + name, **{"price": None, **changes})


@pytest.fixture(autouse=True)
async def both_sides(venue: WireVenue, exchange: CcxtExchange) -> None:
    """Long 0.02 and short 0.01 of one symbol."""
    venue.core.set_hedge_mode(hedge_mode=True)
    await exchange.place(order("L", quantity=D("0.02"), **LONG))
    await exchange.place(order("S", **SHORT))


async def test_positions_are_told_by_side(exchange: CcxtExchange) -> None:
    seen = await exchange.reconcile([SYMBOL, "ETH/USDT:USDT"])
    assert seen.positions == (
        PositionSeen(symbol=SYMBOL, side="long", quantity=D("0.02")),
        PositionSeen(symbol=SYMBOL, side="short", quantity=D("-0.01")),
        PositionSeen(symbol="ETH/USDT:USDT", quantity=D(0)),
    )


async def test_an_exit_closes_its_own_side_without_the_flag_the_venue_refuses(
    exchange: CcxtExchange, venue: WireVenue
) -> None:
    closing = order("X", side="sell", quantity=D("0.02"), reduce_only=True, **LONG)
    reports = told(await exchange.place(closing))
    assert reports[-1] == Ended(status="filled", filled=D("0.02"))
    received = venue.received_orders()[-1].ticket
    assert (received.position_side, received.reduce_only) == ("long", False)
    assert venue.positions() == {f"{SYMBOL}|short": D("-0.01")}


async def test_exits_are_known_as_such_by_their_sides(exchange: CcxtExchange) -> None:
    closing = {"price": D(70_000), "side": "sell", "reduce_only": True, **LONG}
    await exchange.place(order("EXIT", **closing))
    await exchange.place(order("ENTRY", price=D(50_000), **LONG))
    assert {(seen.client_order_id, seen.reduce_only) for seen in await exchange.open_orders()} == {
        (PREFIX + "EXIT", True),
        (PREFIX + "ENTRY", False),
    }


async def test_a_stop_guards_its_own_side(exchange: CcxtExchange, venue: WireVenue) -> None:
    stop = {"side": "buy", "trigger_price": D(61_000), "reduce_only": True}
    (accepted,) = told(await exchange.place(order("STOP", position_side="short", **stop)))
    assert isinstance(accepted, Accepted)
    assert await exchange.open_orders() == [
        OpenOrder(client_order_id=PREFIX + "STOP", symbol=SYMBOL, reduce_only=True)
    ]
    await venue.move(SYMBOL, D(62_000))
    trade, ended = told(await exchange.query(PREFIX + "STOP", SYMBOL))
    assert isinstance(trade, Traded)
    assert ended == Ended(status="filled", filled=D("0.01"))
    assert venue.positions() == {f"{SYMBOL}|long": D("0.02")}


@pytest.mark.parametrize(
    ("changes", "held"), [(LONG, D("0.02")), (SHORT, D("-0.01"))], ids=["long", "short"]
)
async def test_an_absent_order_is_told_with_the_position_of_its_side(
    exchange: CcxtExchange, changes: dict[str, Any], held: Decimal
) -> None:
    exchange.note([order("NEVER", **changes)])
    exchange._lookup._started_at -= 60
    (absent,) = told(await exchange.query(PREFIX + "NEVER", SYMBOL))
    assert isinstance(absent, NotFound)
    assert absent.position == held


async def test_an_absent_order_of_unknown_side_is_told_without_a_position(
    venue: WireVenue,
) -> None:
    successor = CcxtExchange(connection(venue), PREFIX, SystemClock())
    successor.client.api.timeout_on_exit = 0
    await successor.start()
    successor._lookup._started_at -= 60
    (absent,) = told(await successor.query(PREFIX + "NEVER", SYMBOL))
    assert isinstance(absent, NotFound)
    assert absent.position is None
    await successor.close()
