"""Each way a call may fail: what ccxt makes of it, and whether the venue has the order."""

import asyncio
from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest

from adapters.exchanges.wire.faults import CANCEL_ORDER, FAULTS, QUERY_ORDER
from adapters.exchanges.wire.server import WireVenue
from tests.venue.test_wire_orders import BTC, create

# As recorded of ccxt 4.5.90: fault, is the order at the venue, exception (None: an order
# without an id comes back as if all were well).
OUTCOMES: list[tuple[str, bool, type[Exception] | None]] = [
    ("drop_before", False, ccxt.ExchangeNotAvailable),
    ("drop_after", True, ccxt.ExchangeNotAvailable),
    ("hang_before", False, ccxt.RequestTimeout),
    ("hang_after", True, ccxt.RequestTimeout),
    ("503_unknown_after", True, ccxt.OperationFailed),
    ("503_before", False, ccxt.ExchangeNotAvailable),
    ("502_after", True, ccxt.ExchangeNotAvailable),
    ("504_after", True, ccxt.RequestTimeout),
    ("520_after", True, ccxt.ExchangeNotAvailable),
    ("524_after", True, None),
    ("-1007_after", True, ccxt.RequestTimeout),
    ("-1006_after", True, ccxt.OperationFailed),
    ("-1008_before", False, ccxt.OperationFailed),
    ("429_before", False, ccxt.DDoSProtection),
    ("418_before", False, ccxt.DDoSProtection),
    ("-1015_before", False, ccxt.DDoSProtection),
    ("403_before", False, ccxt.ExchangeNotAvailable),
    ("truncated_after", True, ccxt.ExchangeError),
    ("html_after", True, None),
    ("empty_after", True, None),
]


def test_every_fault_is_in_the_table() -> None:
    assert {kind for kind, _, _ in OUTCOMES} == set(FAULTS)


@pytest.mark.parametrize(("kind", "placed", "error"), OUTCOMES)
async def test_a_failing_create_order_ends_as_recorded(
    wire: WireVenue, client: Any, kind: str, placed: bool, error: type[Exception] | None
) -> None:
    wire.inject(kind)
    if error is None:
        assert (await create(client, "my-1", "buy", "0.01", "50000"))["id"] is None
    else:
        with pytest.raises(error) as caught:
            await create(client, "my-1", "buy", "0.01", "50000")
        assert caught.type is error
    assert wire.accepted_ids() == (["my-1"] if placed else [])
    assert len(wire.open_orders()) == placed

    # The fault was for one call: the next finds what the venue really has.
    by_client_id = {"origClientOrderId": "my-1"}
    if placed:
        assert (await client.fetch_order(None, BTC, by_client_id))["status"] == "open"
    else:
        with pytest.raises(ccxt.OrderNotFound):
            await client.fetch_order(None, BTC, by_client_id)


async def test_a_fault_has_a_count_and_a_call(wire: WireVenue, client: Any) -> None:
    await create(client, "my-1", "buy", "0.01", "50000")
    by_client_id = {"origClientOrderId": "my-1"}
    wire.inject("503_before", call=QUERY_ORDER, count=2)
    for _ in range(2):
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await client.fetch_order(None, BTC, by_client_id)
    assert (await client.fetch_order(None, BTC, by_client_id))["status"] == "open"


async def test_a_cancel_whose_line_drops_is_sent_again_below_ccxt(
    wire: WireVenue, client: Any
) -> None:
    # aiohttp repeats GET and DELETE by itself when a connection it had kept open breaks: the
    # cancel worked, and the repeated one says that there is no such order.
    await create(client, "my-1", "buy", "0.01", "50000")
    by_client_id = {"origClientOrderId": "my-1"}
    wire.inject("drop_after", call=CANCEL_ORDER)
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await client.cancel_order(None, BTC, by_client_id)
    assert (await client.fetch_order(None, BTC, by_client_id))["status"] == "canceled"

    await create(client, "my-2", "buy", "0.01", "50000")
    wire.inject("drop_before", call=CANCEL_ORDER, count=2)
    by_client_id = {"origClientOrderId": "my-2"}
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await client.cancel_order(None, BTC, by_client_id)
    assert (await client.fetch_order(None, BTC, by_client_id))["status"] == "open"


async def test_a_429_tells_how_long_to_wait(wire: WireVenue, client: Any) -> None:
    client.enableLastResponseHeaders = True
    wire.inject("429_before")
    with pytest.raises(ccxt.DDoSProtection):
        await create(client, "my-1", "buy", "0.01", "50000")
    assert client.last_response_headers["Retry-After"] == "7"


async def test_a_cancelled_task_may_have_placed_its_order(wire: WireVenue, client: Any) -> None:
    wire.inject("hang_after")
    task = asyncio.create_task(create(client, "my-1", "buy", "0.01", "50000"))
    async with asyncio.timeout(10):
        while not wire.accepted_ids():
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert wire.accepted_ids() == ["my-1"]


async def test_while_the_line_is_cut_nothing_reaches_the_venue(
    wire: WireVenue, client: Any
) -> None:
    wire.cut_line()
    with pytest.raises(ccxt.NetworkError):
        await create(client, "my-1", "buy", "0.01", "50000")
    assert wire.received_orders() == ()
    wire.restore_line()
    assert (await create(client, "my-1", "buy", "0.01", "50000"))["id"] == "1000001"


async def test_faults_that_do_not_exist_are_named(wire: WireVenue) -> None:
    with pytest.raises(KeyError, match="choose one of"):
        wire.inject("nonsense")
    with pytest.raises(KeyError, match="choose drop, duplicate or reorder"):
        wire.inject_stream("nonsense")  # type: ignore[arg-type]


async def test_a_fault_that_was_cleared_does_not_happen(wire: WireVenue, client: Any) -> None:
    wire.inject("drop_after", count=5)
    wire.faults.clear()
    assert (await create(client, "my-1", "buy", "0.01", str(Decimal(50000))))["id"] == "1000001"
