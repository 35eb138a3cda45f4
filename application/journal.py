"""The journal: how what happened on an account is written down, for ever, and read again."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent, Transcoder

from application.registry import (
    UPCASTERS,
    UnknownEventError,
    Upcaster,
    current_form,
    event_decoder,
    event_types,
)
from application.seal import GENESIS, ChainVerdict, SealError, digest_of, seal, verify_chain
from domain.identity import account_of
from domain.message import Event, Input

__all__ = [
    "GENESIS",
    "ChainVerdict",
    "EventLog",
    "InboxGone",
    "JournalError",
    "JournalMapper",
    "LogUnavailable",
    "Recorded",
    "SealError",
    "StreamConflict",
    "UnknownEventError",
    "decode_input",
    "digest_of",
    "encode_canonical",
    "encode_input",
    "event_types",
    "seal",
    "verify_chain",
]

# "deterministic" sorts dicts and sets; struct fields keep their written order.
_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="string")
_AS_ORDERED = msgspec.json.Encoder(decimal_format="string")
_NO_OFFSET = timedelta(0)


class JournalError(Exception):
    """Something could not be written to or read from the journal."""


class StreamConflict(JournalError):  # noqa: N818 - the field's own word
    """A version of a stream was written by someone else: this writer is not the only one."""


class InboxGone(JournalError):  # noqa: N818 - the field's own word
    """An inbox row was already handled by another writer; nothing of the batch was recorded."""


class LogUnavailable(JournalError):  # noqa: N818 - the field's own word
    """The log did not answer "done". Whether the batch was recorded is unknown: load again."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it stands in the log. `at` is UTC-aware.

    `version` counts from 1 without gaps within `stream`, `<aggregate>:<account>:<key>`.
    `causation_id` is the id of the event that caused this one, empty for an input.
    `correlation_id` ties a whole story together: the signal's id, else the input's event id.
    """

    stream: str
    version: int
    event: Event
    at: datetime
    causation_id: str
    correlation_id: str

    @property
    def event_id(self) -> str:
        """`<stream>@<version>`, unique in the log."""
        return f"{self.stream}@{self.version}"

    @property
    def account(self) -> str:
        """The account the event belongs to."""
        return account_of(self.stream)

    @property
    def originator_id(self) -> str:
        """The stream, under the name `eventsourcing` gives it."""
        return self.stream

    @property
    def originator_version(self) -> int:
        """The version, under the name `eventsourcing` gives it."""
        return self.version


class EventLog(Protocol):
    """The append-only log of all accounts.

    Positions are notification ids: they rise in commit order, and gaps in them are normal.
    """

    def append(self, events: Sequence[StoredEvent], inbox_ids: Sequence[int] = ()) -> Sequence[int]:
        """Record sealed events and remove the inbox rows they answer, all or nothing.

        Returns the events' positions. Raises StreamConflict, InboxGone (nothing was
        recorded) or LogUnavailable (unknown whether it was).
        """
        ...

    def head(self, account: str) -> str:
        """The digest of the account's newest event; GENESIS if it has none."""
        ...

    def stream(self, stream: str, *, after: int = 0) -> Iterator[Recorded]:
        """The events of one stream, versions above `after`."""
        ...

    def streams(self, upto: Mapping[str, int]) -> Iterator[Recorded]:
        """The named streams from their beginnings up to these versions, in commit order."""
        ...

    def since(self, account: str, position: int) -> Iterator[tuple[int, Recorded]]:
        """All of an account after `position`, in commit order, each with its position."""
        ...

    def stored_since(self, account: str, position: int) -> Iterator[tuple[int, StoredEvent]]:
        """As `since`, but the events as they are stored, byte for byte."""
        ...

    def last_day(self, account: str) -> str | None:
        """The newest stream `trading_day:<account>:<date>`, if there is one."""
        ...

    def day_start(self, stream: str) -> int | None:
        """The position of the stream's first event, if there is one."""
        ...

    def accounts(self) -> list[str]:
        """Every account with an event, sorted."""
        ...


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The stored form, in the order of its bytes; the digest is added last by `seal`."""

    at: datetime
    causation: str
    correlation: str
    event: Event


class _Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The stored form before its event is understood."""

    at: datetime
    causation: str
    correlation: str
    event: msgspec.Raw


class _Letter(msgspec.Struct, frozen=True, kw_only=True):
    """An input as it waits in the inbox."""

    name: str
    input: msgspec.Raw


_OPENER = msgspec.json.Decoder(_Opened)
_LETTER_DECODER = msgspec.json.Decoder(_Letter)


class JournalTranscoder(Transcoder):
    """JSON: decimals as strings, times in ISO 8601 UTC, dicts sorted; readable in psql."""

    def encode(self, obj: object) -> bytes:
        """The envelope as bytes, the same ones every time."""
        return encode_canonical(obj)

    def decode(self, data: bytes) -> _Opened:
        """The envelope with its event still unread."""
        return _OPENER.decode(data)


class JournalMapper(Mapper[str]):
    """Between what the engine recorded and what the log stores. The topic is the NAME."""

    def __init__(self, upcasters: Mapping[str, Upcaster] = UPCASTERS) -> None:
        super().__init__(JournalTranscoder())
        self._upcasters = upcasters

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """The unsealed stored form. Raises JournalError if `at` is not in UTC."""
        if not isinstance(domain_event, Recorded):
            raise TypeError(f"only Recorded is stored, this was {type(domain_event).__name__}")
        if domain_event.at.utcoffset() != _NO_OFFSET:
            raise JournalError(
                f"event {domain_event.event_id} was recorded at {domain_event.at.isoformat()};"
                " give a time with the offset of UTC"
            )
        state = self.transcoder.encode(
            _Envelope(
                at=domain_event.at,
                causation=domain_event.causation_id,
                correlation=domain_event.correlation_id,
                event=domain_event.event,
            )
        )
        return StoredEvent(
            domain_event.stream, domain_event.version, domain_event.event.NAME, state
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Recorded:
        """What a stored event says. Raises JournalError if it cannot be read."""
        try:
            opened: _Opened = self.transcoder.decode(stored_event.state)
            name, raw = current_form(stored_event.topic, bytes(opened.event), self._upcasters)
            event = event_decoder(name).decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, UnknownEventError) as error:
            raise JournalError(
                f"event {stored_event.originator_id}@{stored_event.originator_version}"
                f" ({stored_event.topic}) could not be read: {error}"
            ) from error
        return Recorded(
            stream=str(stored_event.originator_id),
            version=stored_event.originator_version,
            event=event,
            at=opened.at,
            causation_id=opened.causation,
            correlation_id=opened.correlation,
        )


def encode_canonical(value: object) -> bytes:
    """JSON of any struct: equal values give equal bytes, whatever order their dicts grew in."""
    try:
        return _ENCODER.encode(value)
    except TypeError:
        # The encoder sorts by text keys only. Numbered dicts (settings by pyramid) take the
        # longer way, which makes their keys text before it sorts.
        plain = msgspec.to_builtins(value, str_keys=True, order="deterministic")
        return _AS_ORDERED.encode(plain)


def encode_input(occurrence: Input) -> bytes:
    """An input as the inbox keeps it: JSON, with its NAME."""
    return _ENCODER.encode(
        _Letter(name=occurrence.NAME, input=msgspec.Raw(encode_canonical(occurrence)))
    )


def decode_input(payload: bytes) -> Input:
    """The input the inbox kept. Raises JournalError if it cannot be read."""
    try:
        letter = _LETTER_DECODER.decode(payload)
        name, raw = current_form(letter.name, bytes(letter.input))
        occurrence = event_decoder(name).decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, UnknownEventError) as error:
        raise JournalError(
            f"an inbox payload of {len(payload)} bytes could not be read: {error}"
        ) from error
    if not isinstance(occurrence, Input):
        raise JournalError(f"the inbox held {letter.name!r}, which is an event and no input")
    return occurrence
