"""Entries that the market has left behind: too far from its own entry a pyramid buys no more."""

from collections.abc import Iterator
from decimal import Decimal

from application.book import Book
from application.inputs import ClockTicked
from application.journal import Recorded
from domain.message import Command
from domain.money import HUNDRED, plain
from domain.order import RequestOrderCancel
from domain.position_group import PositionGroup
from domain.pyramid import HaltPyramidEntries, Pyramid, PyramidEntriesHalted

TOO_FAR = "cancel_dca_beyond_percent"


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Look at standing prices with each tick; what is halted has its resting entries cancelled."""
    match recorded.event:
        case ClockTicked():
            for group in book.open_groups():
                yield from _left_behind(book, group)
        case PyramidEntriesHalted(pyramid_id=pyramid_id, reason=reason) if reason.startswith(
            TOO_FAR
        ):
            yield from _cancel_resting(book, pyramid_id, reason)
        case _:
            return


def _left_behind(book: Book, group: PositionGroup) -> Iterator[Command]:
    """Spec §3: the mark farther than X % from the pyramid's entry, either way."""
    limit, mark = group.opened.grid.cancel_dca_beyond_percent, book.marks.get(group.opened.symbol)
    if limit is None or mark is None or not group.is_open:
        return
    for pyramid_id in group.pyramid_ids:
        pyramid = book.pyramid(pyramid_id)
        if pyramid is None or not _still_enters(book, pyramid):
            continue
        distance = abs(mark.price - pyramid.plan.entry_price) / pyramid.plan.entry_price * HUNDRED
        if distance > limit:
            reason = f"{TOO_FAR}: {_shown(distance)} % from its entry, {plain(limit)} allowed"
            yield HaltPyramidEntries(pyramid_id=pyramid_id, reason=reason)


def _still_enters(book: Book, pyramid: Pyramid) -> bool:
    legs = (book.leg(leg_id) for leg_id in pyramid.plan.leg_ids)
    return any(leg is not None and leg.entry_open for leg in legs)


def _cancel_resting(book: Book, pyramid_id: str, reason: str) -> Iterator[Command]:
    for order in book.working_orders():
        if order.request.pyramid_id == pyramid_id and order.request.purpose == "entry":
            yield RequestOrderCancel(client_order_id=order.request.client_order_id, reason=reason)


def _shown(percent: Decimal) -> str:
    """For people: two decimals are enough to see it."""
    return plain(percent.quantize(Decimal("0.01")))
