"""`plimsoll replay`: the same day again, or the first difference with both sides."""

import psycopg
import pytest

from cli.version import VERSION
from tests.cli.history import ACCOUNT, OTHER_VERSION
from tests.cli.market import FIRST_DAY, SECOND_DAY, THIRD_DAY
from tests.cli.shell import Shell
from tests.log.postgres import saboteur


@pytest.mark.parametrize("day", [FIRST_DAY, SECOND_DAY, THIRD_DAY])
def test_a_recorded_day_comes_out_the_same(shell: Shell, day: str) -> None:
    done = shell.run("replay", day, "--account", ACCOUNT, "--json")

    assert done.code == 0, done.stdout
    report = done.json()
    assert report["identical"]
    assert report["difference"] is None
    assert report["inputs"] > 0
    assert report["events"] > report["inputs"]


def test_every_event_of_the_days_is_compared_once(shell: Shell) -> None:
    days = [shell.run("replay", day, "--json").json() for day in (FIRST_DAY, SECOND_DAY, THIRD_DAY)]
    with psycopg.connect(shell.database_url) as connection:
        row = connection.execute("SELECT count(*) FROM plimsoll.events").fetchone()

    assert row is not None
    assert sum(day["events"] for day in days) == row[0]


def test_the_newest_day_ends_at_the_head_that_the_chain_has(shell: Shell) -> None:
    replayed = shell.run("replay", THIRD_DAY, "--json").json()
    verified = shell.run("audit", "verify", "--chain-only", "--json").json()

    assert replayed["digest"] == verified["accounts"][ACCOUNT]["head"]


def test_a_day_with_a_start_and_an_input_set_aside_comes_out_the_same(shell: Shell) -> None:
    with psycopg.connect(shell.database_url) as connection:
        names = {
            name
            for (name,) in connection.execute(
                "SELECT topic FROM plimsoll.events WHERE originator_id = %s",
                (f"trading_day:{ACCOUNT}:{SECOND_DAY}",),
            )
        }
    done = shell.run("replay", SECOND_DAY)

    assert {"trading_day.engine_started.v1", "trading_day.input_failed.v1"} <= names
    assert done.code == 0
    assert f"{ACCOUNT} {SECOND_DAY}: identical" in done.stdout
    assert f"decided  by {VERSION}; replayed by {VERSION}" in done.stdout


def test_a_process_of_its_own_finds_the_same(shell: Shell) -> None:
    assert shell.start("replay", SECOND_DAY, "--json") == shell.run("replay", SECOND_DAY, "--json")


def test_a_decision_that_was_altered_is_shown_with_both_sides(altered_shell: Shell) -> None:
    event_id = _alter_a_price(altered_shell.database_url)

    told = altered_shell.run("replay", FIRST_DAY, "--json")
    shown = altered_shell.run("replay", FIRST_DAY)

    assert (told.code, shown.code) == (1, 1)
    report = told.json()
    assert not report["identical"]
    assert report["difference"]["event_id"] == event_id
    assert '"price":"1.2345"' in report["difference"]["recorded"]
    assert '"price":"1.2345"' not in report["difference"]["replayed"]
    assert report["difference"]["replayed"].startswith("order.requested.v1 {")
    assert f"first difference at {event_id}" in shown.stdout
    assert "decided by other code" not in shown.stdout


def test_days_before_and_after_an_altered_one_still_come_out_the_same(altered_shell: Shell) -> None:
    _alter_a_price(altered_shell.database_url)

    assert altered_shell.run("replay", THIRD_DAY).code == 0


def test_a_recorded_input_that_was_altered_shows_at_the_latest_in_the_closing_books(
    altered_shell: Shell,
) -> None:
    with saboteur(altered_shell.database_url) as connection:
        done = connection.execute(
            "UPDATE plimsoll.events SET state = convert_to(replace(convert_from(state, 'UTF8'),"
            " 'sim-000001', 'sim-900001'), 'UTF8') WHERE topic = 'trading_day.signal_received.v1'"
            " AND originator_id LIKE %s",
            (f"%{FIRST_DAY}",),
        )
        assert done.rowcount > 0

    assert altered_shell.run("replay", FIRST_DAY).code == 1


def test_an_event_that_is_gone_is_shown_as_nothing_recorded(altered_shell: Shell) -> None:
    with saboteur(altered_shell.database_url) as connection:
        connection.execute(
            "DELETE FROM plimsoll.events WHERE notification_id = (SELECT min(notification_id)"
            " FROM plimsoll.events WHERE topic = 'order.requested.v1')"
        )

    done = altered_shell.run("replay", FIRST_DAY)

    assert done.code == 1
    assert "DIFFERENT" in done.stdout


def test_a_difference_under_another_release_says_so(altered_shell: Shell) -> None:
    with saboteur(altered_shell.database_url) as connection:
        connection.execute(
            "UPDATE plimsoll.events SET state = convert_to(replace(convert_from(state, 'UTF8'),"
            """ '"signal_id":"sig-third"', '"signal_id":"sig-other"'), 'UTF8')"""
            " WHERE topic = 'trading_day.signal_judged.v1' AND originator_id LIKE %s",
            (f"%{THIRD_DAY}",),
        )

    done = altered_shell.run("replay", THIRD_DAY)

    assert done.code == 1
    assert f"decided  by {OTHER_VERSION}; replayed by {VERSION}" in done.stdout
    assert "decided by other code: replay it with the release it names" in done.stdout


def test_an_event_that_cannot_be_read_sends_to_the_audit(altered_shell: Shell) -> None:
    with saboteur(altered_shell.database_url) as connection:
        connection.execute(
            "UPDATE plimsoll.events SET state = 'no JSON' WHERE topic = 'order.requested.v1'"
        )

    altered_shell.run("replay", FIRST_DAY).refused("order:", "plimsoll audit verify --chain-only")


def test_a_day_that_was_not_recorded_is_no_such_day(shell: Shell) -> None:
    shell.run("replay", "2026-01-04").refused(
        "DAY was 2026-01-04", ACCOUNT, f"newest day is {THIRD_DAY}", code=2
    )


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-02-30", "20260105", "2026-W02-1", "05.01.2026", "2026-1-5", ""]
)
def test_what_is_no_day_is_named_with_the_form_to_write(shell: Shell, text: str) -> None:
    shell.run("replay", text).refused(f"DAY was {text!r}", "2026-01-05", code=2)


def test_an_unknown_account_is_named_with_the_known_ones(shell: Shell) -> None:
    shell.run("replay", FIRST_DAY, "--account", "nobody").refused(
        "--account was 'nobody'", f"the log has {ACCOUNT}", code=2
    )


def test_an_empty_log_has_no_day(empty_shell: Shell) -> None:
    empty_shell.run("replay", FIRST_DAY).refused("no account yet", code=2)


def _alter_a_price(url: str) -> str:
    with saboteur(url) as connection:
        row = connection.execute(
            "UPDATE plimsoll.events SET state = convert_to(regexp_replace("
            """convert_from(state, 'UTF8'), '"price":"[0-9.]+"', '"price":"1.2345"'), 'UTF8')"""
            " WHERE notification_id = (SELECT min(notification_id) FROM plimsoll.events"
            " WHERE topic = 'order.requested.v1')"
            " RETURNING originator_id, originator_version"
        ).fetchone()
    assert row is not None
    return f"{row[0]}@{row[1]}"
