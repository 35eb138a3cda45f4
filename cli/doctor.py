"""`plimsoll doctor`: what a careful operator checks before the night."""

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec
import rich_click as click

from adapters.clock import SystemClock
from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.logging import configure_logging
from adapters.notifying.notifier import Notifier, NotifierState
from adapters.postgres.alert_log import PostgresAlertLog
from adapters.postgres.checkup import examine
from adapters.postgres.event_log import PostgresEventLog
from application.book import Book
from application.loading import load_book, trading_accounts
from cli.answers import FAILED, Unusable, print_json
from cli.home import Home, without_password
from cli.notifiers import configured
from cli.rooms import connection_from_environment, prefix_of
from domain.order_terms import OrderStatus

Verdict = Literal["ok", "warning", "failed"]

SKEW_WARNING = timedelta(seconds=1)
DISK_WARNING_BYTES = 2 * 1024**3
STALE_AFTER = timedelta(seconds=60)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    check: str
    verdict: Verdict
    detail: str


@click.command(epilog="Example: plimsoll doctor --json. Exit codes: 0 sound, 1 something failed.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON line.")
def doctor(*, as_json: bool) -> None:
    """Check database, clock, disk, venues and what has been waiting too long."""
    configure_logging("error")
    findings = list(_findings(Home()))
    sound = all(finding.verdict != "failed" for finding in findings)
    if as_json:
        print_json({"sound": sound, "findings": findings})
    else:
        for finding in findings:
            click.echo(f"{finding.verdict:<8} {finding.check:<18} {finding.detail}")
    if not sound:
        raise SystemExit(FAILED)


def _findings(home: Home) -> Iterator[Finding]:
    yield _disk(home)
    try:
        with home.database() as url:
            yield _finding("database_url", "ok", without_password(url))
            yield from _database(url)
            yield from _notifiers(url, home)
            with PostgresEventLog(url) as log:
                books = [load_book(log, name) for name in trading_accounts(log)]
            for book in books:
                yield from _account(book)
    except (Unusable, OSError) as error:
        yield _finding("database", "failed", str(error))


def _disk(home: Home) -> Finding:
    place = home.data_dir
    while not place.exists():
        place = place.parent
    return disk_finding(shutil.disk_usage(place).free, home.data_dir)


def disk_finding(free: int, place: Path) -> Finding:
    """A disk that fills up, in bytes free, is a warning: trading goes on until it is full."""
    detail = f"{free // 1024**2} MiB free at {place}"
    if free >= DISK_WARNING_BYTES:
        return _finding("disk", "ok", detail)
    return _finding("disk", "warning", f"{detail}: keep {DISK_WARNING_BYTES // 1024**2} MiB free")


def skew_finding(ours: datetime, theirs: datetime) -> Finding:
    """How far our clock and the database's stand apart."""
    skew = abs(ours - theirs)
    detail = f"{skew.total_seconds():.3f} s to the database"
    if skew <= SKEW_WARNING:
        return _finding("clock_skew", "ok", detail)
    return _finding("clock_skew", "warning", f"{detail}: let both follow a time server")


def inbox_finding(now: datetime, waiting: int, oldest: datetime | None) -> Finding:
    """Inputs that wait for an engine, and since when."""
    detail = f"{waiting} inputs wait"
    if oldest is None:
        return _finding("inbox", "ok", detail)
    detail += f", the oldest since {oldest.astimezone(UTC).isoformat()}"
    if now - oldest <= STALE_AFTER:
        return _finding("inbox", "ok", detail)
    return _finding("inbox", "warning", f"{detail}: see that `plimsoll serve` runs")


def notifier_finding(state: NotifierState, waiting: int) -> Finding:
    """Who is told of alerts, and how many it has not heard of yet."""
    check = f"notifier {state.name}"
    if not state.failures:
        sent = f"last told at {state.sent_at.isoformat()}" if state.sent_at else "not needed yet"
        return _finding(check, "ok", f"{sent}, {waiting} alerts wait")
    since = state.failing_since.isoformat() if state.failing_since else "its start"
    return _finding(
        check,
        "warning",
        f"fails since {since} ({state.failures} tries, {waiting} alerts wait): {state.trouble}: see"
        f" `plimsoll notify test {state.name}`",
    )


def _notifiers(url: str, home: Home) -> list[Finding]:
    try:
        notifiers = configured(home)
    except ValueError as error:
        return [_finding("notifiers", "failed", str(error))]
    if not notifiers:
        detail = "nobody is told of alerts: see `plimsoll notify add --help`"
        return [_finding("notifiers", "ok", detail)]
    return asyncio.run(_notifiers_of(url, notifiers))


async def _notifiers_of(url: str, notifiers: Sequence[Notifier]) -> list[Finding]:
    log = PostgresAlertLog(url)
    try:
        known = {state.name: state for state in await log.states()}
        found = []
        for notifier in notifiers:
            state = known.get(notifier.name, NotifierState(name=notifier.name, position=0))
            waiting = sum(map(notifier.wants, await log.after(notifier.name)))
            found.append(notifier_finding(state, waiting))
        return found
    finally:
        await log.close()


def _database(url: str) -> Iterator[Finding]:
    seen = examine(url)
    yield _finding("database", "ok", seen.server)
    now = SystemClock().now()
    yield skew_finding(now, seen.now)
    if seen.is_confined:
        yield _finding("database_role", "ok", "the engine can append and read only")
    else:
        detail = "no role of its own: only the triggers protect the log; allow CREATE ROLE"
        yield _finding("database_role", "warning", detail)
    yield inbox_finding(now, seen.inputs_waiting, seen.oldest_input_at)


def _account(book: Book) -> Iterator[Finding]:
    name = book.account_name
    if not book.is_opened:
        yield _finding(name, "warning", "registered, but no engine has opened it yet")
        return
    now = SystemClock().now()
    unknown = [
        order.request.client_order_id
        for order in book.orders()
        if order.status is OrderStatus.UNKNOWN
        and order.unknown_since is not None
        and now - order.unknown_since > STALE_AFTER
    ]
    yield _finding(
        f"{name}: orders",
        "warning" if unknown else "ok",
        f"unknown for over a minute: {', '.join(unknown)}" if unknown else "none is unknown",
    )
    differing = sorted({found.symbol for found in book.holdings.discrepancies.values()})
    yield _finding(
        f"{name}: positions",
        "warning" if differing else "ok",
        f"venue and books differ: {', '.join(differing)}" if differing else "no discrepancy",
    )
    state = book.risk.trading_state
    yield _finding(f"{name}: trading", "ok" if state == "active" else "warning", f"state {state}")
    if not book.account.opened.paper:
        yield asyncio.run(_venue(book))


async def _venue(book: Book) -> Finding:
    name, opened = book.account_name, book.account.opened
    try:
        connection = connection_from_environment(name, opened.venue)
        exchange = CcxtExchange(connection, prefix_of(opened, name), SystemClock())
    except (LookupError, ValueError) as error:
        return _finding(f"{name}: venue", "failed", str(error))
    try:
        await exchange.start()
        balance = await exchange.balance(opened.currency)
    except ConnectionError as error:
        return _finding(f"{name}: venue", "failed", f"{opened.venue} not reached: {error}")
    finally:
        await exchange.close()
    detail = f"{opened.venue} reached, {balance.free} {balance.currency} free"
    return _finding(f"{name}: venue", "ok", detail)


def _finding(check: str, verdict: Verdict, detail: str) -> Finding:
    return Finding(check=check, verdict=verdict, detail=detail)
