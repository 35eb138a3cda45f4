"""`plimsoll accounts`: what is in the log, and what must not be added to it."""

from pathlib import Path

import pytest

from tests.cli.history import ACCOUNT, register_live_account
from tests.cli.shell import Shell
from tests.log.postgres import owner

KEYS = {"PLIMSOLL_MAIN_API_KEY": "the-key", "PLIMSOLL_MAIN_API_SECRET": "the-secret"}


def test_the_accounts_of_the_log_are_listed_without_the_house(altered_shell: Shell) -> None:
    register_live_account(altered_shell.database_url, "main-2")
    register_live_account(altered_shell.database_url, "house")

    told = altered_shell.run("accounts", "list", "--json")
    shown = altered_shell.run("accounts", "list")

    assert (told.code, shown.code) == (0, 0)
    assert told.json() == {"accounts": ["main-2", ACCOUNT]}
    assert shown.stdout == f"main-2\n{ACCOUNT}\n"


def test_no_account_is_said_in_words_and_as_an_empty_list(empty_shell: Shell) -> None:
    assert empty_shell.run("accounts", "list", "--json").json() == {"accounts": []}
    assert empty_shell.run("accounts", "list").stdout == "There is no account yet.\n"


@pytest.mark.parametrize("name", ["Main", "-main", "main_2", "a" * 32, "", "ma in", "../main"])
def test_a_name_that_no_stream_can_bear_is_refused(empty_shell: Shell, name: str) -> None:
    empty_shell.run("accounts", "add", "--", name, env=KEYS).refused(
        f"ACCOUNT was {name!r}: use lower-case letters, digits and dashes"
    )


def test_the_installations_own_name_is_refused(empty_shell: Shell) -> None:
    empty_shell.run("accounts", "add", "house").refused("ACCOUNT was 'house'", "choose another")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "PLIMSOLL_MAIN_2_API_KEY"),
        ({"PLIMSOLL_MAIN_2_API_KEY": "the-key"}, "PLIMSOLL_MAIN_2_API_SECRET"),
        ({"PLIMSOLL_MAIN_2_API_SECRET": "the-secret"}, "PLIMSOLL_MAIN_2_API_KEY"),
    ],
)
def test_missing_keys_are_named_by_their_variable(
    empty_shell: Shell, given: dict[str, str], missing: str
) -> None:
    message = empty_shell.run("accounts", "add", "main-2", env=given).refused(
        f"{missing} was not set: export the account's key in that variable"
    )
    assert "the-" not in message
    _assert_nothing_waits(empty_shell)


def test_a_name_that_is_taken_is_refused_before_any_venue_is_asked(shell: Shell) -> None:
    shell.run("accounts", "add", ACCOUNT).refused(
        f"ACCOUNT was {ACCOUNT!r}, which exists already: choose another name"
    )


def test_a_venue_nobody_built_is_named_with_those_there_are(empty_shell: Shell) -> None:
    empty_shell.run("accounts", "add", "main", "--venue", "mtgox", env=KEYS).refused(
        "venue was 'mtgox'", "binanceusdm"
    )
    _assert_nothing_waits(empty_shell)


def test_a_venue_that_is_not_reached_adds_nothing_and_shows_no_key(empty_shell: Shell) -> None:
    unreachable = {**KEYS, "PLIMSOLL_PROXY_URL": "http://127.0.0.1:1"}

    message = empty_shell.run("accounts", "add", "main", env=unreachable).refused("binanceusdm")

    assert "the-" not in message
    _assert_nothing_waits(empty_shell)


def test_settings_that_are_refused_are_named_and_nothing_is_added(
    empty_shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "settings.json"
    add = ["accounts", "add", "main", "--settings", str(path)]
    path.write_text('{"pool": {"max_open_groups": 0}}')
    empty_shell.run(*add, env=KEYS).refused(f"{path} was refused:", "pool.max_open_groups was 0: ")
    path.unlink()
    empty_shell.run(*add, env=KEYS).refused(str(path), code=2)
    _assert_nothing_waits(empty_shell)


def test_a_broken_file_of_secrets_is_named_with_the_remedy(empty_shell: Shell) -> None:
    empty_shell.data_dir.mkdir()
    secrets = empty_shell.data_dir / "secrets.json"
    secrets.write_text("{")

    empty_shell.run("accounts", "add", "main", env=KEYS).refused(
        str(secrets), "restore it from a backup"
    )


def _assert_nothing_waits(shell: Shell) -> None:
    with owner(shell.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM plimsoll.inbox").fetchone() == (0,)
