"""The mark on the hull: what may be risked, what is, and what is refused, with every number."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, TypeVar, assert_never

import msgspec

from domain.gate import (
    Assessment,
    Commitment,
    EntryProposal,
    GateFacts,
    RiskedNow,
    RuleCheck,
    Slot,
)
from domain.gate_rules import assess
from domain.holds import TradingState
from domain.identity import group_of
from domain.message import Command, Event
from domain.money import ZERO

V = TypeVar("V")


# Events
# Stored for ever: add fields with defaults, never change a NAME.


class RiskEngineOpened(Event, frozen=True, kw_only=True):
    """A day's risk begins with the whole state of the day before."""

    NAME: ClassVar[str] = "risk_engine.opened.v1"
    state: "RiskEngine"


class RiskDayBegun(Event, frozen=True, kw_only=True):
    """The day's own counts start at zero."""

    NAME: ClassVar[str] = "risk_engine.day_begun.v1"
    date: str


class TradingStateChanged(Event, frozen=True, kw_only=True):
    """What all holds together make of trading: from now on new exposure is allowed, or not."""

    NAME: ClassVar[str] = "risk_engine.trading_state_changed.v1"
    state: TradingState
    reason: str
    actor: str


class RiskApproved(Event, frozen=True, kw_only=True):
    """Every rule passed; the proposal's capital is reserved from this moment."""

    NAME: ClassVar[str] = "risk_engine.approved.v1"
    proposal: EntryProposal
    receipt: tuple[RuleCheck, ...]


class RiskDenied(Event, frozen=True, kw_only=True):
    """We said no, and why. `transient` refusals may pass with time."""

    NAME: ClassVar[str] = "risk_engine.denied.v1"
    proposal: EntryProposal
    reason: str
    transient: bool
    receipt: tuple[RuleCheck, ...]


class CommitmentChanged(Event, frozen=True, kw_only=True):
    """What a leg risks changed: an order ended or filled, or its lot did."""

    NAME: ClassVar[str] = "risk_engine.commitment_changed.v1"
    leg_id: str
    group_id: str
    symbol: str
    resting: Decimal
    open_cost: Decimal


class ProfitRecorded(Event, frozen=True, kw_only=True):
    """A leg realized `amount`, or a group by funding; `total` is all it ever did.

    Where it was funding, `leg_id` is the group's own id.
    """

    NAME: ClassVar[str] = "risk_engine.profit_recorded.v1"
    leg_id: str
    group_id: str
    amount: Decimal
    total: Decimal


class SlotFreed(Event, frozen=True, kw_only=True):
    """A group is closed, with what it realized: another may take its place."""

    NAME: ClassVar[str] = "risk_engine.slot_freed.v1"
    group_id: str
    symbol: str
    realized: Decimal = ZERO
    freed_at: datetime | None = None


RiskEvent = (
    RiskEngineOpened
    | RiskDayBegun
    | TradingStateChanged
    | RiskApproved
    | RiskDenied
    | CommitmentChanged
    | ProfitRecorded
    | SlotFreed
)


# Commands


class RiskCommand(Command, frozen=True, kw_only=True):
    """A command to the day's risk engine."""

    AGGREGATE: ClassVar[str] = "risk_engine"


class OpenRiskEngine(RiskCommand, frozen=True, kw_only=True):
    """Begin a day with this state."""

    state: "RiskEngine"
    date: str


class ChangeTradingState(RiskCommand, frozen=True, kw_only=True):
    """Allow or forbid new exposure."""

    changed: TradingStateChanged


class AssessEntry(RiskCommand, frozen=True, kw_only=True):
    """Put a proposal before the gate."""

    proposal: EntryProposal
    facts: GateFacts


class AdjustCommitment(RiskCommand, frozen=True, kw_only=True):
    """Say what a leg risks now."""

    changed: CommitmentChanged


class RecordProfit(RiskCommand, frozen=True, kw_only=True):
    """Say what a leg, or a group by funding, has realized in all."""

    leg_id: str
    group_id: str
    total: Decimal


class FreeSlot(RiskCommand, frozen=True, kw_only=True):
    """A group is closed, with what it realized."""

    group_id: str
    realized: Decimal
    now: datetime


RiskCommands = (
    OpenRiskEngine | ChangeTradingState | AssessEntry | AdjustCommitment | RecordProfit | FreeSlot
)


# State

_NOTHING = Commitment(group_id="", symbol="")


class RiskEngine(msgspec.Struct, frozen=True, kw_only=True):
    """What is risked now. Amounts in the capital currency, by leg, group or symbol.

    `last_losses`: by symbol when a group of it last closed negative.
    """

    trading_state: TradingState = "active"
    state_reason: str = ""
    last_losses: dict[str, datetime] = {}
    slots: dict[str, Slot] = {}
    commitments: dict[str, Commitment] = {}
    realized_today: Decimal = ZERO
    realized_total: Decimal = ZERO
    realized_by_leg: dict[str, Decimal] = {}
    denied: dict[str, str] = {}

    def committed(self, symbol: str | None = None) -> Decimal:
        """Committed capital of the account, or of one symbol."""
        every = (commitment for _, commitment in sorted(self.commitments.items()))
        return sum((c.resting + c.open_cost for c in every if symbol in (None, c.symbol)), ZERO)


def evolve(state: RiskEngine | None, event: RiskEvent) -> RiskEngine:
    """Fold one event into the state."""
    if isinstance(event, RiskEngineOpened):
        return event.state
    assert state is not None, "a risk engine's first event is RiskEngineOpened"
    change = msgspec.structs.replace
    match event:
        case RiskDayBegun():
            return _begun(state)
        case TradingStateChanged():
            return change(state, trading_state=event.state, state_reason=event.reason)
        case RiskApproved() | RiskDenied():
            return _judged(state, event)
        case CommitmentChanged():
            return _committed(state, event)
        case ProfitRecorded():
            return change(
                state,
                realized_today=state.realized_today + event.amount,
                realized_total=state.realized_total + event.amount,
                realized_by_leg={**state.realized_by_leg, event.leg_id: event.total},
            )
        case SlotFreed():
            return _freed(state, event)
        case _:
            assert_never(event)


def decide(state: RiskEngine | None, command: RiskCommands) -> tuple[RiskEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, OpenRiskEngine):
        opened, begun = RiskEngineOpened(state=command.state), RiskDayBegun(date=command.date)
        return () if state is not None else (opened, begun)
    assert state is not None, "the day's risk engine was never opened"
    match command:
        case ChangeTradingState(changed=changed):
            is_news = changed.state != state.trading_state
            # While something holds, the banner shows the reason that rules.
            is_news |= changed.state != "active" and changed.reason != state.state_reason
            return (changed,) if is_news else ()
        case AssessEntry():
            return _assess(state, command)
        case AdjustCommitment(changed=changed):
            known = state.commitments.get(changed.leg_id, _NOTHING)
            same = (known.resting, known.open_cost) == (changed.resting, changed.open_cost)
            return () if same else (changed,)
        case RecordProfit():
            amount = command.total - state.realized_by_leg.get(command.leg_id, ZERO)
            earned = ProfitRecorded(**msgspec.structs.asdict(command), amount=amount)
            return () if amount == ZERO else (earned,)
        case FreeSlot():
            return _free(state, command)
        case _:
            assert_never(command)


def assessment(state: RiskEngine, proposal: EntryProposal, facts: GateFacts) -> Assessment:
    """What the gate would say to a proposal, without asking it."""
    risked = RiskedNow(
        trading_state=state.trading_state,
        slots=tuple(slot for _, slot in sorted(state.slots.items())),
        committed=state.committed(),
        committed_symbol=state.committed(proposal.symbol),
        reserved=state.commitments.get(proposal.pyramid_id, _NOTHING).resting,
    )
    return assess(proposal, facts, risked)


def _assess(state: RiskEngine, command: AssessEntry) -> tuple[RiskEvent, ...]:
    """A repeated refusal in the queue is recorded when its reason changes, not per tick."""
    proposal = command.proposal
    if any(one in state.commitments for one in sorted(proposal.commitments)):
        return ()
    result = assessment(state, proposal, command.facts)
    if result.passed:
        return (RiskApproved(proposal=proposal, receipt=result.receipt),)
    if state.denied.get(proposal.signal_id) == result.reason:
        return ()
    reason, transient, receipt = result.reason, result.transient, result.receipt
    return (RiskDenied(proposal=proposal, reason=reason, transient=transient, receipt=receipt),)


def _free(state: RiskEngine, command: FreeSlot) -> tuple[RiskEvent, ...]:
    slot = state.slots.get(command.group_id)
    if slot is None:
        return ()
    freed = SlotFreed(
        group_id=command.group_id,
        symbol=slot.symbol,
        realized=command.realized,
        freed_at=command.now,
    )
    return (freed,)


def _freed(state: RiskEngine, event: SlotFreed) -> RiskEngine:
    """A group that closed negative begins its symbol's cooldown."""
    losses = state.last_losses
    if event.realized < ZERO and event.freed_at is not None:
        losses = {**losses, event.symbol: event.freed_at}
    slots = _without(state.slots, event.group_id)
    return msgspec.structs.replace(state, slots=slots, last_losses=losses)


def _begun(state: RiskEngine) -> RiskEngine:
    """What belongs to groups that left the pool can no longer change within the open books."""
    totals, every = sorted(state.realized_by_leg.items()), sorted(state.commitments.items())
    kept = {leg: total for leg, total in totals if group_of(leg) in state.slots}
    held = {leg: one for leg, one in every if one.group_id in state.slots}
    change = msgspec.structs.replace
    return change(state, realized_today=ZERO, realized_by_leg=kept, commitments=held, denied={})


def _judged(state: RiskEngine, event: RiskApproved | RiskDenied) -> RiskEngine:
    proposal, group = event.proposal, event.proposal.group_id
    if isinstance(event, RiskDenied):
        denied = {**state.denied, proposal.signal_id: event.reason}
        return msgspec.structs.replace(state, denied=denied)
    return msgspec.structs.replace(
        state,
        slots={**state.slots, group: proposal.seat(state.slots.get(group))},
        commitments={**state.commitments, **proposal.commitments},
        denied=_without(state.denied, proposal.signal_id),
    )


def _committed(state: RiskEngine, event: CommitmentChanged) -> RiskEngine:
    commitments = _without(state.commitments, event.leg_id)
    if event.resting != ZERO or event.open_cost != ZERO:
        commitments[event.leg_id] = Commitment(
            group_id=event.group_id,
            symbol=event.symbol,
            resting=event.resting,
            open_cost=event.open_cost,
        )
    return msgspec.structs.replace(state, commitments=commitments)


def _without(table: dict[str, V], key: str) -> dict[str, V]:
    return {name: value for name, value in sorted(table.items()) if name != key}
