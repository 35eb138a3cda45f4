"""Short, sealed stories to write into a log."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from eventsourcing.persistence import StoredEvent

from application.inputs import ClockTicked, OperatorActed
from application.journal import EventLog, JournalMapper, Recorded, seal

DAY = "2026-01-05"
MORNING = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def day_stream(account: str, date: str = DAY) -> str:
    """The name of an account's trading day."""
    return f"trading_day:{account}:{date}"


def ticks(stream: str, count: int, *, first: int = 1) -> list[Recorded]:
    """`count` ticks of the clock, a second apart, as versions from `first` on."""
    return [
        Recorded(
            stream=stream,
            version=version,
            event=ClockTicked(due_at=MORNING + timedelta(seconds=version)),
            at=MORNING + timedelta(seconds=version, microseconds=version),
            causation_id="",
            correlation_id=f"{stream}@{version}",
        )
        for version in range(first, first + count)
    ]


def pause(reason: str = "lunch") -> OperatorActed:
    """An input that may wait in the inbox."""
    return OperatorActed(action="pause", subject="", actor="ann", reason=reason)


def stored(events: Sequence[Recorded]) -> list[StoredEvent]:
    """The unsealed stored form."""
    mapper = JournalMapper()
    return [mapper.to_stored_event(event) for event in events]


def write(log: EventLog, events: Sequence[Recorded], inbox_ids: Sequence[int] = ()) -> list[int]:
    """Seal events of one account onto its chain and append them; returns their positions."""
    sealed, _ = seal(log.head(events[0].account), stored(events))
    return list(log.append(sealed, inbox_ids))
