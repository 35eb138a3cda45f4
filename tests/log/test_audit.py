"""Whatever is altered behind the log's back is found, and where."""

import random
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from adapters.postgres.audit import verify_account, verify_log
from adapters.postgres.connection import connect
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.lease import Lease
from application.journal import GENESIS
from tests.log.postgres import saboteur
from tests.log.story import day_stream, ticks, write

EVENTS = 40
SEED = 20_260_105
Row = tuple[int, str, int, str, bytes]


@pytest.fixture
def log_url(postgres_url: str) -> str:
    """Two accounts, their events interleaved."""
    with Lease.open(postgres_url) as lease, PostgresEventLog(postgres_url, lease) as log:
        for account in ("paper", "live"):
            lease.take(account)
        for first in range(1, EVENTS, 4):
            write(log, ticks(day_stream("paper"), 4, first=first))
            write(log, ticks(day_stream("live"), 2, first=first))
            write(log, ticks("order:paper:P1", 1, first=first))
    return postgres_url


def rows_of(connection: psycopg.Connection, account: str) -> list[Row]:
    return connection.execute(
        "SELECT notification_id, originator_id, originator_version, topic, state"
        " FROM plimsoll.events WHERE split_part(originator_id, ':', 2) = %s"
        " ORDER BY notification_id",
        (account,),
    ).fetchall()


def test_an_untouched_log_verifies_account_by_account(log_url: str) -> None:
    with connect(log_url) as connection, PostgresEventLog(log_url) as log:
        verdicts = verify_log(connection)

        assert {name: verdict.count for name, verdict in verdicts.items()} == {
            "live": EVENTS // 2,
            "paper": EVENTS + EVENTS // 4,
        }
        for account, verdict in verdicts.items():
            assert verdict.intact
            assert verdict.head == log.head(account)


def test_an_account_without_events_stands_at_genesis(log_url: str) -> None:
    with connect(log_url) as connection:
        assert verify_account(connection, "nobody").head == GENESIS


def test_verifying_in_many_fetches_is_verifying_at_once(
    log_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(log_url) as connection:
        whole = verify_account(connection, "paper")
        monkeypatch.setattr("adapters.postgres.audit.ROWS_PER_FETCH", 3)

        assert verify_account(connection, "paper") == whole


def _flip_stream(row: Row, chance: random.Random) -> tuple[str, object]:
    return "originator_id", _flipped_text(row[1], chance)


def _flip_version(row: Row, chance: random.Random) -> tuple[str, object]:
    return "originator_version", row[2] ^ (1 << chance.randrange(7, 62))


def _flip_name(row: Row, chance: random.Random) -> tuple[str, object]:
    return "topic", _flipped_text(row[3], chance)


def _flip_state(row: Row, chance: random.Random) -> tuple[str, object]:
    return "state", _flipped(row[4], chance.randrange(len(row[4])), chance)


def _flip_digest(row: Row, chance: random.Random) -> tuple[str, object]:
    return "state", _flipped(row[4], len(row[4]) - 2 - chance.randrange(1, 65), chance)


def _flipped(content: bytes, at: int, chance: random.Random) -> bytes:
    return content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]


def _flipped_text(text: str, chance: random.Random) -> str:
    """One bit of one character; never the zero byte, which text columns cannot hold."""
    flipped = _flipped(text.encode(), chance.randrange(len(text)), random.Random(chance.random()))
    printable = bytes(byte & 0x7F for byte in flipped)
    if printable == text.encode() or 0 in printable:
        return _flipped_text(text, chance)
    return printable.decode()


@pytest.mark.parametrize(
    "flip", [_flip_stream, _flip_version, _flip_name, _flip_state, _flip_digest]
)
def test_one_flipped_bit_of_any_column_is_found_at_its_position(
    log_url: str, flip: Callable[[Row, random.Random], tuple[str, object]]
) -> None:
    chance = random.Random(f"{SEED} {flip.__name__}")
    with saboteur(log_url) as vandal, connect(log_url) as auditor:
        for row in chance.sample(rows_of(vandal, "paper"), 12):
            column, value = flip(row, chance)
            _set(vandal, row[0], column, value)
            verdicts = verify_log(auditor)
            _restore(vandal, row)

            broken = {verdict.broken_at for verdict in verdicts.values() if not verdict.intact}
            assert broken & {row[0], _next(vandal, row[0])}, (column, value, row[0])
            if column != "originator_id":
                assert verdicts["paper"].broken_at == row[0]
        assert all(verdict.intact for verdict in verify_log(auditor).values())


def test_an_event_renamed_into_another_account_is_found_even_at_the_end(log_url: str) -> None:
    with saboteur(log_url) as vandal, connect(log_url) as auditor:
        last = rows_of(vandal, "paper")[-1]
        _set(vandal, last[0], "originator_id", last[1].replace(":paper:", ":pater:"))

        verdicts = verify_log(auditor)

    assert verdicts["pater"].broken_at == last[0]


def test_two_events_that_changed_places_are_found(log_url: str) -> None:
    with saboteur(log_url) as vandal, connect(log_url) as auditor:
        first, second = rows_of(vandal, "paper")[7:9]
        for position, content in ((first[0], second[4]), (second[0], first[4])):
            _set(vandal, position, "state", content)

        assert verify_account(auditor, "paper").broken_at == first[0]


@pytest.mark.parametrize("place", [0, 1, 17, EVENTS - 2])
def test_an_event_taken_out_of_the_middle_shows_at_the_next_one(log_url: str, place: int) -> None:
    with saboteur(log_url) as vandal, connect(log_url) as auditor:
        rows = rows_of(vandal, "paper")
        vandal.execute("DELETE FROM plimsoll.events WHERE notification_id = %s", (rows[place][0],))

        verdict = verify_account(auditor, "paper")

    assert (verdict.broken_at, verdict.count) == (rows[place + 1][0], place)


def test_a_cut_tail_shows_against_an_outside_anchor_only(log_url: str) -> None:
    with saboteur(log_url) as vandal, connect(log_url) as auditor:
        head = verify_account(auditor, "paper").head
        vandal.execute(
            "DELETE FROM plimsoll.events WHERE notification_id = %s",
            (rows_of(vandal, "paper")[-1][0],),
        )

        assert verify_account(auditor, "paper").intact
        verdict = verify_account(auditor, "paper", head)
        assert "later events were removed" in (verdict.reason or "")
        assert not verify_log(auditor, {"paper": head})["paper"].intact


def test_an_account_removed_as_a_whole_shows_against_an_outside_anchor(log_url: str) -> None:
    with saboteur(log_url) as vandal, connect(log_url) as auditor:
        head = verify_account(auditor, "live").head
        vandal.execute(
            "DELETE FROM plimsoll.events WHERE split_part(originator_id, ':', 2) = 'live'"
        )

        assert not verify_log(auditor, {"live": head})["live"].intact


def test_an_anchor_stays_good_while_the_log_grows(log_url: str) -> None:
    with connect(log_url) as auditor, Lease.open(log_url) as lease:
        head = verify_account(auditor, "paper").head
        with PostgresEventLog(log_url, lease) as log:
            lease.take("paper")
            write(log, ticks(day_stream("paper", "2026-01-06"), 2))

        assert verify_account(auditor, "paper", head).intact


def _set(vandal: psycopg.Connection, position: int, column: str, value: object) -> None:
    query = sql.SQL("UPDATE plimsoll.events SET {} = %s WHERE notification_id = %s")
    vandal.execute(query.format(sql.Identifier(column)), (value, position))


def _restore(vandal: psycopg.Connection, row: Row) -> None:
    vandal.execute(
        "UPDATE plimsoll.events SET originator_id = %s, originator_version = %s, topic = %s,"
        " state = %s WHERE notification_id = %s",
        (*row[1:], row[0]),
    )


def _next(connection: psycopg.Connection, position: int) -> int | None:
    row = connection.execute(
        "SELECT min(notification_id) FROM plimsoll.events"
        " WHERE notification_id > %s AND split_part(originator_id, ':', 2) = 'paper'",
        (position,),
    ).fetchone()
    return row[0] if row else None
