"""The mark on the hull: what may be risked, what is, and what is refused, with every number."""

from decimal import Decimal
from typing import ClassVar, Literal, TypeVar, assert_never

import msgspec

from domain.gate import Assessment, EntryProposal, GateFacts, RiskedNow, RuleCheck, Slot, assess
from domain.message import Command, Event
from domain.money import ZERO

TradingState = Literal["active", "reducing", "halted"]
V = TypeVar("V")


class Commitment(msgspec.Struct, frozen=True, kw_only=True):
    """What one leg risks: resting entries and the cost of its lot, as notional."""

    group_id: str
    symbol: str
    resting: Decimal
    open_cost: Decimal


class Discrepancy(msgspec.Struct, frozen=True, kw_only=True):
    """The venue and the books disagree about a symbol: no new entries until cleared."""

    symbol: str
    expected: Decimal
    seen: Decimal
    detail: str


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
    """From now on new exposure is allowed, or not."""

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
    """A leg realized `amount`; `total` is all it ever did."""

    NAME: ClassVar[str] = "risk_engine.profit_recorded.v1"
    leg_id: str
    group_id: str
    amount: Decimal
    total: Decimal


class SlotFreed(Event, frozen=True, kw_only=True):
    """A group is closed: another may take its place."""

    NAME: ClassVar[str] = "risk_engine.slot_freed.v1"
    group_id: str
    symbol: str


class BalanceRecorded(Event, frozen=True, kw_only=True):
    """The venue's balance of the capital currency changed."""

    NAME: ClassVar[str] = "risk_engine.balance_recorded.v1"
    currency: str
    total: Decimal
    free: Decimal


class DiscrepancyFound(Event, frozen=True, kw_only=True):
    """The venue holds other than the books say."""

    NAME: ClassVar[str] = "risk_engine.discrepancy_found.v1"
    discrepancy: Discrepancy


class DiscrepancyCleared(Event, frozen=True, kw_only=True):
    """They agree again, or an operator said so."""

    NAME: ClassVar[str] = "risk_engine.discrepancy_cleared.v1"
    symbol: str
    reason: str
    actor: str


RiskEvent = (
    RiskEngineOpened
    | RiskDayBegun
    | TradingStateChanged
    | RiskApproved
    | RiskDenied
    | CommitmentChanged
    | ProfitRecorded
    | SlotFreed
    | BalanceRecorded
    | DiscrepancyFound
    | DiscrepancyCleared
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

    state: TradingState
    reason: str
    actor: str


class AssessEntry(RiskCommand, frozen=True, kw_only=True):
    """Put a proposal before the gate."""

    proposal: EntryProposal
    facts: GateFacts


class AdjustCommitment(RiskCommand, frozen=True, kw_only=True):
    """Say what a leg risks now."""

    leg_id: str
    group_id: str
    symbol: str
    resting: Decimal
    open_cost: Decimal


class RecordProfit(RiskCommand, frozen=True, kw_only=True):
    """Say what a leg has realized in all."""

    leg_id: str
    group_id: str
    total: Decimal


class FreeSlot(RiskCommand, frozen=True, kw_only=True):
    """A group is closed."""

    group_id: str


class RecordBalance(RiskCommand, frozen=True, kw_only=True):
    """Say what the venue holds for us."""

    currency: str
    total: Decimal
    free: Decimal


class RecordDiscrepancy(RiskCommand, frozen=True, kw_only=True):
    """Say that venue and books disagree."""

    discrepancy: Discrepancy


class ClearDiscrepancy(RiskCommand, frozen=True, kw_only=True):
    """Say that they agree, or that it is accepted."""

    symbol: str
    reason: str
    actor: str


RiskCommands = (
    OpenRiskEngine
    | ChangeTradingState
    | AssessEntry
    | AdjustCommitment
    | RecordProfit
    | FreeSlot
    | RecordBalance
    | RecordDiscrepancy
    | ClearDiscrepancy
)


# State


class RiskEngine(msgspec.Struct, frozen=True, kw_only=True):
    """What is risked now. Amounts in the capital currency, by leg, group or symbol."""

    trading_state: TradingState = "active"
    state_reason: str = ""
    slots: dict[str, Slot] = {}
    commitments: dict[str, Commitment] = {}
    realized_today: Decimal = ZERO
    realized_total: Decimal = ZERO
    realized_by_leg: dict[str, Decimal] = {}
    denied: dict[str, str] = {}
    discrepancies: dict[str, Discrepancy] = {}
    balance_total: Decimal | None = None
    balance_free: Decimal | None = None

    def committed(self, symbol: str | None = None) -> Decimal:
        """Committed capital of the account, or of one symbol."""
        return sum(
            (
                commitment.resting + commitment.open_cost
                for _, commitment in sorted(self.commitments.items())
                if symbol is None or commitment.symbol == symbol
            ),
            ZERO,
        )


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
        case RiskApproved():
            return _approved(state, event.proposal)
        case RiskDenied():
            return change(state, denied={**state.denied, event.proposal.signal_id: event.reason})
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
            return change(state, slots=_without(state.slots, event.group_id))
        case BalanceRecorded():
            return change(state, balance_total=event.total, balance_free=event.free)
        case DiscrepancyFound():
            found = event.discrepancy
            return change(state, discrepancies={**state.discrepancies, found.symbol: found})
        case DiscrepancyCleared():
            return change(state, discrepancies=_without(state.discrepancies, event.symbol))
        case _:
            assert_never(event)


def decide(state: RiskEngine | None, command: RiskCommands) -> tuple[RiskEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, OpenRiskEngine):
        opened = (RiskEngineOpened(state=command.state), RiskDayBegun(date=command.date))
        return () if state is not None else opened
    assert state is not None, "the day's risk engine was never opened"
    match command:
        case ChangeTradingState():
            return _change_trading_state(state, command)
        case AssessEntry():
            return _assess(state, command)
        case AdjustCommitment():
            return _adjust(state, command)
        case RecordProfit():
            return _record_profit(state, command)
        case FreeSlot():
            slot = state.slots.get(command.group_id)
            return () if slot is None else (_freed(command.group_id, slot),)
        case RecordBalance():
            return _record_balance(state, command)
        case RecordDiscrepancy():
            known = state.discrepancies.get(command.discrepancy.symbol)
            found = DiscrepancyFound(discrepancy=command.discrepancy)
            return () if known == command.discrepancy else (found,)
        case ClearDiscrepancy():
            return _clear_discrepancy(state, command)
        case _:
            assert_never(command)


def assessment(state: RiskEngine, proposal: EntryProposal, facts: GateFacts) -> Assessment:
    """What the gate would say to a proposal, without asking it."""
    risked = RiskedNow(
        trading_state=state.trading_state,
        slots=tuple(slot for _, slot in sorted(state.slots.items())),
        committed=state.committed(),
        committed_symbol=state.committed(proposal.symbol),
        realized_today=state.realized_today,
        discrepancy=proposal.symbol in state.discrepancies,
    )
    return assess(proposal, facts, risked)


def _change_trading_state(state: RiskEngine, command: ChangeTradingState) -> tuple[RiskEvent, ...]:
    """A rule may only tighten; loosening takes an operator."""
    if state.trading_state == command.state:
        return ()
    if command.actor == "engine" and state.trading_state == "halted":
        return ()
    changed = TradingStateChanged(state=command.state, reason=command.reason, actor=command.actor)
    return (changed,)


def _assess(state: RiskEngine, command: AssessEntry) -> tuple[RiskEvent, ...]:
    """A repeated refusal in the queue is recorded when its reason changes, not per tick."""
    proposal = command.proposal
    if proposal.legs[0].leg_id in state.commitments:
        return ()
    result = assessment(state, proposal, command.facts)
    if result.passed:
        return (RiskApproved(proposal=proposal, receipt=result.receipt),)
    if state.denied.get(proposal.signal_id) == result.reason:
        return ()
    denied = RiskDenied(
        proposal=proposal,
        reason=result.reason,
        transient=result.transient,
        receipt=result.receipt,
    )
    return (denied,)


def _adjust(state: RiskEngine, command: AdjustCommitment) -> tuple[RiskEvent, ...]:
    known = state.commitments.get(command.leg_id)
    before = (ZERO, ZERO) if known is None else (known.resting, known.open_cost)
    if before == (command.resting, command.open_cost):
        return ()
    changed = CommitmentChanged(
        leg_id=command.leg_id,
        group_id=command.group_id,
        symbol=command.symbol,
        resting=command.resting,
        open_cost=command.open_cost,
    )
    return (changed,)


def _record_profit(state: RiskEngine, command: RecordProfit) -> tuple[RiskEvent, ...]:
    known = state.realized_by_leg.get(command.leg_id, ZERO)
    if known == command.total:
        return ()
    recorded = ProfitRecorded(
        leg_id=command.leg_id,
        group_id=command.group_id,
        amount=command.total - known,
        total=command.total,
    )
    return (recorded,)


def _freed(group_id: str, slot: Slot) -> SlotFreed:
    return SlotFreed(group_id=group_id, symbol=slot.symbol)


def _record_balance(state: RiskEngine, command: RecordBalance) -> tuple[RiskEvent, ...]:
    if (state.balance_total, state.balance_free) == (command.total, command.free):
        return ()
    recorded = BalanceRecorded(currency=command.currency, total=command.total, free=command.free)
    return (recorded,)


def _clear_discrepancy(state: RiskEngine, command: ClearDiscrepancy) -> tuple[RiskEvent, ...]:
    if command.symbol not in state.discrepancies:
        return ()
    cleared = DiscrepancyCleared(
        symbol=command.symbol, reason=command.reason, actor=command.actor
    )
    return (cleared,)


def _begun(state: RiskEngine) -> RiskEngine:
    """Profits of legs whose group left the pool can no longer grow within the open books."""
    open_groups = tuple(sorted(state.slots))
    kept = {
        leg: total
        for leg, total in sorted(state.realized_by_leg.items())
        if leg.split("-", 1)[0] in open_groups
    }
    return msgspec.structs.replace(
        state, realized_today=ZERO, realized_by_leg=kept, denied={}
    )


def _approved(state: RiskEngine, proposal: EntryProposal) -> RiskEngine:
    slot = Slot(
        group_id=proposal.group_id,
        symbol=proposal.symbol,
        timeframe=proposal.timeframe,
        side=proposal.side,
    )
    reserved = {
        leg.leg_id: Commitment(
            group_id=proposal.group_id,
            symbol=proposal.symbol,
            resting=leg.reserve,
            open_cost=ZERO,
        )
        for leg in proposal.legs
    }
    return msgspec.structs.replace(
        state,
        slots={**state.slots, proposal.group_id: slot},
        commitments={**state.commitments, **reserved},
        denied=_without(state.denied, proposal.signal_id),
    )


def _committed(state: RiskEngine, event: CommitmentChanged) -> RiskEngine:
    if event.resting == ZERO and event.open_cost == ZERO:
        return msgspec.structs.replace(
            state, commitments=_without(state.commitments, event.leg_id)
        )
    commitment = Commitment(
        group_id=event.group_id,
        symbol=event.symbol,
        resting=event.resting,
        open_cost=event.open_cost,
    )
    return msgspec.structs.replace(
        state, commitments={**state.commitments, event.leg_id: commitment}
    )


def _without(table: dict[str, V], key: str) -> dict[str, V]:
    return {name: value for name, value in sorted(table.items()) if name != key}
