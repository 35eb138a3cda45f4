"""The database reaches its shape from nothing, again, and at once from two sides."""

import os
import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.exc import DBAPIError

from adapters.postgres.connection import connect, is_confined
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.lease import Lease
from adapters.postgres.migrate import downgrade, upgrade
from tests.log.postgres import owner, put_directly
from tests.log.story import day_stream, pause, ticks, write

SHAPE = """
    SELECT 'column', table_name || '.' || column_name, data_type || ' ' || is_nullable
    FROM information_schema.columns WHERE table_schema = 'plimsoll'
    UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'plimsoll'
    UNION ALL SELECT 'function', proname, prosrc FROM pg_proc
        WHERE pronamespace = 'plimsoll'::regnamespace
    UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal
    UNION ALL SELECT 'grant', table_name || ' ' || grantee, privilege_type
        FROM information_schema.table_privileges WHERE table_schema = 'plimsoll'
    ORDER BY 1, 2, 3
"""


def shape(url: str) -> list[tuple[str, str, str]]:
    with owner(url) as connection:
        return connection.execute(SHAPE).fetchall()


def test_up_down_and_up_again_give_the_same_shape(empty_postgres_url: str) -> None:
    upgrade(empty_postgres_url)
    first = shape(empty_postgres_url)
    downgrade(empty_postgres_url, "base")
    nothing = {name for kind, name, _ in shape(empty_postgres_url) if kind == "function"}
    upgrade(empty_postgres_url)

    assert nothing == set()
    assert shape(empty_postgres_url) == first
    assert ("index", "events_account_idx") in {row[:2] for row in first}


def test_migrating_a_migrated_database_changes_nothing(postgres_url: str) -> None:
    before = shape(postgres_url)

    upgrade(postgres_url)

    assert shape(postgres_url) == before


def test_two_processes_that_start_at_once_migrate_once(empty_postgres_url: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            upgrade(empty_postgres_url)
        except BaseException as error:  # noqa: BLE001 - handed to the test, which fails with it
            failures.append(error)

    starters = [threading.Thread(target=start) for _ in range(3)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join(60)

    assert failures == []
    with owner(empty_postgres_url) as connection:
        assert connection.execute("SELECT version_num FROM plimsoll.schema_version").fetchall() == [
            ("0002",)
        ]


def test_a_downgrade_never_destroys_a_log(postgres_url: str) -> None:
    with Lease.open(postgres_url) as lease, PostgresEventLog(postgres_url, lease) as log:
        lease.take("paper")
        write(log, ticks(day_stream("paper"), 1))

    with pytest.raises(DBAPIError, match="would destroy it"):
        downgrade(postgres_url, "base")

    with PostgresEventLog(postgres_url) as log:
        assert log.accounts() == ["paper"]


def test_a_downgrade_never_destroys_an_acknowledged_input(postgres_url: str) -> None:
    put_directly(postgres_url, "paper", pause())

    with pytest.raises(DBAPIError, match="would destroy it"):
        downgrade(postgres_url, "base")


def test_the_log_compares_names_byte_by_byte(postgres_url: str) -> None:
    with owner(postgres_url) as connection:
        assert connection.execute(
            "SELECT collname::text FROM pg_attribute JOIN pg_collation c ON c.oid = attcollation"
            " WHERE attrelid = 'plimsoll.events'::regclass AND attname = 'originator_id'"
        ).fetchone() == ("C",)


ACCOUNT_IN_ORDER = """
    SELECT * FROM plimsoll.events WHERE split_part(originator_id, ':', 2) = %s
    AND notification_id > %s ORDER BY notification_id LIMIT 10
"""
NEWEST_STREAM = """
    SELECT originator_id FROM plimsoll.events WHERE originator_id >= %s AND originator_id < %s
    ORDER BY originator_id DESC LIMIT 1
"""


@pytest.mark.parametrize(
    ("question", "parameters", "index"),
    [
        (ACCOUNT_IN_ORDER, ("paper", 5), "events_account_idx"),
        (NEWEST_STREAM, ("trading_day:paper:", "trading_day:paper;"), "events_pkey"),
    ],
)
def test_reading_an_account_uses_an_index(
    postgres_url: str, question: str, parameters: tuple[object, ...], index: str
) -> None:
    with owner(postgres_url) as connection:
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute("EXPLAIN " + question, parameters).fetchall()

    assert index in str(plan)
    assert "Sort" not in str(plan)


@pytest.fixture
def plain_user_url(postgres_server: EmbeddedPostgres, empty_postgres_url: str) -> Iterator[str]:
    """A database owned by a user who may neither create roles nor join the application's."""
    user = sql.Identifier(name := f"plain_{os.getpid()}")
    database = str(conninfo_to_dict(empty_postgres_url)["dbname"])
    with owner(empty_postgres_url) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(user))
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(database), user)
        )
    yield postgres_server.url(database, user=name)
    with owner(empty_postgres_url) as connection:
        connection.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(user))
        connection.execute(sql.SQL("DROP OWNED BY {}").format(user))
        connection.execute(sql.SQL("DROP ROLE {}").format(user))


def test_a_user_who_may_not_create_roles_migrates_and_works_unconfined(
    plain_user_url: str, template_database: str
) -> None:
    upgrade(plain_user_url)

    with connect(plain_user_url) as connection:
        assert not is_confined(connection)
    with Lease.open(plain_user_url) as lease, PostgresEventLog(plain_user_url, lease) as log:
        lease.take("paper")
        write(log, ticks(day_stream("paper"), 2))
    with owner(plain_user_url) as connection, pytest.raises(psycopg.Error, match="append-only"):
        connection.execute("DELETE FROM plimsoll.events")
