"""One signal from TradingView's alert to a closed trade, and everything said of it afterwards."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.alerts import accepted, alert
from tests.e2e.databases import Databases
from tests.e2e.live_account import (
    ACCOUNT,
    LogReader,
    add_account,
    api_of,
    assert_each_order_once,
    assert_provable,
    data_dir_of,
    opened,
    webhook_url,
)
from tests.e2e.plimsoll import Api, House, Installation
from tests.e2e.venue_desk import Order, VenueDesk, quantities, venue_process
from tests.e2e.waiting import until

D = Decimal
ENTRIES = [D("60000"), D("59700"), D("59400"), D("59100"), D("58800")]
# Average fill x (1 + take-profit %), up to the tick of 0.1: 1, 0.5, 2, 1.5 and 1 %.
TARGETS = [D("60600"), D("59998.5"), D("60588"), D("59986.5"), D("59388")]


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """All that a test of the journey holds."""

    installation: Installation
    house: House
    venue: VenueDesk
    log: LogReader
    api: Api
    secret: str

    async def send(self, body: str, content_type: str = "application/json") -> str:
        return await accepted(webhook_url(self.house), body, content_type)

    async def outcome(self, signal_id: str) -> tuple[str, str]:
        async def judged() -> tuple[str, str] | None:
            return (await self.api.outcomes()).get(signal_id)

        return await until(judged, f"signal {signal_id} has an outcome", words=self.house.words)

    async def orders(self, entries: int, exits: int) -> tuple[list[Order], list[Order]]:
        """The working orders, once there are this many and the engine knows each of them."""

        async def stand() -> bool:
            counts = (len(await self.venue.entries()), len(await self.venue.exits()))
            return counts == (entries, exits) and not await self.log.unsettled()

        awaited = f"{entries} entries and {exits} exits rest at the venue"
        await until(stand, awaited, words=self.house.words)
        return await self.venue.entries(), await self.venue.exits()

    async def closed(self, count: int) -> list[dict[str, Any]]:
        """The groups, once the API shows this many of them closed."""

        async def shown() -> list[dict[str, Any]]:
            groups = await self.api.groups()
            closed = [group for group in groups if group["state"] == "CLOSED"]
            return groups if len(closed) == count else []

        return await until(shown, f"{count} groups are closed", words=self.house.words)


@pytest.fixture
async def desk(private_dir: Path, databases: Databases) -> AsyncIterator[Desk]:
    url = databases.make()
    async with venue_process(private_dir / "venue") as venue:
        variables = venue.facts.variables(ACCOUNT)
        installation = Installation(data_dir_of(private_dir, "home"), url, variables)
        try:
            secret = await add_account(installation)
            house = await opened(installation, url)
            yield Desk(
                installation=installation,
                house=house,
                venue=venue,
                log=LogReader(url),
                api=api_of(house, installation),
                secret=secret,
            )
        finally:
            await installation.close()


@pytest.mark.timeout(300)
async def test_a_signal_becomes_five_legs_takes_its_profits_and_is_proven(desk: Desk) -> None:
    signal = await desk.send(alert(desk.secret))
    assert (await desk.outcome(signal))[0] == "admitted"
    # The first leg's price is the market's: it is filled on arrival, the others rest.
    entries, exits = await desk.orders(entries=4, exits=1)
    legs = by_price([each for each in await desk.venue.received() if not each.closes])
    assert [order.price for order in legs] == ENTRIES
    assert [order.price for order in by_price(entries)] == ENTRIES[1:]
    assert [order.price for order in exits] == TARGETS[:1]
    await assert_the_ids_are_the_logs(desk)

    await fill_the_second_leg_in_two_parts(desk, legs[1])
    await desk.venue.move("58700")
    _, exits = await desk.orders(entries=0, exits=5)
    assert {order.price: order.quantity for order in exits} == dict(
        zip(TARGETS, quantities(legs), strict=True)
    )
    assert await desk.venue.position() == sum(quantities(exits))

    await desk.venue.move("60600")
    (group,) = await desk.closed(1)
    assert D(group["realized"]) > 0
    assert await desk.venue.position() == 0
    assert await desk.venue.working() == []
    assert (await desk.api.get("overview"))["open_groups"] == 0

    await add_a_pyramid_and_close_by_signal(desk)
    assert await desk.house.stop() == 0
    await assert_each_order_once(desk.log.url, desk.venue)
    await assert_provable(desk.log.url)
    await assert_the_commands_prove_it(desk)


def by_price(orders: list[Order]) -> list[Order]:
    """Highest first; they leave at once, so the order of arrival says nothing."""
    return sorted(orders, key=lambda order: order.price or D(0), reverse=True)


async def assert_the_ids_are_the_logs(desk: Desk) -> None:
    """What the venue was sent was in the log before, under the same id."""
    requested = {s["client_order_id"] for s in await desk.log.states("order.requested.v1")}
    assert {order.client_order_id for order in await desk.venue.received()} <= requested
    assert len(requested) == 6


async def fill_the_second_leg_in_two_parts(desk: Desk, leg: Order) -> None:
    """The lot's exit covers what was bought so far, then the whole, at the price of the fills."""
    await desk.venue.move("59750")
    await desk.venue.fill(leg.client_order_id, "0.001")
    _, exits = await desk.orders(entries=4, exits=2)
    (part,) = [order for order in exits if order.price == TARGETS[1]]
    assert part.quantity == D("0.001")

    await desk.venue.fill(leg.client_order_id, leg.quantity - D("0.001"))

    async def whole() -> list[Order]:
        exits = await desk.venue.exits()
        return [each for each in exits if (each.price, each.quantity) == (TARGETS[1], leg.quantity)]

    (amended,) = await until(whole, "the exit covers the whole lot", words=desk.house.words)
    assert amended.client_order_id != part.client_order_id
    await desk.orders(entries=3, exits=2)


async def add_a_pyramid_and_close_by_signal(desk: Desk) -> None:
    """TradingView says text/plain where a body is no JSON to it; both kinds open one trade."""
    first = await desk.send(alert(desk.secret, price="60600"), "text/plain")
    await desk.orders(entries=4, exits=1)
    pyramid = alert(desk.secret, price="60500")
    second, third = await desk.send(pyramid), await desk.send(pyramid)
    await desk.orders(entries=9, exits=1)

    assert (await desk.outcome(first))[0] == "admitted"
    assert (await desk.outcome(second))[0] == "admitted"
    assert (await desk.outcome(third))[0] == "duplicate"
    group = next(each for each in await desk.api.groups() if each["state"] != "CLOSED")
    assert (group["pyramids"], group["legs_total"], group["legs_filled"]) == (2, 10, 1)

    gone = await desk.send(alert(desk.secret, price="60600", kind="exit"))
    await desk.closed(2)
    assert (await desk.outcome(gone))[0] == "admitted"
    assert await desk.venue.position() == 0
    assert await desk.venue.working() == []

    ledger = (await desk.api.get("signals"))["ledger"]["counts"]
    assert ledger.pop("received") == sum(ledger.values()) == 5


async def assert_the_commands_prove_it(desk: Desk) -> None:
    """What an operator runs: replay, audit, rebuild, export; twice where sameness is the point."""
    run = desk.installation.run
    days = await desk.log.days()
    for day in days:
        assert (await run("replay", day, "--json")).document()["identical"] is True
    assert (await run("replay", "2001-01-01")).code == 2

    first = (await run("projections", "rebuild", "--json")).document()
    assert (await run("projections", "rebuild", "--json")).document() == first
    audit = (await run("audit", "verify", "--json")).document()
    assert (audit["intact"], audit["differing_tables"]) == (True, [])

    written = [await export(desk, days, copy) for copy in ("one", "two")]
    assert written[0] == written[1]
    assert len(written[0]) == 2


async def export(desk: Desk, days: list[str], copy: str) -> dict[str, bytes]:
    """The files of one export, by name."""
    out = desk.installation.data_dir / copy
    span = ("--from", days[0], "--to", days[-1])
    done = await desk.installation.run(
        "export", "trades", "--account", ACCOUNT, *span, "--out", str(out), "--json"
    )
    # Five entries in six fills, five exits; then one entry and one close.
    assert done.document()["rows"] == 13
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}
