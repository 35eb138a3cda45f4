"""The breaker of the day's loss: it trips, what rests is cancelled, and it stays tripped."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from application.book import Book
from application.inputs import ClockTicked, OperatorActed
from application.journal import Recorded
from application.processes.day_loss import day_loss
from application.processes.refusals import order_refused
from domain.account import SettingsChanged
from domain.brakes import BreakerReset, BreakerTripped, ResetBreaker, TripBreaker
from domain.dca_leg import LegEntryFilled
from domain.message import Command
from domain.money import ZERO, plain
from domain.order import Order, RequestOrderCancel
from domain.position_group import PositionGroup
from domain.pyramid import HaltPyramidEntries
from domain.risk_engine import ProfitRecorded
from domain.trading_day import AlertRaised, RaiseAlert

TRIPPED = "the day's loss reached its limit"


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Judge the loss with whatever changes it, and call entries off the moment it trips."""
    match recorded.event:
        case BreakerTripped() as tripped:
            called_off = tuple(_called_off(book))
            yield from _halted(book)
            for order in called_off:
                identity = order.request.client_order_id
                yield RequestOrderCancel(client_order_id=identity, reason=TRIPPED)
            yield _alert(tripped, len(called_off))
        case ProfitRecorded() | SettingsChanged():
            yield from _judged(book, recorded.at)
        case ClockTicked() | LegEntryFilled() if _counts_open(book):
            yield from _judged(book, recorded.at)
        case OperatorActed(action="reset_breaker") as acted:
            yield _reset(book, acted)
        case _:
            return


def _counts_open(book: Book) -> bool:
    """Whether prices and new lots alone can change the day's loss."""
    return book.is_opened and book.account.settings.risk.daily_loss_includes_open


def _judged(book: Book, now: datetime) -> Iterator[Command]:
    """Spec §6: a loss that reaches the limit trips it. What is unknown of it never does."""
    loss, limit = day_loss(book).known, book.account.settings.risk.max_daily_loss
    if limit is None or loss.amount is None or loss.amount < limit:
        return
    tripped = BreakerTripped(
        loss=loss.amount,
        limit=limit,
        realized=loss.realized,
        open_loss=loss.open_loss or ZERO,
        reference=loss.reference,
        tripped_at=now,
    )
    yield TripBreaker(tripped=tripped)


def _called_off(book: Book) -> Iterator[Order]:
    """Every entry that may still trade, sent or not, of the groups that keep none."""
    for order in book.working_orders():
        group = book.group(order.request.group_id)
        is_kept = group is not None and _keeps_entries(book, group)
        if order.request.purpose == "entry" and not order.cancel_requested and not is_kept:
            yield order


def _halted(book: Book) -> Iterator[Command]:
    """A ladder that was called off never buys again, also not after the breaker's end."""
    for group in book.open_groups():
        if not group.is_open or _keeps_entries(book, group):
            continue
        for pyramid_id in group.pyramid_ids:
            if _still_enters(book, pyramid_id):
                yield HaltPyramidEntries(pyramid_id=pyramid_id, reason=TRIPPED)


def _still_enters(book: Book, pyramid_id: str) -> bool:
    pyramid = book.pyramid(pyramid_id)
    legs = [book.leg(leg_id) for leg_id in pyramid.plan.leg_ids] if pyramid is not None else []
    return any(leg is not None and leg.entry_open for leg in legs)


def _keeps_entries(book: Book, group: PositionGroup) -> bool:
    """Spec §6: `breaker_dca` = `keep` lets those with fills go on averaging down."""
    is_kept = book.account.settings.risk.breaker_dca == "keep"
    return is_kept and any(leg.entry_filled > ZERO for leg in book.legs_of(group))


def _reset(book: Book, acted: OperatorActed) -> Command:
    """From here the loss counts anew: another full `max_daily_loss` trips it again."""
    if not acted.reason.strip():
        return order_refused(acted, "to let the day's loss count anew, give a reason")
    if not book.brakes.is_tripped:
        return order_refused(acted, "the breaker is not tripped: there is nothing to reset")
    result = day_loss(book).result
    if result is None:
        text = (
            "the open loss is not known without a fresh mark of each open trade's market, so it"
            " cannot be counted anew: ask again once prices come in"
        )
        return order_refused(acted, text)
    reset = BreakerReset(reference=result, reason=acted.reason, actor=acted.actor)
    return ResetBreaker(reset=reset)


def _alert(tripped: BreakerTripped, called_off: int) -> RaiseAlert:
    midnight = (tripped.tripped_at + timedelta(days=1)).date().isoformat()
    text = (
        f"the day lost {plain(tripped.loss)}, max_daily_loss is {plain(tripped.limit)} (realized"
        f" {plain(tripped.realized)}, open loss {plain(tripped.open_loss)}, counted from a result"
        f" of {plain(tripped.reference)}): {called_off} resting entries are cancelled, no new ones"
        f" are taken until {midnight} 00:00 UTC or until an operator resets the breaker"
    )
    alert = AlertRaised(kind="breaker", severity="critical", subject="max_daily_loss", text=text)
    return RaiseAlert(alert=alert)
