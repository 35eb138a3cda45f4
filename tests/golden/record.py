"""Adds examples of every new NAME to `events.jsonl`: `python -m tests.golden.record`.

Lines are only ever added. A line that no longer decodes, or encodes to other bytes, means that
stored logs changed their meaning: restore the event, or give it a `.v2` and an upcaster.
"""

import sys
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from eventsourcing.persistence import StoredEvent

from application.journal import GENESIS, JournalMapper, Recorded, event_types, seal
from domain.message import Event
from tests.golden.examples import examples

GOLDEN = Path(__file__).with_name("events.jsonl")
STREAM = "trading_day:golden:2026-01-05"
RECORDED_AT = datetime(2026, 1, 5, 12, 30, 15, 250_000, tzinfo=UTC)


class GoldenLine(msgspec.Struct, frozen=True, kw_only=True):
    """One stored event: its topic and its state, byte for byte."""

    topic: str
    state: str


def golden_lines() -> list[GoldenLine]:
    """Everything recorded so far."""
    if not GOLDEN.exists():
        return []
    decoder = msgspec.json.Decoder(GoldenLine)
    return [decoder.decode(line) for line in GOLDEN.read_bytes().splitlines()]


def as_stored(line: GoldenLine) -> StoredEvent:
    """A line as the log would hold it."""
    return StoredEvent(STREAM, 1, line.topic, line.state.encode())


def new_lines(known: Collection[GoldenLine]) -> list[GoldenLine]:
    """Examples that no known line shows: of new NAMEs, and of fields and choices added since."""
    lines = [
        _line(example) for event_type in event_types().values() for example in examples(event_type)
    ]
    return [line for line in lines if line not in known]


def _line(example: Event) -> GoldenLine:
    stored = JournalMapper().to_stored_event(
        Recorded(
            stream=STREAM,
            version=1,
            event=example,
            at=RECORDED_AT,
            causation_id=f"{STREAM}@0",
            correlation_id="signal",
        )
    )
    sealed, _ = seal(GENESIS, [stored])
    return GoldenLine(topic=example.NAME, state=sealed[0].state.decode())


def main() -> None:
    """Append what is new, and say what."""
    added = new_lines(golden_lines())
    with GOLDEN.open("ab") as file:
        for line in added:
            file.write(msgspec.json.encode(line) + b"\n")
    names = sorted({line.topic for line in added})
    sys.stdout.write(f"{len(added)} examples added, of {', '.join(names) or 'no NAME'}\n")


if __name__ == "__main__":
    main()
