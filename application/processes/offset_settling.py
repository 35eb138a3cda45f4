"""The end of an offset: why it goes no further, what came of it, and who is told."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from application.book import Book
from domain.day_terms import AlertSeverity
from domain.instrument import is_undersized, round_quantity
from domain.message import Command
from domain.money import ZERO, plain
from domain.offset import Offset, OffsetOutcome, OffsetSettled, SettleOffset
from domain.offset_watch import EndOffset
from domain.position_group import PositionGroup
from domain.trading_day import AlertRaised, RaiseAlert

# How often the loser is offered again with what is left of the profit, once nobody paid.
LOSER_ATTEMPTS = 3

RECOVERED = "the loser is in profit again"


def settlement(offset: Offset, reason: str, now: datetime, *, halted: bool = False) -> SettleOffset:
    """The end, with what became of the loser."""
    outcome: OffsetOutcome = "nothing_closed"
    if offset.last_loser is not None and offset.last_loser.outcome == "closed":
        outcome = "covered"
    elif halted:
        outcome = "stopped"
    elif offset.realized != ZERO:
        outcome = "reduced"
    identity = offset.planned.offset_id
    return SettleOffset(offset_id=identity, outcome=outcome, reason=reason, now=now)


def obstacle(book: Book, offset: Offset) -> str:
    """Why nothing more may be sold for this loser; empty: it may."""
    loser = book.group(offset.planned.loser.group_id)
    if loser is None or not loser.is_open:
        is_ours = offset.last_loser is not None and offset.last_loser.outcome == "closed"
        return "the loser is closed" if is_ours else "the loser is closed otherwise"
    if rest_of(book, loser) == ZERO:
        return "nothing of the loser is left"
    if book.offset_watch.barred.get(loser.opened.group_id) == "blocked":
        return "the loser was blocked"
    return ""


def exhausted(offset: Offset) -> str:
    """Why what the winners earned buys nothing more of a loser that still loses."""
    if offset.loser_attempts >= LOSER_ATTEMPTS:
        return f"the loser was offered {LOSER_ATTEMPTS} times"
    if offset.budget == ZERO:
        return "the winners earned nothing that could pay for it"
    return "what is left of the profit is too little to sell more"


def rest_of(book: Book, group: PositionGroup) -> Decimal:
    """Contracts a trade holds that a venue would buy; dust is none."""
    instrument, mark = book.instrument(group.opened.symbol), book.marks.get(group.opened.symbol)
    legs = book.legs_of(group)
    held = sum((leg.lot.quantity for leg in legs), ZERO)
    if instrument is None or held == ZERO:
        return held
    price = mark.price if mark is not None else legs[0].plan.price
    quantity = round_quantity(instrument, held)
    return ZERO if is_undersized(instrument, price, quantity, reduce_only=True) else quantity


def over(book: Book, offset: Offset, settled: OffsetSettled) -> Iterator[Command]:
    """Another may begin, and the operator hears the figures."""
    yield EndOffset(offset_id=settled.offset_id)
    currency, loser = book.account.opened.currency, offset.planned.loser
    text = (
        f"{loser.symbol} was paid down by winners, {settled.outcome.replace('_', ' ')}:"
        f" earned {plain(settled.earned)}, realized {plain(settled.realized)},"
        f" result {plain(settled.result)} {currency}; {settled.reason}"
    )
    severity: AlertSeverity = "info" if settled.outcome == "covered" else "warning"
    alert = AlertRaised(kind="offset", severity=severity, subject=settled.offset_id, text=text)
    yield RaiseAlert(alert=alert)
