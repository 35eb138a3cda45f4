"""Whose turn it is to be paid down, by whom, and that the offset begins: spec §6."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from application.book import Book
from application.processes.freshness import is_fresh
from application.processes.offset_criteria import eligibility, is_eligible
from application.processes.offset_trades import losing, trade_of
from domain.identity import offset_id
from domain.message import Command
from domain.money import ZERO, plain
from domain.offset import OffsetPlanned, OffsetTrigger, PlannedLoser, PlannedWinner, PlanOffset
from domain.offset_plan import OffsetTrade, Plan, loss_percent, net_gain, plan
from domain.offset_terms import Criterion
from domain.offset_watch import (
    AllowOffset,
    BeginOffset,
    DeclineOffset,
    OffsetAllowed,
    OffsetDeclined,
    OffsetTimerReset,
    OffsetTimerStarted,
    ResetOffsetTimer,
    StartOffsetTimer,
)
from domain.position_group import PositionGroup
from domain.trading_day import AlertRaised, RaiseAlert

# So long at least nothing is sold for a loser that was passed over, or for which winners were
# sold in vain: without it the next look would be its next turn.
LEAST_WAIT = timedelta(minutes=10)
PASSED_OVER = "passed over once, as an operator asked"
_SHOWN = Decimal("0.0001")


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Who is passed over this once, whose turn it then is, and what can be done; none: nobody."""

    passed_over: tuple[str, ...] = ()
    plan: Plan | None = None


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """What an offset is begun for."""

    trigger: OffsetTrigger
    reason: str
    actor: str


def obstacle(book: Book) -> str:
    """Why no offset may begin at all now, in words; empty if one may."""
    if not book.account.settings.risk.offset.enabled:
        return "risk.offset.enabled is false"
    if book.brakes.trading_state == "halted":
        return "trading is halted"
    if book.offset_watch.current:
        return f"offset {book.offset_watch.current} is under way"
    return ""


def next_turn(book: Book, now: datetime, ignoring: AbstractSet[str] = frozenset()) -> Turn:
    """Spec §6: of those eligible the highest loss %, then the highest loss, then the oldest."""
    eligible = (g for g in book.open_groups() if is_eligible(book, g, now, ignoring))
    trades = (trade_of(book, group) for group in eligible)
    passed_over: list[str] = []
    for loser in losing(trade for trade in trades if trade is not None):
        if book.offset_watch.barred.get(loser.group_id) != "skip_once":
            return Turn(passed_over=tuple(passed_over), plan=drawn(book, loser, now))
        passed_over.append(loser.group_id)
    return Turn(passed_over=tuple(passed_over))


def drawn(book: Book, loser: OffsetTrade, now: datetime) -> Plan:
    """Who could pay for this loser by the marks of now."""
    payers = (g for g in book.open_groups() if may_pay(book, g, loser.group_id, now))
    trades = (trade_of(book, group) for group in payers)
    winners = [trade for trade in trades if trade is not None]
    return plan(loser, winners, book.account.settings.risk.offset)


def may_pay(book: Book, group: PositionGroup, loser_id: str, now: datetime) -> bool:
    """Whether a trade may be sold for another's sake: open, untouched, priced, not blocked."""
    opened = group.opened
    return (
        opened.group_id != loser_id
        and group.is_open
        and not group.reducing
        and book.offset_watch.barred.get(opened.group_id) != "blocked"
        and is_fresh(book, opened.symbol, now)
    )


def by_rule(book: Book, now: datetime) -> Iterator[Command]:
    """Let the next loser have its turn; what cannot be done for it is told when that changes."""
    if obstacle(book):
        return
    turn = next_turn(book, now)
    yield from _pass_over(turn.passed_over, not_at_once(book, now))
    if turn.plan is None:
        return
    if not turn.plan.is_feasible:
        yield _declined(turn.plan)
        return
    limit = book.account.settings.risk.offset.loss_threshold_percent
    percent = loss_percent(turn.plan.loser).quantize(_SHOWN)
    reason = f"its loss of {plain(percent)} % is beyond {plain(limit)} %"
    yield from begun(book, turn.plan, Why(trigger="rule", reason=reason, actor="engine"), now)


def begun(book: Book, made: Plan, why: Why, now: datetime) -> Iterator[Command]:
    """Take the account's one place, write the plan down, and tell the operator."""
    number = book.offset_watch.count + 1
    identity = offset_id(made.loser.group_id, number)
    planned = OffsetPlanned(
        offset_id=identity,
        loser=_loser(made),
        winners=tuple(
            PlannedWinner(
                group_id=winner.trade.group_id,
                symbol=winner.trade.symbol,
                side=winner.trade.side,
                price=winner.trade.price,
                gain=net_gain(winner.trade),
                quantity=winner.part.quantity,
                expected=winner.part.expected,
            )
            for winner in made.winners
        ),
        needed=made.needed,
        expected=made.expected,
        trigger=why.trigger,
        reason=why.reason,
        actor=why.actor,
        planned_at=now,
        criteria=_judged(book, made, now),
    )
    yield BeginOffset(offset_id=identity, number=number)
    yield PlanOffset(offset_id=identity, planned=planned)
    text = _told(planned)
    alert = AlertRaised(kind="offset", severity="warning", subject=identity, text=text)
    yield RaiseAlert(alert=alert)


def _pass_over(group_ids: tuple[str, ...], begins: datetime) -> Iterator[Command]:
    """Its turn came and went: its wait begins anew."""
    for group_id in group_ids:
        allowed = OffsetAllowed(group_id=group_id, reason=PASSED_OVER, actor="engine")
        yield AllowOffset(allowed=allowed)
        yield from restarted(group_id, PASSED_OVER, begins)


def not_at_once(book: Book, now: datetime) -> datetime:
    """When a wait begins that lasts a while also where none is set: now, or as much later."""
    wait = timedelta(minutes=book.account.settings.risk.offset.post_full_wait_minutes)
    return now + max(timedelta(0), LEAST_WAIT - wait)


def restarted(group_id: str, reason: str, begins: datetime) -> Iterator[Command]:
    """A wait that runs begins anew."""
    yield ResetOffsetTimer(reset=OffsetTimerReset(group_id=group_id, reason=reason))
    started = OffsetTimerStarted(group_id=group_id, started_at=begins, reason=reason)
    yield StartOffsetTimer(started=started)


def _declined(made: Plan) -> Command:
    declined = OffsetDeclined(
        group_id=made.loser.group_id,
        reason=made.reason,
        needed=made.needed,
        available=max(ZERO, made.expected),
    )
    return DeclineOffset(declined=declined)


def _judged(book: Book, made: Plan, now: datetime) -> tuple[Criterion, ...]:
    group = book.group(made.loser.group_id)
    return eligibility(book, group, now) if group is not None else ()


def _loser(made: Plan) -> PlannedLoser:
    loser = made.loser
    return PlannedLoser(
        group_id=loser.group_id,
        symbol=loser.symbol,
        side=loser.side,
        price=loser.price,
        quantity=loser.quantity,
        loss=made.needed,
        loss_percent=loss_percent(loser).quantize(_SHOWN),
    )


def _told(planned: OffsetPlanned) -> str:
    loser = planned.loser
    payers = ", ".join(
        f"{plain(winner.quantity)} of {winner.symbol} ({winner.group_id}) for"
        f" {plain(winner.expected.quantize(_SHOWN))}"
        for winner in planned.winners
    )
    return (
        f"loser {loser.symbol} ({loser.group_id}) stands at {plain(loser.loss_percent)} %, to"
        f" close it costs {plain(planned.needed.quantize(_SHOWN))}: {payers} are to be sold,"
        f" asked for by {planned.actor}"
    )
