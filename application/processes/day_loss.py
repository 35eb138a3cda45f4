"""The day's loss as the books know it now: what the gate reads and the breaker trips on."""

from decimal import Decimal

from application.book import Book
from application.processes.equity import open_loss
from application.processes.freshness import marks_are_fresh
from domain.day_loss import DayLoss
from domain.money import ZERO


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
    now = book.last_at
    return open_loss(book) if now is not None and marks_are_fresh(book, now) else None
