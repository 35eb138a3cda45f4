"""`plimsoll simulate`: recorded candles and signals through the real engine, as fast as it can."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from adapters.exchanges.simulated.candles import candle_moves
from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.leverage import set_leverages
from adapters.exchanges.simulated.simulation import Ruined, Simulation
from adapters.memory_log import MemoryEventLog
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.lease import Lease
from adapters.postgres.migrate import upgrade
from application.book import Book
from application.engine import AccountEngine, Handled
from application.export import write_events, write_fills
from application.inputs import AccountRegistered, InstrumentsSeen
from application.journal import EventLog, Recorded
from application.summary import RunLedger, RunSummary
from cli.answers import RUINED, fail, print_json
from cli.home import Home, explained, is_url, without_password
from cli.simulation_plan import SimulationOptions, SimulationPlan, read_plan
from domain.money import plain

ACCOUNT = "simulation"
COMMIT_EVENTS = 2_000


@click.command(
    epilog="Example: plimsoll simulate --market BTC/USDT:USDT=btc-1m.csv.gz --signals week.jsonl "
    "--out run --json. Exit codes: 0 done, 1 bad input, 3 the equity fell to nothing."
)
@click.option("--market", "markets", multiple=True, required=True, help="SYMBOL=FILE of candles.")
@click.option(
    "--signals",
    "signals_file",
    required=True,
    type=click.Path(path_type=Path),
    help='JSON lines: {"at": "<ISO time>", "body": {…}}.',
)
@click.option("--settings", "settings_file", type=click.Path(path_type=Path), help="JSON file.")
@click.option("--venue", default="binanceusdm", show_default=True, help="Name of the venue.")
@click.option(
    "--instrument", "rules", multiple=True, help="SYMBOL=tick:0.1,step:0.001,min_notional:5"
)
@click.option("--balance", default="100000", show_default=True, help="In the capital currency.")
@click.option(
    "--database", default="memory", show_default=True, help="memory, embedded or a Postgres URL."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write files here.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def simulate(  # noqa: PLR0913 - one parameter an option
    *,
    markets: tuple[str, ...],
    signals_file: Path,
    settings_file: Path | None,
    venue: str,
    rules: tuple[str, ...],
    balance: str,
    database: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Run recorded prices and signals through the engine under a virtual clock."""
    try:
        options = SimulationOptions(
            markets=markets,
            signals_file=signals_file,
            settings_file=settings_file,
            venue=venue,
            rules=rules,
            balance=balance,
        )
        plan = read_plan(options)
        if not as_json:
            for line in plan.derived:
                click.echo(line, err=True)
        with _log(database) as log:
            run = _run(plan, log, show=not as_json)
        if out is not None:
            _write(out, run)
    except (OSError, ValueError) as error:
        fail(str(error))
    if as_json:
        print_json(run.summary)
    else:
        _print(run.summary)
    if run.ruined:
        fail("the equity fell to nothing; the run ended there", RUINED)


@contextmanager
def _log(database: str) -> Iterator[EventLog]:
    """Where the run is recorded: gone with the process, or a database of its own."""
    if database == "memory":
        yield MemoryEventLog()
    elif database == "embedded":
        home = Home()
        remedy = f"set PLIMSOLL_DATA, which is {home.data_dir}, to an empty directory"
        with home.embedded("plimsoll_simulation") as url, _postgres(url, remedy) as log:
            yield log
    elif is_url(database):
        with explained("--database", database):
            upgrade(database)
            with _postgres(database, "give an empty database") as log:
                yield log
    else:
        shown = without_password(database)
        raise ValueError(f"--database was {shown!r}: give memory, embedded or a Postgres URL")


@contextmanager
def _postgres(url: str, remedy: str) -> Iterator[EventLog]:
    with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
        if ACCOUNT in log.accounts():
            raise ValueError(f"the database holds a run of account {ACCOUNT!r} already: {remedy}")
        lease.take(ACCOUNT)
        yield log


class _Recording:
    """Commits in batches and keeps what the summary and the files are made of."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._waiting: list[Handled] = []
        self._events = 0
        self.ledger = RunLedger()
        self.recorded: list[Recorded] = []

    def commit(self, handled: Handled) -> None:
        self._waiting.append(handled)
        self._events += len(handled.stored)
        self.ledger.take_in(handled.recorded)
        self.recorded.extend(handled.recorded)
        if handled.failure:
            raise ValueError(f"an input could not be handled: {handled.failure}")
        if self._events >= COMMIT_EVENTS:
            self.flush()

    def flush(self) -> None:
        stored = [event for handled in self._waiting for event in handled.stored]
        if stored:
            self._log.append(stored)
        self._waiting.clear()
        self._events = 0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is over, for better or for worse."""

    summary: RunSummary
    recorded: tuple[Recorded, ...]
    ruined: bool


def _write(out: Path, run: Run) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_fills(out / "fills.csv", run.recorded)
        write_events(out / "events.jsonl", run.recorded)
    except OSError as error:
        raise ValueError(f"--out was {out}: {error}: name a directory that can be written") from (
            error
        )


def _run(plan: SimulationPlan, log: EventLog, *, show: bool) -> Run:
    recording = _Recording(log)
    core = venue_of(plan)
    simulation = Simulation(AccountEngine(Book(ACCOUNT)), core, recording.commit)
    _register(simulation, plan)
    ruined = False
    try:
        _play(simulation, plan, show=show)
    except Ruined:
        ruined = True
    recording.flush()
    summary = recording.ledger.summary(plan.balance, core.prices(), simulation.engine.book.head)
    return Run(
        summary=summary,
        recorded=tuple(recording.recorded),
        ruined=ruined,
    )


def venue_of(plan: SimulationPlan) -> MatchingCore:
    """The venue as the settings want it: the position mode, and the leverage of each symbol."""
    capital = plan.settings.capital
    core = MatchingCore(
        instruments=plan.instruments,
        currency=capital.currency,
        balance=plan.balance,
        leverage=Decimal(capital.leverage),
        hedge_mode=capital.hedge_mode,
    )
    set_leverages(core, plan.settings)
    return core


def _register(simulation: Simulation, plan: SimulationPlan) -> None:
    """The account opens at the first instant anything happens."""
    first_candles = [candles[0].opened_at for _, candles in plan.candles]
    simulation.now = min([*first_candles, *(signal.at for signal in plan.signals)])
    simulation.feed(
        AccountRegistered(
            installation="simulation",
            venue=plan.venue,
            market_kind=plan.instruments[0].kind,
            paper=True,
            currency=plan.settings.capital.currency,
            starting_balance=plan.balance,
            settings=plan.settings,
            actor="plimsoll simulate",
        )
    )
    simulation.feed(InstrumentsSeen(instruments=plan.instruments))


def _play(simulation: Simulation, plan: SimulationPlan, *, show: bool) -> None:
    moves = [candle_moves(symbol, candles) for symbol, candles in plan.candles]
    begins = simulation.now
    ends = max(candles[-1].opened_at for _, candles in plan.candles)
    with _bar(begins, ends, show=show) as advance:
        for at in simulation.run(moves, plan.signals):
            advance(at)


@contextmanager
def _bar(begins: datetime, ends: datetime, *, show: bool) -> Iterator[Callable[[datetime], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not show, transient=True) as progress:
        task = progress.add_task("simulating", total=(ends - begins).total_seconds() or 1)

        def advance(at: datetime) -> None:
            progress.update(task, completed=(at - begins).total_seconds())

        yield advance


def _print(summary: RunSummary) -> None:
    outcomes = ", ".join(f"{count} {name}" for name, count in summary.signals.items())
    click.echo(
        f"inputs {summary.inputs}, events {summary.events}, groups {len(summary.groups)}\n"
        f"signals: {outcomes or 'none'}\n"
        f"realized {plain(summary.realized_pnl)}, unrealized {plain(summary.unrealized_pnl)},"
        f" fees {plain(summary.fees)}\nequity {plain(summary.equity)}\ndigest {summary.digest}"
    )
