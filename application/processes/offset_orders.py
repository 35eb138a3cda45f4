"""What an operator asks of the offsets: run one now, pass one over, keep a trade out or not."""

from collections.abc import Iterator
from datetime import datetime

from application.book import Book
from application.inputs import OperatorActed
from application.processes.offset_choosing import Why, begun, drawn, next_turn, obstacle
from application.processes.offset_criteria import eligibility
from application.processes.offset_trades import trade_of
from application.processes.refusals import order_refused
from domain.message import Command
from domain.money import ZERO, plain
from domain.offset_plan import Plan, net_gain
from domain.offset_watch import AllowOffset, Bar, BarOffset, OffsetAllowed, OffsetBarred
from domain.position_group import PositionGroup

# An operator who runs one need not wait, nor for the loss to be large; nothing else is waived.
WAIVED = frozenset({"timer", "loss"})


def ordered(book: Book, acted: OperatorActed, now: datetime) -> Iterator[Command]:
    """Carry out an order about offsets; what cannot be done is told."""
    match acted.action:
        case "offset_now":
            yield from _run(book, acted, now)
        case "offset_skip":
            yield _bar(book, acted, "skip_once")
        case "offset_block":
            yield _bar(book, acted, "blocked")
        case "offset_unblock":
            yield _allow(book, acted)
        case _:
            return


def _run(book: Book, acted: OperatorActed, now: datetime) -> Iterator[Command]:
    """The named loser, or without a name the one whose loss is highest."""
    if not acted.reason.strip():
        yield order_refused(acted, "to sell winners for a loser now, give a reason")
        return
    stopped = obstacle(book)
    if stopped:
        yield order_refused(acted, f"no offset can begin: {stopped}")
        return
    made = _named(book, acted.subject, now) if acted.subject else _worst(book, now)
    if isinstance(made, str):
        yield order_refused(acted, made)
        return
    why = Why(trigger="operator", reason=acted.reason, actor=acted.actor)
    yield from begun(book, made, why, now)


def _worst(book: Book, now: datetime) -> Plan | str:
    """An operator's run takes no loser's turn: who is to be passed over still is, later."""
    made = next_turn(book, now, WAIVED).plan
    if made is None:
        return "no trade in loss is eligible: see `plimsoll offset plan`"
    return made if made.is_feasible else _not_feasible(made)


def _named(book: Book, group_id: str, now: datetime) -> Plan | str:
    group = _open_group(book, group_id)
    if isinstance(group, str):
        return group
    if book.offset_watch.barred.get(group_id) == "skip_once":
        return f"group {group_id} is to be passed over once: unblock it first"
    failed = [
        f"{each.name} was {each.value or 'unknown'}, the limit is {each.limit}"
        for each in eligibility(book, group, now)
        if not each.passed and each.name not in WAIVED
    ]
    if failed:
        return f"group {group_id} is not eligible: {'; '.join(failed)}"
    loser = trade_of(book, group)
    if loser is None:
        return (
            f"group {group_id} has nothing to sell, or its market's rules or the worth of a fee"
            " are not known"
        )
    if net_gain(loser) >= ZERO:
        return f"group {group_id} is not in loss"
    made = drawn(book, loser, now)
    return made if made.is_feasible else _not_feasible(made)


def _not_feasible(made: Plan) -> str:
    needed, available = plain(made.needed), plain(max(ZERO, made.expected))
    return (
        f"loser {made.loser.group_id} is not paid down: {made.reason}"
        f" ({needed} needed, {available} available)"
    )


def _bar(book: Book, acted: OperatorActed, how: Bar) -> Command:
    """A skip never weakens a block."""
    group = _open_group(book, acted.subject)
    if isinstance(group, str):
        return order_refused(acted, group)
    known = book.offset_watch.barred.get(acted.subject)
    if known in ("blocked", how):
        told = "kept out of offsets" if known == "blocked" else "to be passed over once"
        return order_refused(acted, f"group {acted.subject} is {told} already")
    barred = OffsetBarred(group_id=acted.subject, how=how, reason=acted.reason, actor=acted.actor)
    return BarOffset(barred=barred)


def _allow(book: Book, acted: OperatorActed) -> Command:
    if acted.subject not in book.offset_watch.barred:
        return order_refused(acted, f"group {acted.subject} is neither blocked nor passed over")
    allowed = OffsetAllowed(group_id=acted.subject, reason=acted.reason, actor=acted.actor)
    return AllowOffset(allowed=allowed)


def _open_group(book: Book, group_id: str) -> PositionGroup | str:
    group = book.group(group_id)
    if group is None or not group.holds_slot:
        return f"group {group_id} is not open: see `plimsoll offset plan`"
    return group if group.is_open else f"group {group_id} is closing already"
