"""The wire venue seen from its control desk: what it received, holds and is told to do."""

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from adapters.exchanges.wire.desk import BY_HAND
from adapters.exchanges.wire.faults import CREATE_ORDER
from adapters.exchanges.wire.server import WireVenue
from tests.e2e.plimsoll import CHECKOUT, child_environment

BTC = "BTC/USDT:USDT"


class VenueFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue introduces itself: where it is, and the keys of its one account."""

    proxy_url: str
    ca_file: str
    control_url: str
    api_key: str
    secret: str

    def variables(self, account: str) -> dict[str, str]:
        """The environment that points an account of Plimsoll at it."""
        name = f"PLIMSOLL_{account.upper()}"
        return {
            f"{name}_API_KEY": self.api_key,
            f"{name}_API_SECRET": self.secret,
            "PLIMSOLL_PROXY_URL": self.proxy_url,
            "PLIMSOLL_CA_FILE": self.ca_file,
        }


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the venue knows it. Quantities in contracts, price in quote units."""

    client_order_id: str
    side: str
    quantity: Decimal
    price: Decimal | None
    closes: bool
    is_stop: bool = False
    position_side: str = "both"
    filled: Decimal = Decimal(0)
    refused_code: str | None = None
    symbol: str = ""


class VenueDesk:
    """Asks and tells one wire venue over HTTP, wherever it runs."""

    def __init__(self, facts: VenueFacts) -> None:
        self.facts = facts

    async def received(self) -> list[Order]:
        """Every create-order request that ever reached the venue, but for those by hand."""
        orders = [_order(row) for row in await self._get("/orders")]
        return [order for order in orders if not order.client_order_id.startswith(BY_HAND)]

    async def working(self) -> list[Order]:
        """The orders that rest just now."""
        return [_order(row) for row in await self._get("/open-orders")]

    async def entries(self) -> list[Order]:
        """The working orders that would add exposure."""
        return [order for order in await self.working() if not order.closes]

    async def exits(self) -> list[Order]:
        """The working orders that take profit: they can only close, and are no stops."""
        return [order for order in await self.working() if order.closes and not order.is_stop]

    async def stops(self) -> list[Order]:
        """The stops that wait for their price."""
        return [order for order in await self.working() if order.is_stop]

    async def positions(self) -> dict[str, Decimal]:
        """Signed contracts by symbol, in hedge mode by `symbol|side`."""
        positions = await self._get("/positions")
        return {name: Decimal(quantity) for name, quantity in positions.items()}

    async def position(self, symbol: str = BTC) -> Decimal:
        """Signed contracts held."""
        return (await self.positions()).get(symbol, Decimal(0))

    async def price(self, symbol: str = BTC) -> Decimal:
        """Where the market stands."""
        return Decimal((await self._get("/prices"))[symbol])

    async def move(self, price: Decimal | str, symbol: str = BTC) -> None:
        """Sweep the market to a price."""
        await self._post("/move", {"symbol": symbol, "price": str(price)})

    async def fill(self, client_order_id: str, quantity: Decimal | str) -> None:
        """Fill a part of a resting order."""
        await self._post("/fill", {"client_order_id": client_order_id, "quantity": str(quantity)})

    async def expire(self, client_order_id: str) -> None:
        """End a working order as the venue itself does."""
        await self._post("/expire", {"client_order_id": client_order_id})

    async def trade_by_hand(self, side: str, quantity: Decimal | str, symbol: str = BTC) -> None:
        """Trade at market, as the account's owner does on the venue's own pages."""
        body = {"symbol": symbol, "side": side, "quantity": str(quantity)}
        await self._post("/hand", body)

    async def fail(self, kind: str, *, count: int = 1, call: str = CREATE_ORDER) -> None:
        """Let the next calls go wrong; unless told otherwise those that create an order."""
        await self._post("/fault", {"kind": kind, "count": count, "call": call})

    async def spoil(self, kind: str, *, count: int) -> None:
        """Let the next private frames go wrong."""
        await self._post("/stream-fault", {"kind": kind, "count": count})

    async def line(self, line: str) -> None:
        """Cut, restore or disconnect."""
        await self._post("/line", {"line": line})

    async def countdowns(self) -> set[str]:
        """The symbols whose orders will end by themselves unless that is put off."""
        return set(await self._get("/countdowns"))

    async def doubled(self) -> dict[str, int]:
        """Client ids that were sent more than once; none may be."""
        counts = Counter(order.client_order_id for order in await self.received())
        return {identity: count for identity, count in counts.items() if count > 1}

    async def refused(self) -> list[Order]:
        """Orders that the venue did not take."""
        return [order for order in await self.received() if order.refused_code is not None]

    async def _get(self, path: str) -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.facts.control_url + path) as response,
        ):
            assert response.status == 200, await response.text()
            return await response.json()

    async def _post(self, path: str, body: object) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.facts.control_url + path, json=body) as response,
        ):
            assert response.status == 200, await response.text()


@asynccontextmanager
async def venue_process(state_dir: Path) -> AsyncIterator[VenueDesk]:
    """The venue as a process of its own, as an operator would try Plimsoll against it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "adapters.exchanges.wire", "--json", "--state-dir", str(state_dir)),
        cwd=CHECKOUT,
        env=child_environment(),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            line = await process.stdout.readline()
        yield VenueDesk(msgspec.convert(json.loads(line), VenueFacts))
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await process.wait()


@asynccontextmanager
async def venue_here(state_dir: Path) -> AsyncIterator[VenueDesk]:
    """The same venue within the test's own process: many of them cost little."""
    async with WireVenue(state_dir) as venue:
        facts = VenueFacts(
            proxy_url=venue.proxy_url,
            ca_file=venue.ca_file,
            control_url=venue.control_url,
            api_key=venue.api_key,
            secret=venue.secret,
        )
        yield VenueDesk(facts)


def quantities(orders: Sequence[Order]) -> list[Decimal]:
    """What the orders are about, in order of arrival."""
    return [order.quantity for order in orders]


def _order(row: dict[str, Any]) -> Order:
    ticket = row["ticket"]
    way_out = {"long": "sell", "short": "buy"}.get(ticket["position_side"])
    return Order(
        client_order_id=ticket["client_order_id"],
        side=ticket["side"],
        quantity=Decimal(ticket["quantity"]),
        price=None if ticket["price"] is None else Decimal(ticket["price"]),
        closes=ticket["reduce_only"] or ticket["side"] == way_out,
        is_stop=ticket["trigger_price"] is not None,
        position_side=ticket["position_side"],
        filled=Decimal(row.get("filled", "0")),
        refused_code=row.get("refused_code"),
        symbol=ticket["symbol"],
    )
