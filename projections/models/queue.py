"""The queue: the signals that wait, as they wait."""

from application.journal import Recorded
from domain.money import ZERO
from domain.queue import (
    QueuedReversalDenied,
    QueuedSignal,
    QueuedSignalExpired,
    QueuedSignalPromoted,
    QueuedSignalRemoved,
    QueuedSignalReplaced,
    SignalQueued,
)
from projections.rows import (
    Change,
    Put,
    ReadModel,
    Remove,
    RowChange,
    Table,
    count,
    moment,
    number,
    same,
    text,
)

QUEUE = Table(
    name="queue",
    kind="current",
    key=("account", "signal_id"),
    columns=(
        text("account"),
        text("signal_id"),
        text("symbol"),
        text("timeframe"),
        text("side"),
        number("price"),
        moment("waiting_since"),
        moment("queued_at"),
        count("number"),
        text("reason"),
        number("expected_profit", ZERO),
        count("replacements"),
        text("reverses"),
    ),
)


def project(recorded: Recorded, _: int) -> tuple[RowChange, ...]:
    """A row while a signal waits. A day's opening repeats what is known."""
    account = recorded.account
    match recorded.event:
        case SignalQueued(entry=entry):
            return (_waiting(account, entry),)
        case QueuedSignalReplaced(replaced_signal_id=replaced, entry=entry):
            return (Remove(table="queue", key=(account, replaced)), _waiting(account, entry))
        case (
            QueuedSignalRemoved(signal_id=signal_id)
            | QueuedSignalExpired(signal_id=signal_id)
            | QueuedSignalPromoted(signal_id=signal_id)
        ):
            return (Remove(table="queue", key=(account, signal_id)),)
        case QueuedReversalDenied(signal_id=signal_id) as denied:
            why = {**same(denied, "reason"), "reverses": ""}
            return (Change(table="queue", key=(account, signal_id), assign=why),)
        case _:
            return ()


def _waiting(account: str, entry: QueuedSignal) -> RowChange:
    """`reverses`: the ids of the groups it turns, a space between them."""
    names = (name for name in QUEUE.names if name not in (*QUEUE.key, "reverses"))
    values = {**same(entry, *names), "reverses": " ".join(entry.reverses)}
    return Put(table="queue", key=(account, entry.signal_id), values=values)


MODEL = ReadModel(tables=(QUEUE,), project=project, views=frozenset({"overview", "queue"}))
