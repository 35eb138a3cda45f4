"""A house with one account to measure: on paper, or live at the simulated exchange."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import psutil

from adapters.exchanges.simulated.instruments import derive_instrument
from adapters.exchanges.simulated.market import DEMO_START_PRICES
from adapters.postgres.inbox_writer import AsyncInbox
from application.inputs import AccountRegistered, InstrumentsSeen
from benchmarks.alerts import ACCOUNT, SYMBOL, small_trades
from benchmarks.bench import Bench
from benchmarks.processes import command, serving
from benchmarks.waiting import until
from cli.home import Home
from domain.settings import Settings

_FRESH_MARK = """
    SELECT count(*) FROM plimsoll.live_marks
    WHERE symbol = $1 AND at > clock_timestamp() - interval '10 seconds'
"""


class House(msgspec.Struct, frozen=True, kw_only=True):
    """Where a running house is, and what an alert for its account must carry."""

    base_url: str
    database_url: str
    secret: str
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time of the house alone, its database not counted, since it began."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    @property
    def webhook_url(self) -> str:
        """Where alerts of the account go."""
        return f"{self.base_url}/webhook/{ACCOUNT}"


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """Where a running simulated exchange is, and the keys of its one account."""

    proxy_url: str
    ca_file: str
    control_url: str
    api_key: str
    secret: str

    async def received(self) -> list[dict[str, Any]]:
        """Every create-order request that reached it, with the moment at which it was judged."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.control_url}/orders") as response,
        ):
            rows: list[dict[str, Any]] = await response.json()
            return rows


@asynccontextmanager
async def paper_house(bench: Bench, groups: int) -> AsyncIterator[House]:
    """A house whose account trades on the simulated venue inside its own process."""
    home, url = bench.fresh_directory("home"), bench.databases.make()
    secret = await _register_on_paper(url, Home(home), small_trades(groups))
    async with _serving(home, {"PLIMSOLL_DATA": str(home), "DATABASE_URL": url}, secret) as house:
        yield house


@asynccontextmanager
async def live_house(bench: Bench, venue: Venue, groups: int) -> AsyncIterator[House]:
    """A house whose account trades through unmodified ccxt at the simulated exchange."""
    home, url = bench.fresh_directory("home"), bench.databases.make()
    settings = home / "settings.json"
    settings.write_bytes(msgspec.json.encode(small_trades(groups)))
    variables = {
        "PLIMSOLL_DATA": str(home),
        "DATABASE_URL": url,
        f"PLIMSOLL_{ACCOUNT.upper()}_API_KEY": venue.api_key,
        f"PLIMSOLL_{ACCOUNT.upper()}_API_SECRET": venue.secret,
        "PLIMSOLL_PROXY_URL": venue.proxy_url,
        "PLIMSOLL_CA_FILE": venue.ca_file,
    }
    added = await command(
        *("cli", "accounts", "add", ACCOUNT, "--settings", str(settings), "--json"),
        directory=home,
        variables=variables,
    )
    async with _serving(home, variables, str(added["webhook_secret"])) as house:
        yield house


@asynccontextmanager
async def wire_venue(bench: Bench) -> AsyncIterator[Venue]:
    """The simulated exchange, speaking Binance USDⓈ-M's protocol, with prices that stand."""
    directory = bench.fresh_directory("venue")
    arguments = ("adapters.exchanges.wire", "--json", "--state-dir", str(directory))
    async with serving(arguments, directory, {}) as facts:
        yield msgspec.convert(facts, Venue)


@asynccontextmanager
async def _serving(home: Path, variables: Mapping[str, str], secret: str) -> AsyncIterator[House]:
    # Behind a trusted proxy each alert has a sender of its own, as the limit is per sender.
    arguments = ("cli", "serve", "--port", "0", "--trusted-proxy", "127.0.0.1", "--json")
    async with serving(arguments, home, variables) as facts:
        house = House(
            base_url=str(facts["api_url"]).removesuffix("/api/v1"),
            database_url=variables["DATABASE_URL"],
            secret=secret,
            pid=int(facts["pid"]),
        )
        await until(lambda: _knows_the_price(house), "the house to know the market's price")
        yield house


async def _knows_the_price(house: House) -> bool:
    connection = await asyncpg.connect(house.database_url)
    try:
        return bool(await connection.fetchval(_FRESH_MARK, SYMBOL))
    finally:
        await connection.close()


async def _register_on_paper(url: str, home: Home, settings: Settings) -> str:
    """What `plimsoll demo` does for its account, under our settings; the webhook secret."""
    registered = AccountRegistered(
        installation=home.secrets().installation,
        venue="simulated",
        market_kind="linear",
        paper=True,
        currency="USDT",
        starting_balance=Decimal(100_000),
        settings=settings,
        actor="benchmarks",
    )
    markets = tuple(derive_instrument(*listed) for listed in sorted(DEMO_START_PRICES.items()))
    async with AsyncInbox(url) as inbox:
        await inbox.put(ACCOUNT, registered)
        await inbox.put(ACCOUNT, InstrumentsSeen(instruments=markets))
    return home.account_secrets(ACCOUNT).webhook_secret
