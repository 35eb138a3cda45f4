"""One offset: a loser is paid down with what winners earn, step by step, and never more."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal, assert_never

import msgspec

from domain.instrument import PositionSide
from domain.message import Command, Event
from domain.money import ZERO
from domain.offset_terms import Criterion
from domain.position_group import ReductionPart

OffsetTrigger = Literal["rule", "operator"]
WinnerOutcome = Literal[
    "sold", "part_sold", "unsold", "closing", "gone", "blocked", "no_profit", "not_needed"
]
LoserOutcome = Literal["closed", "sold", "part_sold", "unsold", "closing", "gone", "recovered"]
OffsetOutcome = Literal["covered", "reduced", "nothing_closed", "stopped"]


class PlannedLoser(msgspec.Struct, frozen=True, kw_only=True):
    """The trade to be paid down: its loss net of exit fees, in money and in percent of its cost."""

    group_id: str
    symbol: str
    side: PositionSide
    price: Decimal
    quantity: Decimal
    loss: Decimal
    loss_percent: Decimal


class PlannedWinner(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that gives of its profit: what is to be sold of it, and what that would earn.

    `gain` is all its profit, net of exit fees.
    """

    group_id: str
    symbol: str
    side: PositionSide
    price: Decimal
    gain: Decimal
    quantity: Decimal
    expected: Decimal


# Events
# Stored for ever: add fields with defaults, never change a NAME.


class OffsetPlanned(Event, frozen=True, kw_only=True):
    """Who pays for whom, by the prices of that moment. `needed` closes the whole loser.

    `criteria`: what made it a loser to be paid down; an operator waives the wait and the loss.
    """

    NAME: ClassVar[str] = "offset.planned.v1"
    offset_id: str
    loser: PlannedLoser
    winners: tuple[PlannedWinner, ...]
    needed: Decimal
    expected: Decimal
    trigger: OffsetTrigger
    reason: str
    actor: str
    planned_at: datetime
    criteria: tuple[Criterion, ...] = ()


class OffsetWinnerStarted(Event, frozen=True, kw_only=True):
    """A winner's part is being sold, to earn `need`, no worse than at `bound`: never at a loss.

    It had realized `realized_before`.
    """

    NAME: ClassVar[str] = "offset.winner_started.v1"
    offset_id: str
    group_id: str
    need: Decimal
    parts: tuple[ReductionPart, ...]
    realized_before: Decimal
    started_at: datetime
    bound: Decimal | None = None


class OffsetWinnerEnded(Event, frozen=True, kw_only=True):
    """What the winner earned since its start, its own exits included.

    `trades`: its offset sales that are counted in; `unvalued`: its trades whose fees are not, as
    `<leg>|<trade>`. What comes later of either is told by OffsetRealized.
    """

    NAME: ClassVar[str] = "offset.winner_ended.v1"
    offset_id: str
    group_id: str
    earned: Decimal
    outcome: WinnerOutcome
    ended_at: datetime
    trades: tuple[str, ...] = ()
    unvalued: tuple[str, ...] = ()


class OffsetLoserStarted(Event, frozen=True, kw_only=True):
    """A part of the loser is being sold, no worse than at `bound`: it may lose `budget` at most."""

    NAME: ClassVar[str] = "offset.loser_started.v1"
    offset_id: str
    group_id: str
    attempt: int
    budget: Decimal
    parts: tuple[ReductionPart, ...]
    bound: Decimal
    realized_before: Decimal
    started_at: datetime


class OffsetRealized(Event, frozen=True, kw_only=True):
    """A sale of the loser for the offset, or of a winner if it came after its step.

    `part` counts it once: `<leg>|<trade>`, or `<leg>|<trade>|fee` once a fee got its value; until
    then `fee_due` says that it is not in the amount.
    """

    NAME: ClassVar[str] = "offset.realized.v1"
    offset_id: str
    group_id: str
    part: str
    amount: Decimal
    fee_due: bool = False


class OffsetLoserEnded(Event, frozen=True, kw_only=True):
    """What the step's own sales realized, below zero as a rule. Other exits' are not its own."""

    NAME: ClassVar[str] = "offset.loser_ended.v1"
    offset_id: str
    group_id: str
    realized: Decimal
    outcome: LoserOutcome
    ended_at: datetime


class OffsetSettled(Event, frozen=True, kw_only=True):
    """Over: `earned` by the winners, `realized` by the loser, `result` = their sum to the cent."""

    NAME: ClassVar[str] = "offset.settled.v1"
    offset_id: str
    outcome: OffsetOutcome
    reason: str
    earned: Decimal
    realized: Decimal
    result: Decimal
    settled_at: datetime


OffsetEvent = (
    OffsetPlanned
    | OffsetWinnerStarted
    | OffsetWinnerEnded
    | OffsetLoserStarted
    | OffsetRealized
    | OffsetLoserEnded
    | OffsetSettled
)


# Commands


class OffsetCommand(Command, frozen=True, kw_only=True):
    """A command to one offset."""

    AGGREGATE: ClassVar[str] = "offset"
    offset_id: str

    @property
    def key(self) -> str:
        """An offset's stream is named after its id."""
        return self.offset_id


class PlanOffset(OffsetCommand, frozen=True, kw_only=True):
    """Begin with this plan."""

    planned: OffsetPlanned


class StartWinner(OffsetCommand, frozen=True, kw_only=True):
    """Sell a part of the next winner."""

    started: OffsetWinnerStarted


class EndWinner(OffsetCommand, frozen=True, kw_only=True):
    """The winner's step is over, or was passed over."""

    ended: OffsetWinnerEnded


class StartLoser(OffsetCommand, frozen=True, kw_only=True):
    """Sell a part of the loser."""

    started: OffsetLoserStarted


class CountRealized(OffsetCommand, frozen=True, kw_only=True):
    """Count what a sale realized, once."""

    counted: OffsetRealized


class EndLoser(OffsetCommand, frozen=True, kw_only=True):
    """The loser's step is over."""

    ended: OffsetLoserEnded


class SettleOffset(OffsetCommand, frozen=True, kw_only=True):
    """Nothing is left to do."""

    outcome: OffsetOutcome
    reason: str
    now: datetime


OffsetCommands = (
    PlanOffset | StartWinner | EndWinner | StartLoser | CountRealized | EndLoser | SettleOffset
)


# State


class WinnerDone(msgspec.Struct, frozen=True, kw_only=True):
    """A winner that sold for the offset: its step from the start to the end."""

    started: OffsetWinnerStarted
    ended: OffsetWinnerEnded


class Offset(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is. `winners_done` counts the plan's winners whose step is over.

    `sold_so_far` is what the loser's step under way realized, `counted` the parts of all such
    sales, `fees_due` those whose fee is not in it. `stepped_at`: the latest begin or end of a step.
    """

    planned: OffsetPlanned
    winner: OffsetWinnerStarted | None = None
    winners_done: int = 0
    paid: tuple[WinnerDone, ...] = ()
    earned: Decimal = ZERO
    loser: OffsetLoserStarted | None = None
    loser_attempts: int = 0
    last_loser: OffsetLoserEnded | None = None
    sold_so_far: Decimal = ZERO
    counted: tuple[str, ...] = ()
    fees_due: tuple[str, ...] = ()
    realized: Decimal = ZERO
    stepped_at: datetime | None = None
    settled: OffsetSettled | None = None

    @property
    def next_winner(self) -> PlannedWinner | None:
        """The winner whose turn it is, none when all are done."""
        winners = self.planned.winners
        return winners[self.winners_done] if self.winners_done < len(winners) else None

    @property
    def budget(self) -> Decimal:
        """What of the earned profit is left to pay losses with, never below zero."""
        return max(ZERO, self.earned + self.realized + self.sold_so_far)

    @property
    def waits_since(self) -> datetime:
        """When the latest step began or ended, or else the whole."""
        return self.stepped_at or self.planned.planned_at

    def winner_of(self, group_id: str) -> WinnerDone | None:
        """The step in which a winner sold, once it is over."""
        return next((done for done in self.paid if done.started.group_id == group_id), None)


def evolve(state: Offset | None, event: OffsetEvent) -> Offset:
    """Fold one event into the state."""
    if isinstance(event, OffsetPlanned):
        return Offset(planned=event)
    assert state is not None, "an offset's first event is OffsetPlanned"
    change = msgspec.structs.replace
    match event:
        case OffsetWinnerStarted(started_at=at):
            return change(state, winner=event, stepped_at=at)
        case OffsetWinnerEnded():
            return _paid(state, event)
        case OffsetLoserStarted(attempt=attempt, started_at=at):
            return change(state, loser=event, loser_attempts=attempt, stepped_at=at)
        case OffsetRealized():
            return _counted(state, event)
        case OffsetLoserEnded(realized=realized, ended_at=at):
            total = state.realized + realized
            over = change(state, loser=None, last_loser=event, stepped_at=at)
            return change(over, realized=total, sold_so_far=ZERO)
        case OffsetSettled():
            return change(state, settled=event)
        case _:
            assert_never(event)


def decide(state: Offset | None, command: OffsetCommands) -> tuple[OffsetEvent, ...]:
    """What a command makes happen; the same command again makes nothing happen."""
    if isinstance(command, PlanOffset):
        return () if state is not None else (command.planned,)
    assert state is not None, f"offset {command.offset_id} was never planned"
    if state.settled is not None:
        return ()
    match command:
        case StartWinner(started=started):
            is_next = _is_turn_of(state, started.group_id) and state.winner is None
            return (started,) if is_next and state.loser is None else ()
        case EndWinner(ended=ended):
            return (ended,) if _is_turn_of(state, ended.group_id) else ()
        case StartLoser(started=started):
            is_ready = state.next_winner is None and state.loser is None
            is_next = started.attempt == state.loser_attempts + 1
            return (started,) if is_ready and is_next else ()
        case CountRealized(counted=counted):
            is_of_it = state.winner_of(counted.group_id) is not None
            is_of_it |= counted.group_id == state.planned.loser.group_id
            return (counted,) if is_of_it and counted.part not in state.counted else ()
        case EndLoser(ended=ended):
            return (ended,) if state.loser is not None else ()
        case SettleOffset():
            return _settle(state, command)
        case _:
            assert_never(command)


def _is_turn_of(state: Offset, group_id: str) -> bool:
    winner = state.next_winner
    return winner is not None and winner.group_id == group_id


def _paid(state: Offset, event: OffsetWinnerEnded) -> Offset:
    """One that was passed over sold nothing."""
    paid = state.paid
    if state.winner is not None:
        paid = (*paid, WinnerDone(started=state.winner, ended=event))
    return msgspec.structs.replace(
        state,
        winner=None,
        winners_done=state.winners_done + 1,
        paid=paid,
        earned=state.earned + event.earned,
        fees_due=(*state.fees_due, *event.unvalued),
        stepped_at=event.ended_at,
    )


def _counted(state: Offset, event: OffsetRealized) -> Offset:
    """What comes after a step is added to the whole at once."""
    change, part = msgspec.structs.replace, event.part
    due = tuple(fee for fee in state.fees_due if f"{fee}|fee" != part)
    counted = change(
        state,
        counted=(*state.counted, part),
        fees_due=(*due, part) if event.fee_due else due,
    )
    if event.group_id != state.planned.loser.group_id:
        return change(counted, earned=state.earned + event.amount)
    if state.loser is None:
        return change(counted, realized=state.realized + event.amount)
    return change(counted, sold_so_far=state.sold_so_far + event.amount)


def _settle(state: Offset, command: SettleOffset) -> tuple[OffsetEvent, ...]:
    """Only between steps: what is being sold must be known first."""
    if state.winner is not None or state.loser is not None:
        return ()
    settled = OffsetSettled(
        offset_id=command.offset_id,
        outcome=command.outcome,
        reason=command.reason,
        earned=state.earned,
        realized=state.realized,
        result=state.earned + state.realized,
        settled_at=command.now,
    )
    return (settled,)
