"""What the books say is held, lots, dust and foreign baseline, to be laid beside a venue's word."""

from decimal import Decimal

from application.book import Book
from domain.holding_terms import Held, position_key
from domain.instrument import PositionMode
from domain.money import ZERO
from domain.position_group import PositionGroup

SIDES: tuple[PositionMode, ...] = ("both", "long", "short")


def held_by(group: PositionGroup) -> Held:
    """The position a group's lots are part of: in hedge mode that of its own side."""
    opened = group.opened
    return opened.symbol, opened.side if opened.capital.hedge_mode else "both"


def lots_of(book: Book, group: PositionGroup) -> Decimal:
    """Contracts a group holds, signed: positive long, negative short."""
    quantity = sum((leg.lot.quantity for leg in book.legs_of(group)), ZERO)
    return quantity if group.opened.side == "long" else -quantity


def closable(book: Book, group: PositionGroup) -> Decimal:
    """Contracts that can be closed of a group's lots, never below zero.

    On futures dust of the other direction has taken its part of the venue's position: no
    reduce-only order gets that part out any more, only the books can set it off.
    """
    held, instrument = abs(lots_of(book, group)), book.instrument(group.opened.symbol)
    if instrument is None or instrument.kind == "spot":
        return held
    position = expected_positions(book).get(held_by(group), ZERO)
    return max(ZERO, min(held, position if group.opened.side == "long" else -position))


def expected_positions(book: Book) -> dict[Held, Decimal]:
    """Spec §4: Σ lots over groups + dust + foreign baseline, signed, by symbol and side."""
    totals: dict[Held, Decimal] = {}
    for group in book.open_groups():
        held = held_by(group)
        totals[held] = totals.get(held, ZERO) + lots_of(book, group)
    for held in apart(book):
        totals[held] = totals.get(held, ZERO) + dust_of(book, held) + baseline_of(book, held)
    return totals


def apart(book: Book) -> list[Held]:
    """The positions that hold dust, or anything foreign, sorted."""
    keys = sorted({*book.holdings.dust, *book.holdings.baseline})
    return [(key.rpartition("|")[0], _side(key)) for key in keys]


def dust_of(book: Book, held: Held) -> Decimal:
    """Contracts of a position that were written off as too small to be sold, signed."""
    dust = book.holdings.dust.get(position_key(*held))
    return dust.quantity if dust is not None else ZERO


def baseline_of(book: Book, held: Held) -> Decimal:
    """Contracts of a position that are not ours, signed."""
    return book.holdings.baseline.get(position_key(*held), ZERO)


def foreign_quantity(book: Book, symbol: str) -> Decimal | None:
    """Contracts that are not ours and share a futures position with ours, were we to trade.

    Spot holdings stand in nobody's way. None until a live venue was asked for the first time.
    """
    instrument = book.instrument(symbol)
    if instrument is not None and instrument.kind == "spot":
        return ZERO
    if book.holdings.baseline_at is None and not book.account.opened.paper:
        return None
    return sum((abs(baseline_of(book, (symbol, side))) for side in SIDES), ZERO)


def is_nothing(book: Book, symbol: str, difference: Decimal) -> bool:
    """Whether a difference is none. Exact; on spot, interest below a step can't be traded."""
    instrument = book.instrument(symbol)
    if difference == ZERO or instrument is None or instrument.kind != "spot":
        return difference == ZERO
    return abs(difference) < instrument.step


def agrees(book: Book, held: Held, quantity: Decimal) -> bool:
    """Whether a venue's signed position is what the books expect."""
    return is_nothing(book, held[0], expected_positions(book).get(held, ZERO) - quantity)


def _side(key: str) -> PositionMode:
    name = key.rpartition("|")[2]
    return next(side for side in SIDES if side == name)
