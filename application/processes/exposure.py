"""What each leg risks and earns reaches the risk engine in the same breath."""

from collections.abc import Iterator

from application.book import Book
from application.journal import Recorded
from domain.dca_leg import (
    DCALeg,
    LegDustWrittenOff,
    LegEntryEnded,
    LegEntryFilled,
    LegExcessSold,
    LegExitFilled,
)
from domain.message import Command
from domain.money import ZERO
from domain.position_group import PositionGroupClosed
from domain.risk_engine import (
    AdjustCommitment,
    CommitmentChanged,
    Discrepancy,
    FreeSlot,
    RecordDiscrepancy,
    RecordProfit,
)


def react(book: Book, recorded: Recorded) -> Iterator[Command]:
    """Keep committed capital, realized profit and slots in step with the legs."""
    match recorded.event:
        case LegEntryFilled() as filled:
            yield _commitment(_leg(book, filled.leg_id))
            yield from _told_if_too_late(book, filled)
        case LegEntryEnded(leg_id=leg_id):
            yield _commitment(_leg(book, leg_id))
        case LegExitFilled(leg_id=leg_id) | LegDustWrittenOff(leg_id=leg_id):
            leg = _leg(book, leg_id)
            yield _commitment(leg)
            yield RecordProfit(leg_id=leg_id, group_id=leg.plan.group_id, total=leg.realized)
        case LegExcessSold() as excess:
            found = Discrepancy(
                symbol=excess.symbol,
                expected=ZERO,
                seen=excess.quantity,
                detail=f"trade {excess.trade_id} sold more than leg {excess.leg_id} held",
            )
            yield RecordDiscrepancy(discrepancy=found)
        case PositionGroupClosed(group_id=group_id):
            yield FreeSlot(group_id=group_id)
        case _:
            return


def _told_if_too_late(book: Book, filled: LegEntryFilled) -> Iterator[Command]:
    """Nobody works a closed group any more: what it still buys must not be forgotten."""
    plan = _leg(book, filled.leg_id).plan
    group = book.group(plan.group_id)
    if group is not None and group.closed is not None:
        found = Discrepancy(
            symbol=plan.symbol,
            expected=ZERO,
            seen=filled.quantity if plan.side == "long" else -filled.quantity,
            detail=f"trade {filled.trade_id} filled leg {plan.leg_id} after its group had closed",
        )
        yield RecordDiscrepancy(discrepancy=found)


def _leg(book: Book, leg_id: str) -> DCALeg:
    leg = book.leg(leg_id)
    assert leg is not None, f"leg {leg_id} spoke without being planned"
    return leg


def _commitment(leg: DCALeg) -> AdjustCommitment:
    plan = leg.plan
    resting = max(ZERO, leg.resting_quantity) * plan.reserve_price * plan.contract_size
    changed = CommitmentChanged(
        leg_id=plan.leg_id,
        group_id=plan.group_id,
        symbol=plan.symbol,
        resting=resting,
        open_cost=leg.lot.cost,
    )
    return AdjustCommitment(changed=changed)
