"""The hash chain: each event of an account carries a digest over all that came before it."""

import hashlib
import re
from collections.abc import Iterable, Sequence

import msgspec
from eventsourcing.persistence import Notification, StoredEvent

GENESIS = "0" * 64
"""The head of an account's chain before its first event."""

_SEAL = re.compile(rb',"digest":"([0-9a-f]{64})"\}\Z')
_SEAL_LENGTH = len(',"digest":""}') + 64


class SealError(ValueError):
    """A stored event does not end in a digest, or already does."""


class ChainVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What checking one account's chain found.

    `count` events verified, up to the digest `head`. `broken_at` is the position in the log
    (its notification id; where that is unknown, the 1-based place in the chain) of the first
    event that does not verify.
    """

    count: int
    head: str
    broken_at: int | None = None
    broken_event: str | None = None
    reason: str | None = None

    @property
    def intact(self) -> bool:
        """Whether every event verified."""
        return self.reason is None


def seal(head: str, stored: Sequence[StoredEvent]) -> tuple[list[StoredEvent], str]:
    """The events of one account with their digests, and the new head of its chain.

    The digest is the SHA-256, in hex, over (previous digest, stream, version, NAME, state
    without the digest), each preceded by its length as four big-endian bytes.
    """
    sealed = []
    for event in stored:
        if _SEAL.search(event.state):
            raise SealError(f"event {_event_id(event)} is already sealed; seal each event once")
        head = _digest(head, event, event.state)
        state = event.state[:-1] + b',"digest":"' + head.encode() + b'"}'
        sealed.append(
            StoredEvent(event.originator_id, event.originator_version, event.topic, state)
        )
    return sealed, head


def digest_of(stored: StoredEvent) -> str:
    """The digest a sealed event carries. Raises SealError if it carries none."""
    match = _SEAL.search(stored.state)
    if match is None:
        raise SealError(f"event {_event_id(stored)} does not end in a digest; it was altered")
    return match[1].decode()


def verify_chain(head: str, events: Iterable[StoredEvent]) -> ChainVerdict:
    """Check the events of ONE account, in commit order, against the chain that begins at `head`.

    Stops at the first event that does not verify. A cut tail cannot show here: compare the
    verdict's head with one kept elsewhere.
    """
    count = 0
    for event in events:
        reason = _flaw(head, event)
        if reason is not None:
            position = event.id if isinstance(event, Notification) else count + 1
            return ChainVerdict(
                count=count,
                head=head,
                broken_at=position,
                broken_event=_event_id(event),
                reason=reason,
            )
        head = digest_of(event)
        count += 1
    return ChainVerdict(count=count, head=head)


def _flaw(head: str, event: StoredEvent) -> str | None:
    try:
        carried = digest_of(event)
    except SealError as error:
        return str(error)
    expected = _digest(head, event, event.state[:-_SEAL_LENGTH] + b"}")
    if carried == expected:
        return None
    return (
        f"event {_event_id(event)} carries digest {carried}, its content after the previous"
        f" event gives {expected}: it, or an event just before it, was altered, moved or removed"
    )


def _digest(previous: str, event: StoredEvent, state: bytes) -> str:
    hasher = hashlib.sha256()
    for part in (
        previous.encode(),
        str(event.originator_id).encode(),
        str(event.originator_version).encode(),
        event.topic.encode(),
        state,
    ):
        hasher.update(len(part).to_bytes(4, "big"))
        hasher.update(part)
    return hasher.hexdigest()


def _event_id(event: StoredEvent) -> str:
    return f"{event.originator_id}@{event.originator_version}"
