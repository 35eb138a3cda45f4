"""The queue in words."""

from domain.queue import (
    QueuedReversalDenied,
    QueuedSignalExpired,
    QueuedSignalPromoted,
    QueuedSignalRemoved,
    QueuedSignalReplaced,
    QueueOpened,
    QueueRefused,
    SignalQueued,
)
from projections.description import Description, amount, because, describe


@describe.register
def _(event: QueueOpened) -> Description:
    waiting = len(event.state.waiting)
    return Description(
        kind="queue", severity="debug", text=f"Queue of the day opened with {waiting} waiting"
    )


@describe.register
def _(event: SignalQueued) -> Description:
    entry = event.entry
    return Description(
        kind="queue",
        symbol=entry.symbol,
        text=(
            f"Signal {entry.signal_id} queued: {entry.side} {entry.symbol} {entry.timeframe}"
            f" at {amount(entry.price, 'the mark')}{because(entry.reason)}"
        ),
    )


@describe.register
def _(event: QueuedSignalReplaced) -> Description:
    entry = event.entry
    return Description(
        kind="queue",
        symbol=entry.symbol,
        text=(
            f"Signal {entry.signal_id} replaced {event.replaced_signal_id} in the queue:"
            f" {entry.side} {entry.symbol} {entry.timeframe}"
            f" at {amount(entry.price, 'the mark')}, replacement {entry.replacements}"
        ),
    )


@describe.register
def _(event: QueuedSignalRemoved) -> Description:
    return Description(
        kind="queue", text=f"Signal {event.signal_id} left the queue{because(event.reason)}"
    )


@describe.register
def _(event: QueuedSignalExpired) -> Description:
    return Description(kind="queue", text=f"Signal {event.signal_id} expired in the queue")


@describe.register
def _(event: QueuedSignalPromoted) -> Description:
    return Description(
        kind="queue",
        text=(
            f"Signal {event.signal_id} promoted into group {event.group_id},"
            f" ranked by {', '.join(event.rank)}"
        ),
    )


@describe.register
def _(event: QueuedReversalDenied) -> Description:
    return Description(
        kind="queue",
        severity="warning",
        text=(
            f"Signal {event.signal_id} could not turn the trade once it was flat, and waits"
            f"{because(event.reason)}"
        ),
    )


@describe.register
def _(event: QueueRefused) -> Description:
    return Description(
        kind="queue",
        severity="warning",
        text=f"Signal {event.signal_id} refused by the queue{because(event.reason)}",
    )
