"""What the account is worth minute by minute, its peak, and the emergency stop below it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Literal, assert_never

import msgspec

from domain.balance_sight import BalanceSight, tolerance
from domain.message import Command, Event
from domain.money import HUNDRED, ZERO
from domain.worth import Worth

# Spec §6: one bad print must not close a portfolio.
BREACH_CONFIRMED_AFTER = timedelta(seconds=10)

EmergencyTrigger = Literal["drawdown", "operator"]


# Events
# Stored for ever: add fields with defaults, never change a NAME.


class EquityOpened(Event, frozen=True, kw_only=True):
    """A day's equity begins with the whole state of the day before."""

    NAME: ClassVar[str] = "equity.opened.v1"
    state: "Equity"


class EquitySampled(Event, frozen=True, kw_only=True):
    """The worth of the account at a whole minute, or as its last trade closed.

    `equity` = `capital` (what it began with and was transferred) + `realized` of all time +
    `unrealized`; `committed`: lots at cost and resting entries; all in the capital currency.
    """

    NAME: ClassVar[str] = "equity.sampled.v1"
    equity: Decimal
    capital: Decimal
    realized: Decimal
    unrealized: Decimal
    committed: Decimal
    peak: Decimal
    sampled_at: datetime


class DrawdownBreached(Event, frozen=True, kw_only=True):
    """The first of two looks found the equity too far below its peak."""

    NAME: ClassVar[str] = "equity.drawdown_breached.v1"
    equity: Decimal
    peak: Decimal
    drawdown_percent: Decimal
    limit_percent: Decimal
    breached_at: datetime


class DrawdownRecovered(Event, frozen=True, kw_only=True):
    """The look after a breach found the equity above the limit again, or no limit any more."""

    NAME: ClassVar[str] = "equity.drawdown_recovered.v1"
    equity: Decimal
    peak: Decimal
    drawdown_percent: Decimal
    recovered_at: datetime


class EmergencyStopped(Event, frozen=True, kw_only=True):
    """Everything ends: entries are cancelled, trades closed, trading halted until a resume.

    The figures are those it was decided by; an operator's own stop needs none.
    """

    NAME: ClassVar[str] = "equity.emergency_stopped.v1"
    trigger: EmergencyTrigger
    reason: str
    actor: str
    stopped_at: datetime
    equity: Decimal | None = None
    peak: Decimal | None = None
    drawdown_percent: Decimal | None = None
    limit_percent: Decimal | None = None


class EmergencyEnded(Event, frozen=True, kw_only=True):
    """An operator resumed; the drawdown counts from `peak` now, none = from the next sample.

    `capital` is what the account had in when its equity was that peak.
    """

    NAME: ClassVar[str] = "equity.emergency_ended.v1"
    peak: Decimal | None
    reason: str
    actor: str
    capital: Decimal | None = None


class CapitalTransferred(Event, frozen=True, kw_only=True):
    """Money came in (above zero) or went out: no profit and no drawdown. The peak moves with it."""

    NAME: ClassVar[str] = "equity.capital_transferred.v1"
    amount: Decimal
    total: Decimal
    reason: str
    actor: str


class BalanceMatched(Event, frozen=True, kw_only=True):
    """The venue's balance moved as the books say; the next look compares with this one.

    `unsettled`: what of it never was explained, zero once a recorded transfer did.
    """

    NAME: ClassVar[str] = "equity.balance_matched.v1"
    sight: BalanceSight
    unsettled: Decimal


class BalanceJumpSuspected(Event, frozen=True, kw_only=True):
    """The balance moved by `amount` beyond what the books explain: a second look decides."""

    NAME: ClassVar[str] = "equity.balance_jump_suspected.v1"
    sight: BalanceSight
    amount: Decimal


class BalanceJumped(Event, frozen=True, kw_only=True):
    """Two looks agree that `amount` in all came in, or went out, without any word of it."""

    NAME: ClassVar[str] = "equity.balance_jumped.v1"
    sight: BalanceSight
    amount: Decimal


EquityEvent = (
    EquityOpened
    | EquitySampled
    | DrawdownBreached
    | DrawdownRecovered
    | EmergencyStopped
    | EmergencyEnded
    | CapitalTransferred
    | BalanceMatched
    | BalanceJumpSuspected
    | BalanceJumped
)


# Commands


class EquityCommand(Command, frozen=True, kw_only=True):
    """A command to the day's equity."""

    AGGREGATE: ClassVar[str] = "equity"


class OpenEquity(EquityCommand, frozen=True, kw_only=True):
    """Begin a day with this state."""

    state: "Equity"


class SampleEquity(EquityCommand, frozen=True, kw_only=True):
    """Write down what the account is worth now. Only `fresh` marks make a new peak."""

    worth: Worth
    now: datetime
    fresh: bool = True


class AssessDrawdown(EquityCommand, frozen=True, kw_only=True):
    """Compare the equity, by fresh marks only, with its peak. No limit: the stop is off."""

    worth: Worth
    limit_percent: Decimal | None
    now: datetime


class StopEverything(EquityCommand, frozen=True, kw_only=True):
    """An operator ends it."""

    stopped: EmergencyStopped


class EndEmergency(EquityCommand, frozen=True, kw_only=True):
    """An operator resumes."""

    ended: EmergencyEnded


class TransferCapital(EquityCommand, frozen=True, kw_only=True):
    """Record what came in or went out."""

    amount: Decimal
    reason: str
    actor: str


class CompareBalance(EquityCommand, frozen=True, kw_only=True):
    """Lay the venue's balance beside the books."""

    sight: BalanceSight


EquityCommands = (
    OpenEquity
    | SampleEquity
    | AssessDrawdown
    | StopEverything
    | EndEmergency
    | TransferCapital
    | CompareBalance
)


# State


class Equity(msgspec.Struct, frozen=True, kw_only=True):
    """The sampled peak, none before the first sample; a breach that waits for its second look.

    `capital` is what the account had in when `peak` was true. `is_reset`: the next sample is the
    peak. `transfers`: the sum of all that came in and went out since the account was added.
    """

    peak: Decimal | None = None
    breached: DrawdownBreached | None = None
    stopped: EmergencyStopped | None = None
    transfers: Decimal = ZERO
    last: EquitySampled | None = None
    capital: Decimal | None = None
    is_reset: bool = False
    balance: BalanceSight | None = None
    suspected: BalanceJumpSuspected | None = None
    unsettled: Decimal = ZERO

    def peak_of(self, worth: Worth) -> Decimal:
        """What a drawdown is measured from: before the first sample the capital itself.

        More or less capital, by a transfer or a new allocation, is no gain and no loss: the
        peak moves with it.
        """
        if self.peak is None:
            return worth.equity if self.is_reset else worth.capital
        moved = worth.capital - self.capital if self.capital is not None else ZERO
        return self.peak + moved


def drawdown_percent(equity: Decimal, peak: Decimal) -> Decimal:
    """How far below its peak the equity is, in percent of the peak; zero at or above it."""
    if peak <= ZERO:
        return HUNDRED if equity < peak else ZERO
    return max(ZERO, (peak - equity) / peak * HUNDRED)


def evolve(state: Equity | None, event: EquityEvent) -> Equity:
    """Fold one event into the state."""
    if isinstance(event, EquityOpened):
        return event.state
    assert state is not None, "the equity's first event is EquityOpened"
    change = msgspec.structs.replace
    match event:
        case EquitySampled(peak=peak, capital=capital):
            return change(state, peak=peak, capital=capital, is_reset=False, last=event)
        case DrawdownBreached():
            return change(state, breached=event)
        case DrawdownRecovered():
            return change(state, breached=None)
        case EmergencyStopped():
            return change(state, breached=None, stopped=event)
        case EmergencyEnded(peak=peak, capital=capital):
            ended = change(state, breached=None, stopped=None)
            return change(ended, peak=peak, capital=capital, is_reset=peak is None)
        case CapitalTransferred():
            return _transferred(state, event)
        case BalanceMatched() | BalanceJumpSuspected() | BalanceJumped():
            return _compared(state, event)
        case _:
            assert_never(event)


def decide(state: Equity | None, command: EquityCommands) -> tuple[EquityEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, OpenEquity):
        return () if state is not None else (EquityOpened(state=command.state),)
    assert state is not None, "the day's equity was never opened"
    match command:
        case SampleEquity():
            return _sample(state, command)
        case AssessDrawdown():
            return _assess(state, command)
        case StopEverything(stopped=stopped):
            return () if state.stopped is not None else (stopped,)
        case EndEmergency(ended=ended):
            return () if state.stopped is None else (ended,)
        case TransferCapital():
            # Two transfers of the same amount are two facts.
            total = state.transfers + command.amount
            transferred = CapitalTransferred(
                amount=command.amount, total=total, reason=command.reason, actor=command.actor
            )
            return (transferred,)
        case CompareBalance(sight=sight):
            return _compare(state, sight)
        case _:
            assert_never(command)


def _sample(state: Equity, command: SampleEquity) -> tuple[EquityEvent, ...]:
    """An old mark may show a worth that never was: it neither makes a peak nor resets one."""
    if state.is_reset and not command.fresh:
        return ()
    worth, peak = command.worth, state.peak_of(command.worth)
    sampled = EquitySampled(
        equity=worth.equity,
        **msgspec.structs.asdict(worth),
        peak=max(peak, worth.equity) if command.fresh else peak,
        sampled_at=command.now,
    )
    return () if sampled == state.last else (sampled,)


def _assess(state: Equity, command: AssessDrawdown) -> tuple[EquityEvent, ...]:
    """Spec §6: two looks at least ten seconds apart, both over the limit."""
    if state.stopped is not None:
        return ()
    equity, peak, limit = command.worth.equity, state.peak_of(command.worth), command.limit_percent
    drawdown = drawdown_percent(equity, peak)
    if limit is None or drawdown < limit:
        recovered = DrawdownRecovered(
            equity=equity, peak=peak, drawdown_percent=drawdown, recovered_at=command.now
        )
        return () if state.breached is None else (recovered,)
    if state.breached is None:
        breached = DrawdownBreached(
            equity=equity,
            peak=peak,
            drawdown_percent=drawdown,
            limit_percent=limit,
            breached_at=command.now,
        )
        return (breached,)
    if command.now - state.breached.breached_at < BREACH_CONFIRMED_AFTER:
        return ()
    stopped = EmergencyStopped(
        trigger="drawdown",
        reason="the equity fell too far below its peak",
        actor="engine",
        stopped_at=command.now,
        equity=equity,
        peak=peak,
        drawdown_percent=drawdown,
        limit_percent=limit,
    )
    return (stopped,)


def _transferred(state: Equity, event: CapitalTransferred) -> Equity:
    peak = state.peak + event.amount if state.peak is not None else None
    capital = state.capital + event.amount if state.capital is not None else None
    return msgspec.structs.replace(state, peak=peak, capital=capital, transfers=event.total)


def _compare(state: Equity, sight: BalanceSight) -> tuple[EquityEvent, ...]:
    """A single look may fall between a trade and its report: only two that agree are believed."""
    before, known = state.balance, state.suspected
    if before is None:
        return (BalanceMatched(sight=sight, unsettled=ZERO),)
    change, allowed = sight.unexplained - before.unexplained, tolerance(before, sight)
    if abs(change) <= allowed:
        is_news = change != ZERO or sight.open_cost != before.open_cost or known is not None
        return (BalanceMatched(sight=sight, unsettled=state.unsettled),) if is_news else ()
    if state.unsettled != ZERO and abs(state.unsettled + change) <= allowed:
        return (BalanceMatched(sight=sight, unsettled=ZERO),)
    if known is None or abs(change - known.amount) > allowed:
        return (BalanceJumpSuspected(sight=sight, amount=change),)
    if sight.seen_at <= known.sight.seen_at:
        return ()
    return (BalanceJumped(sight=sight, amount=state.unsettled + change),)


def _compared(
    state: Equity, event: BalanceMatched | BalanceJumpSuspected | BalanceJumped
) -> Equity:
    change = msgspec.structs.replace
    match event:
        case BalanceMatched(sight=sight, unsettled=unsettled):
            return change(state, balance=sight, suspected=None, unsettled=unsettled)
        case BalanceJumpSuspected():
            return change(state, suspected=event)
        case BalanceJumped(sight=sight, amount=amount):
            return change(state, balance=sight, suspected=None, unsettled=amount)
        case _:
            assert_never(event)
