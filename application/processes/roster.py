"""All process managers in the order in which each event is put before them."""

from collections.abc import Callable, Iterable

from application.book import Book
from application.inputs import SignalReceived
from application.journal import Recorded
from application.processes import (
    admission,
    closing,
    entry,
    exposure,
    filling,
    ledger,
    promotion,
    protection,
    reconciling,
    reducing,
    registration,
    reporting,
    starting,
    watching,
)
from domain.message import Command, Input

# The order matters where one event concerns several: lots before exposure, exposure before
# what may close a group, and the closing before what may take the slot it frees.
PROCESSES: tuple[Callable[[Book, Recorded], Iterable[Command]], ...] = (
    starting.react,
    registration.react,
    reporting.react,
    filling.react,
    exposure.react,
    admission.react,
    entry.react,
    closing.react,
    reducing.react,
    watching.react,
    protection.react,
    promotion.react,
    ledger.react,
    reconciling.react,
)


def symbols_in_use(book: Book, received: Input) -> tuple[str, ...]:
    """The symbols whose marks an input may be decided by: open, waiting, or named by it."""
    if not book.is_opened:
        return ()
    held = [book.risk.slots[group_id].symbol for group_id in sorted(book.risk.slots)]
    waiting = [entry.symbol for entry in book.queue.waiting]
    named = [admission.symbol_of(book, received)] if isinstance(received, SignalReceived) else []
    symbols = sorted([*held, *waiting, *named])
    return tuple(dict.fromkeys(symbol for symbol in symbols if symbol))
