"""`plimsoll replay`: run a recorded day again and prove that it comes out the same."""

import msgspec
import rich_click as click

from adapters.postgres.event_log import PostgresEventLog
from application.journal import EventLog
from application.loading import trading_accounts
from application.replay import ReplayReport, replay_day
from cli.answers import FAILED, NOT_FOUND, fail, print_json
from cli.day import parse_day
from cli.home import Home
from cli.version import VERSION
from domain.identity import stream_name


@click.command(
    epilog="Example: plimsoll replay 2026-01-05 --account paper. "
    "Exit codes: 0 identical, 1 different, 2 no such day or account."
)
@click.argument("day", metavar="DAY")
@click.option("--account", help="The account; needed only if there are several.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON line.")
def replay(day: str, account: str | None, *, as_json: bool) -> None:
    """Feed the recorded inputs of DAY (UTC, YYYY-MM-DD) to the same code, compare every byte."""
    try:
        parse_day("DAY", day)
    except ValueError as error:
        fail(str(error), NOT_FOUND)
    with Home().database() as url, PostgresEventLog(url) as log:
        chosen = _chosen(account, trading_accounts(log))
        _require_day(log, chosen, day)
        try:
            report = replay_day(log, chosen, day)
        except LookupError as error:
            fail(str(error))
    if as_json:
        print_json({**msgspec.structs.asdict(report), "running_version": VERSION})
    else:
        _print(report)
    if not report.identical:
        raise SystemExit(FAILED)


def _chosen(account: str | None, names: list[str]) -> str:
    known = ", ".join(names)
    if not names:
        fail("the log has no account yet: there is no day to replay", NOT_FOUND)
    if account is None and len(names) > 1:
        fail(f"there are {len(names)} accounts: name one of {known} with --account", NOT_FOUND)
    if account is not None and account not in names:
        fail(f"--account was {account!r}: the log has {known}", NOT_FOUND)
    return account or names[0]


def _require_day(log: EventLog, account: str, day: str) -> None:
    if log.day_start(stream_name("trading_day", account, day)) is not None:
        return
    newest = (log.last_day(account) or "none").rpartition(":")[2]
    fail(
        f"DAY was {day}: account {account} recorded nothing that day, its newest day is {newest}",
        NOT_FOUND,
    )


def _print(report: ReplayReport) -> None:
    verdict = "identical" if report.identical else "DIFFERENT"
    click.echo(
        f"{report.account} {report.date}: {verdict}\n"
        f"  inputs   {report.inputs}\n  events   {report.events}\n  digest   {report.digest}\n"
        f"  decided  by {', '.join(report.recorded_versions) or 'no start that day'};"
        f" replayed by {VERSION}"
    )
    if report.difference is not None:
        click.echo(
            f"  first difference at {report.difference.event_id}\n"
            f"    recorded  {report.difference.recorded or '(nothing)'}\n"
            f"    replayed  {report.difference.replayed or '(nothing)'}"
        )
        if any(version != VERSION for version in report.recorded_versions):
            click.echo("  The day was decided by other code: replay it with the release it names.")
