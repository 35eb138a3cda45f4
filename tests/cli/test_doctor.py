"""`plimsoll doctor`: every finding with its verdict, and never a password."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.doctor import (
    DISK_WARNING_BYTES,
    SKEW_WARNING,
    STALE_AFTER,
    disk_finding,
    inbox_finding,
    skew_finding,
)
from cli.home import without_password
from tests.cli.history import ACCOUNT, register_live_account
from tests.cli.shell import Answer, Shell
from tests.log.postgres import owner

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
UNREACHABLE = "postgresql://joe:hunter2@127.0.0.1:1/plimsoll"


def finding(answer: Answer, check: str) -> dict[str, Any]:
    """The one finding of a check."""
    [found] = [each for each in answer.json()["findings"] if each["check"] == check]
    return dict(found)


def test_a_sound_house_is_sound_in_every_check(night_url: str, tmp_path: Path) -> None:
    shell = Shell(data_dir=tmp_path, database_url=night_url)
    told, shown = shell.run("doctor", "--json"), shell.run("doctor")

    assert (told.code, shown.code) == (0, 0)
    assert told.json()["sound"]
    verdicts = {each["check"]: each["verdict"] for each in told.json()["findings"]}
    verdicts.pop("disk")
    assert verdicts == {
        "database_url": "ok",
        "database": "ok",
        "clock_skew": "ok",
        "database_role": "ok",
        "inbox": "ok",
        "notifiers": "ok",
        f"{ACCOUNT}: orders": "ok",
        f"{ACCOUNT}: positions": "ok",
        f"{ACCOUNT}: trading": "ok",
    }
    assert "PostgreSQL" in finding(told, "database")["detail"]
    assert shown.stdout.count("\n") == len(verdicts) + 1


def test_an_account_that_was_made_cautious_is_a_warning_and_no_failure(shell: Shell) -> None:
    done = shell.run("doctor", "--json")

    assert done.code == 0
    trading = finding(done, f"{ACCOUNT}: trading")
    assert (trading["verdict"], trading["detail"]) == ("warning", "state reducing")


@pytest.mark.parametrize(
    "url",
    [
        UNREACHABLE,
        "postgresql://joe:hunter2@127.0.0.1:port/plimsoll",
        "postgresql://127.0.0.1:1/plimsoll?user=joe&password=hunter2",
        "postgresq://joe:hunter2@127.0.0.1:1/plimsoll",
        "host=127.0.0.1 port=1 user=joe password='hunter2'",
    ],
)
def test_a_database_that_cannot_be_had_fails_without_showing_the_password(
    tmp_path: Path, url: str
) -> None:
    shell = Shell(data_dir=tmp_path, database_url=url)
    told = shell.run("doctor", "--json")
    shown = shell.run("doctor")

    assert (told.code, shown.code) == (1, 1)
    assert not told.json()["sound"]
    database = finding(told, "database")
    assert database["verdict"] == "failed"
    assert database["detail"].startswith("DATABASE_URL was ")
    assert without_password(url) in database["detail"]
    for text in (told.stdout, told.stderr, shown.stdout, shown.stderr):
        assert "hunter2" not in text
        assert "Traceback" not in text


def test_every_command_tells_of_an_unreachable_database_without_a_traceback(
    tmp_path: Path,
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text("{}")
    shell = Shell(data_dir=tmp_path / "home", database_url=UNREACHABLE)
    span = ["--from", "2026-01-05", "--to", "2026-01-05"]
    for command in (
        ["replay", "2026-01-05"],
        ["audit", "verify"],
        ["projections", "rebuild"],
        ["settings", "show"],
        ["settings", "set", str(settings), "--reason", "smaller"],
        ["export", "trades", *span],
        ["accounts", "list"],
        ["serve", "--port", "0"],
        ["demo", "--port", "0"],
    ):
        message = shell.run(*command).refused(
            "DATABASE_URL was postgresql://joe:***@127.0.0.1:1/plimsoll", "Connection refused"
        )
        assert "hunter2" not in message


def test_a_process_of_its_own_ends_as_quietly(tmp_path: Path) -> None:
    done = Shell(data_dir=tmp_path, database_url=UNREACHABLE).start("replay", "2026-01-05")

    assert "hunter2" not in done.refused("DATABASE_URL was", "Connection refused")


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a directory should be")
    shell = Shell(data_dir=tmp_path / "taken" / "home")

    shell.run("accounts", "list").refused(str(shell.data_dir), "Set PLIMSOLL_DATA")


def test_an_input_that_waits_for_an_engine_is_a_warning(altered_shell: Shell) -> None:
    with owner(altered_shell.database_url) as connection:
        connection.execute(
            "INSERT INTO plimsoll.inbox (account, kind, payload, received_at)"
            " VALUES (%s, 'test', '', now() - interval '5 minutes')",
            (ACCOUNT,),
        )

    done = altered_shell.run("doctor", "--json")

    assert done.code == 0
    inbox = finding(done, "inbox")
    assert inbox["verdict"] == "warning"
    assert inbox["detail"].startswith("1 inputs wait, the oldest since 20")
    assert inbox["detail"].endswith("see that `plimsoll serve` runs")


def test_a_live_account_without_keys_fails_and_names_the_variable(altered_shell: Shell) -> None:
    register_live_account(altered_shell.database_url, "main-2")
    without = altered_shell.run("doctor", "--json")
    half = altered_shell.run("doctor", "--json", env={"PLIMSOLL_MAIN_2_API_KEY": "the-key"})

    assert (without.code, half.code) == (1, 1)
    assert finding(without, "main-2: venue")["verdict"] == "failed"
    assert "PLIMSOLL_MAIN_2_API_KEY was not set" in finding(without, "main-2: venue")["detail"]
    assert "PLIMSOLL_MAIN_2_API_SECRET was not set" in finding(half, "main-2: venue")["detail"]
    assert "the-key" not in half.stdout + half.stderr


def test_a_venue_that_cannot_be_reached_fails_without_showing_a_key(altered_shell: Shell) -> None:
    register_live_account(altered_shell.database_url, "main")
    keys = {
        "PLIMSOLL_MAIN_API_KEY": "the-key",
        "PLIMSOLL_MAIN_API_SECRET": "the-secret",
        "PLIMSOLL_PROXY_URL": "http://127.0.0.1:1",
    }
    done = altered_shell.run("doctor", "--json", env=keys)

    assert done.code == 1
    venue = finding(done, "main: venue")
    assert venue["verdict"] == "failed"
    assert venue["detail"].startswith("binanceusdm not reached: ")
    assert "the-" not in done.stdout + done.stderr


def test_a_disk_that_fills_up_is_only_a_warning() -> None:
    place = Path("/data")

    assert disk_finding(DISK_WARNING_BYTES, place).verdict == "ok"
    low = disk_finding(DISK_WARNING_BYTES - 1, place)
    assert (low.check, low.verdict) == ("disk", "warning")
    assert low.detail == "2047 MiB free at /data: keep 2048 MiB free"


@pytest.mark.parametrize("sign", [1, -1])
def test_clocks_that_stand_apart_are_a_warning_whichever_is_ahead(sign: int) -> None:
    apart = sign * SKEW_WARNING

    assert skew_finding(NOON, NOON + apart).verdict == "ok"
    warned = skew_finding(NOON, NOON + apart + sign * timedelta(milliseconds=1))
    assert warned.verdict == "warning"
    assert warned.detail == "1.001 s to the database: let both follow a time server"


def test_inputs_may_wait_for_as_long_as_an_engine_needs_to_take_them() -> None:
    assert inbox_finding(NOON, 0, None).detail == "0 inputs wait"
    assert inbox_finding(NOON, 3, NOON - STALE_AFTER).verdict == "ok"
    stale = inbox_finding(NOON, 3, NOON - STALE_AFTER - timedelta(seconds=1))
    assert stale.verdict == "warning"
    assert "the oldest since 2026-01-05T11:58:59+00:00" in stale.detail


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://joe@host/db", "postgresql://joe@host/db"),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"),
        ("postgresql:///db?host=/run", "postgresql:///db?host=/run"),
        ("postgresql://joe:p@s:s/w@host:1/db", "postgresql://joe:***@host:1/db"),
        ("postgresql://:pw@host/db", "postgresql://:***@host/db"),
        ("postgresql://h/db?password=pw&user=joe", "postgresql://h/db?password=***&user=joe"),
        ("postgresql://h/db?sslpassword=pw", "postgresql://h/db?sslpassword=***"),
        ("host=h PASSWORD = 'p w' user=joe", "host=h PASSWORD = *** user=joe"),
        ("host=h password=p\\'w user=joe", "host=h password=*** user=joe"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
