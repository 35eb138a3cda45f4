"""A live account of Plimsoll at a wire venue: added, opened, proven in the end."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import psycopg

from adapters.postgres.audit import verify_log
from adapters.postgres.event_log import PostgresEventLog
from application.loading import load_book
from application.processes.positions import expected_positions
from application.processes.protection import unprotected_legs
from application.replay import replay_day
from tests.e2e.plimsoll import Api, House, Installation
from tests.e2e.venue_desk import BTC, Order, VenueDesk
from tests.e2e.waiting import until

ACCOUNT = "main"
# Marks of the allowed symbols are followed from the start: the first signal finds one.
SETTINGS: Mapping[str, Any] = {"risk": {"symbols_allowed": [BTC]}}

_UNSETTLED = """
    SELECT count(*) FROM (
        SELECT DISTINCT ON (originator_id) topic FROM plimsoll.events
        WHERE originator_id LIKE 'order:%' AND topic <> ALL ($1)
        ORDER BY originator_id, originator_version DESC
    ) AS newest WHERE topic IN ('order.requested.v1', 'order.unknown.v1', 'order.resent.v1')
"""
# They leave an order where it was: asked for, or unknown.
_PASSING = ["order.missed.v1", "order.cancel_requested.v1", "order.trades_missing.v1"]


async def add_account(
    installation: Installation, settings: Mapping[str, Any] = SETTINGS, account: str = ACCOUNT
) -> str:
    """`plimsoll accounts add` against the venue; the webhook secret."""
    path = installation.data_dir / "settings.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    added = await installation.run("accounts", "add", account, "--settings", str(path), "--json")
    return str(added.document()["webhook_secret"])


class LogReader:
    """What the event log of one database says, read past the engine."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def count(self, name: str) -> int:
        """How often an event of this NAME happened."""
        query = "SELECT count(*) FROM plimsoll.events WHERE topic = $1"
        return int(await self._value(query, name))

    async def unsettled(self) -> int:
        """Orders of which nobody knows yet whether the venue has them."""
        return int(await self._value(_UNSETTLED, _PASSING))

    async def waiting(self) -> int:
        """Inputs that are durable and not handled yet."""
        return int(await self._value("SELECT count(*) FROM plimsoll.inbox"))

    async def has_mark(self, symbol: str = BTC) -> bool:
        """Whether the engine heard the market's price within the last seconds."""
        query = """SELECT count(*) FROM plimsoll.live_marks
            WHERE symbol = $1 AND at > clock_timestamp() - interval '10 seconds'"""
        return bool(await self._value(query, symbol))

    async def states(self, name: str) -> list[dict[str, Any]]:
        """The stored events of this NAME, in commit order."""
        query = """SELECT convert_from(state, 'UTF8') AS state FROM plimsoll.events
            WHERE topic = $1 ORDER BY notification_id"""
        connection = await asyncpg.connect(self.url)
        try:
            rows = await connection.fetch(query, name)
            return [json.loads(row["state"])["event"] for row in rows]
        finally:
            await connection.close()

    async def days(self, account: str = ACCOUNT) -> list[str]:
        """The UTC days of an account; two, if midnight passed meanwhile."""
        query = """SELECT string_agg(DISTINCT split_part(originator_id, ':', 3), ',')
            FROM plimsoll.events WHERE originator_id LIKE 'trading_day:' || $1 || ':%'"""
        return str(await self._value(query, account)).split(",")

    async def _value(self, query: str, *arguments: object) -> Any:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()


async def opened(installation: Installation, url: str, **variables: str) -> House:
    """`plimsoll serve`, until the account takes signals and knows the price."""
    house = await installation.open("serve", "--port", "0", "--json", **variables)
    log = LogReader(url)
    await until(log.has_mark, "the engine has a mark of the market", words=house.words)
    return house


def webhook_url(house: House, account: str = ACCOUNT) -> str:
    """Where alerts of the account go."""
    return f"{house.base_url}/webhook/{account}"


def api_of(house: House, installation: Installation, account: str = ACCOUNT) -> Api:
    """The API, with the installation's token."""
    return Api(house, installation.secrets()["api_token"], account)


async def assert_provable(url: str, account: str = ACCOUNT) -> None:
    """Every day replays to the same bytes and the chain is whole. Call after the house closed."""
    days = await LogReader(url).days(account)
    await asyncio.to_thread(_assert_provable, url, account, days)


def _assert_provable(url: str, account: str, days: list[str]) -> None:
    with PostgresEventLog(url) as log:
        for day in days:
            report = replay_day(log, account, day)
            assert report.identical, report.difference
    with psycopg.connect(url) as connection:
        for name, verdict in verify_log(connection, {}).items():
            assert verdict.intact, (name, verdict)


async def assert_each_order_once(url: str, desk: VenueDesk, refused: Sequence[str] = ()) -> None:
    """Each order of the log reached the venue once and was taken; the venue got no others.

    `refused` are the codes the venue did not take others with. An entry that came too late for
    its market is never sent, and the log says so.
    """
    log = LogReader(url)
    requested = [state["client_order_id"] for state in await log.states("order.requested.v1")]
    expired = {state["client_order_id"] for state in await log.states("order.expired.v1")}
    received = [order.client_order_id for order in await desk.received()]
    assert await desk.doubled() == {}
    assert {order.refused_code for order in await desk.refused()} == set(refused)
    assert sorted(received) == sorted(set(requested) - expired)
    assert len(set(requested)) == len(requested)


async def assert_books_are_the_venues(url: str, desk: VenueDesk, account: str = ACCOUNT) -> None:
    """The same orders work, the same is held, every lot is offered or its price is watched."""
    await asyncio.to_thread(
        _assert_books, url, account, await desk.positions(), await desk.working()
    )


def _assert_books(
    url: str, account: str, positions: dict[str, Decimal], working: Sequence[Order]
) -> None:
    with PostgresEventLog(url) as log:
        book = load_book(log, account)
    expected = {
        symbol if side == "both" else f"{symbol}|{side}": quantity
        for (symbol, side), quantity in expected_positions(book).items()
        if quantity
    }
    assert positions == expected
    known = sorted(order.request.client_order_id for order in book.working_orders())
    assert sorted(order.client_order_id for order in working) == known
    for group in book.open_groups():
        assert unprotected_legs(book, group) == (), group.opened.group_id


def data_dir_of(parent: Path, name: str) -> Path:
    """A directory of an installation of its own."""
    path = parent / name
    path.mkdir()
    return path
