"""`plimsoll settings`: the document out, changed, in again, and refused whole."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from adapters.postgres.inbox_writer import AsyncInbox
from application.inputs import SettingsSubmitted
from domain.settings import CapitalSettings, Settings
from domain.settings_document import parse_settings, render_settings
from tests.cli.history import ACCOUNT, handle_inbox, open_a_trade
from tests.cli.shell import Shell
from tests.log.postgres import owner


def waiting(url: str) -> int:
    """How many inputs wait for the engine."""
    with owner(url) as connection:
        row = connection.execute("SELECT count(*) FROM plimsoll.inbox").fetchone()
    assert row is not None
    return int(row[0])


def written(place: Path, document: Any) -> Path:
    path = place / "settings.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_the_defaults_are_the_whole_document_and_need_no_database(tmp_path: Path) -> None:
    done = Shell(data_dir=tmp_path / "home").run("settings", "defaults")

    assert done.code == 0
    assert done.stdout.strip() == render_settings(Settings()).strip()
    assert parse_settings(done.stdout) == Settings()
    assert not (tmp_path / "home").exists()


def test_defaults_changed_and_set_are_shown_once_the_engine_took_them(
    altered_shell: Shell, tmp_path: Path
) -> None:
    document = json.loads(altered_shell.start("settings", "defaults").stdout)
    document["pool"]["max_open_groups"] = 3
    document["risk"]["max_daily_loss"] = "250.50"
    path = written(tmp_path, document)
    before = altered_shell.run("settings", "show", "--account", ACCOUNT).stdout

    wanted = ["settings", "set", str(path), "--account", ACCOUNT, "--reason", "smaller"]
    done = altered_shell.run(*wanted, "--actor", "joe", "--json")

    assert done.code == 0
    assert done.json()["input_id"] > 0
    assert altered_shell.run("settings", "show", "--account", ACCOUNT).stdout == before
    [submitted] = handle_inbox(altered_shell.database_url)
    assert isinstance(submitted, SettingsSubmitted)
    assert (submitted.actor, submitted.reason) == ("joe", "smaller")
    shown = altered_shell.run("settings", "show", "--account", ACCOUNT)
    assert shown.code == 0
    assert parse_settings(shown.stdout) == parse_settings(path.read_bytes())
    assert waiting(altered_shell.database_url) == 0


def test_people_are_told_that_the_engine_takes_them_up(
    altered_shell: Shell, tmp_path: Path
) -> None:
    path = written(tmp_path, {})
    done = altered_shell.run("settings", "set", path, "--account", ACCOUNT, "--reason", "back")

    assert done.code == 0
    assert "the engine takes it up when it runs" in done.stdout


def test_a_change_the_engine_refused_is_told_beside_the_settings_in_force(
    altered_shell: Shell,
) -> None:
    open_a_trade(altered_shell.database_url)
    hedged = Settings(capital=CapitalSettings(hedge_mode=True))
    submitted = SettingsSubmitted(settings=hedged, actor="joe", reason="hedging")
    asyncio.run(hand_over(altered_shell.database_url, submitted))
    handle_inbox(altered_shell.database_url)

    shown = altered_shell.run("settings", "show", "--account", ACCOUNT)
    as_json = altered_shell.run("settings", "show", "--account", ACCOUNT, "--json").json()

    assert not parse_settings(shown.stdout).capital.hedge_mode
    assert "the last change, by joe, was refused: capital.hedge_mode was true: " in shown.stderr
    assert "only when flat without orders" in as_json["refused"]


async def hand_over(url: str, submitted: SettingsSubmitted) -> None:
    """What the engine would find, had it been accepted at the door."""
    async with AsyncInbox(url) as inbox:
        await inbox.put(ACCOUNT, submitted)


def test_a_bad_document_is_refused_with_every_problem_and_changes_nothing(
    shell: Shell, tmp_path: Path
) -> None:
    path = written(
        tmp_path,
        {
            "pool": {"max_open_groups": 0, "max_open_group": 3},
            "queue": {"anchor": "worse"},
            "capital": {"group_budget": "a lot"},
            "grid": {"legs": [{"gap_percent": "1", "weight_percent": "90"}]},
        },
    )
    done = shell.run("settings", "set", path, "--account", ACCOUNT, "--reason", "wrong")

    message = done.refused(f"{path} was refused:")
    for field, value in (
        ("pool.max_open_group", "3"),
        ("queue.anchor", '"worse"'),
        ("capital.group_budget", '"a lot"'),
    ):
        assert f"{field} was {value}: " in message, f"{field} is not named in {message}"
    assert "grid.legs[0]" in message
    assert waiting(shell.database_url) == 0


def test_values_out_of_range_are_named_each_with_its_remedy(shell: Shell, tmp_path: Path) -> None:
    path = written(
        tmp_path, {"pool": {"max_open_groups": 0}, "exits": {"max_slippage_percent": "-1"}}
    )
    done = shell.run("settings", "set", path, "--account", ACCOUNT, "--reason", "wrong")

    done.refused("pool.max_open_groups was 0: ", "exits.max_slippage_percent was -1: ")


def test_what_full_groups_may_commit_is_told_beside_the_settings(
    altered_shell: Shell, tmp_path: Path
) -> None:
    wanted = {"capital": {"pyramid_capital": "full", "group_budget": "20000"}}
    path = written(tmp_path, wanted)
    arguments = ["settings", "set", str(path), "--account", ACCOUNT, "--reason", "more"]
    worst = "any symbol: a full group commits at most 100000 USDT, 10 of them 1000000 USDT"
    warning = "warning: capital.group_budget was 100000 for one full group"

    told = altered_shell.run(*arguments)
    assert worst in told.stdout
    assert warning in told.stdout
    as_json = altered_shell.run(*arguments, "--json").json()
    assert as_json["worst_cases"]["cases"][0]["all_groups"] == "1000000"
    assert [each["field"] for each in as_json["warnings"]] == ["capital.group_budget"]

    handle_inbox(altered_shell.database_url)
    shown = altered_shell.run("settings", "show", "--account", ACCOUNT)
    assert worst in shown.stderr
    assert parse_settings(shown.stdout) == parse_settings(json.dumps(wanted))
    document = altered_shell.run("settings", "show", "--account", ACCOUNT, "--json").json()
    assert parse_settings(json.dumps(document["settings"])) == parse_settings(json.dumps(wanted))
    assert document["worst_cases"]["max_committed_capital"] == "50000"


def test_what_is_no_json_is_refused_with_the_place(shell: Shell, tmp_path: Path) -> None:
    path = written(tmp_path, '{"pool": {')
    done = shell.run("settings", "set", path, "--account", ACCOUNT, "--reason", "wrong")

    done.refused("document was not JSON: correct it")


def test_a_file_that_is_not_there_and_a_missing_reason_are_named(
    shell: Shell, tmp_path: Path
) -> None:
    missing = tmp_path / "missing.json"
    shell.run("settings", "set", missing, "--reason", "x").refused(str(missing), code=2)
    shell.run("settings", "set", written(tmp_path, {})).refused("--reason", code=2)


@pytest.mark.parametrize("account", ["nobody", "house"])
def test_settings_of_an_unknown_account_are_refused(
    shell: Shell, tmp_path: Path, account: str
) -> None:
    path = written(tmp_path, {})
    words = (f"--account was {account!r}", "never opened", "plimsoll accounts list")
    shell.run("settings", "show", "--account", account).refused(*words)
    shell.run("settings", "set", path, "--account", account, "--reason", "x").refused(*words)
    assert waiting(shell.database_url) == 0
