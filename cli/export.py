"""`plimsoll export`: the trade history as files anyone can check, with their manifest."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import msgspec
import rich_click as click

from adapters.postgres.event_log import PostgresEventLog
from application.decision_history import DecisionRecord, decisions_between
from application.export import TradeRow, trades_between
from application.journal import GENESIS, EventLog, JournalMapper, Recorded, seal
from application.loading import trading_accounts
from application.manifest import Origin, Span, manifest
from application.order_history import OrderRow, orders_between
from application.rowfile import Format, write_rows
from application.signal_history import (
    JudgementRow,
    SignalRecord,
    judgements_between,
    signals_between,
)
from cli.answers import fail, print_json
from cli.day import parse_day
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


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of export: its rows, and how they come out of a whole log."""

    row: type[msgspec.Struct]
    between: Callable[[Iterable[Recorded], datetime, datetime], Iterator[msgspec.Struct]]
    told: str


KINDS = {
    "trades": Kind(
        row=TradeRow,
        between=trades_between,
        told="One row a fill, with its order, signal, fee, lot profit and FIFO columns.",
    ),
    "orders": Kind(
        row=OrderRow, between=orders_between, told="One row an order, with what became of it."
    ),
    "signals": Kind(
        row=SignalRecord, between=signals_between, told="One row a signal, as it was received."
    ),
    "ledger": Kind(
        row=JudgementRow, between=judgements_between, told="One row an outcome given to a signal."
    ),
    "risk": Kind(
        row=DecisionRecord,
        between=decisions_between,
        told="One row a decision of the gate, with every rule, value and limit.",
    ),
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One export as it was asked for."""

    kind: str
    account: str
    first: str
    last: str
    form: Format
    out: Path

    @property
    def path(self) -> Path:
        """The file of rows; the manifest stands beside it."""
        return self.out / f"{self.kind}-{self.account}-{self.first}-{self.last}.{self.form}"


@click.group(
    epilog="Example: plimsoll export trades --from 2026-01-05 --to 2026-01-05 --out exports"
)
def export() -> None:
    """Write the account's history to files. A past range always gives the same bytes."""


def _add(kind: str) -> None:
    """The command of one kind: all share their options."""

    @export.command(
        kind,
        help=KINDS[kind].told,
        epilog=f"Example: plimsoll export {kind} --from 2026-01-05 --to 2026-01-05 --out exports",
    )
    @click.option("--account", default="paper", show_default=True)
    @click.option("--from", "first", required=True, metavar="DAY", help="First UTC day.")
    @click.option("--to", "last", required=True, metavar="DAY", help="Last UTC day, included.")
    @click.option(
        "--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True
    )
    @click.option(
        "--out", default=".", show_default=True, type=click.Path(file_okay=False, path_type=Path)
    )
    @click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
    def command(  # noqa: PLR0913 - one parameter an option
        *, account: str, first: str, last: str, form: Format, out: Path, as_json: bool
    ) -> None:
        wanted = Wanted(kind=kind, account=account, first=first, last=last, form=form, out=out)
        try:
            written = _export(wanted)
        except OSError as error:
            fail(f"--out was {out}: {error}: name a directory that can be written")
        except ValueError as error:
            fail(str(error))
        if as_json:
            print_json(written)
        else:
            click.echo(f"{written['rows']} rows in {written['file']}, {written['manifest']}")


for name in KINDS:
    _add(name)


def _export(wanted: Wanted) -> dict[str, str | int]:
    span = _span(wanted.first, wanted.last)
    with Home().database() as url, PostgresEventLog(url) as log:
        known = trading_accounts(log)
        if wanted.account not in known:
            fail(f"--account was {wanted.account!r}: the log has {', '.join(known) or 'none'}")
        wanted.out.mkdir(parents=True, exist_ok=True)
        return _write(log, wanted, span)


def _write(log: EventLog, wanted: Wanted, span: Span) -> dict[str, str | int]:
    passing = _Passing(log, wanted.account, span.end)
    kind, path = KINDS[wanted.kind], wanted.path
    # Renamed when whole, so that a log that breaks off leaves an earlier export as it was.
    draft = path.with_name(f"{path.name}.part")
    with draft.open("wb") as file:
        rows = kind.between(passing, span.start, span.end)
        content = write_rows(rows, kind.row, wanted.form, file)
    draft.replace(path)
    origin = Origin(
        account=wanted.account,
        chain_head=passing.head,
        software_version=VERSION,
        settings_hash=passing.settings_hash,
    )
    manifest_path = path.with_name(f"{path.stem}.manifest.json")
    manifest_path.write_bytes(manifest(wanted.kind, span, origin, {path.name: content}))
    return {**msgspec.structs.asdict(content), "file": str(path), "manifest": str(manifest_path)}


def _span(first: str, last: str) -> Span:
    start, end = parse_day("--from", first), parse_day("--to", last)
    if end < start:
        raise ValueError(f"--to was {last}, before --from {first}: swap them")
    if end == date.max:
        raise ValueError(f"--to was {last}, after which no day follows: write an earlier one")
    return Span(start=_midnight(start), end=_midnight(end + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
