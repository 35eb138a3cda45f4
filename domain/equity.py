"""What the account is worth minute by minute, its peak, and the emergency stop below it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Literal, assert_never

import msgspec

from domain.message import Command, Event
from domain.money import HUNDRED, ZERO

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
    """An operator resumed; the drawdown counts from `peak` now, none = from the next sample."""

    NAME: ClassVar[str] = "equity.emergency_ended.v1"
    peak: Decimal | None
    reason: str
    actor: str


class CapitalTransferred(Event, frozen=True, kw_only=True):
    """Money came in (above zero) or went out: no profit and no drawdown. The peak moves with it."""

    NAME: ClassVar[str] = "equity.capital_transferred.v1"
    amount: Decimal
    total: Decimal
    reason: str
    actor: str


EquityEvent = (
    EquityOpened
    | EquitySampled
    | DrawdownBreached
    | DrawdownRecovered
    | EmergencyStopped
    | EmergencyEnded
    | CapitalTransferred
)


# Commands


class EquityCommand(Command, frozen=True, kw_only=True):
    """A command to the day's equity."""

    AGGREGATE: ClassVar[str] = "equity"


class OpenEquity(EquityCommand, frozen=True, kw_only=True):
    """Begin a day with this state."""

    state: "Equity"


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """What the account is worth by its own books; `capital` includes transfers."""

    capital: Decimal
    realized: Decimal
    unrealized: Decimal
    committed: Decimal

    @property
    def equity(self) -> Decimal:
        """Spec §6."""
        return self.capital + self.realized + self.unrealized


class SampleEquity(EquityCommand, frozen=True, kw_only=True):
    """Write down what the account is worth now."""

    worth: Worth
    now: datetime


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


EquityCommands = (
    OpenEquity | SampleEquity | AssessDrawdown | StopEverything | EndEmergency | TransferCapital
)


# State


class Equity(msgspec.Struct, frozen=True, kw_only=True):
    """The sampled peak, none before the first sample; a breach that waits for its second look.

    `transfers`: the sum of all that came in and went out since the account was added.
    """

    peak: Decimal | None = None
    breached: DrawdownBreached | None = None
    stopped: EmergencyStopped | None = None
    transfers: Decimal = ZERO
    last: EquitySampled | None = None

    def peak_of(self, worth: Worth) -> Decimal:
        """What a drawdown is measured from: before the first sample the capital itself."""
        return self.peak if self.peak is not None else worth.capital


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
        case EquitySampled():
            return change(state, peak=event.peak, last=event)
        case DrawdownBreached():
            return change(state, breached=event)
        case DrawdownRecovered():
            return change(state, breached=None)
        case EmergencyStopped():
            return change(state, breached=None, stopped=event)
        case EmergencyEnded(peak=peak):
            return change(state, peak=peak, breached=None, stopped=None)
        case CapitalTransferred():
            peak = state.peak + event.amount if state.peak is not None else None
            return change(state, peak=peak, transfers=event.total)
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
        case _:
            assert_never(command)


def _sample(state: Equity, command: SampleEquity) -> tuple[EquityEvent, ...]:
    if state.last is not None and state.last.sampled_at == command.now:
        return ()
    worth = command.worth
    sampled = EquitySampled(
        equity=worth.equity,
        **msgspec.structs.asdict(worth),
        peak=max(state.peak_of(worth), worth.equity),
        sampled_at=command.now,
    )
    return (sampled,)


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
