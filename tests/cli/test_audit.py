"""`plimsoll audit verify` and `plimsoll projections rebuild`: the record and what is made of it."""

import random

import psycopg
import pytest

from projections.rows import SCHEMA
from tests.cli.history import ACCOUNT
from tests.cli.shell import Shell
from tests.log.postgres import owner, saboteur

SEED = 20_260_105
FLIPS = 8


def test_an_untouched_record_is_intact_for_people_and_for_machines(shell: Shell) -> None:
    told, shown = shell.run("audit", "verify", "--json"), shell.start("audit", "verify")

    assert (told.code, shown.code) == (0, 0), shown.stderr
    verdict = told.json()
    assert verdict["intact"]
    assert verdict["differing_tables"] == []
    chain = verdict["accounts"][ACCOUNT]
    assert chain["count"] > 100
    expected = f"{ACCOUNT}: {chain['count']} events, intact, head {chain['head']}\n"
    assert shown.stdout == expected + "read tables: as the log makes them\n"


def test_the_read_tables_can_be_left_out(shell: Shell) -> None:
    done = shell.run("audit", "verify", "--chain-only", "--json")

    assert done.code == 0
    assert done.json()["differing_tables"] is None


def test_one_flipped_bit_is_found_at_its_position_wherever_it_is(altered_shell: Shell) -> None:
    chance = random.Random(SEED)
    with saboteur(altered_shell.database_url) as connection:
        rows = connection.execute(
            "SELECT notification_id, originator_id || '@' || originator_version, state"
            " FROM plimsoll.events"
        ).fetchall()
        for position, event_id, state in chance.sample(rows, FLIPS):
            flipped = bytearray(state)
            place = chance.randrange(len(flipped))
            flipped[place] ^= 1 << chance.randrange(8)
            _store(connection, position, bytes(flipped))

            told = altered_shell.run("audit", "verify", "--json")
            _store(connection, position, bytes(state))

            assert told.code == 1, f"byte {place} of {event_id} was flipped and not found"
            verdict = told.json()
            assert not verdict["intact"]
            chain = verdict["accounts"][ACCOUNT]
            assert (chain["broken_at"], chain["broken_event"]) == (position, event_id)
            assert verdict["differing_tables"] is None, "a broken log proves nothing of tables"

    assert altered_shell.run("audit", "verify").code == 0, "every byte was put back"


def test_a_broken_chain_is_told_with_its_position_and_reason(altered_shell: Shell) -> None:
    with saboteur(altered_shell.database_url) as connection:
        position, state = connection.execute(
            "SELECT notification_id, state FROM plimsoll.events ORDER BY 1 OFFSET 20 LIMIT 1"
        ).fetchall()[0]
        _store(connection, position, state.replace(b'"at":"2026', b'"at":"2027'))

    done = altered_shell.run("audit", "verify")

    assert done.code == 1
    assert f"{ACCOUNT}: BROKEN at position {position} (" in done.stdout
    assert "was altered, moved or removed" in done.stdout
    assert "read tables: not checked" in done.stdout


def test_a_tampered_read_table_is_named(altered_shell: Shell) -> None:
    with owner(altered_shell.database_url) as connection:
        changed = connection.execute(
            f"UPDATE {SCHEMA}.signals SET symbol = 'ETH/USDT:USDT'"
            f" WHERE ctid = (SELECT min(ctid) FROM {SCHEMA}.signals)"
        )
        assert changed.rowcount == 1

    told, shown = (altered_shell.run("audit", "verify", *more) for more in (["--json"], []))

    assert (told.code, shown.code) == (1, 1)
    assert not told.json()["intact"]
    assert told.json()["accounts"][ACCOUNT]["broken_at"] is None
    assert told.json()["differing_tables"] == ["signals"]
    assert "read tables: DIFFERENT from the log: signals" in shown.stdout


def test_a_cut_tail_shows_only_against_a_head_kept_outside(altered_shell: Shell) -> None:
    whole = altered_shell.run("audit", "verify", "--chain-only", "--json").json()
    kept = f"{ACCOUNT}={whole['accounts'][ACCOUNT]['head']}"
    assert altered_shell.run("audit", "verify", "--chain-only", "--head", kept).code == 0
    with saboteur(altered_shell.database_url) as connection:
        connection.execute(
            "DELETE FROM plimsoll.events WHERE notification_id = (SELECT max(notification_id)"
            " FROM plimsoll.events)"
        )

    alone = altered_shell.run("audit", "verify", "--chain-only")
    against = altered_shell.run("audit", "verify", "--chain-only", "--head", kept)

    assert alone.code == 0
    assert against.code == 1
    assert "later events were removed" in against.stdout


def test_an_account_that_vanished_whole_shows_against_its_head(shell: Shell) -> None:
    done = shell.run("audit", "verify", "--chain-only", "--head", f"gone={'a' * 64}")

    assert done.code == 1
    assert "gone: BROKEN" in done.stdout


@pytest.mark.parametrize("head", ["paper", "paper=", "=abc", "paper=abc", f"paper={'G' * 64}"])
def test_what_is_no_head_is_refused_with_the_form(shell: Shell, head: str) -> None:
    shell.run("audit", "verify", "--head", head).refused(
        f"--head was {head!r}", "ACCOUNT=DIGEST", code=2
    )


def test_two_heads_of_one_account_are_refused(shell: Shell) -> None:
    heads = [f"--head=paper={digit * 64}" for digit in "ab"]

    shell.run("audit", "verify", *heads).refused("--head named 'paper' twice", code=2)


def test_an_empty_log_is_intact(empty_shell: Shell) -> None:
    assert empty_shell.run("audit", "verify", "--json").json() == {
        "accounts": {},
        "differing_tables": [],
        "intact": True,
    }


def test_tables_rebuilt_twice_have_the_same_fingerprints_as_before(altered_shell: Shell) -> None:
    first = altered_shell.run("projections", "rebuild", "--json")
    second = altered_shell.start("projections", "rebuild", "--json")

    assert (first.code, second.code) == (0, 0), second.stderr
    assert first.json() == second.json()
    assert len(first.json()["tables"]) > 3
    with owner(altered_shell.database_url) as connection:
        newest = connection.execute("SELECT max(notification_id) FROM plimsoll.events").fetchone()
    assert newest is not None
    assert first.json()["position"] == newest[0]
    assert altered_shell.run("audit", "verify").code == 0


def test_a_rebuild_puts_a_tampered_table_right_and_shows_how_far_it_is(
    altered_shell: Shell,
) -> None:
    before = altered_shell.run("projections", "rebuild", "--json").json()
    with owner(altered_shell.database_url) as connection:
        connection.execute(f"DELETE FROM {SCHEMA}.signals")
    assert altered_shell.run("audit", "verify").code == 1

    done = altered_shell.run("projections", "rebuild")

    assert done.code == 0
    assert f"rebuilt up to position {before['position']}\n" in done.stdout
    for table, digest in before["tables"].items():
        assert f"{table:<28} {digest}" in done.stdout
    assert f"{before['position']} of {before['position']}" in done.stderr
    assert altered_shell.run("audit", "verify").code == 0


def _store(connection: psycopg.Connection, position: int, state: bytes) -> None:

    connection.execute(
        "UPDATE plimsoll.events SET state = %s WHERE notification_id = %s", (state, position)
    )
