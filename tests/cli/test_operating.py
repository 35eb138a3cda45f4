"""`plimsoll queue` and `plimsoll group`: orders that reach the engine, and what came of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from application.inputs import OperatorActed
from application.journal import decode_input
from tests.cli.shell import Answer, Shell
from tests.cli.trading_desk import ACCOUNT, Trades, record_trades, working_engine
from tests.log.postgres import owner


@pytest.fixture
def trades(altered_shell: Shell) -> Trades:
    return record_trades(altered_shell.database_url)


@pytest.fixture
def at_work(altered_shell: Shell, trades: Trades) -> Iterator[Trades]:
    with working_engine(altered_shell.database_url):
        yield trades


def run(shell: Shell, *words: str) -> Answer:
    return shell.run(*words, "--account", ACCOUNT)


def rows(shell: Shell, noun: str) -> list[dict[str, Any]]:
    told: dict[str, Any] = run(shell, noun, "list", "--json").json()
    found: list[dict[str, Any]] = told["waiting" if noun == "queue" else "groups"]
    return found


def waiting_inputs(shell: Shell) -> list[OperatorActed]:
    with owner(shell.database_url) as connection:
        found = connection.execute("SELECT payload FROM plimsoll.inbox ORDER BY id").fetchall()
    inputs = [decode_input(bytes(payload)) for (payload,) in found]
    return [each for each in inputs if isinstance(each, OperatorActed)]


def test_the_queue_is_listed_best_first(altered_shell: Shell, trades: Trades) -> None:
    listed = rows(altered_shell, "queue")
    shown = run(altered_shell, "queue", "list").stdout.splitlines()

    assert [row["signal_id"] for row in listed] == list(trades.waiting)
    assert (listed[0]["symbol"], listed[0]["price"]) == ("ETH/USDT:USDT", "100")
    assert listed[0]["rank"][0] == "continuation=false"
    assert shown[0].startswith(
        "1. sig-eth long ETH/USDT:USDT 15 at 100: max_open_groups (continuation=false"
    )
    assert len(shown) == 2


def test_the_open_groups_are_listed(altered_shell: Shell, trades: Trades) -> None:
    (row,) = rows(altered_shell, "group")

    assert (row["group_id"], row["state"], row["quantity"]) == (trades.group, "open", "2")
    assert run(altered_shell, "group", "list").stdout == (
        f"{trades.group} long BTC/USDT:USDT 15: 2 held, pyramids 1 of 5, open\n"
    )


def test_nothing_to_list_is_said_in_words(altered_shell: Shell, at_work: Trades) -> None:
    for signal in at_work.waiting:
        assert run(altered_shell, "queue", "remove", signal).code == 0

    assert run(altered_shell, "queue", "list").stdout == "No signal waits.\n"
    assert rows(altered_shell, "queue") == []


def test_a_promotion_without_a_free_slot_tells_the_rule_each_time(
    altered_shell: Shell, at_work: Trades
) -> None:
    for _ in range(2):
        run(altered_shell, "queue", "promote", at_work.waiting[0]).refused(
            "signal sig-eth was not let in: max_open_groups was 2, the limit is 1"
        )


def test_a_signal_is_forced_in_for_a_reason(altered_shell: Shell, at_work: Trades) -> None:
    words = ["queue", "force-add", "sig-sol", "--reason", "news", "--json"]

    told = run(altered_shell, *words).json()

    assert (told["outcome"], told["signal_id"]) == ("promoted", "sig-sol")
    assert told["group_id"] in [row["group_id"] for row in rows(altered_shell, "group")]
    assert [row["signal_id"] for row in rows(altered_shell, "queue")] == ["sig-eth"]


def test_a_group_is_closed(altered_shell: Shell, at_work: Trades) -> None:
    closed = run(altered_shell, "group", "close", at_work.group)

    assert (closed.code, closed.stdout) == (0, f"group {at_work.group} is closing\n")
    assert [row["state"] for row in rows(altered_shell, "group")] == ["closing"]
    run(altered_shell, "group", "close", at_work.group).refused("which is closing already")
    run(altered_shell, "group", "reduce", at_work.group, "--percent", "5").refused(
        "which is closing already"
    )


def test_a_part_of_a_group_is_sold(altered_shell: Shell, at_work: Trades) -> None:
    words = ["group", "reduce", at_work.group, "--percent", "25"]

    told = run(altered_shell, *words, "--json").json()

    assert (told["outcome"], told["quantity"]) == ("reducing", "0.5")
    again = run(altered_shell, *words)
    assert again.stdout == f"group {at_work.group} sells 0.375\n"


def test_a_part_too_small_to_be_sold_is_refused(altered_shell: Shell, at_work: Trades) -> None:
    run(altered_shell, "group", "reduce", at_work.group, "--percent", "0.01").refused(
        "was not reduced: the part of 2 BTC/USDT:USDT is too small to be sold"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["queue", "promote", "s1"], "SIGNAL was 's1', which does not wait: see `plimsoll queue"),
        (["queue", "remove", "s1"], "SIGNAL was 's1', which does not wait"),
        (["queue", "force-add", "s1", "--reason", "x"], "SIGNAL was 's1', which does not wait"),
        (["group", "close", "g1"], "GROUP was 'g1', which is not open: see `plimsoll group list`"),
        (["group", "reduce", "g1", "--percent", "5"], "GROUP was 'g1', which is not open"),
    ],
)
def test_an_unknown_id_is_named_and_nothing_is_asked_for(
    altered_shell: Shell, trades: Trades, words: list[str], message: str
) -> None:
    run(altered_shell, *words).refused(message)
    assert waiting_inputs(altered_shell) == []
    assert trades.waiting == ("sig-eth", "sig-sol")


@pytest.mark.parametrize("percent", ["0", "-5", "101", "half", "NaN", ""])
def test_a_percentage_that_is_none_is_refused(
    altered_shell: Shell, trades: Trades, percent: str
) -> None:
    run(altered_shell, "group", "reduce", trades.group, "--percent", percent).refused(
        f"--percent was {percent}: write a number above 0 and at most 100"
    )


def test_forcing_without_a_reason_is_refused(altered_shell: Shell, trades: Trades) -> None:
    signal = trades.waiting[0]
    run(altered_shell, "queue", "force-add", signal).refused("--reason", code=2)
    run(altered_shell, "queue", "force-add", signal, "--reason", " ").refused("--reason was empty")
    assert waiting_inputs(altered_shell) == []


def test_without_an_engine_it_says_that_the_order_waits(
    altered_shell: Shell, trades: Trades
) -> None:
    run(altered_shell, "queue", "remove", trades.waiting[0], "--wait", "0.2").refused(
        "was not handled within 0.2 s", "as soon as `plimsoll serve` works this account"
    )
    [acted] = waiting_inputs(altered_shell)
    assert (acted.action, acted.subject) == ("remove_signal", "sig-eth")


def test_an_order_may_be_handed_over_without_waiting(altered_shell: Shell, trades: Trades) -> None:
    words = ["queue", "promote", trades.waiting[0], "--wait", "0", "--actor", "ann"]

    told = run(altered_shell, *words, "--json").json()

    assert told["outcome"] == "handed_over"
    assert isinstance(told["input_id"], int)
    [acted] = waiting_inputs(altered_shell)
    assert (acted.actor, acted.reason) == ("ann", "asked for in a shell")


def test_an_account_never_opened_is_named(altered_shell: Shell) -> None:
    for words in (["queue", "list"], ["group", "close", "g1"], ["queue", "remove", "s1"]):
        altered_shell.run(*words, "--account", "nobody").refused(
            "--account was 'nobody', which was never opened"
        )
