"""`plimsoll risk`: what holds trading back is told, and the operator's orders reach the engine."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.lease import Lease
from application.engine import AccountEngine
from application.inputs import FundingReported, OperatorActed, SettingsSubmitted
from application.journal import decode_input
from application.loading import load_book
from cli.risk_status import hold_line
from domain.holds import Hold
from domain.message import Input, MarkSeen
from domain.settings import RiskSettings
from tests.cli.shell import Answer, Shell
from tests.cli.trading_desk import ACCOUNT, COINS, MORNING, Trades, record_trades, working_engine
from tests.log.postgres import owner

D = Decimal
BREAKER = Hold(
    cause="breaker",
    state="reducing",
    reason="the day's loss of 5 reached 3",
    actor="engine",
    since=MORNING,
)


@pytest.fixture
def trades(altered_shell: Shell) -> Trades:
    return record_trades(altered_shell.database_url)


@pytest.fixture
def at_work(altered_shell: Shell, trades: Trades) -> Iterator[Trades]:
    with working_engine(altered_shell.database_url):
        yield trades


@pytest.fixture
def tripped(altered_shell: Shell, trades: Trades) -> Trades:
    """The day has paid 5 for funding, and may lose 3."""
    feed(altered_shell, settings(altered_shell), funding())
    return trades


def run(shell: Shell, *words: str, typed: str = "") -> Answer:
    return shell.run("risk", *words, "--account", ACCOUNT, typed=typed)


def status(shell: Shell) -> dict[str, Any]:
    found: dict[str, Any] = run(shell, "status", "--json").json()
    return found


def settings(shell: Shell) -> SettingsSubmitted:
    with PostgresEventLog(shell.database_url) as log:
        ruling = load_book(log, ACCOUNT).account.settings
    tight = msgspec.structs.replace(ruling, risk=RiskSettings(max_daily_loss=D(3)))
    return SettingsSubmitted(settings=tight, actor="ann", reason="careful")


def funding() -> FundingReported:
    return FundingReported(
        funding_id="f1", symbol="BTC/USDT:USDT", amount=D(-5), asset="USDT", settled_at=MORNING
    )


def feed(shell: Shell, *inputs: Input) -> None:
    """Let an engine take these up, one after the other."""
    url = shell.database_url
    with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
        lease.take(ACCOUNT)
        engine = AccountEngine(load_book(log, ACCOUNT))
        symbols = [f"{coin}/USDT:USDT" for coin in COINS]
        marks = {each: MarkSeen(symbol=each, price=D(95), at=MORNING) for each in symbols}
        for received in inputs:
            log.append(engine.handle(received, MORNING, marks).stored)


def waiting_inputs(shell: Shell) -> list[OperatorActed]:
    with owner(shell.database_url) as connection:
        found = connection.execute("SELECT payload FROM plimsoll.inbox ORDER BY id").fetchall()
    inputs = [decode_input(bytes(payload)) for (payload,) in found]
    return [each for each in inputs if isinstance(each, OperatorActed)]


def test_the_status_of_a_quiet_day_is_told_against_every_limit(
    altered_shell: Shell, trades: Trades
) -> None:
    found = status(altered_shell)

    assert (found["account"], found["trading_state"], found["holds"]) == (ACCOUNT, "active", [])
    assert found["daily_loss"] == {
        "loss": "0",
        "limit": "500",
        "realized": "0",
        "open_loss": "0",
        "counted_from": "0",
        "tripped": False,
    }
    assert (found["equity"]["equity"], found["equity"]["limit_percent"]) == ("100000", "20")
    assert D(found["committed"]["committed"]) > 0
    assert found["committed"]["limit"] == "50000"
    shown = run(altered_shell, "status").stdout.splitlines()
    assert shown[0] == "Trading is active, as of 2026-01-08T08:00:00+00:00."
    assert "Loss of 2026-01-08: 0 USDT, limit 500 (realized 0)." in shown
    assert "Equity: 100000 USDT, peak 100000, drawdown 0 %, limit 20 %." in shown
    assert trades.group


def test_the_status_of_a_bad_day_names_every_hold_and_how_each_ends(
    altered_shell: Shell, tripped: Trades
) -> None:
    pause = OperatorActed(action="pause", subject="", actor="ann", reason="lunch")
    feed(altered_shell, pause)

    found = status(altered_shell)

    assert found["trading_state"] == "reducing"
    assert [hold["cause"] for hold in found["holds"]] == ["breaker", "operator"]
    assert found["daily_loss"]["loss"] == "5"
    assert found["daily_loss"]["tripped"]
    assert found["equity"]["equity"] == "99985"
    shown = run(altered_shell, "status").stdout.splitlines()
    assert shown[1] == (
        "  reducing by breaker: the day's loss of 5 reached 3 (engine,"
        " 2026-01-08T08:00:00+00:00), until 2026-01-09 00:00 UTC or"
        " `plimsoll risk reset-breaker`"
    )
    assert shown[2] == "  reducing by operator: lunch (ann, 2026-01-08T08:00:00+00:00)"
    assert "Loss of 2026-01-08: 5 USDT, limit 3 (realized -5)." in shown
    assert tripped.group


def test_the_breaker_of_the_last_day_of_a_month_ends_with_it() -> None:
    assert "until 2026-02-01 00:00 UTC" in hold_line(BREAKER, "2026-01-31")


def test_trading_is_paused_halted_and_resumed(altered_shell: Shell, at_work: Trades) -> None:
    paused = run(altered_shell, "pause", "--reason", "news").stdout.splitlines()
    assert paused[0] == "trading is reducing"
    assert paused[1].startswith("  reducing by operator: news (operator, ")
    again = run(altered_shell, "pause", "--json").json()
    assert (again["outcome"], again["holds"]) == ("reducing", ["operator"])

    halted = run(altered_shell, "halt", "--json").json()
    assert (halted["outcome"], halted["holds"]) == ("halted", ["operator"])

    resumed = run(altered_shell, "resume")
    assert (resumed.code, resumed.stdout) == (0, "trading is active\n")
    assert at_work.group


def test_a_resume_tells_what_still_holds(altered_shell: Shell, tripped: Trades) -> None:
    with working_engine(altered_shell.database_url):
        run(altered_shell, "halt")
        resumed = run(altered_shell, "resume").stdout.splitlines()

    assert resumed[0] == "trading is reducing"
    assert "plimsoll risk reset-breaker" in resumed[1]
    assert tripped.group


def test_the_breaker_is_reset_for_a_reason(altered_shell: Shell, tripped: Trades) -> None:
    run(altered_shell, "reset-breaker").refused("--reason", code=2)
    run(altered_shell, "reset-breaker", "--reason", " ").refused("--reason was empty")
    assert waiting_inputs(altered_shell) == []

    with working_engine(altered_shell.database_url):
        words = ["reset-breaker", "--reason", "a bad print", "--json"]
        told = run(altered_shell, *words).json()
        again = run(altered_shell, "reset-breaker", "--reason", "once more")

    assert (told["outcome"], told["counted_from"], told["holds"]) == ("reset", "-5", [])
    assert told["trading_state"] == "active"
    again.refused("the breaker was not reset: the breaker is not tripped")
    found = status(altered_shell)["daily_loss"]
    assert (found["loss"], found["counted_from"], found["tripped"]) == ("0", "-5", False)
    assert tripped.group


def test_a_transfer_is_recorded_with_its_sign(altered_shell: Shell, at_work: Trades) -> None:
    words = ["transfer", "--amount", "-250.5", "--reason", "to savings"]
    told = run(altered_shell, *words, "--json").json()

    assert (told["outcome"], told["amount"], told["total"]) == ("recorded", "-250.5", "-250.5")
    words[2] = "1000"
    assert run(altered_shell, *words).stdout == "a transfer of 1000 is recorded, 749.5 in all\n"
    assert at_work.group


def test_an_amount_that_is_none_is_refused(altered_shell: Shell, trades: Trades) -> None:
    for amount in ("0", "much", "NaN", "Infinity", "1e99", "1e-99", ""):
        words = ["transfer", f"--amount={amount}", "--reason", "in"]
        message = f"--amount was {amount}: write a number above or below 0"
        run(altered_shell, *words).refused(message)
    run(altered_shell, "transfer", "--amount", "5").refused("--reason", code=2)
    run(altered_shell, "transfer", "--amount", "5", "--reason", "").refused("--reason was empty")
    assert waiting_inputs(altered_shell) == []
    assert trades.group


def test_nothing_is_stopped_while_the_accounts_name_is_not_confirmed(
    altered_shell: Shell, trades: Trades
) -> None:
    for name in ("Desk", "desk ", "paper", ""):
        message = f"what was typed was {name!r}, the account is 'desk': nothing was done"
        run(altered_shell, "emergency-stop", "--confirm", name).refused(message)
        asked = run(altered_shell, "emergency-stop", typed=f"{name}\n")
        assert (asked.code, asked.stdout) == (1, "")
        assert "Type the account's name to confirm" in asked.stderr
    assert waiting_inputs(altered_shell) == []
    assert trades.group


@pytest.mark.parametrize("words", [["--confirm", ACCOUNT], []])
def test_everything_is_stopped_once_the_name_is_typed(
    altered_shell: Shell, at_work: Trades, words: list[str]
) -> None:
    typed = "" if words else f"{ACCOUNT}\n"

    stopped = run(altered_shell, "emergency-stop", *words, typed=typed)

    assert stopped.code == 0, stopped.stderr
    assert stopped.stdout.endswith(
        "desk is halted: every entry is being cancelled and every trade closed\n"
    )
    found = status(altered_shell)
    assert (found["trading_state"], found["equity"]["stopped"]) == ("halted", True)
    assert at_work.group


def test_without_an_engine_the_stop_waits_and_says_so(altered_shell: Shell, trades: Trades) -> None:
    words = ["emergency-stop", "--confirm", ACCOUNT]

    run(altered_shell, *words, "--wait", "0.2").refused("was not handled within 0.2 s")
    told = run(altered_shell, *words, "--wait", "0", "--json").json()

    assert told["outcome"] == "handed_over"
    assert [acted.action for acted in waiting_inputs(altered_shell)] == ["emergency_stop"] * 2
    assert trades.group


def test_an_account_never_opened_is_named(altered_shell: Shell) -> None:
    for words in (["status"], ["pause"], ["emergency-stop", "--confirm", "nobody"]):
        altered_shell.run("risk", *words, "--account", "nobody").refused(
            "--account was 'nobody', which was never opened"
        )
