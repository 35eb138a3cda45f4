"""`plimsoll serve`: work the accounts of this installation."""

import asyncio

import rich_click as click

from adapters.logging import configure_logging
from adapters.postgres.event_log import PostgresEventLog
from application.loading import trading_accounts
from cli.answers import fail, print_json
from cli.home import Home
from cli.house import House, HouseOptions
from cli.port import require_free
from cli.serving import keep_open


@click.command(epilog="Example: DATABASE_URL=postgresql://… plimsoll serve --port 8000")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port; 0 takes a free one.")
@click.option("--seed", default=1, show_default=True, help="Seed of paper accounts' markets.")
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    help="Address or network whose X-Forwarded-For is believed; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print addresses and log lines as JSON.")
def serve(
    host: str, port: int, seed: int, trusted_proxies: tuple[str, ...], *, as_json: bool
) -> None:
    """Run webhook, engine, dashboard and API for every account that was added."""
    configure_logging("info", as_json=as_json)
    home = Home()
    options = HouseOptions(host=host, port=port, seed=seed, trusted_proxies=trusted_proxies)
    try:
        require_free(host, port)
        with home.database() as url:
            with PostgresEventLog(url) as log:
                accounts = trading_accounts(log)

            def announce(house: House) -> None:
                _announce(house, accounts, as_json=as_json)

            asyncio.run(keep_open(url, home, options, announce))
    except (OSError, ValueError, RuntimeError) as error:
        fail(str(error))


def _announce(house: House, accounts: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "dashboard_url": house.sign_in_url(),
                "api_url": f"{house.base_url}/api/v1",
                "webhook_url": f"{house.base_url}/webhook/",
                "accounts": accounts,
            }
        )
        return
    click.echo(f"Plimsoll is open at {house.base_url}; sign in: {house.sign_in_url()}")
    if not accounts:
        click.echo("There is no account yet: add one with `plimsoll accounts add --help`.")
