"""All process managers in the order in which each event is put before them."""

from collections.abc import Callable, Iterable

from application.book import Book
from application.inputs import SignalReceived
from application.journal import Recorded
from application.processes import (
    admission,
    adoption,
    balance_watch,
    braking,
    breaker,
    closing,
    dead_man,
    drawdown,
    emergency,
    entry,
    entry_limits,
    exposure,
    filling,
    funding,
    ledger,
    offset_timing,
    offsetting,
    overdue,
    promotion,
    protection,
    reconciling,
    reducing,
    refused_entries,
    registration,
    reporting,
    starting,
    valuation,
    waiting_rules,
    watching,
)
from domain.message import Command, Input

# The order matters where one event concerns several: an entry's second try before its leg is
# told of an end, lots before exposure, exposure before what may close a group, the end of a
# wait before the closing, and the closing before what may take the slot it frees.
PROCESSES: tuple[Callable[[Book, Recorded], Iterable[Command]], ...] = (
    starting.react,
    registration.react,
    braking.react,
    dead_man.react,
    reporting.react,
    refused_entries.react,
    filling.react,
    exposure.react,
    valuation.react,
    funding.react,
    adoption.react,
    balance_watch.react,
    breaker.react,
    drawdown.react,
    emergency.react,
    admission.react,
    entry.react,
    entry_limits.react,
    waiting_rules.react,
    closing.react,
    reducing.react,
    watching.react,
    protection.react,
    offset_timing.react,
    offsetting.react,
    promotion.react,
    ledger.react,
    reconciling.react,
    overdue.react,
)


def symbols_in_use(book: Book, received: Input) -> tuple[str, ...]:
    """The symbols whose marks an input may be decided by: open, waiting, or named by it."""
    if not book.is_opened:
        return ()
    held = [book.risk.slots[group_id].symbol for group_id in sorted(book.risk.slots)]
    waiting = [entry.symbol for entry in book.queue.waiting]
    named = [admission.symbol_of(book, received)] if isinstance(received, SignalReceived) else []
    valuing = valuation.symbols_to_value(book, received)
    symbols = sorted([*held, *waiting, *named, *valuing])
    return tuple(dict.fromkeys(symbol for symbol in symbols if symbol))
