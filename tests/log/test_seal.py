"""The chain shows every change of what it covers, and only those."""

import hashlib
import re

import msgspec
import pytest
from eventsourcing.persistence import Notification, StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from application.journal import GENESIS, SealError, digest_of, seal, verify_chain
from tests.log.story import day_stream, stored, ticks

STORY = stored(ticks(day_stream("paper"), 6))
SEALED, HEAD = seal(GENESIS, STORY)


def test_the_digest_covers_the_previous_one_and_every_column_with_its_length() -> None:
    expected = GENESIS
    for event in STORY:
        parts = (
            expected.encode(),
            str(event.originator_id).encode(),
            str(event.originator_version).encode(),
            event.topic.encode(),
            event.state,
        )
        framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        expected = hashlib.sha256(framed).hexdigest()

    assert expected == HEAD


def test_the_digest_is_the_last_field_and_the_rest_is_untouched() -> None:
    for plain, event in zip(STORY, SEALED, strict=True):
        assert event.state == plain.state[:-1] + f',"digest":"{digest_of(event)}"}}'.encode()
        assert list(msgspec.json.decode(event.state)) == [
            "at", "causation", "correlation", "event", "digest",
        ]  # fmt: skip


@given(st.lists(st.integers(1, 5), min_size=1))
def test_batch_boundaries_leave_no_trace(sizes: list[int]) -> None:
    head, left, written = GENESIS, list(STORY), []
    for size in [*sizes, len(STORY)]:
        batch, left = left[:size], left[size:]
        sealed, head = seal(head, batch)
        written += sealed

    assert (written, head) == (SEALED, HEAD)


def test_an_untouched_chain_verifies_to_its_head() -> None:
    verdict = verify_chain(GENESIS, SEALED)

    assert verdict.intact
    assert (verdict.count, verdict.head) == (6, HEAD)


def test_a_chain_may_be_verified_from_any_known_head() -> None:
    assert verify_chain(digest_of(SEALED[2]), SEALED[3:]).head == HEAD


def test_an_empty_chain_verifies_to_where_it_began() -> None:
    assert verify_chain(HEAD, []).head == HEAD


@given(index=st.integers(0, 5), data=st.data())
def test_any_flipped_bit_of_the_stored_bytes_is_found_where_it_is(
    index: int, data: st.DataObject
) -> None:
    state = bytearray(SEALED[index].state)
    at = data.draw(st.integers(0, len(state) - 1))
    state[at] ^= 1 << data.draw(st.integers(0, 7))

    verdict = verify_chain(GENESIS, _changed(index, state=bytes(state)))

    assert (verdict.broken_at, verdict.count) == (index + 1, index)


@given(index=st.integers(0, 5), data=st.data())
def test_any_other_stream_version_or_name_is_found_where_it_is(
    index: int, data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(["originator_id", "originator_version", "topic"]))
    values = st.integers(1, 10**9) if field == "originator_version" else st.text(max_size=40)
    value = data.draw(values.filter(lambda value: value != getattr(SEALED[index], field)))

    verdict = verify_chain(GENESIS, _changed(index, **{field: value}))

    assert verdict.broken_at == index + 1


def test_moving_text_from_one_column_to_the_next_is_found() -> None:
    event = SEALED[0]
    shifted = StoredEvent(
        f"{event.originator_id}1", event.originator_version, event.topic, event.state
    )

    assert not verify_chain(GENESIS, [shifted]).intact


@given(st.permutations(range(6)).filter(lambda order: list(order) != sorted(order)))
def test_any_other_order_is_found(order: list[int]) -> None:
    verdict = verify_chain(GENESIS, [SEALED[place] for place in order])

    first_moved = next(place for place, index in enumerate(order) if place != index)
    assert verdict.broken_at == first_moved + 1


@pytest.mark.parametrize("gone", range(5))
def test_a_removed_event_shows_at_the_next_one(gone: int) -> None:
    verdict = verify_chain(GENESIS, SEALED[:gone] + SEALED[gone + 1 :])

    assert verdict.broken_at == gone + 1
    assert verdict.broken_event == f"{day_stream('paper')}@{gone + 2}"


def test_an_event_sealed_into_another_chain_does_not_fit() -> None:
    other, _ = seal("f" * 64, STORY)

    assert verify_chain(GENESIS, [*SEALED[:3], *other[3:]]).broken_at == 4


def test_the_position_of_a_notification_is_its_place_in_the_log() -> None:
    event = SEALED[0]
    moved = Notification(event.originator_id, 99, event.topic, event.state, id=4_711)

    verdict = verify_chain(GENESIS, [moved])

    assert verdict.broken_at == 4_711
    assert re.search("altered, moved or removed", verdict.reason or "")


def test_sealing_twice_is_refused() -> None:
    with pytest.raises(SealError, match="already sealed"):
        seal(GENESIS, SEALED)


def test_an_unsealed_event_has_no_digest() -> None:
    with pytest.raises(SealError, match="does not end in a digest"):
        digest_of(STORY[0])
    assert verify_chain(GENESIS, STORY).broken_at == 1


def _changed(index: int, **fields: object) -> list[StoredEvent]:
    events = list(SEALED)
    values = {**vars(events[index]), **fields}
    events[index] = StoredEvent(**values)
    return events
