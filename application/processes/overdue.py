"""What lasts longer than it may is told: unknown orders, closings and reductions without end."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from application.book import Book
from application.inputs import ClockTicked
from application.journal import Recorded
from domain.day_terms import AlertKind
from domain.message import Command
from domain.trading_day import AlertRaised, RaiseAlert

# Spec §4: by then the venue was asked again and again, and nothing was found.
UNKNOWN_MAX = timedelta(seconds=60)
CLOSING_MAX = timedelta(minutes=5)
OFFSET_STEP_MAX = timedelta(minutes=5)


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Look at the clock; each case is told once a day."""
    if not isinstance(recorded.event, ClockTicked):
        return
    yield from _unknown_orders(book, recorded.at)
    yield from _stuck_closings(book, recorded.at)
    yield from _stuck_reductions(book, recorded.at)
    yield from _stuck_offset(book, recorded.at)


def _unknown_orders(book: Book, now: datetime) -> Iterator[Command]:
    for order in book.working_orders():
        since = order.unknown_since
        if since is None or now - since <= UNKNOWN_MAX:
            continue
        text = (
            f"what became of it at the venue is not known since {since.isoformat()}:"
            f" {order.request.purpose} in {order.request.symbol}"
        )
        yield _alert("order_unknown", order.request.client_order_id, text)


def _stuck_closings(book: Book, now: datetime) -> Iterator[Command]:
    for group in book.open_groups():
        if group.closing is None or now - group.closing.closing_at <= CLOSING_MAX:
            continue
        since = group.closing.closing_at.isoformat()
        text = f"{group.opened.symbol} is closing since {since} and still not flat"
        yield _alert("closing_stuck", group.opened.group_id, text)


def _stuck_reductions(book: Book, now: datetime) -> Iterator[Command]:
    """A part that cannot be sold has no take-profit meanwhile."""
    for group in book.open_groups():
        started = group.last_reduction
        if not group.reducing or started is None or now - started.started_at <= CLOSING_MAX:
            continue
        since = started.started_at.isoformat()
        text = f"a part of {group.opened.symbol} is being reduced since {since} and still not sold"
        yield _alert("closing_stuck", group.opened.group_id, text)


def _stuck_offset(book: Book, now: datetime) -> Iterator[Command]:
    """A step that does not end keeps every other loser waiting."""
    offset = book.offset
    if offset is None or now - offset.waits_since <= OFFSET_STEP_MAX:
        return
    step = offset.winner or offset.loser
    since, loser = offset.waits_since.isoformat(), offset.planned.loser
    what = f"sells of {step.group_id}" if step is not None else "waits for its next step"
    text = f"the offset for {loser.symbol} {what} since {since} and gets no further"
    yield _alert("offset", f"{offset.planned.offset_id}-stuck", text)


def _alert(kind: AlertKind, subject: str, text: str) -> RaiseAlert:
    alert = AlertRaised(kind=kind, severity="critical", subject=subject, text=text)
    return RaiseAlert(alert=alert)
