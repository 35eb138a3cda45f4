"""The day's loss as the books know it now: what the gate reads and the breaker trips on."""

from datetime import timedelta
from decimal import Decimal

from application.book import Book
from application.processes.equity import open_loss
from domain.day_loss import DayLoss
from domain.money import ZERO
from domain.position_group import PositionGroup


def day_loss(book: Book) -> DayLoss:
    """What makes up the loss of the open day; its open part is unknown without fresh marks."""
    counts_open = book.account.settings.risk.daily_loss_includes_open
    return DayLoss(
        realized=book.risk.realized_today,
        open_loss=_open_loss(book) if counts_open else ZERO,
        reference=book.brakes.loss_reference,
    )


def _open_loss(book: Book) -> Decimal | None:
    """An old price says nothing of what is lost now: unknown then, never guessed."""
    if any(not _has_fresh_mark(book, group) for group in book.open_groups()):
        return None
    return open_loss(book)


def _has_fresh_mark(book: Book, group: PositionGroup) -> bool:
    """Whether what the group holds can be priced by what is known now."""
    limit = book.account.settings.risk.max_mark_age_seconds
    if limit is None or all(leg.lot.quantity == ZERO for leg in book.legs_of(group)):
        return True
    mark, now = book.marks.get(group.opened.symbol), book.last_at
    return mark is not None and now is not None and now - mark.at <= timedelta(seconds=limit)
