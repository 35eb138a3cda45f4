"""Signals as rows, each with its one outcome; and every judgement that led to it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from application.inputs import SignalReceived
from application.journal import Recorded
from domain.trading_day import InputFailed, SignalJudged, SignalRead


class SignalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One signal with its outcome at the end of the range. `body` is without the secret."""

    at: datetime
    account: str
    signal_id: str
    source: str
    kind: str = ""
    symbol: str = ""
    timeframe: str = ""
    side: str = ""
    price: Decimal | None = None
    outcome: str = ""
    reason: str = ""
    group: str = ""
    judged_at: datetime | None = None
    body_hash: str
    body: str
    event_id: str


class JudgementRow(msgspec.Struct, frozen=True, kw_only=True):
    """One judgement of the ledger: a signal may have several, the newest is its outcome."""

    at: datetime
    account: str
    signal_id: str
    outcome: str
    reason: str
    group: str
    event_id: str


def signals_between(
    events: Iterable[Recorded], start: datetime, end: datetime
) -> Iterator[SignalRecord]:
    """Signals received within [start, end), with their outcomes at `end`, as handled.

    What was judged at or after `end` does not count: a past range never changes.
    """
    known: dict[tuple[str, str], SignalRecord] = {}
    for recorded in events:
        if recorded.at >= end:
            continue
        if isinstance(recorded.event, SignalReceived):
            row = _received(recorded, recorded.event)
            known[recorded.account, row.signal_id] = row
        else:
            _tell(known, recorded)
    return (row for row in known.values() if row.at >= start)


def judgements_between(
    events: Iterable[Recorded], start: datetime, end: datetime
) -> Iterator[JudgementRow]:
    """The ledger's judgements recorded within [start, end), in the order of the log."""
    for recorded in events:
        event = recorded.event
        if isinstance(event, SignalJudged) and start <= recorded.at < end:
            yield JudgementRow(
                at=recorded.at,
                account=recorded.account,
                signal_id=event.signal_id,
                outcome=event.outcome,
                reason=event.reason,
                group=event.group_id,
                event_id=recorded.event_id,
            )


def _received(recorded: Recorded, event: SignalReceived) -> SignalRecord:
    return SignalRecord(
        at=recorded.at,
        account=recorded.account,
        signal_id=event.signal_id,
        source=event.source,
        body_hash=event.body_hash,
        body=event.body,
        event_id=recorded.event_id,
    )


def _tell(known: dict[tuple[str, str], SignalRecord], recorded: Recorded) -> None:
    """A signal whose handling failed is rejected; a failed report on its orders is no outcome."""
    event = recorded.event
    key = (recorded.account, getattr(event, "signal_id", recorded.correlation_id))
    row = known.get(key)
    if row is None:
        return
    match event:
        case SignalRead():
            known[key] = msgspec.structs.replace(
                row,
                kind=event.kind,
                symbol=event.symbol,
                timeframe=event.timeframe,
                side=event.side,
                price=event.price,
            )
        case SignalJudged():
            known[key] = msgspec.structs.replace(
                row,
                outcome=event.outcome,
                reason=event.reason,
                group=event.group_id or row.group,
                judged_at=recorded.at,
            )
        case InputFailed() if not row.outcome:
            known[key] = msgspec.structs.replace(
                row,
                outcome="rejected",
                reason=f"could not be handled: {event.error}",
                judged_at=recorded.at,
            )
        case _:
            pass
