"""One trade's way through a house to which things happen on the way, proven in the end."""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec

from domain.money import ZERO
from tests.e2e.alerts import Kind, alert, post
from tests.e2e.live_account import (
    LogReader,
    assert_books_are_the_venues,
    assert_each_order_once,
    assert_provable,
    webhook_url,
)
from tests.e2e.mortal import Mortal
from tests.e2e.plimsoll import Installation
from tests.e2e.venue_desk import Order, VenueDesk
from tests.e2e.waiting import until

# An order that is not found counts as absent only after half a minute of asking.
STEP_SECONDS_MAX = 200.0

Stands = Callable[[], Awaitable[bool]]


class Resting(msgspec.Struct, frozen=True, kw_only=True):
    """How many orders of each kind rest at the venue."""

    entries: int = 0
    exits: int = 0
    stops: int = 0


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """A house, its venue and its log, with what a trader does and waits for."""

    mortal: Mortal
    installation: Installation
    venue: VenueDesk
    log: LogReader
    timeframe: str

    async def send(self, kind: Kind, price: str = "59900", timeframe: str = "") -> None:
        """Until it was answered with 202, as a sender does who is not given up on."""
        secret = self.installation.webhook_secret("main")
        body = alert(secret, timeframe=timeframe or self.timeframe, price=price, kind=kind)

        async def taken() -> bool:
            house = await self.mortal.alive()
            try:
                status, _ = await post(webhook_url(house), body)
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                return False
            return status == 202

        await until(taken, f"the {kind} was answered with 202", words=self.mortal.words)

    async def settled(self, stands: Stands, awaited: str) -> None:
        """Until it stands so, and of each order it is known whether the venue has it."""

        async def ask() -> bool:
            return await stands() and not await self.log.unsettled()

        await until(ask, awaited, words=self.mortal.words, seconds=STEP_SECONDS_MAX)

    async def rests(
        self, *, entries: int = 0, exits: int = 0, stops: int = 0, foreign: Decimal = ZERO
    ) -> None:
        """Until so many orders rest, and exits as well as stops are for all but what is foreign."""
        wanted = Resting(entries=entries, exits=exits, stops=stops)

        async def stands() -> bool:
            return await self._resting() == wanted and await self._is_offered(wanted, foreign)

        await self.settled(stands, f"{wanted} at the venue")

    async def closed(self, groups: int) -> None:
        """Until so many groups are closed; the last one leaves no order behind."""

        async def stands() -> bool:
            return await self.log.count("position_group.closed.v1") == groups

        await self.settled(stands, f"{groups} groups are closed")

    async def happened(self, name: str, count: int = 1) -> None:
        """Until this event is in the log so often."""

        async def stands() -> bool:
            return await self.log.count(name) >= count

        await self.settled(stands, f"{count} times {name}")

    async def alerts(self, kind: str) -> int:
        """How often the operator was told of this."""
        raised = await self.log.states("trading_day.alert_raised.v1")
        return sum(alert["kind"] == kind for alert in raised)

    async def reasons_to_close(self) -> list[str]:
        """Why each group was closed, in order."""
        states = await self.log.states("position_group.closing.v1")
        return [str(state["reason"]) for state in states]

    async def sales(self, purpose: str) -> list[Decimal]:
        """Contracts that each order of this purpose traded; those that never did are left out."""
        traded: dict[str, Decimal] = {
            order["client_order_id"]: ZERO
            for order in await self.log.states("order.requested.v1")
            if order["purpose"] == purpose
        }
        for fill in await self.log.states("order.filled.v1"):
            if fill["client_order_id"] in traded:
                traded[fill["client_order_id"]] += Decimal(fill["quantity"])
        return [quantity for quantity in traded.values() if quantity]

    async def assert_nothing_lost_or_doubled(
        self, admitted: int, refused: Sequence[str] = ()
    ) -> None:
        """Call once the house has closed. `refused`: the venue's codes of what it did not take."""
        outcomes = [state["outcome"] for state in await self._judged()]
        assert outcomes.count("admitted") == admitted, outcomes
        # Handled again before the market's price is known again, a signal waits for it.
        assert set(outcomes) <= {"admitted", "queued", "duplicate", "no_effect"}, outcomes
        assert await self.log.count("trading_day.input_failed.v1") == 0
        assert await self.log.count("dca_leg.excess_sold.v1") == 0
        assert await self.log.count("trading_day.report_unmatched.v1") == 0
        await assert_each_order_once(self.log.url, self.venue, refused)
        await assert_books_are_the_venues(self.log.url, self.venue)
        await assert_provable(self.log.url)

    async def _judged(self) -> list[dict[str, Any]]:
        return await self.log.states("trading_day.signal_judged.v1")

    async def _resting(self) -> Resting:
        return Resting(
            entries=len(await self.venue.entries()),
            exits=len(await self.venue.exits()),
            stops=len(await self.venue.stops()),
        )

    async def _is_offered(self, wanted: Resting, foreign: Decimal) -> bool:
        """Whether exits, and stops, are for all that is ours, neither more nor less."""
        positions = await self.venue.positions()
        held = sum((abs(positions[name]) for name in positions), -foreign)
        exits, stops = await self.venue.exits(), await self.venue.stops()
        return (not wanted.exits or _rest(exits) == held) and (
            not wanted.stops or _rest(stops) == held
        )


def _rest(orders: Sequence[Order]) -> Decimal:
    return sum((order.quantity - order.filled for order in orders), ZERO)


def price_of(order: Order) -> Decimal:
    """The limit of an order that must have one."""
    assert order.price is not None, f"{order} rests without a price"
    return order.price
