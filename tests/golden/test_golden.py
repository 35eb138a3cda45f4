"""Every NAME ever stored decodes for ever, to the same content, and is on file."""

from typing import Any

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent

from application.journal import JournalMapper, digest_of, event_types, seal
from application.registry import UPCASTERS
from application.seal import GENESIS
from tests.golden.record import GoldenLine, as_stored, golden_lines

LINES = golden_lines()


def _title(line: GoldenLine) -> str:
    return f"{line.topic}-{digest_of(as_stored(line))[:8]}"


def _encoded_again(line: GoldenLine) -> StoredEvent:
    mapper = JournalMapper()
    recorded = mapper.to_domain_event(as_stored(line))
    sealed, _ = seal(GENESIS, [mapper.to_stored_event(recorded)])
    return sealed[0]


@pytest.mark.parametrize("line", LINES, ids=_title)
def test_a_stored_event_decodes_and_encodes_to_the_same_bytes(line: GoldenLine) -> None:
    again = _encoded_again(line)

    if line.topic in UPCASTERS:
        assert again.topic not in UPCASTERS
        return
    if again != as_stored(line):
        before, after = _fields(line.state.encode()), _fields(again.state)
        assert _is_kept(before, after), "what was stored reads differently now"
        assert before != after, "only fields added since may change the bytes"


def test_every_name_is_on_file_as_it_is_stored_today() -> None:
    current = {line.topic for line in LINES if _encoded_again(line) == as_stored(line)}
    missing = sorted(set(event_types()) - current)

    assert missing == [], "run `python -m tests.golden.record` and commit what it adds"


def test_every_name_on_file_is_still_known() -> None:
    unknown = {line.topic for line in LINES} - set(event_types()) - set(UPCASTERS)

    assert unknown == set(), "a stored NAME was removed: restore it, or add an upcaster"


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ({"a": "1"}, {"a": "1", "b": None}, True),
        ({"a": "1"}, {"a": "1.0"}, False),
        ({"a": "1"}, {"b": "1"}, False),
        ([{"a": 1}], [{"a": 1, "b": 2}], True),
        ([1, 2], [1], False),
    ],
)
def test_a_field_may_be_added_but_never_changed_or_lost(
    before: Any, after: Any, kept: bool
) -> None:
    assert _is_kept(before, after) is kept


def _fields(state: bytes) -> Any:
    envelope = msgspec.json.decode(state)
    del envelope["digest"]
    return envelope


def _is_kept(before: Any, after: Any) -> bool:
    """Whether all of `before` is in `after`, which may have more fields."""
    if isinstance(before, dict) and isinstance(after, dict):
        return all(key in after and _is_kept(before[key], after[key]) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_is_kept, before, after))
    return bool(before == after)
