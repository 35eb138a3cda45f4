"""The emergency stop: entries are cancelled, every trade is closed, trading is halted."""

from collections.abc import Iterator
from datetime import datetime

from application.book import Book
from application.inputs import ClockTicked, OperatorActed
from application.journal import Recorded
from application.processes.equity import figure, worth_of
from application.processes.freshness import marks_are_fresh
from application.processes.refusals import order_refused
from domain.brakes import PlaceHold
from domain.equity import (
    EmergencyEnded,
    EmergencyStopped,
    EndEmergency,
    StopEverything,
    drawdown_percent,
)
from domain.holds import Hold
from domain.message import Command
from domain.order import RequestOrderCancel
from domain.position_group import ClosePositionGroup
from domain.risk_engine import ChangeTradingState, TradingStateChanged
from domain.trading_day import AlertRaised, RaiseAlert
from domain.worth import Worth


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Stop and resume as told; while stopped, let nothing in and forget nothing that is open.

    The hold is placed before any other process sees the event that brought the stop: nothing
    is approved from there on. What was approved a moment before has been laid out once
    `EmergencyStopped` has its turn, and is called off with everything else.
    """
    stopped = book.equity.stopped
    match recorded.event:
        case OperatorActed(action="emergency_stop") as acted:
            yield _ordered(book, acted, recorded.at)
        case OperatorActed(action="resume") as acted if stopped is not None:
            yield _ended(book, acted, recorded.at)
        case EmergencyStopped() as happened:
            yield from _held(book, happened)
            out = tuple(_everything_out(book, happened, recorded.at))
            yield from out
            yield _alert(happened, out)
        case ClockTicked() if stopped is not None and _is_held(book):
            yield from _everything_out(book, stopped, recorded.at)
        case _ if stopped is not None:
            yield from _held(book, stopped)
        case _:
            return


def _held(book: Book, stopped: EmergencyStopped) -> Iterator[Command]:
    """The risk engine is told at once: the hold's own event has its turn only later."""
    if _is_held(book):
        return
    reason = _reason(stopped)
    hold = Hold(
        cause="emergency_stop",
        state="halted",
        reason=reason,
        actor=stopped.actor,
        since=stopped.stopped_at,
    )
    yield PlaceHold(hold=hold)
    if book.risk.trading_state != "halted":
        changed = TradingStateChanged(state="halted", reason=reason, actor=stopped.actor)
        yield ChangeTradingState(changed=changed)


def _is_held(book: Book) -> bool:
    return "emergency_stop" in book.brakes.holds


def _everything_out(book: Book, stopped: EmergencyStopped, now: datetime) -> Iterator[Command]:
    """Every entry that may still trade is called off, every trade that is open is closed.

    A trade that closes already, or is being reduced, goes on to its end: the closing sequence
    is one, and takes over what a reduction left.
    """
    reason = _reason(stopped)
    for order in book.working_orders():
        if order.request.purpose == "entry" and not order.cancel_requested:
            yield RequestOrderCancel(client_order_id=order.request.client_order_id, reason=reason)
    for group in book.open_groups():
        if group.is_open:
            identity = group.opened.group_id
            yield ClosePositionGroup(group_id=identity, reason=reason, signal_id="", now=now)


def _ordered(book: Book, acted: OperatorActed, now: datetime) -> Command:
    """In any state, also with nothing open; the account's own name is the typed confirmation."""
    stopped = book.equity.stopped
    if acted.subject != book.account_name:
        text = (
            f"the confirmation was {acted.subject or 'empty'}: to close everything, name the"
            f" account itself, {book.account_name}"
        )
        return order_refused(acted, text)
    if stopped is not None:
        since = stopped.stopped_at.isoformat()
        return order_refused(acted, f"it is stopped since {since}: only a resume ends that")
    return StopEverything(stopped=_by_operator(book, acted, now))


def _by_operator(book: Book, acted: OperatorActed, now: datetime) -> EmergencyStopped:
    """With the figures as far as they are known; it needs none."""
    worth = _known_worth(book, now)
    peak = book.equity.peak_of(worth) if worth is not None else None
    drawdown = None
    if worth is not None and peak is not None:
        drawdown = drawdown_percent(worth.equity, peak)
    is_opened = book.is_opened
    return EmergencyStopped(
        trigger="operator",
        reason=acted.reason,
        actor=acted.actor,
        stopped_at=now,
        equity=worth.equity if worth is not None else None,
        peak=peak,
        drawdown_percent=drawdown,
        limit_percent=book.account.settings.risk.max_drawdown_percent if is_opened else None,
    )


def _ended(book: Book, acted: OperatorActed, now: datetime) -> EndEmergency:
    """Spec §6: the peak is the equity as it is now, else that of the next sample."""
    worth = _known_worth(book, now)
    ended = EmergencyEnded(
        peak=worth.equity if worth is not None else None,
        capital=worth.capital if worth is not None else None,
        reason=acted.reason,
        actor=acted.actor,
    )
    return EndEmergency(ended=ended)


def _known_worth(book: Book, now: datetime) -> Worth | None:
    is_known = book.is_opened and marks_are_fresh(book, now)
    return worth_of(book) if is_known else None


def _reason(stopped: EmergencyStopped) -> str:
    why = f": {stopped.reason}" if stopped.reason else ""
    return f"emergency stop by {stopped.actor}{why}"


def _alert(stopped: EmergencyStopped, out: tuple[Command, ...]) -> RaiseAlert:
    closed = sum(isinstance(command, ClosePositionGroup) for command in out)
    cancelled = sum(isinstance(command, RequestOrderCancel) for command in out)
    text = (
        f"{_reason(stopped)}, at {stopped.stopped_at.isoformat()} ({_figures(stopped)}): {closed}"
        f" trades are closed, {cancelled} entries cancelled, trading is halted until an operator"
        " resumes it"
    )
    alert = AlertRaised(kind="emergency_stop", severity="critical", subject="equity", text=text)
    return RaiseAlert(alert=alert)


def _figures(stopped: EmergencyStopped) -> str:
    """Equity, its peak, how far it is below, and the limit; in words where there is none."""
    named = (
        ("equity", stopped.equity),
        ("peak", stopped.peak),
        ("drawdown %", stopped.drawdown_percent),
        ("max_drawdown_percent", stopped.limit_percent),
    )
    return ", ".join(
        f"{name} {figure(value) if value is not None else 'unknown'}" for name, value in named
    )
