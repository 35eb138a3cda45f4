"""Who pays for whom on the account of the story: who waits, who is kept out, what was done."""

from datetime import datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from application.offset_outlook import GroupOutlook, OffsetOutlook, PlanOutlook, WinnerOutlook
from domain.offset import PlannedWinner
from domain.offset_terms import Criterion
from projections.offset_views import (
    BarRow,
    DeclinedRow,
    OffsetsView,
    OffsetView,
    StepRow,
    TimerRow,
)
from tests.web.story import NOW

D = Decimal


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


TIMERS = (
    TimerRow(
        group_id="gaaaa",
        symbol="BTC/USDT:USDT",
        timeframe="15m",
        side="long",
        started_at=ago(minutes=64),
        due_at=ago(minutes=4),
        reason="all 5 pyramids are in",
    ),
    TimerRow(
        group_id="gbbbb",
        symbol="ETH/USDT:USDT",
        timeframe="1h",
        side="short",
        started_at=ago(minutes=22),
        due_at=NOW + timedelta(minutes=38),
        reason="all 5 pyramids are in",
    ),
)
BARRED = (
    BarRow(
        group_id="gcccc",
        symbol="SOL/USDT:USDT",
        timeframe="15m",
        side="long",
        how="blocked",
        reason="a hedge of the spot account",
        actor="operator",
        barred_at=ago(hours=3),
    ),
)
DECLINED = (
    DeclinedRow(
        group_id="gaaaa",
        symbol="BTC/USDT:USDT",
        timeframe="15m",
        side="long",
        reason="the winners together cannot cover it",
        needed=D("218.4417"),
        available=D("96.02"),
        declined_at=ago(minutes=4),
    ),
)
WINNERS = (
    PlannedWinner(
        group_id="gffff",
        symbol="XRP/USDT:USDT",
        side="long",
        price=D("2.3102"),
        gain=D("140.2"),
        quantity=D(1180),
        expected=D("88.1034"),
    ),
    PlannedWinner(
        group_id="ggggg",
        symbol="LINK/USDT:USDT",
        side="long",
        price=D("22.118"),
        gain=D("61.9"),
        quantity=D(74),
        expected=D("58.4471"),
    ),
)
FIRST_SALE = StepRow(
    role="winner",
    group_id="gffff",
    symbol="XRP/USDT:USDT",
    attempt=0,
    budget=D("146.5505"),
    quantity=D(1180),
    bound=None,
    amount=D("87.9122"),
    outcome="sold",
    started_at=ago(hours=5, seconds=9),
    ended_at=ago(hours=5, seconds=7),
)
SECOND_SALE = StepRow(
    role="winner",
    group_id="ggggg",
    symbol="LINK/USDT:USDT",
    attempt=0,
    budget=D("58.6383"),
    quantity=D(74),
    bound=None,
    amount=D("58.7001"),
    outcome="sold",
    started_at=ago(hours=5, seconds=7),
    ended_at=ago(hours=5, seconds=5),
)
LOSER_SALE = StepRow(
    role="loser",
    group_id="ghhhh",
    symbol="DOGE/USDT:USDT",
    attempt=1,
    budget=D("146.6123"),
    quantity=D(21400),
    bound=D("0.18114"),
    amount=D("-146.4098"),
    outcome="sold",
    started_at=ago(hours=5, seconds=5),
    ended_at=ago(hours=5, seconds=2),
)
SETTLED = OffsetView(
    offset_id="ghhhh-o1",
    group_id="ghhhh",
    symbol="DOGE/USDT:USDT",
    side="long",
    price=D("0.18121"),
    quantity=D(21400),
    loss=D("144.31"),
    loss_percent=D("-5.8144"),
    winners=WINNERS,
    needed=D("146.5505"),
    expected=D("146.5505"),
    trigger="rule",
    reason="the highest loss of 2 losers",
    actor="engine",
    planned_at=ago(hours=5, seconds=10),
    steps=(FIRST_SALE, SECOND_SALE, LOSER_SALE),
    earned=D("146.6123"),
    realized=D("-146.4098"),
    result=D("0.2025"),
    outcome="covered",
    settled_reason="the loser is closed",
    settled_at=ago(hours=5),
)
RUNNING = replace(
    SETTLED,
    offset_id="gbbbb-o2",
    group_id="gbbbb",
    symbol="ETH/USDT:USDT",
    side="short",
    trigger="operator",
    reason="operator: before the weekend",
    actor="operator",
    planned_at=ago(seconds=4),
    steps=(replace(FIRST_SALE, amount=None, outcome="", ended_at=None),),
    earned=D(0),
    realized=D(0),
    result=D(0),
    outcome=None,
    settled_reason="",
    settled_at=None,
)


def offsets(*, is_running: bool = False) -> OffsetsView:
    return OffsetsView(
        enabled=True,
        wait_minutes=60,
        loss_threshold_percent=D(-5),
        timers=TIMERS,
        barred=BARRED,
        declined=DECLINED,
        offsets=(RUNNING, SETTLED) if is_running else (SETTLED,),
        settled=1,
        earned=SETTLED.earned,
        realized=SETTLED.realized,
        result=SETTLED.result,
    )


def criteria(waited: str, loss: str, *, pyramids: str = "5") -> tuple[Criterion, ...]:
    """As the engine judges: an hour's wait, five pyramids, five percent."""
    return (
        Criterion(name="open", value="yes", limit="yes", passed=True),
        Criterion(name="not_reducing", value="no", limit="no", passed=True),
        Criterion(name="not_blocked", value="no", limit="no", passed=True),
        Criterion(name="full", value=pyramids, limit="5", passed=pyramids == "5"),
        Criterion(name="timer", value=waited, limit="60", passed=D(waited) >= D(60)),
        Criterion(name="min_age", value="212", limit=None, passed=True),
        Criterion(name="mark_fresh", value="0.4", limit="30", passed=True),
        Criterion(name="loss", value=loss, limit="-5", passed=D(loss) <= D(-5)),
    )


LOSER = GroupOutlook(
    group_id="gaaaa",
    symbol="BTC/USDT:USDT",
    timeframe="15m",
    side="long",
    opened_at=ago(hours=9),
    quantity=D("0.155"),
    price=D("64250.1"),
    mark_age_seconds=1,
    net_gain=D("-218.4417"),
    loss_percent=D("-5.8144"),
    timer_started_at=ago(minutes=64),
    due_at=ago(minutes=4),
    barred=None,
    declined="the winners together cannot cover it",
    is_eligible=True,
    may_pay=False,
    criteria=criteria("64", "-5.8144"),
)
YOUNG = replace(
    LOSER,
    group_id="gbbbb",
    symbol="ETH/USDT:USDT",
    timeframe="1h",
    side="short",
    net_gain=D("-31.2"),
    loss_percent=D("-1.04"),
    due_at=NOW + timedelta(minutes=38),
    declined="",
    is_eligible=False,
    criteria=criteria("22", "-1.04", pyramids="3"),
)
WINNER = replace(
    LOSER,
    group_id="gffff",
    symbol="XRP/USDT:USDT",
    timeframe="1h",
    net_gain=D("140.2"),
    loss_percent=D("3.1"),
    timer_started_at=None,
    due_at=None,
    declined="",
    is_eligible=False,
    may_pay=True,
    criteria=criteria("0", "3.1"),
)
KEPT_OUT = replace(
    YOUNG,
    group_id="gcccc",
    symbol="SOL/USDT:USDT",
    barred="blocked",
    due_at=None,
    net_gain=None,
    loss_percent=None,
)
PLAN = PlanOutlook(
    trigger="rule",
    loser_group_id="gaaaa",
    loser_symbol="BTC/USDT:USDT",
    needed=D("218.4417"),
    expected=D("218.5024"),
    is_covered=True,
    is_feasible=True,
    reason="",
    loser_quantity=D("0.155"),
    loser_bound=D("64246.3"),
    winners=(
        WinnerOutlook(
            group_id="gffff",
            symbol="XRP/USDT:USDT",
            side="long",
            price=D("2.3102"),
            gain=D("140.2"),
            need=D("218.4417"),
            quantity=D(1880),
            expected=D("140.2"),
        ),
        WinnerOutlook(
            group_id="ggggg",
            symbol="LINK/USDT:USDT",
            side="long",
            price=D("22.118"),
            gain=D("81.9"),
            need=D("78.2417"),
            quantity=D(96),
            expected=D("78.3024"),
        ),
    ),
)


def outlook() -> OffsetOutlook:
    return OffsetOutlook(
        account="paper",
        as_of=NOW,
        enabled=True,
        trading_state="active",
        obstacle="",
        groups=(LOSER, YOUNG, KEPT_OUT, WINNER),
        passed_over=(),
        plan=PLAN,
        under_way=None,
    )
