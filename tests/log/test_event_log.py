"""What every event log promises, in memory and in Postgres alike."""

from collections.abc import Callable, Iterator

import msgspec
import pytest

from adapters.memory_log import MemoryEventLog, MemoryInbox
from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.lease import Lease
from application.inbox import Inbox
from application.journal import GENESIS, EventLog, InboxGone, StreamConflict, digest_of, seal
from domain.message import Input
from tests.log.postgres import put_directly
from tests.log.story import day_stream, pause, stored, ticks, write


class House(msgspec.Struct, frozen=True, kw_only=True):
    """A log, its inbox, and the way of the web into it."""

    log: EventLog
    inbox: Inbox
    put: Callable[[str, Input], int]


@pytest.fixture(params=["memory", "postgres"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """Each implementation, empty."""
    if request.param == "memory":
        inbox = MemoryInbox()
        yield House(log=MemoryEventLog(inbox), inbox=inbox, put=inbox.put)
        return
    url = request.getfixturevalue("postgres_url")
    with Lease.open(url) as lease, PostgresEventLog(url, lease) as log:
        for account in ("paper", "live", "third"):
            lease.take(account)
        reader = PostgresInbox(url)
        yield House(log=log, inbox=reader, put=lambda *letter: put_directly(url, *letter))
        reader.close()


def test_an_empty_log_has_no_accounts_no_days_and_the_genesis_head(house: House) -> None:
    assert house.log.accounts() == []
    assert house.log.last_day("paper") is None
    assert house.log.day_start(day_stream("paper")) is None
    assert house.log.head("paper") == GENESIS
    assert list(house.log.stream(day_stream("paper"))) == []
    assert list(house.log.since("paper", 0)) == []


def test_what_was_appended_is_read_back_equal_and_in_order(house: House) -> None:
    story = ticks(day_stream("paper"), 5)

    positions = write(house.log, story)

    assert list(house.log.stream(day_stream("paper"))) == story
    assert list(house.log.since("paper", 0)) == list(zip(positions, story, strict=True))
    assert positions == sorted(set(positions))


def test_reading_a_stream_after_a_version_leaves_out_what_came_before(house: House) -> None:
    story = ticks(day_stream("paper"), 5)
    write(house.log, story)

    assert list(house.log.stream(day_stream("paper"), after=3)) == story[3:]


def test_the_head_is_the_digest_of_the_accounts_newest_event(house: House) -> None:
    sealed, head = seal(GENESIS, stored(ticks(day_stream("paper"), 3)))
    house.log.append(sealed)
    write(house.log, ticks(day_stream("live"), 2))

    assert house.log.head("paper") == head == digest_of(sealed[-1])
    assert house.log.head("live") not in (GENESIS, head)


def test_a_version_written_twice_is_a_conflict_and_records_nothing(house: House) -> None:
    write(house.log, ticks(day_stream("paper"), 3))
    head = house.log.head("paper")

    with pytest.raises(StreamConflict):
        write(house.log, ticks(day_stream("paper"), 3, first=3))

    assert house.log.head("paper") == head
    assert len(list(house.log.since("paper", 0))) == 3


def test_a_batch_with_the_same_version_twice_is_a_conflict(house: House) -> None:
    sealed, _ = seal(GENESIS, stored([*ticks(day_stream("paper"), 1)] * 2))

    with pytest.raises(StreamConflict):
        house.log.append(sealed)

    assert house.log.accounts() == []


def test_named_streams_come_in_commit_order_up_to_their_versions(house: House) -> None:
    day, order = day_stream("paper"), "order:paper:P1"
    mixed = [*ticks(day, 2), *ticks(order, 2), *ticks(day, 1, first=3), *ticks(order, 1, first=3)]
    write(house.log, mixed)
    write(house.log, ticks(day_stream("live"), 2))

    read = list(house.log.streams({order: 2, day: 3, "order:paper:never": 7}))

    assert read == mixed[:5]


def test_no_named_streams_are_no_events(house: House) -> None:
    write(house.log, ticks(day_stream("paper"), 2))

    assert list(house.log.streams({})) == []


def test_following_an_account_sees_only_its_own_events_after_the_position(house: House) -> None:
    first = write(house.log, ticks(day_stream("paper"), 3))
    write(house.log, ticks(day_stream("live"), 3))
    later = ticks("order:paper:P1", 2)
    positions = write(house.log, later)

    assert list(house.log.since("paper", first[-1])) == list(zip(positions, later, strict=True))


def test_the_last_day_is_the_newest_date_and_starts_at_its_first_event(house: House) -> None:
    write(house.log, ticks(day_stream("paper", "2026-01-09"), 2))
    position = write(house.log, ticks(day_stream("paper", "2026-01-10"), 2))[0]
    write(house.log, ticks("order:paper:zzz", 1))
    write(house.log, ticks(day_stream("third", "2027-01-01"), 1))

    assert house.log.last_day("paper") == day_stream("paper", "2026-01-10")
    assert house.log.day_start(day_stream("paper", "2026-01-10")) == position


def test_accounts_are_named_once_each_and_sorted(house: House) -> None:
    for account in ("third", "live", "paper", "live"):
        stream = f"order:{account}:{house.log.head(account)[:6]}"
        write(house.log, ticks(stream, 2))

    assert house.log.accounts() == ["live", "paper", "third"]


def test_a_handled_input_leaves_the_inbox_with_the_events_that_answer_it(house: House) -> None:
    row_id = house.put("paper", pause())

    write(house.log, ticks(day_stream("paper"), 1), [row_id])

    assert house.inbox.waiting(10) == []


def test_an_input_may_leave_the_inbox_without_any_event(house: House) -> None:
    row_id = house.put("paper", pause())

    assert list(house.log.append([], [row_id])) == []
    assert house.inbox.waiting(10) == []


def test_an_inbox_row_that_is_gone_rolls_back_everything(house: House) -> None:
    kept = house.put("paper", pause())

    with pytest.raises(InboxGone):
        write(house.log, ticks(day_stream("paper"), 3), [kept, kept + 1000])

    assert house.log.accounts() == []
    assert [row.id for row in house.inbox.waiting(10)] == [kept]


def test_a_conflict_keeps_the_inbox_rows(house: House) -> None:
    write(house.log, ticks(day_stream("paper"), 1))
    kept = house.put("paper", pause())

    with pytest.raises(StreamConflict):
        write(house.log, ticks(day_stream("paper"), 1), [kept])

    assert [row.id for row in house.inbox.waiting(10)] == [kept]


def test_waiting_inputs_come_back_as_they_went_in(house: House) -> None:
    sent = pause("a reason with \u0000, \u2028 and \N{SNOWMAN}")

    row_id = house.put("paper", sent)

    (row,) = house.inbox.waiting(10)
    assert (row.id, row.account, row.input) == (row_id, "paper", sent)


def test_accounts_take_turns_in_the_inbox(house: House) -> None:
    noisy = [house.put("live", pause(str(number))) for number in range(5)]
    quiet = [house.put("paper", pause(str(number))) for number in range(2)]

    ids = [row.id for row in house.inbox.waiting(6)]

    assert ids == [noisy[0], quiet[0], noisy[1], quiet[1], noisy[2], noisy[3]]


def test_rows_already_in_hand_are_left_out(house: House) -> None:
    ids = [house.put("paper", pause(str(number))) for number in range(4)]

    assert [row.id for row in house.inbox.waiting(2, exclude=ids[:2])] == ids[2:]


def test_an_engine_reads_the_inputs_of_its_own_accounts_only(house: House) -> None:
    ours = house.put("paper", pause())
    house.put("live", pause())

    assert [row.id for row in house.inbox.waiting(10, accounts=["paper"])] == [ours]
    assert house.inbox.waiting(10, accounts=[]) == []
    assert len(house.inbox.waiting(10)) == 2


@pytest.mark.timeout(60)
def test_three_thousand_events_are_appended_in_one_batch_without_hanging(house: House) -> None:
    story = ticks(day_stream("paper"), 3_000)

    positions = write(house.log, story)

    assert positions == list(range(positions[0], positions[0] + 3_000))
    assert [event.version for event in house.log.stream(day_stream("paper"))] == list(
        range(1, 3_001)
    )
