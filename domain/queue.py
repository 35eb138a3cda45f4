"""Signals that wait for a slot or for a passing refusal to pass, always ranked."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, assert_never

import msgspec

from domain.identity import trade_key
from domain.instrument import PositionSide
from domain.message import Command, Event
from domain.money import HUNDRED, ONE, ZERO, plain
from domain.settings import QueueRule


class QueuedSignal(msgspec.Struct, frozen=True, kw_only=True):
    """A waiting entry. `price` in quote units; `number` orders those that rank alike.

    `reverses` names the groups it turns: it waits until they are flat, and then comes first.
    """

    signal_id: str
    symbol: str
    timeframe: str
    side: PositionSide
    price: Decimal | None
    waiting_since: datetime
    queued_at: datetime
    number: int
    reason: str
    expected_profit: Decimal
    replacements: int = 0
    reverses: tuple[str, ...] = ()
    stop_loss: Decimal | None = None
    max_slippage_percent: Decimal | None = None

    @property
    def key(self) -> str:
        """What at most one signal may wait for: symbol, timeframe and side."""
        return trade_key(self.symbol, self.timeframe, self.side)


# Events
# Stored for ever: add fields with defaults, never change a NAME.


class QueueOpened(Event, frozen=True, kw_only=True):
    """A day's queue begins with whatever waited before."""

    NAME: ClassVar[str] = "queue.opened.v1"
    state: "Queue"


class SignalQueued(Event, frozen=True, kw_only=True):
    """A signal waits."""

    NAME: ClassVar[str] = "queue.signal_queued.v1"
    entry: QueuedSignal


class QueuedSignalReplaced(Event, frozen=True, kw_only=True):
    """A newer signal of the same key took the place of an older one."""

    NAME: ClassVar[str] = "queue.signal_replaced.v1"
    replaced_signal_id: str
    entry: QueuedSignal


class QueuedSignalRemoved(Event, frozen=True, kw_only=True):
    """A signal waits no more: its exit came, or the operator took it out.

    `rejected`: it was a reversal that can never be carried out.
    """

    NAME: ClassVar[str] = "queue.signal_removed.v1"
    signal_id: str
    reason: str
    rejected: bool = False


class QueuedSignalExpired(Event, frozen=True, kw_only=True):
    """A signal waited too long."""

    NAME: ClassVar[str] = "queue.signal_expired.v1"
    signal_id: str


class QueuedSignalPromoted(Event, frozen=True, kw_only=True):
    """A signal left the queue for a slot, with the rank that chose it."""

    NAME: ClassVar[str] = "queue.signal_promoted.v1"
    signal_id: str
    group_id: str
    rank: tuple[str, ...]


class QueuedReversalDenied(Event, frozen=True, kw_only=True):
    """What it turns is flat and the gate said no: from here on it waits like any other."""

    NAME: ClassVar[str] = "queue.reversal_denied.v1"
    signal_id: str
    reason: str


class QueueRefused(Event, frozen=True, kw_only=True):
    """The queue took no further signal."""

    NAME: ClassVar[str] = "queue.refused.v1"
    signal_id: str
    reason: str


QueueEvent = (
    QueueOpened
    | SignalQueued
    | QueuedSignalReplaced
    | QueuedSignalRemoved
    | QueuedSignalExpired
    | QueuedSignalPromoted
    | QueuedReversalDenied
    | QueueRefused
)


# Commands


class QueueCommand(Command, frozen=True, kw_only=True):
    """A command to the day's queue."""

    AGGREGATE: ClassVar[str] = "queue"


class OpenQueue(QueueCommand, frozen=True, kw_only=True):
    """Begin a day with this state."""

    state: "Queue"


class EnqueueSignal(QueueCommand, frozen=True, kw_only=True):
    """Let a signal wait, within the limit; the same key replaces if `replace`.

    A reversal's place is that of the groups it closes: neither limit nor `replace` refuses it.
    """

    entry: QueuedSignal
    limit: int | None
    replace: bool


class RemoveQueuedSignal(QueueCommand, frozen=True, kw_only=True):
    """Take a signal out; `rejected` if it can never be carried out."""

    signal_id: str
    reason: str
    rejected: bool = False


class ExpireQueuedSignal(QueueCommand, frozen=True, kw_only=True):
    """Take out a signal that waited too long."""

    signal_id: str


class PromoteQueuedSignal(QueueCommand, frozen=True, kw_only=True):
    """Take out a signal that got a slot."""

    signal_id: str
    group_id: str
    rank: tuple[str, ...]


class DenyReversal(QueueCommand, frozen=True, kw_only=True):
    """Let a reversal that the gate denied wait like any other signal."""

    signal_id: str
    reason: str


QueueCommands = (
    OpenQueue
    | EnqueueSignal
    | RemoveQueuedSignal
    | ExpireQueuedSignal
    | PromoteQueuedSignal
    | DenyReversal
)


# State


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """The waiting signals in order of arrival; their rank is computed when it is needed."""

    waiting: tuple[QueuedSignal, ...] = ()

    def find(self, signal_id: str) -> QueuedSignal | None:
        """The waiting signal of this id."""
        return next((entry for entry in self.waiting if entry.signal_id == signal_id), None)

    def with_key(self, key: str) -> QueuedSignal | None:
        """The waiting signal of this key."""
        return next((entry for entry in self.waiting if entry.key == key), None)


def evolve(state: Queue | None, event: QueueEvent) -> Queue:
    """Fold one event into the state."""
    if isinstance(event, QueueOpened):
        return event.state
    assert state is not None, "a queue's first event is QueueOpened"
    match event:
        case SignalQueued():
            return Queue(waiting=(*state.waiting, event.entry))
        case QueuedSignalReplaced():
            return _with(state, event.replaced_signal_id, event.entry)
        case QueuedReversalDenied(signal_id=signal_id, reason=reason):
            denied = state.find(signal_id)
            assert denied is not None, f"signal {signal_id} was denied without waiting"
            entry = msgspec.structs.replace(denied, reverses=(), reason=reason)
            return _with(state, signal_id, entry)
        case QueuedSignalRemoved() | QueuedSignalExpired() | QueuedSignalPromoted():
            return Queue(
                waiting=tuple(
                    entry for entry in state.waiting if entry.signal_id != event.signal_id
                )
            )
        case QueueRefused():
            return state
        case _:
            assert_never(event)


def decide(state: Queue | None, command: QueueCommands) -> tuple[QueueEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, OpenQueue):
        return () if state is not None else (QueueOpened(state=command.state),)
    assert state is not None, "the day's queue was never opened"
    match command:
        case EnqueueSignal():
            return _enqueue(state, command)
        case RemoveQueuedSignal():
            if state.find(command.signal_id) is None:
                return ()
            return (QueuedSignalRemoved(**msgspec.structs.asdict(command)),)
        case ExpireQueuedSignal():
            if state.find(command.signal_id) is None:
                return ()
            return (QueuedSignalExpired(signal_id=command.signal_id),)
        case PromoteQueuedSignal():
            if state.find(command.signal_id) is None:
                return ()
            promoted = QueuedSignalPromoted(
                signal_id=command.signal_id, group_id=command.group_id, rank=command.rank
            )
            return (promoted,)
        case DenyReversal(signal_id=signal_id, reason=reason):
            known = state.find(signal_id)
            is_reversal = known is not None and bool(known.reverses)
            denied = QueuedReversalDenied(signal_id=signal_id, reason=reason)
            return (denied,) if is_reversal else ()
        case _:
            assert_never(command)


def _with(state: Queue, signal_id: str, entry: QueuedSignal) -> Queue:
    """The queue with `entry` in the place of a signal."""
    return Queue(
        waiting=tuple(entry if each.signal_id == signal_id else each for each in state.waiting)
    )


def _enqueue(state: Queue, command: EnqueueSignal) -> tuple[QueueEvent, ...]:
    entry = command.entry
    if state.find(entry.signal_id) is not None:
        return ()
    older = state.with_key(entry.key)
    if older is not None:
        return (_replaced(older, entry, replace=command.replace or bool(entry.reverses)),)
    is_full = command.limit is not None and len(state.waiting) >= command.limit
    if is_full and not entry.reverses:
        return (QueueRefused(signal_id=entry.signal_id, reason="queue_full"),)
    return (SignalQueued(entry=entry),)


def _replaced(older: QueuedSignal, entry: QueuedSignal, *, replace: bool) -> QueueEvent:
    """Waiting time is kept, so that a chatty strategy does not lose its place in line.

    So is what the older one turns: it is still being closed for this direction.
    """
    if not replace:
        return QueueRefused(signal_id=entry.signal_id, reason="already_queued")
    newer = msgspec.structs.replace(
        entry,
        waiting_since=older.waiting_since,
        replacements=older.replacements + 1,
        reverses=entry.reverses or older.reverses,
    )
    return QueuedSignalReplaced(replaced_signal_id=older.signal_id, entry=newer)


# Ranking


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """A waiting signal and the tuple that ranks it, in the order of the enabled rules."""

    entry: QueuedSignal
    rank: tuple[str, ...]


def loss_percent(entry: QueuedSignal, mark: Decimal | None) -> Decimal | None:
    """How far the market went against the queued price, in percent: negative is a loss.

    Unknown without a price or a mark.
    """
    if mark is None or entry.price is None or entry.price == ZERO:
        return None
    change = (mark - entry.price) / entry.price * HUNDRED
    return change if entry.side == "long" else -change


class RankContext(msgspec.Struct, frozen=True, kw_only=True):
    """What ranking reads beside the queue: marks by symbol, and the keys of open groups."""

    marks: Mapping[str, Decimal]
    continued_keys: tuple[str, ...]


def ranked(queue: Queue, rules: tuple[QueueRule, ...], context: RankContext) -> tuple[Ranked, ...]:
    """The waiting signals, best first: one lexicographic tuple of the enabled rules.

    Ties end in the input number, so that the order is always total.
    """
    scored = [(_score(entry, rules, context), entry) for entry in queue.waiting]
    scored.sort(key=lambda pair: (tuple(value for value, _ in pair[0]), pair[1].number))
    return tuple(
        Ranked(entry=entry, rank=tuple(shown for _, shown in score)) for score, entry in scored
    )


Score = tuple[tuple[Decimal, Decimal], str]


def _score(
    entry: QueuedSignal, rules: tuple[QueueRule, ...], context: RankContext
) -> tuple[Score, ...]:
    return tuple(_RULES[rule](entry, context) for rule in rules)


def _continuation(entry: QueuedSignal, context: RankContext) -> Score:
    continued = entry.key in context.continued_keys
    return (ZERO, ZERO if continued else ONE), f"continuation={str(continued).lower()}"


def _deepest_loss(entry: QueuedSignal, context: RankContext) -> Score:
    """Unknown ranks behind every known."""
    loss = loss_percent(entry, context.marks.get(entry.symbol))
    if loss is None:
        return (ONE, ZERO), "deepest_loss=unknown"
    return (ZERO, loss), f"deepest_loss={plain(loss)}"


def _replacements(entry: QueuedSignal, _: RankContext) -> Score:
    return (ZERO, Decimal(-entry.replacements)), f"replacements={entry.replacements}"


def _expected_profit(entry: QueuedSignal, _: RankContext) -> Score:
    return (ZERO, -entry.expected_profit), f"expected_profit={plain(entry.expected_profit)}"


def _oldest(entry: QueuedSignal, _: RankContext) -> Score:
    """Microseconds since 2000, an exact whole number."""
    waited = (entry.waiting_since - _EPOCH) // timedelta(microseconds=1)
    return (ZERO, Decimal(waited)), f"oldest={entry.waiting_since.isoformat()}"


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

_RULES: dict[QueueRule, Callable[[QueuedSignal, RankContext], Score]] = {
    "continuation": _continuation,
    "deepest_loss": _deepest_loss,
    "replacements": _replacements,
    "expected_profit": _expected_profit,
    "oldest": _oldest,
}
