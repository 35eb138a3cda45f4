"""`plimsoll export`: the trade history as files anyone can check, with their manifest."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import msgspec
import rich_click as click

from adapters.postgres.event_log import PostgresEventLog
from application.export import TradeRow, trades_between
from application.journal import GENESIS, EventLog, JournalMapper, Recorded, seal
from application.manifest import Origin, Span, manifest
from application.rowfile import Format, write_rows
from cli.answers import fail, print_json
from cli.home import Home
from cli.version import VERSION
from domain.account import SettingsChanged
from domain.settings_document import settings_hash


class _Passing:
    """The events as they pass, and what the chain and the settings were before the end."""

    def __init__(self, log: EventLog, account: str, end: datetime) -> None:
        self._events = log.since(account, 0)
        self._mapper = JournalMapper()
        self._end = end
        self.head = GENESIS
        self.settings_hash = ""

    def __iter__(self) -> Iterator[Recorded]:
        """Only the past of the range's end counts: what came later must not change the file."""
        for _, recorded in self._events:
            if recorded.at >= self._end:
                return
            _, self.head = seal(self.head, [self._mapper.to_stored_event(recorded)])
            if isinstance(recorded.event, SettingsChanged):
                self.settings_hash = settings_hash(recorded.event.settings)
            yield recorded


@click.group()
def export() -> None:
    """Write the account's history to files."""


@export.command(
    epilog="Example: plimsoll export trades --from 2026-01-05 --to 2026-01-05 --format csv "
    "--out exports. The same past range gives the same bytes, whenever it is exported."
)
@click.option("--account", default="paper", show_default=True)
@click.option("--from", "first", required=True, metavar="DAY", help="First UTC day, YYYY-MM-DD.")
@click.option("--to", "last", required=True, metavar="DAY", help="Last UTC day, included.")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv")
@click.option(
    "--out", default=".", show_default=True, type=click.Path(file_okay=False, path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="Print the files' paths as one JSON line.")
def trades(  # noqa: PLR0913 - one parameter an option
    account: str, first: str, last: str, form: Format, out: Path, *, as_json: bool
) -> None:
    """One row a fill, with its order, signal, fee, lot profit and FIFO columns."""
    span = _span(first, last)
    with Home().database() as url, PostgresEventLog(url) as log:
        if account not in log.accounts():
            fail(f"account was {account!r}: the log has {', '.join(log.accounts()) or 'none'}")
        out.mkdir(parents=True, exist_ok=True)
        written = _write(log, account, span, form, out / f"trades-{account}-{first}-{last}.{form}")
    if as_json:
        print_json(written)
    else:
        click.echo(f"{written['rows']} rows in {written['file']}, manifest {written['manifest']}")


def _write(
    log: EventLog, account: str, span: Span, form: Format, path: Path
) -> dict[str, str | int]:
    passing = _Passing(log, account, span.end)
    with path.open("wb") as file:
        content = write_rows(trades_between(passing, span.start, span.end), TradeRow, form, file)
    origin = Origin(
        account=account,
        chain_head=passing.head,
        software_version=VERSION,
        settings_hash=passing.settings_hash,
    )
    manifest_path = path.with_name(f"{path.stem}.manifest.json")
    manifest_path.write_bytes(manifest("trades", span, origin, {path.name: content}))
    return {**msgspec.structs.asdict(content), "file": str(path), "manifest": str(manifest_path)}


def _span(first: str, last: str) -> Span:
    start, end = _day("--from", first), _day("--to", last) + timedelta(days=1)
    if end <= start:
        fail(f"--to was {last}, before --from {first}: swap them")
    return Span(start=start, end=end)


def _day(option: str, text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        fail(f"{option} was {text!r}: write a day as 2026-01-05")
