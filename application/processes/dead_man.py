"""Without contact to the venue, or without any fresh mark, nothing new is entered."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from application.book import Book
from application.inputs import ClockTicked
from application.journal import Recorded
from application.processes.positions import lots_of
from domain.account import SettingsChanged
from domain.brakes import LiftHold, PlaceHold
from domain.day_terms import AlertKind, AlertSeverity
from domain.holds import Hold
from domain.message import Command
from domain.settings import Settings
from domain.trading_day import AlertRaised, RaiseAlert

# Venues that cancel a symbol's orders by themselves when they hear nothing more of us.
COUNTDOWN_VENUES = ("binanceusdm",)
SECOND = timedelta(seconds=1)


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Look at the contact with each tick; say at once where a setting cannot be kept."""
    match recorded.event:
        case ClockTicked(contact_at=datetime()) as tick:
            yield from _watch(book, tick, recorded.at)
        case SettingsChanged(settings=settings):
            yield from _countdown_missing(book, settings)
        case _:
            return


def is_silent(tick: ClockTicked, stale_seconds: int | None) -> bool:
    """Whether the venue has said nothing for too long. Not, where nobody watches or minds.

    Both moments are of the tick: how long it waited to be handled is not the venue's silence.
    """
    if tick.contact_at is None or stale_seconds is None:
        return False
    return tick.due_at - tick.contact_at > timedelta(seconds=stale_seconds)


def _watch(book: Book, tick: ClockTicked, now: datetime) -> Iterator[Command]:
    """Held while contact or every mark is missing, and no longer than that."""
    held = book.brakes.holds.get("dead_man")
    stale_seconds = book.account.settings.risk.stale_seconds
    if stale_seconds is None:
        if held is not None:
            yield LiftHold(
                cause="dead_man", reason="risk.stale_seconds was turned off", actor="engine"
            )
        return
    marks = _marks_of_lots(book, now, timedelta(seconds=stale_seconds))
    trouble = _silence(tick, stale_seconds) or _blindness(marks, stale_seconds)
    if trouble:
        if held is None:
            yield from _place(book, trouble, now)
        return
    if held is not None:
        yield from _lift(book, held, now)
    for mark in marks:
        if mark.is_stale:
            yield _alert("mark_stale", "warning", mark.symbol, mark.words(stale_seconds))


class _MarkOfLots(msgspec.Struct, frozen=True, kw_only=True):
    """How the mark of a symbol with open lots stands. `at`: of when it is, or since when missed."""

    symbol: str
    at: datetime
    is_missing: bool
    is_stale: bool

    def words(self, stale_seconds: int) -> str:
        """The same words for as long as the same mark is the latest: told once."""
        what = "was not known since" if self.is_missing else "is of"
        return (
            f"the mark of {self.symbol} {what} {self.at.isoformat()}, more than {stale_seconds} s"
            " ago: what is watched there cannot be acted on"
        )


def _marks_of_lots(book: Book, now: datetime, limit: timedelta) -> tuple[_MarkOfLots, ...]:
    """Of each symbol with open lots, sorted. A day and an engine begin without marks.

    One that is missing counts from there, or from the opening of the trade that needs it.
    """
    opened: dict[str, datetime] = {}
    for group in book.open_groups():
        symbol, opened_at = group.opened.symbol, group.opened.opened_at
        if symbol not in opened and lots_of(book, group):
            opened[symbol] = opened_at
    forgotten_at, found = book.day.marks_forgotten_at, []
    for symbol, opened_at in sorted(opened.items()):
        mark = book.marks.get(symbol)
        at = mark.at if mark is not None else max(opened_at, forgotten_at or opened_at)
        standing = _MarkOfLots(
            symbol=symbol, at=at, is_missing=mark is None, is_stale=now - at > limit
        )
        found.append(standing)
    return tuple(found)


def _silence(tick: ClockTicked, stale_seconds: int) -> str:
    if tick.contact_at is None or not is_silent(tick, stale_seconds):
        return ""
    seconds = (tick.due_at - tick.contact_at) // SECOND
    return (
        f"the venue said nothing for {seconds} s, since {tick.contact_at.isoformat()};"
        f" {stale_seconds} s are allowed"
    )


def _blindness(marks: tuple[_MarkOfLots, ...], stale_seconds: int) -> str:
    """Lots are open, and no price of any of them is known."""
    if not marks or not all(mark.is_stale for mark in marks):
        return ""
    latest = max(mark.at for mark in marks)
    return (
        f"no symbol with open lots has a mark younger than {stale_seconds} s:"
        f" the latest of {len(marks)} is of {latest.isoformat()}"
    )


def _place(book: Book, trouble: str, now: datetime) -> Iterator[Command]:
    hold = Hold(cause="dead_man", state="reducing", reason=trouble, actor="engine", since=now)
    yield PlaceHold(hold=hold)
    text = f"no new entries: {trouble}"
    yield _alert("dead_man", "critical", book.account_name, text)


def _lift(book: Book, held: Hold, now: datetime) -> Iterator[Command]:
    seconds = (now - held.since) // SECOND
    reason = f"contact and marks are back after {seconds} s"
    yield LiftHold(cause="dead_man", reason=reason, actor="engine")
    text = f"{reason}, held since {held.since.isoformat()}"
    yield _alert("dead_man", "info", book.account_name, text)


def _countdown_missing(book: Book, settings: Settings) -> Iterator[Command]:
    """Nobody may believe that entries vanish by themselves where they do not."""
    opened, seconds = book.account.opened, settings.risk.countdown_seconds
    if seconds is None or (opened.venue in COUNTDOWN_VENUES and not opened.paper):
        return
    venue = f"paper {opened.venue}" if opened.paper else opened.venue
    text = (
        f"risk.countdown_seconds was {seconds}, and {venue} has no countdown: resting entries"
        " stay there if the engine dies"
    )
    yield _alert("dead_man", "warning", "risk.countdown_seconds", text)


def _alert(kind: AlertKind, severity: AlertSeverity, subject: str, text: str) -> RaiseAlert:
    alert = AlertRaised(kind=kind, severity=severity, subject=subject, text=text)
    return RaiseAlert(alert=alert)
