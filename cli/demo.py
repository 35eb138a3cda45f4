"""`plimsoll demo`: a whole Plimsoll on this machine, with a paper account in a moving market."""

import asyncio
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import rich_click as click

from adapters.clock import SystemClock
from adapters.exchanges.simulated.candles import Move, candle_moves, read_candles
from adapters.exchanges.simulated.instruments import derive_instrument
from adapters.exchanges.simulated.market import DEMO_START_PRICES
from adapters.logging import configure_logging
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.inbox_writer import AsyncInbox
from application.inputs import AccountRegistered, InstrumentsSeen
from cli.answers import fail, print_json
from cli.desks import MovesOf
from cli.home import Home
from cli.house import House, HouseOptions
from cli.port import require_free
from cli.serving import keep_open
from domain.instrument import Instrument
from domain.message import MarkSeen
from domain.settings import Settings

ACCOUNT = "paper"
STARTING_BALANCE = Decimal(100_000)

CURL = """curl -sS -X POST {webhook_url} -H 'Content-Type: application/json' -d '{{
  "secret": "{webhook_secret}",
  "source": "tradingview",
  "timestamp": "'"$(date -u +%Y-%m-%dT%H:%M:%SZ)"'",
  "tv": {{"exchange": "BINANCE", "symbol": "BTCUSDT.P", "timeframe": "15", "action": "buy",
         "market_position": "long", "market_position_size": "0.1",
         "prev_market_position": "flat", "prev_market_position_size": "0"}},
  "strategy_info": {{"trade_id": "Long", "alert_name": "demo", "alert_message": "entry"}},
  "execution_intent": {{"type": "signal", "side": "buy", "position_size_type": "contracts",
                       "amount": "0.1", "precision_mode": "auto", "strategy": "grid"}}
}}'"""


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where the demo can be reached, and with what."""

    dashboard_url: str
    api_url: str
    api_token: str
    webhook_url: str
    webhook_secret: str
    account_id: str


@click.command(epilog="Example: plimsoll demo --port 0 --json")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port; 0 takes a free one.")
@click.option("--seed", default=1, show_default=True, help="Seed of the market's wandering.")
@click.option(
    "--candles",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Move BTC along a recorded candle file (CSV or CSV.gz) instead, a move per step.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as one JSON line.")
def demo(host: str, port: int, seed: int, candles: Path | None, *, as_json: bool) -> None:
    """Run everything here: database, paper account, moving market, dashboard."""
    configure_logging("info" if as_json else "warning", as_json=as_json)
    home = Home()
    try:
        options = HouseOptions(
            host=host, port=port, seed=seed, moves_of=_recorded(candles) if candles else None
        )
        require_free(host, port)
        with home.database() as url:
            asyncio.run(_run(url, home, options, as_json=as_json))
    except (OSError, ValueError, RuntimeError) as error:
        fail(str(error))


async def _run(url: str, home: Home, options: HouseOptions, *, as_json: bool) -> None:
    await _ensure_account(url, home)

    def announce(house: House) -> None:
        addresses = _addresses(house)
        if as_json:
            print_json(addresses)
        else:
            _print_welcome(addresses)

    await keep_open(url, home, options, announce, ACCOUNT)


async def _ensure_account(url: str, home: Home) -> None:
    """The paper account, registered once and for all."""
    with PostgresEventLog(url) as log:
        if ACCOUNT in log.accounts():
            return
    home.account_secrets(ACCOUNT)
    registered = AccountRegistered(
        installation=home.secrets().installation,
        venue="simulated",
        market_kind="linear",
        paper=True,
        currency="USDT",
        starting_balance=STARTING_BALANCE,
        settings=Settings(),
        actor="plimsoll demo",
    )
    async with AsyncInbox(url) as inbox:
        await inbox.put(ACCOUNT, registered)
        await inbox.put(ACCOUNT, InstrumentsSeen(instruments=_instruments()))


def _instruments() -> tuple[Instrument, ...]:
    return tuple(
        derive_instrument(symbol, price) for symbol, price in sorted(DEMO_START_PRICES.items())
    )


def _recorded(path: Path) -> MovesOf:
    symbol = "BTC/USDT:USDT"
    # Read before anything opens: a bad row is the operator's to correct, now.
    rows = read_candles(path)

    def moves_of(_: Sequence[MarkSeen]) -> Iterator[Sequence[Move]]:
        for move in candle_moves(symbol, rows):
            yield [msgspec.structs.replace(move, at=SystemClock().now())]

    return moves_of


def _addresses(house: House) -> Addresses:
    return Addresses(
        dashboard_url=house.sign_in_url(),
        api_url=f"{house.base_url}/api/v1",
        api_token=house.home.secrets().api_token,
        webhook_url=f"{house.base_url}/webhook/{ACCOUNT}",
        webhook_secret=house.home.account_secrets(ACCOUNT).webhook_secret,
        account_id=ACCOUNT,
    )


def _print_welcome(addresses: Addresses) -> None:
    curl = CURL.format(webhook_url=addresses.webhook_url, webhook_secret=addresses.webhook_secret)
    click.echo(
        f"Plimsoll is open: a paper account with {STARTING_BALANCE:,} USDT in a moving market.\n\n"
        f"  dashboard   {addresses.dashboard_url}\n"
        f"  API         {addresses.api_url}\n"
        f"  API token   {addresses.api_token}\n\n"
        f"Send it a TradingView alert:\n\n{curl}\n\n"
        "Ctrl-C closes it; everything is kept for the next time."
    )
