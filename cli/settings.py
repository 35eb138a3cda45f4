"""`plimsoll settings`: the account's settings document, shown, defaulted and changed."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click

from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.inbox_writer import AsyncInbox
from application.book import Book
from application.inputs import SettingsSubmitted
from application.loading import load_book
from cli.answers import fail, print_json
from cli.home import Home
from cli.settings_file import usable_settings
from domain.settings import Settings
from domain.settings_document import render_settings
from domain.settings_outlook import outlook_of


@click.group(epilog="Example: plimsoll settings show --account paper")
def settings() -> None:
    """Show the settings, print the defaults, set new ones."""


@settings.command(epilog="Example: plimsoll settings defaults > settings.json")
def defaults() -> None:
    """Print the whole document with its defaults."""
    click.echo(render_settings(Settings()))


@settings.command(epilog="Example: plimsoll settings show --account paper")
@click.option("--account", default="paper", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print settings and outlook as one object.")
def show(account: str, *, as_json: bool) -> None:
    """Print the settings in force; beside them, what full groups may commit at most.

    Standard output is the document alone, so that it can be kept in a file and set again.
    """
    with Home().database() as url:
        book = _opened_book(url, account)
    ruling, refused = book.account.settings, book.account.refused
    if as_json:
        print_json(
            {
                "account": account,
                "version": book.account.settings_version,
                "settings": json.loads(render_settings(ruling)),
                "refused": None if refused is None else refused.refusal,
                **_outlook(ruling),
            }
        )
        return
    click.echo(render_settings(ruling))
    _tell_outlook(ruling, err=True)
    if refused is not None:
        click.echo(f"the last change, by {refused.actor}, was refused: {refused.refusal}", err=True)


@settings.command("set", epilog='Example: plimsoll settings set s.json --reason "smaller"')
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", default="paper", show_default=True)
@click.option("--actor", default="operator", show_default=True, help="Who changes them.")
@click.option("--reason", required=True, help="Why; it is kept with the change.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the input's id and the outlook as JSON."
)
def set_(file: Path, account: str, actor: str, reason: str, *, as_json: bool) -> None:
    """Check FILE as a whole and hand it to the engine. Open groups keep their own."""
    try:
        wanted = usable_settings(file, file.read_bytes())
    except (OSError, ValueError) as error:
        fail(str(error))
    submitted = SettingsSubmitted(settings=wanted, actor=actor, reason=reason)
    with Home().database() as url:
        _opened_book(url, account)
        input_id = asyncio.run(_put(url, account, submitted))
    if as_json:
        print_json({"input_id": input_id, **_outlook(wanted)})
    else:
        click.echo(f"handed over as input {input_id}; the engine takes it up when it runs")
        _tell_outlook(wanted)


def _outlook(of: Settings) -> dict[str, Any]:
    """As JSON knows it: amounts are texts."""
    told: dict[str, Any] = msgspec.to_builtins(outlook_of(of))
    return told


def _tell_outlook(of: Settings, *, err: bool = False) -> None:
    for line in outlook_of(of).told():
        click.echo(line, err=err)


def _opened_book(url: str, account: str) -> Book:
    with PostgresEventLog(url) as log:
        book = load_book(log, account)
    if not book.is_opened:
        fail(f"--account was {account!r}, which was never opened: see `plimsoll accounts list`")
    return book


async def _put(url: str, account: str, submitted: SettingsSubmitted) -> int:
    async with AsyncInbox(url) as inbox:
        return await inbox.put(account, submitted)
