"""How a trade's orders name their side, in one-way and in hedge mode."""

from application.book import Book
from domain.instrument import PositionMode
from domain.position_group import PositionGroup


def position_side_of(group: PositionGroup) -> PositionMode:
    """In hedge mode an order says whose position it changes; else there is only one."""
    return group.opened.side if group.opened.capital.hedge_mode else "both"


def is_reduce_only(book: Book, group: PositionGroup) -> bool:
    """How an exit is flagged.

    Spot has no such flag: what is held is all that can be sold. Nor has hedge mode, where the
    position side alone makes an order an exit.
    """
    instrument = book.instrument(group.opened.symbol)
    is_spot = instrument is not None and instrument.kind == "spot"
    return not is_spot and not group.opened.capital.hedge_mode
