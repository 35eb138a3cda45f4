"""What the account of the story risks, and what it holds beside its trades."""

from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from domain.settings import Settings
from domain.worst_case import worst_cases
from projections.risk_views import (
    BreakerView,
    CheckRow,
    CommittedRow,
    CooldownRow,
    DecisionRow,
    DiscrepancyRow,
    DustRow,
    ForeignRow,
    HoldRow,
    LimitRow,
    PendingFeeRow,
    RiskView,
    WorthView,
)
from tests.web.story import NOW

D = Decimal

LIMITS = (
    LimitRow(
        rule="max_daily_loss",
        value=D("412.4"),
        limit=D(500),
        used_percent=D("82.48"),
        unit="money",
        detail="realized \N{MINUS SIGN}412.40",
    ),
    LimitRow(
        rule="max_drawdown_percent",
        value=D("3.80119327"),
        limit=D(20),
        used_percent=D("19.00596635"),
        unit="%",
        detail="from the peak of 105,392.77",
    ),
    LimitRow(rule="max_open_groups", value=D(4), limit=D(10), used_percent=D(40)),
    LimitRow(
        rule="max_open_groups_per_symbol",
        value=D(1),
        limit=None,
        used_percent=None,
        detail="SOL/USDT:USDT",
    ),
    LimitRow(
        rule="max_committed_capital",
        value=D("47800.77"),
        limit=D(50000),
        used_percent=D("95.6"),
        unit="money",
    ),
    LimitRow(
        rule="exposure",
        value=D("13.9876543"),
        limit=None,
        used_percent=None,
        unit="%",
        detail="open lots to equity",
    ),
    LimitRow(
        rule="balance_in_use",
        value=D("14203.998"),
        limit=D("101204.118"),
        used_percent=D("14.03"),
        unit="money",
        detail="87,000.12 free at the venue",
    ),
    LimitRow(rule="max_leverage", value=D(3), limit=D(5), used_percent=D(60), unit="x"),
    LimitRow(
        rule="max_mark_age_seconds",
        value=None,
        limit=D(30),
        used_percent=None,
        unit="s",
        detail="the oldest of an open group",
    ),
)
HOLDS = (
    HoldRow(
        cause="emergency_stop",
        state="halted",
        reason="the equity fell too far below its peak",
        actor="engine",
        since=NOW - timedelta(minutes=2),
    ),
    HoldRow(
        cause="dead_man",
        state="reducing",
        reason="the venue was last heard 74 seconds ago, the limit is 60",
        actor="engine",
        since=NOW - timedelta(minutes=9),
    ),
    HoldRow(
        cause="breaker",
        state="reducing",
        reason="the day's loss of 512.40 reached 500",
        actor="engine",
        since=NOW - timedelta(minutes=3),
    ),
)
BREAKER = BreakerView(
    tripped=False,
    day_loss=D("412.4"),
    limit=D(500),
    realized=D("-412.4"),
    open_loss=D("96.27"),
    includes_open=False,
    reference=D(0),
    tripped_at=NOW - timedelta(days=2),
    tripped_loss=D("512.4"),
    tripped_limit=D(500),
    ended_at=NOW - timedelta(days=1, hours=14),
    ended_by="engine",
    ended_reason="a new trading day",
)
WORTH = WorthView(
    capital=D(100500),
    transfers=D(500),
    unsettled=D(0),
    realized=D("1204.118"),
    unrealized=D("66.77"),
    equity=D("101386.5655"),
    peak=D("105392.7711"),
    drawdown_percent=D("3.80119327"),
    limit_percent=D(20),
    breached_at=None,
    breach_percent=None,
    stopped_at=None,
    stop_trigger=None,
    stop_reason="",
    stop_actor="",
    stop_percent=None,
)
COOLDOWNS = (
    CooldownRow(
        symbol="DOGE/USDT:USDT",
        group_id="geeee",
        realized=D("-41.07"),
        lost_at=NOW - timedelta(minutes=18),
        until=NOW + timedelta(minutes=12),
    ),
)
COMMITTED = (
    CommittedRow(symbol="BTC/USDT:USDT", resting=D(4000), open_cost=D("810.33"), groups=1),
    CommittedRow(symbol="ETH/USDT:USDT", resting=D(0), open_cost=D("4800.11"), groups=1),
)
DUST = DustRow(
    symbol="BTC/USDT:USDT",
    side="both",
    quantity=D("0.0004"),
    value=D("25.76"),
    reason="too small to sell",
    changed_at=NOW - timedelta(hours=1),
)
FOREIGN = ForeignRow(
    symbol="XRP/USDT:USDT",
    side="short",
    quantity=D(-250),
    reason="held when the account was added",
    changed_at=NOW - timedelta(days=3),
)
PENDING_FEE = PendingFeeRow(
    leg_id="gaaaa-p0-l1",
    trade_id="t-1188",
    group_id="gaaaa",
    symbol="BTC/USDT:USDT",
    fee=D("0.00061"),
    asset="BNB",
    deferred_at=NOW - timedelta(minutes=29),
)
DISCREPANCIES = (
    DiscrepancyRow(
        symbol="SOL/USDT:USDT", expected=D(12), seen=D(10), detail="sold by hand", found_at=NOW
    ),
    DiscrepancyRow(
        symbol="ETH/USDT:USDT",
        side="short",
        expected=D("-1.2"),
        seen=D("-1.5"),
        detail="the venue's position differs from lots, dust and baseline",
        found_at=NOW - timedelta(minutes=4),
    ),
)
RECEIPT = (
    CheckRow(rule="trading_state", value="active", limit="active", passed=True),
    CheckRow(rule="currency", value="USDT", limit="USDT", passed=True),
    CheckRow(rule="symbol_allowed", value="XRP/USDT:USDT", limit=None, passed=True),
    CheckRow(rule="leverage", value="3", limit="5", passed=True),
    CheckRow(rule="max_open_groups", value="10", limit="10", passed=False),
    CheckRow(rule="max_committed_capital", value="50810.44", limit="50000", passed=False),
    CheckRow(rule="max_daily_loss", value="36.5", limit="500", passed=True),
    CheckRow(rule="mark_fresh", value="0.4", limit="30", passed=True),
    CheckRow(rule="free_balance", value="338.7", limit="87000.12", passed=True),
    CheckRow(rule="price_band", value="2.2815 to 2.3271", limit="2.1471 to 2.3731", passed=True),
)
DENIAL = DecisionRow(
    position=700,
    at=NOW - timedelta(minutes=11),
    signal_id="q0",
    group_id="gq0",
    symbol="XRP/USDT:USDT",
    approved=False,
    reason="max_open_groups",
    transient=True,
    promoted=False,
    receipt=RECEIPT,
)
UNKNOWN_MARK = replace(
    DENIAL,
    position=691,
    at=NOW - timedelta(minutes=48),
    signal_id="s0",
    symbol="SOL/USDT:USDT",
    reason="mark_fresh",
    promoted=True,
    receipt=(
        *RECEIPT[:4],
        CheckRow(rule="mark_fresh", value=None, limit="30", passed=False),
    ),
)
DENIALS = (DENIAL, UNKNOWN_MARK)


def held(state: str) -> tuple[HoldRow, ...]:
    """What holds trading in this state; the tightest first."""
    if state == "halted":
        return HOLDS
    return HOLDS[1:] if state == "reducing" else ()


def breaker(state: str) -> BreakerView:
    """Tripped whenever trading is held."""
    if state == "active":
        return BREAKER
    tripped = {"tripped": True, "tripped_at": NOW - timedelta(minutes=3), "ended_at": None}
    return replace(BREAKER, day_loss=D("512.4"), realized=D("-512.4"), **tripped)


def worth(state: str) -> WorthView:
    """Stopped when trading is halted."""
    if state != "halted":
        return WORTH
    stop = {"stopped_at": NOW - timedelta(minutes=2), "stop_trigger": "drawdown"}
    more = {"stop_actor": "engine", "stop_percent": D("20.44"), "unsettled": D("-250.5")}
    return replace(WORTH, drawdown_percent=D("20.52"), **stop, **more)


def risk(state: str = "active") -> RiskView:
    return RiskView(
        trading_state=state,
        state_reason="the account was opened",
        state_actor="operator",
        state_changed_at=NOW - timedelta(hours=6),
        holds=held(state),
        breaker=breaker(state),
        worth=worth(state),
        limits=LIMITS,
        cooldowns=COOLDOWNS,
        committed=D("14210.77"),
        committed_by_symbol=COMMITTED,
        worst_cases=worst_cases(Settings()),
        realized_today=D("-36.5"),
        balance_total=D("101204.118"),
        balance_free=D("87000.12"),
        dust=(DUST,),
        foreign=(FOREIGN,),
        pending_fees=(PENDING_FEE,),
        discrepancies=DISCREPANCIES,
        denials=DENIALS,
    )
