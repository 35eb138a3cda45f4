"""The projected offset of the story: one loser is due, one winner would pay for it."""

from datetime import timedelta
from decimal import Decimal

from application.offset_outlook import GroupOutlook, OffsetOutlook, PlanOutlook, WinnerOutlook
from domain.offset import Offset, OffsetPlanned, PlannedLoser
from domain.offset_terms import Criterion
from tests.web.story import NOW

D = Decimal


def outlook() -> OffsetOutlook:
    return OffsetOutlook(
        account="paper",
        as_of=NOW,
        enabled=True,
        trading_state="active",
        obstacle="offset gaaaa-o1 is under way",
        groups=(_loser(),),
        passed_over=(),
        plan=_plan(),
        under_way=Offset(planned=_planned()),
    )


def _loser() -> GroupOutlook:
    return GroupOutlook(
        group_id="gaaaa",
        symbol="BTC/USDT:USDT",
        timeframe="15",
        side="long",
        opened_at=NOW - timedelta(hours=9),
        quantity=D("0.05"),
        price=D(90000),
        mark_age_seconds=1,
        net_gain=D("-502.25"),
        loss_percent=D("-10.045"),
        timer_started_at=NOW - timedelta(hours=2),
        due_at=NOW - timedelta(hours=1),
        barred=None,
        declined="",
        is_eligible=True,
        may_pay=False,
        criteria=(Criterion(name="loss", value="-10.045", limit="-5", passed=True),),
    )


def _plan() -> PlanOutlook:
    winner = WinnerOutlook(
        group_id="gbbbb",
        symbol="ETH/USDT:USDT",
        side="long",
        price=D(4000),
        gain=D(900),
        need=D("502.25"),
        quantity=D("1.25"),
        expected=D("502.4"),
    )
    return PlanOutlook(
        trigger="rule",
        loser_group_id="gaaaa",
        loser_symbol="BTC/USDT:USDT",
        needed=D("502.25"),
        expected=D("502.4"),
        is_covered=True,
        is_feasible=True,
        reason="",
        loser_quantity=D("0.05"),
        loser_bound=D("89997.1"),
        winners=(winner,),
    )


def _planned() -> OffsetPlanned:
    loser = PlannedLoser(
        group_id="gaaaa",
        symbol="BTC/USDT:USDT",
        side="long",
        price=D(90000),
        quantity=D("0.05"),
        loss=D("502.25"),
        loss_percent=D("-10.045"),
    )
    return OffsetPlanned(
        offset_id="gaaaa-o1",
        loser=loser,
        winners=(),
        needed=D("502.25"),
        expected=D("502.4"),
        trigger="rule",
        reason="its loss of -10.045 % is beyond -5 %",
        actor="engine",
        planned_at=NOW,
    )
