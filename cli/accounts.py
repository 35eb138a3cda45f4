"""`plimsoll accounts`: add accounts and see them."""

import asyncio
from decimal import Decimal, InvalidOperation
from pathlib import Path

import rich_click as click

from adapters.clock import SystemClock
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.logging import configure_logging
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.inbox_writer import AsyncInbox
from application.inputs import AccountRegistered, InstrumentsSeen
from application.loading import trading_accounts
from cli.answers import fail, print_json
from cli.home import Home
from cli.rooms import connection_from_environment
from cli.settings_file import usable_settings
from domain.identity import ACCOUNT_PATTERN, HOUSE, installation_prefix
from domain.instrument import Instrument
from domain.settings import Settings


@click.group(epilog="Example: plimsoll accounts list")
def accounts() -> None:
    """Add accounts, list them."""


@accounts.command("list", epilog="Example: plimsoll accounts list --json")
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON line.")
def list_accounts(*, as_json: bool) -> None:
    """The accounts in the log."""
    with Home().database() as url, PostgresEventLog(url) as log:
        names = trading_accounts(log)
    if as_json:
        print_json({"accounts": names})
    else:
        click.echo("\n".join(names) or "There is no account yet.")


@accounts.command(
    "add",
    epilog="Example: PLIMSOLL_MAIN_API_KEY=… PLIMSOLL_MAIN_API_SECRET=… plimsoll accounts add main",
)
@click.argument("account")
@click.option("--venue", default="binanceusdm", show_default=True, help="ccxt id of the venue.")
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file; what it leaves out has its default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON line.")
def add(account: str, venue: str, settings_file: Path | None, *, as_json: bool) -> None:
    """Add a live account whose keys are in the environment.

    The venue is asked for its markets and the free balance; the running engine takes the
    account over at its next start, or at once if it is running.
    """
    configure_logging("warning")
    if not ACCOUNT_PATTERN.fullmatch(account):
        fail(
            f"ACCOUNT was {account!r}: use lower-case letters, digits and dashes, at most 31,"
            " beginning with a letter or digit"
        )
    if account == HOUSE:
        fail(f"ACCOUNT was {HOUSE!r}, where the installation keeps its own facts: choose another")
    try:
        settings = Settings()
        if settings_file is not None:
            settings = usable_settings(settings_file, settings_file.read_bytes())
        with Home().database() as url:
            secret = asyncio.run(_add(url, Home(), account, venue, settings))
    except (LookupError, ValueError, OSError) as error:
        fail(str(error))
    if as_json:
        print_json({"account_id": account, "webhook_secret": secret})
    else:
        click.echo(f"Account {account} was added. Its webhook secret: {secret}")


async def _add(url: str, home: Home, account: str, venue: str, settings: Settings) -> str:
    with PostgresEventLog(url) as log:
        if account in log.accounts():
            raise ValueError(f"ACCOUNT was {account!r}, which exists already: choose another name")
    installation = home.secrets().installation
    free, instruments = await _asked(account, venue, installation, settings.capital.currency)
    registered = AccountRegistered(
        installation=installation,
        venue=venue,
        market_kind="linear",
        paper=False,
        currency=settings.capital.currency,
        starting_balance=settings.capital.allocation or free,
        settings=settings,
        actor="plimsoll accounts add",
    )
    async with AsyncInbox(url) as inbox:
        await inbox.put(account, registered)
        await inbox.put(account, InstrumentsSeen(instruments=instruments))
    return home.account_secrets(account).webhook_secret


async def _asked(
    account: str, venue: str, installation: str, currency: str
) -> tuple[Decimal, tuple[Instrument, ...]]:
    """Free balance and markets, as the venue tells them. Raises ConnectionError."""
    prefix = installation_prefix(installation, account)
    exchange = CcxtExchange(connection_from_environment(account, venue), prefix, SystemClock())
    try:
        await exchange.start()
        balance = await exchange.balance(currency)
        return balance.free, tuple(exchange.instruments.values())
    except InvalidOperation as error:
        raise ValueError(f"{venue} told a balance that is no number: {error}") from error
    finally:
        await exchange.close()
