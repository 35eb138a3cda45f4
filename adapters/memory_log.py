"""The log and the inbox in memory: for simulations and tests, gone with the process."""

import itertools
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from eventsourcing.persistence import EventStore, IntegrityError, StoredEvent
from eventsourcing.popo import POPOApplicationRecorder

from application.inbox import InboxRow, in_turns
from application.journal import (
    GENESIS,
    InboxGone,
    JournalMapper,
    Recorded,
    StreamConflict,
    decode_input,
    digest_of,
    encode_input,
)
from domain.identity import account_of
from domain.message import Input


class MemoryInbox:
    """What waits to be handled, as bytes: so that what is read was truly written."""

    def __init__(self) -> None:
        self._letters: dict[int, tuple[str, bytes]] = {}
        self._ids = itertools.count(1)

    def put(self, account: str, occurrence: Input) -> int:
        """Keep an input until it is recorded; returns its id."""
        row_id = next(self._ids)
        self._letters[row_id] = (account, encode_input(occurrence))
        return row_id

    def waiting(
        self, limit: int, exclude: Collection[int] = (), accounts: Collection[str] | None = None
    ) -> list[InboxRow]:
        """At most `limit` rows, oldest first, the accounts taking turns."""
        rows = [
            InboxRow(id=row_id, account=account, input=decode_input(payload))
            for row_id, (account, payload) in self._letters.items()
            if row_id not in exclude and (accounts is None or account in accounts)
        ]
        return in_turns(rows)[:limit]

    def holds(self, ids: Collection[int]) -> bool:
        """Whether every one of these rows is still here, each named once."""
        return len(set(ids)) == len(ids) and all(row_id in self._letters for row_id in ids)

    def remove(self, ids: Collection[int]) -> None:
        """Forget rows that were recorded."""
        for row_id in ids:
            del self._letters[row_id]


class _MemoryRecorder(POPOApplicationRecorder):
    """The library's recorder, with an index by account and the inbox in the same step."""

    def __init__(self, inbox: MemoryInbox) -> None:
        super().__init__()
        self._inbox = inbox
        self._positions: dict[str, list[int]] = {}

    def _update_table(
        self,
        stored_events: Sequence[StoredEvent],
        **kwargs: Any,  # noqa: ANN401 - the library's own signature
    ) -> Sequence[int] | None:
        inbox_ids: Sequence[int] = kwargs.get("inbox_ids", ())
        if not self._inbox.holds(inbox_ids):
            raise InboxGone(f"not all of the inbox rows {list(inbox_ids)} were still there")
        self._inbox.remove(inbox_ids)
        positions = super()._update_table(stored_events) or ()
        for position, event in zip(positions, stored_events, strict=True):
            account = account_of(str(event.originator_id))
            self._positions.setdefault(account, []).append(position)
        return positions

    def at(self, position: int) -> StoredEvent:
        """The event at a position, which counts from 1."""
        return self._stored_events[position - 1]

    def position_of(self, stream: str, version: int) -> int | None:
        """Where an event stands, if it exists."""
        index = self._stored_events_index.get(stream, {})
        return index[version] + 1 if version in index else None

    def positions(self, account: str) -> Sequence[int]:
        """The positions of an account's events, in commit order."""
        return self._positions.get(account, ())

    def accounts(self) -> list[str]:
        """Every account with an event, sorted."""
        return sorted(self._positions)

    def stream_names(self) -> list[str]:
        """Every stream with an event, sorted."""
        return sorted(name for name, index in self._stored_events_index.items() if index)


class MemoryEventLog:
    """`application.journal.EventLog` in memory, with the same promises but durability."""

    def __init__(self, inbox: MemoryInbox | None = None) -> None:
        self._mapper = JournalMapper()
        self.recorder = _MemoryRecorder(inbox or MemoryInbox())
        self._store = EventStore(self._mapper, self.recorder)

    def append(self, events: Sequence[StoredEvent], inbox_ids: Sequence[int] = ()) -> Sequence[int]:
        """Record sealed events and remove the inbox rows they answer, all or nothing."""
        try:
            return self.recorder.insert_events(events, inbox_ids=inbox_ids) or ()
        except IntegrityError as error:
            raise StreamConflict(str(error)) from error

    def head(self, account: str) -> str:
        """The digest of the account's newest event; GENESIS if it has none."""
        positions = self.recorder.positions(account)
        return digest_of(self.recorder.at(positions[-1])) if positions else GENESIS

    def stream(self, stream: str, *, after: int = 0) -> Iterator[Recorded]:
        """The events of one stream, versions above `after`."""
        for stored in self.recorder.select_events(stream, gt=after):
            yield self._mapper.to_domain_event(stored)

    def streams(self, upto: Mapping[str, int]) -> Iterator[Recorded]:
        """The named streams from their beginnings up to these versions, in commit order."""
        positions = (
            self.recorder.position_of(stream, version)
            for stream, last in upto.items()
            for version in range(1, last + 1)
        )
        for position in sorted(found for found in positions if found is not None):
            yield self._mapper.to_domain_event(self.recorder.at(position))

    def since(self, account: str, position: int) -> Iterator[tuple[int, Recorded]]:
        """All of an account after `position`, in commit order, each with its position."""
        for found, stored in self.stored_since(account, position):
            yield found, self._mapper.to_domain_event(stored)

    def stored_since(self, account: str, position: int) -> Iterator[tuple[int, StoredEvent]]:
        """As `since`, but the events as they are stored, byte for byte."""
        positions = self.recorder.positions(account)
        for found in positions[bisect_right(positions, position) :]:
            yield found, self.recorder.at(found)

    def last_day(self, account: str) -> str | None:
        """The newest stream `trading_day:<account>:<date>`, if there is one."""
        prefix = f"trading_day:{account}:"
        days = [name for name in self.recorder.stream_names() if name.startswith(prefix)]
        return days[-1] if days else None

    def day_start(self, stream: str) -> int | None:
        """The position of the stream's first event, if there is one."""
        return self.recorder.position_of(stream, 1)

    def accounts(self) -> list[str]:
        """Every account with an event, sorted."""
        return self.recorder.accounts()

    def stored(self) -> list[StoredEvent]:
        """Every event as it is stored, in commit order; for export and comparison."""
        return list(self.recorder.select_notifications(1, self._length()))

    def close(self) -> None:
        """Nothing is held open; the memory goes with the object."""

    def _length(self) -> int:
        return self.recorder.max_notification_id() or 0
