"""`plimsoll notify`: who is told of alerts outside the house."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import rich_click as click

from adapters.clock import SystemClock
from adapters.notifying.delivery import deliver
from adapters.notifying.letter import Letter, Receipt
from adapters.notifying.notifier import NAME_PATTERN, SEVERITIES, Notifier
from adapters.postgres.alert_log import PostgresAlertLog
from application.journal import LogUnavailable
from cli.answers import FAILED, fail, print_json
from cli.home import Home
from cli.notifiers import ENVIRONMENT_PREFIX, VARIABLE, configured
from domain.day_terms import AlertSeverity
from domain.identity import ACCOUNT_PATTERN

AT_NEXT_START = "a running house takes it up at its next start"


@click.group(epilog="Example: plimsoll notify list")
def notify() -> None:
    """Who is told of alerts: add, list, remove, test (Telegram, e-mail, webhooks, …).

    Addresses are Apprise's, and secrets: they stand in the installation's secrets file, or in
    PLIMSOLL_NOTIFY, one a line, and are never shown. One target an address: an address of
    several is sent to all of them again when one of them fails.
    """


@notify.command(epilog="Example: plimsoll notify add phone tgram://TOKEN/CHAT --severity critical")
@click.argument("name")
@click.argument("url")
@click.option(
    "--severity",
    type=click.Choice(SEVERITIES),
    default="warning",
    show_default=True,
    help="The least that is told.",
)
@click.option("--account", "accounts", multiple=True, help="Only of this account; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON line.")
def add(
    name: str, url: str, severity: AlertSeverity, accounts: tuple[str, ...], *, as_json: bool
) -> None:
    """Tell NAME at URL of every alert from now on. URL - reads it from standard input."""
    address = sys.stdin.readline().strip() if url == "-" else url.strip()
    notifier = Notifier(name=name, url=address, severity=severity, accounts=accounts)
    try:
        home = Home()
        kept = home.secrets().notifiers
        _require_usable(notifier, kept)
        with home.database() as database:
            _noted(database, lambda log: log.begin_anew(name))
        home.keep_notifiers((*kept, notifier))
    except (ValueError, OSError, LogUnavailable) as error:
        fail(str(error))
    if as_json:
        print_json(_row(notifier))
    else:
        click.echo(f"{name} is told from now on: {AT_NEXT_START}. Try `plimsoll notify test`.")


@notify.command("list", epilog="Example: plimsoll notify list --json")
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON line.")
def list_notifiers(*, as_json: bool) -> None:
    """Who is told of what. How they do is told by `plimsoll doctor`."""
    rows = [_row(notifier) for notifier in _all()]
    if as_json:
        print_json({"notifiers": rows})
        return
    lines = [
        f"{row['name']:<16} {row['url']:<20} {row['severity']} and above,"
        f" {', '.join(row['accounts']) or 'every account'}"
        for row in rows
    ]
    click.echo("\n".join(lines) or "Nobody is told: see `plimsoll notify add --help`.")


@notify.command(epilog="Example: plimsoll notify remove phone")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON line.")
def remove(name: str, *, as_json: bool) -> None:
    """Tell NAME nothing more, also while the house runs."""
    if name.startswith(ENVIRONMENT_PREFIX):
        fail(f"NAME was {name!r}, which stands in {VARIABLE}: take it out there")
    try:
        home = Home()
        kept = home.secrets().notifiers
        _require_known(name, kept)
        with home.database() as database:
            _noted(database, lambda log: log.forget(name))
        home.keep_notifiers([each for each in kept if each.name != name])
    except (ValueError, OSError, LogUnavailable) as error:
        fail(str(error))
    if as_json:
        print_json({"name": name, "outcome": "removed"})
    else:
        click.echo(f"{name} is told nothing more.")


@notify.command(
    epilog="Example: plimsoll notify test phone. Exit codes: 0 all sent, 1 one was not, or none is."
)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON line.")
def test(name: str | None, *, as_json: bool) -> None:
    """Send one message now, to NAME or to everybody."""
    chosen = _all()
    if name is not None:
        _require_known(name, chosen)
        chosen = tuple(each for each in chosen if each.name == name)
    if not chosen:
        fail("nobody is told of alerts: see `plimsoll notify add --help`")
    receipts = asyncio.run(_tried(chosen))
    outcomes = [
        {"name": each.name, "sent": receipt.sent, "reason": receipt.reason}
        for each, receipt in zip(chosen, receipts, strict=True)
    ]
    if as_json:
        print_json({"notifiers": outcomes})
    for each, receipt in zip(chosen, receipts, strict=True):
        if not receipt.sent:
            click.echo(f"plimsoll: {each.name} was not reached: {receipt.reason}", err=True)
        elif not as_json:
            click.echo(f"{each.name} was told.")
    if not all(receipt.sent for receipt in receipts):
        raise SystemExit(FAILED)


async def _tried(chosen: Sequence[Notifier]) -> list[Receipt]:
    now = SystemClock().now()
    letters = (
        Letter(
            url=each.url,
            title="[Plimsoll] INFO test",
            body=f"This is a test of {each.name}, sent at {now:%Y-%m-%d %H:%M:%S} UTC.",
        )
        for each in chosen
    )
    return await asyncio.gather(*(deliver(letter) for letter in letters))


def _all() -> tuple[Notifier, ...]:
    try:
        return configured(Home())
    except (ValueError, OSError) as error:
        fail(str(error))


def _require_usable(notifier: Notifier, kept: Sequence[Notifier]) -> None:
    name = notifier.name
    if not NAME_PATTERN.fullmatch(name) or name.startswith(ENVIRONMENT_PREFIX):
        fail(
            f"NAME was {name!r}: use lower-case letters, digits and dashes, at most 31, beginning"
            f" with a letter or digit, but not with {ENVIRONMENT_PREFIX}"
        )
    if any(each.name == name for each in kept):
        fail(f"NAME was {name!r}, which exists already: remove it first, or choose another")
    for account in notifier.accounts:
        if not ACCOUNT_PATTERN.fullmatch(account):
            fail(f"--account was {account!r}: see `plimsoll accounts list`")
    receipt = asyncio.run(deliver(Letter(url=notifier.url)))
    if not receipt.sent:
        fail(
            f"URL was {notifier.masked}: {receipt.reason}: write it as Apprise has it, as"
            " tgram://TOKEN/CHAT, mailtos://USER:PASSWORD@HOST or jsons://HOST/PATH"
        )


def _require_known(name: str, notifiers: Sequence[Notifier]) -> None:
    if all(each.name != name for each in notifiers):
        fail(f"NAME was {name!r}, which nobody bears: see `plimsoll notify list`")


def _row(notifier: Notifier) -> dict[str, Any]:
    in_environment = notifier.name.startswith(ENVIRONMENT_PREFIX)
    return {
        "name": notifier.name,
        "url": notifier.masked,
        "severity": notifier.severity,
        "accounts": notifier.accounts,
        "kept_in": "environment" if in_environment else "secrets",
    }


def _noted(database: str, work: Callable[[PostgresAlertLog], Awaitable[None]]) -> None:
    async def done() -> None:
        log = PostgresAlertLog(database)
        try:
            await work(log)
        finally:
            await log.close()

    asyncio.run(done())
