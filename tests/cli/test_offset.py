"""`plimsoll offset`: the plan in words and as JSON, and orders that reach the engine."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from adapters.postgres.connection import connect
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.lease import Lease
from adapters.postgres.marks import write_live_marks
from application.journal import Recorded, decode_input
from cli.outlooks import OffsetOutlooks
from domain.message import MarkSeen
from domain.settings import OffsetSettings, Settings
from tests.application.desk import BTC, ETH, PROMPT, Desk
from tests.application.exit_desk import ladder
from tests.cli.shell import Answer, Shell
from web.answers import Refused

ACCOUNT = "paper"
PATIENCE = 30.0


class Trades(msgspec.Struct, frozen=True, kw_only=True):
    """A long in loss and one in profit, by their group ids."""

    url: str
    loser: str
    winner: str


class KeptDesk(Desk):
    """A desk whose log is also kept in a database."""

    def __init__(self, settings: Settings, log: PostgresEventLog) -> None:
        self._kept = log
        self._numbers: list[int] = []
        super().__init__(settings)

    def commit(self, stored: Any, recorded: Sequence[Recorded]) -> list[Recorded]:
        happened = super().commit(stored, recorded)
        if stored:
            self._kept.append(stored, self._numbers)
        return happened

    def take_up(self, lease: Lease) -> None:
        """Handle what waits in the inbox; the venue hears nothing of it."""
        rows = lease.connection.execute(
            "SELECT id, payload FROM plimsoll.inbox WHERE account = %s ORDER BY id", (ACCOUNT,)
        ).fetchall()
        for number, payload in rows:
            self._numbers = [number]
            self.handle(decode_input(bytes(payload)))


@pytest.fixture
def trades(altered_shell: Shell) -> Iterator[Trades]:
    """The trades, and an engine that takes up what comes into the inbox."""
    url = altered_shell.database_url
    with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
        lease.take(ACCOUNT)
        desk = KeptDesk(_settings(), log)
        found = [_opened(desk, name) for name in ("BTCUSDT.P", "ETHUSDT.P")]
        desk.move("90", BTC)
        desk.move("150", ETH)
        _show_marks(url)
        with _at_work(desk, lease):
            yield Trades(url=url, loser=found[0], winner=found[1])


def _settings() -> Settings:
    """Groups of one pyramid that wait for an hour before they are offset."""
    offset = OffsetSettings(post_full_wait_minutes=60)
    grid = msgspec.structs.replace(ladder(("0", "100", "900")), max_pyramids=1)
    risk = msgspec.structs.replace(PROMPT.risk, offset=offset)
    return msgspec.structs.replace(PROMPT, grid=grid, risk=risk)


def _opened(desk: Desk, name: str) -> str:
    desk.now += timedelta(seconds=1)
    desk.signal(symbol=name)
    desk.move("100", BTC if name.startswith("BTC") else ETH)
    return desk.book.open_groups()[-1].opened.group_id


def _show_marks(url: str, **age: float) -> None:
    at = datetime.now(UTC) - timedelta(**age)
    prices = {BTC: Decimal(90), ETH: Decimal(150)}
    marks = [MarkSeen(symbol=symbol, price=price, at=at) for symbol, price in prices.items()]
    with connect(url) as connection:
        write_live_marks(connection, ACCOUNT, marks)


@contextmanager
def _at_work(desk: KeptDesk, lease: Lease) -> Iterator[None]:
    stopped = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        deadline = time.monotonic() + PATIENCE
        try:
            while not stopped.is_set() and time.monotonic() < deadline:
                desk.take_up(lease)
                time.sleep(0.02)
        except BaseException as error:  # noqa: BLE001 - told by the test that waits for it
            failures.append(error)

    thread = threading.Thread(target=work, name="engine", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(PATIENCE)
    assert not failures, failures
    assert not thread.is_alive()


def run(shell: Shell, *words: str) -> Answer:
    return shell.run("offset", *words, "--account", ACCOUNT)


def test_the_plan_names_the_loser_that_is_due_and_who_would_pay(
    altered_shell: Shell, trades: Trades
) -> None:
    told = run(altered_shell, "plan", "--json").json()

    plan = told["plan"]
    assert (plan["trigger"], plan["loser_group_id"]) == ("rule", trades.loser)
    assert [winner["group_id"] for winner in plan["winners"]] == [trades.winner]
    assert Decimal(plan["expected"]) >= Decimal(plan["needed"])
    assert {group["group_id"] for group in told["groups"]} == {trades.loser, trades.winner}

    lines = run(altered_shell, "plan").stdout.splitlines()
    assert lines[0].endswith("UTC, trading is active.")
    assert lines[1].startswith(f"Loser {trades.loser} {BTC} is due: ")
    assert lines[2].startswith(f"  {trades.winner} {ETH} sells ")
    assert lines[3].startswith(f"{trades.loser} long {BTC} 15: -10.")
    assert lines[3].endswith("eligible")
    assert lines[4].endswith("may pay")


def test_a_plan_by_old_marks_says_what_is_wrong_with_each_trade(
    altered_shell: Shell, trades: Trades
) -> None:
    with connect(trades.url) as connection:
        connection.execute("DELETE FROM plimsoll.live_marks")

    lines = run(altered_shell, "plan").stdout.splitlines()

    assert lines[1] == "No trade could be paid down."
    assert "mark_fresh is " in lines[2]
    assert "the limit is 30" in lines[2]


def test_an_offset_is_run_for_a_reason_and_only_one_at_a_time(
    altered_shell: Shell, trades: Trades
) -> None:
    words = ["run", "--group", trades.loser, "--reason", "free the margin"]

    told = run(altered_shell, *words, "--json").json()

    assert (told["outcome"], told["loser"]) == ("planned", trades.loser)
    assert told["winners"] == [trades.winner]
    assert told["offset_id"] == f"{trades.loser}-o1"
    again = ["run", "--reason", "once more"]
    run(altered_shell, *again).refused(f"offset {trades.loser}-o1 is under way")


def test_a_run_needs_a_reason_and_a_trade_that_is_open(
    altered_shell: Shell, trades: Trades
) -> None:
    run(altered_shell, "run", "--reason", " ").refused("--reason was empty")
    words = ["run", "--group", "gnone", "--reason", "x"]
    run(altered_shell, *words).refused("GROUP was 'gnone', which is not open")
    words[2] = trades.winner
    run(altered_shell, *words).refused(f"group {trades.winner} is not in loss")


def test_a_group_is_passed_over_blocked_and_let_in_again(
    altered_shell: Shell, trades: Trades
) -> None:
    skipped = run(altered_shell, "skip", trades.loser)
    assert (skipped.code, skipped.stdout) == (0, f"group {trades.loser} is passed over once\n")
    shown = run(altered_shell, "plan").stdout
    assert f"Passed over once: {trades.loser}." in shown

    assert run(altered_shell, "block", trades.loser, "--json").json()["outcome"] == "blocked"
    assert "not_blocked is blocked" in run(altered_shell, "plan").stdout
    run(altered_shell, "skip", trades.loser).refused("is kept out of offsets already")

    assert run(altered_shell, "unblock", trades.loser).stdout == (
        f"group {trades.loser} may take part in offsets\n"
    )
    run(altered_shell, "unblock", trades.loser).refused("is neither blocked nor passed over")


def test_a_group_that_is_not_open_is_not_barred(altered_shell: Shell, trades: Trades) -> None:
    assert trades.loser
    run(altered_shell, "block", "gnone").refused("GROUP was 'gnone', which is not open")


def test_the_house_answers_by_the_marks_it_has_in_hand(trades: Trades) -> None:
    now = datetime.now(UTC)
    marks = {BTC: MarkSeen(symbol=BTC, price=Decimal(80), at=now)}

    outlook = asyncio.run(OffsetOutlooks(trades.url, lambda _: marks).of(ACCOUNT))

    prices = {group.symbol: group.price for group in outlook.groups}
    assert prices[BTC] == Decimal(80)
    assert outlook.account == ACCOUNT
    assert now <= outlook.as_of


def test_the_house_says_when_it_cannot_tell_yet(altered_shell: Shell) -> None:
    with pytest.raises(Refused, match="was not worked by this release yet"):
        asyncio.run(OffsetOutlooks(altered_shell.database_url, lambda _: {}).of("nobody"))
