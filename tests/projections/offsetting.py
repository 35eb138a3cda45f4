"""A loser paid down by winners, told by hand as the saga would have recorded it."""

from datetime import timedelta

from domain.offset import (
    LoserOutcome,
    OffsetLoserEnded,
    OffsetLoserStarted,
    OffsetPlanned,
    OffsetSettled,
    OffsetWinnerEnded,
    OffsetWinnerStarted,
    PlannedLoser,
    PlannedWinner,
    WinnerOutcome,
)
from domain.offset_watch import (
    OffsetBarred,
    OffsetBegun,
    OffsetDeclined,
    OffsetOver,
    OffsetTimerStarted,
)
from domain.position_group import ReductionPart
from tests.projections.risks import ticked
from tests.projections.story import MORNING, SYMBOL, D, Story
from tests.projections.trading import GROUP, leg_name

OFFSET = f"{GROUP}-o1"


def planned() -> OffsetPlanned:
    loser = PlannedLoser(
        group_id=GROUP,
        symbol=SYMBOL,
        side="long",
        price=D(57000),
        quantity=D("0.02"),
        loss=D("60.24"),
        loss_percent=D("-5.06"),
    )
    return OffsetPlanned(
        offset_id=OFFSET,
        loser=loser,
        winners=(winner("gwin1", "ETH/USDT:USDT"), winner("gwin2", "SOL/USDT:USDT")),
        needed=D("60.81"),
        expected=D("61.02"),
        trigger="rule",
        reason="highest loss",
        actor="engine",
        planned_at=MORNING,
    )


def winner(group_id: str, symbol: str) -> PlannedWinner:
    return PlannedWinner(
        group_id=group_id,
        symbol=symbol,
        side="long",
        price=D(3000),
        gain=D(80),
        quantity=D("0.4"),
        expected=D("30.51"),
    )


def parts(quantity: str, *more: str) -> tuple[ReductionPart, ...]:
    return tuple(
        ReductionPart(leg_id=leg_name(index), quantity=D(each), sold_before=D(0))
        for index, each in enumerate((quantity, *more))
    )


def winner_started(group_id: str) -> OffsetWinnerStarted:
    return OffsetWinnerStarted(
        offset_id=OFFSET,
        group_id=group_id,
        need=D("60.81"),
        parts=parts("0.3", "0.1"),
        realized_before=D(0),
        started_at=MORNING,
    )


def winner_ended(group_id: str, earned: str, outcome: WinnerOutcome = "sold") -> OffsetWinnerEnded:
    return OffsetWinnerEnded(
        offset_id=OFFSET, group_id=group_id, earned=D(earned), outcome=outcome, ended_at=MORNING
    )


def loser_started(attempt: int = 1) -> OffsetLoserStarted:
    return OffsetLoserStarted(
        offset_id=OFFSET,
        group_id=GROUP,
        attempt=attempt,
        budget=D("30.33"),
        parts=parts("0.01"),
        bound=D(56900),
        realized_before=D(0),
        started_at=MORNING,
    )


def loser_ended(realized: str, outcome: LoserOutcome = "sold") -> OffsetLoserEnded:
    return OffsetLoserEnded(
        offset_id=OFFSET, group_id=GROUP, realized=D(realized), outcome=outcome, ended_at=MORNING
    )


def settled() -> OffsetSettled:
    return OffsetSettled(
        offset_id=OFFSET,
        outcome="reduced",
        reason="the loser is paid down in part",
        earned=D("30.33"),
        realized=D("-30.21"),
        result=D("0.12"),
        settled_at=MORNING + timedelta(seconds=7),
    )


def whole_offset(story: Story) -> Story:
    """A winner sold, another gone, the loser sold in two attempts, the first without a buyer."""
    ticked(story).then(
        OffsetTimerStarted(group_id=GROUP, started_at=MORNING, reason="full"),
        OffsetBarred(group_id="gwin3", how="blocked", reason="a hedge", actor="ann"),
        OffsetDeclined(group_id=GROUP, reason="not covered", needed=D(60), available=D(1)),
        OffsetBegun(offset_id=OFFSET, number=1),
        planned(),
    )
    ticked(story).then(winner_started("gwin1"))
    ticked(story).then(winner_ended("gwin1", "30.33"), winner_ended("gwin2", "0", "gone"))
    ticked(story).then(loser_started(1))
    ticked(story).then(loser_ended("0", "unsold"), loser_started(2))
    return ticked(story).then(
        loser_ended("-30.21", "part_sold"), settled(), OffsetOver(offset_id=OFFSET)
    )
