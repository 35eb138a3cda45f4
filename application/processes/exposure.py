"""What each leg risks and earns reaches the risk engine in the same breath."""

from collections.abc import Iterator
from decimal import Decimal

from application.book import Book
from application.journal import Recorded
from application.processes.positions import expected_positions, held_by
from domain.dca_leg import (
    DCALeg,
    LegDustWrittenOff,
    LegEntryEnded,
    LegEntryFilled,
    LegExcessSold,
    LegExitFilled,
    LegFeeValued,
)
from domain.holding_terms import Discrepancy, Dust, position_key
from domain.holdings import RecordDiscrepancy, RecordDust
from domain.message import Command
from domain.money import ZERO
from domain.position_group import PositionGroupClosed
from domain.risk_engine import (
    AdjustCommitment,
    CommitmentChanged,
    FreeSlot,
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
        case LegExitFilled(leg_id=leg_id):
            yield from _earned(_leg(book, leg_id))
        case LegFeeValued(leg_id=leg_id):
            yield from _earned(_leg(book, leg_id))
        case LegDustWrittenOff() as dust:
            yield from _earned(_leg(book, dust.leg_id))
            yield _dust(book, dust)
        case LegExcessSold() as excess:
            detail = f"trade {excess.trade_id} sold more than leg {excess.leg_id} held"
            yield _told(book, _leg(book, excess.leg_id), -excess.quantity, detail)
        case PositionGroupClosed() as closed:
            yield FreeSlot(group_id=closed.group_id, realized=closed.realized, now=closed.closed_at)
        case _:
            return


def _told_if_too_late(book: Book, filled: LegEntryFilled) -> Iterator[Command]:
    """Nobody works a closed group any more: what it still buys must not be forgotten.

    What was written off within the same input closed the group itself, and is in the books.
    """
    leg = _leg(book, filled.leg_id)
    group = book.group(leg.plan.group_id)
    if group is not None and group.closed is not None and leg.lot.quantity > ZERO:
        detail = f"trade {filled.trade_id} filled leg {filled.leg_id} after its group had closed"
        yield _told(book, leg, filled.quantity, detail)


def _told(book: Book, leg: DCALeg, grown: Decimal, detail: str) -> RecordDiscrepancy:
    """A trade moved the leg's position (above zero: grew it) without any lot moving with it."""
    group = book.group(leg.plan.group_id)
    assert group is not None, f"leg {leg.plan.leg_id} traded for a group that never was"
    held = held_by(group)
    known = book.holdings.discrepancies.get(position_key(*held))
    before = known.difference if known is not None else ZERO
    expected = expected_positions(book).get(held, ZERO)
    moved = grown if leg.plan.side == "long" else -grown
    found = Discrepancy(
        symbol=held[0],
        side=held[1],
        expected=expected,
        seen=expected + before + moved,
        detail=detail,
    )
    return RecordDiscrepancy(discrepancy=found)


def _earned(leg: DCALeg) -> Iterator[Command]:
    yield _commitment(leg)
    yield RecordProfit(leg_id=leg.plan.leg_id, group_id=leg.plan.group_id, total=leg.realized)


def _dust(book: Book, dust: LegDustWrittenOff) -> RecordDust:
    """What left the lot is still at the venue: it stays in what is expected there."""
    plan = _leg(book, dust.leg_id).plan
    group = book.group(plan.group_id)
    assert group is not None, f"leg {dust.leg_id} left dust of a group that never was"
    symbol, side = held_by(group)
    known = book.holdings.dust.get(position_key(symbol, side), Dust())
    quantity = dust.quantity if plan.side == "long" else -dust.quantity
    return RecordDust(
        symbol=symbol,
        side=side,
        total=known.quantity + quantity,
        value=known.value + quantity * dust.price * plan.contract_size,
        reason=f"leg {dust.leg_id} could not sell it",
    )


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
