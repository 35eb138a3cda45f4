"""Web's inputs are durable before they are acknowledged, many in one commit."""

import asyncio
import itertools
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from adapters.postgres import inbox_writer
from adapters.postgres.connection import INBOX_CHANNEL
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.inbox_writer import AsyncInbox
from application.inbox import InboxUnavailable
from tests.log.postgres import owner
from tests.log.story import pause


def waiting(url: str) -> dict[int, str]:
    """What the engine's writer would find: the reasons by id."""
    inbox = PostgresInbox(url)
    rows = inbox.waiting(10_000)
    inbox.close()
    return {row.id: getattr(row.input, "reason", "") for row in rows}


async def test_an_answered_input_can_be_read_by_the_writer(postgres_url: str) -> None:
    async with AsyncInbox(postgres_url) as inbox:
        row_id = await inbox.put("paper", pause("one"))

        assert waiting(postgres_url) == {row_id: "one"}


async def test_each_of_many_callers_is_answered_with_its_own_id(postgres_url: str) -> None:
    async with AsyncInbox(postgres_url) as inbox:
        reasons = [str(number) for number in range(1_200)]
        ids = await asyncio.gather(*(inbox.put("paper", pause(reason)) for reason in reasons))

    assert waiting(postgres_url) == dict(zip(ids, reasons, strict=True))


async def test_all_that_wait_share_one_insert_and_one_hint(postgres_url: str) -> None:
    with owner(postgres_url) as listener:
        listener.execute(f"LISTEN {INBOX_CHANNEL}")
        async with AsyncInbox(postgres_url) as inbox:
            await inbox.put("paper", pause("first"))
            await asyncio.gather(*(inbox.put("paper", pause(str(n))) for n in range(100)))
        transactions = listener.execute(
            "SELECT count(DISTINCT xmin::text) FROM plimsoll.inbox"
        ).fetchone()
        listener.execute("SELECT pg_notify(%s, 'end')", (INBOX_CHANNEL,))
        # Closed at once: while it is open it holds the connection's lock.
        with closing(listener.notifies(timeout=10)) as hints:
            heard = list(itertools.takewhile(lambda hint: hint.payload != "end", hints))

    assert transactions == (2,)
    assert len(heard) == 2


async def test_an_unreachable_database_answers_unavailable(tmp_path: Path) -> None:
    async with AsyncInbox(f"postgresql://nobody@/nothing?host={tmp_path}") as inbox:
        with pytest.raises(InboxUnavailable, match="send again"):
            await inbox.put("paper", pause())


async def test_after_a_lost_connection_the_next_input_connects_anew(postgres_url: str) -> None:
    async with AsyncInbox(postgres_url) as inbox:
        await inbox.put("paper", pause("before"))
        with owner(postgres_url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        stored = [await _outcome(inbox, str(number)) for number in range(3)]

    assert stored[-1] is True
    kept = set(waiting(postgres_url).values())
    assert {str(number) for number in range(3) if stored[number]} | {"before"} <= kept


async def _outcome(inbox: AsyncInbox, reason: str) -> bool:
    try:
        await inbox.put("paper", pause(reason))
    except InboxUnavailable:
        return False
    return True


async def test_a_database_that_hangs_answers_unavailable_in_time(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_writer, "ANSWER_SECONDS_MAX", 0.3)
    with owner(postgres_url) as blocker, blocker.transaction():
        blocker.execute("LOCK TABLE plimsoll.inbox IN ACCESS EXCLUSIVE MODE")
        async with AsyncInbox(postgres_url) as inbox:
            with pytest.raises(InboxUnavailable):
                await inbox.put("paper", pause())


async def test_a_full_inbox_refuses_at_once(postgres_url: str) -> None:
    with owner(postgres_url) as blocker:
        async with AsyncInbox(postgres_url, waiting_max=3) as inbox:
            await inbox.put("paper", pause("warm"))
            with blocker.transaction():
                blocker.execute("LOCK TABLE plimsoll.inbox IN ACCESS EXCLUSIVE MODE")
                flying = asyncio.create_task(inbox.put("paper", pause("flying")))
                await _until_blocked(blocker)
                held = [
                    asyncio.create_task(inbox.put("paper", pause(f"held {number}")))
                    for number in range(3)
                ]
                await asyncio.sleep(0)
                with pytest.raises(InboxUnavailable, match="at most 3"):
                    await inbox.put("paper", pause("too many"))
            await asyncio.gather(flying, *held)

    assert set(waiting(postgres_url).values()) == {
        "warm", "flying", "held 0", "held 1", "held 2",
    }  # fmt: skip


async def test_a_cancelled_caller_takes_nothing_back_from_the_others(postgres_url: str) -> None:
    with owner(postgres_url) as blocker:
        async with AsyncInbox(postgres_url) as inbox:
            with blocker.transaction():
                blocker.execute("LOCK TABLE plimsoll.inbox IN ACCESS EXCLUSIVE MODE")
                impatient = asyncio.create_task(inbox.put("paper", pause("impatient")))
                patient = asyncio.create_task(inbox.put("paper", pause("patient")))
                await _until_blocked(blocker)
                impatient.cancel()
            row_id = await patient

    found = waiting(postgres_url)
    assert found[row_id] == "patient"
    assert "impatient" in found.values()
    assert impatient.cancelled()


async def test_a_closed_inbox_stores_what_waits_and_takes_nothing_more(postgres_url: str) -> None:
    inbox = AsyncInbox(postgres_url)
    sent = asyncio.create_task(inbox.put("paper", pause("last")))
    await asyncio.sleep(0)

    await inbox.close()

    assert list(waiting(postgres_url)) == [await sent]
    with pytest.raises(InboxUnavailable):
        await inbox.put("paper", pause())


async def _until_blocked(observer: psycopg.Connection) -> None:
    """Return once the INSERT waits for the lock that `observer` holds."""
    async with asyncio.timeout(10):
        while not _is_blocked(observer):
            await asyncio.sleep(0.005)


def _is_blocked(observer: psycopg.Connection) -> bool:
    row = observer.execute(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'plimsoll.inbox'::regclass"
    ).fetchone()
    return row != (0,)
