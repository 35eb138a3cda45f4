"""What the account of the story risks, and what it holds beside its trades."""

from datetime import timedelta
from decimal import Decimal

from domain.settings import Settings
from domain.worst_case import worst_cases
from projections.risk_views import (
    CheckRow,
    CommittedRow,
    DecisionRow,
    DiscrepancyRow,
    DustRow,
    ForeignRow,
    LimitRow,
    PendingFeeRow,
    RiskView,
)
from tests.web.story import NOW

D = Decimal

LIMITS = (
    LimitRow(rule="max_open_groups", value=D(4), limit=D(10), used_percent=D(40)),
    LimitRow(rule="max_daily_loss", value=D("36.5"), limit=D(500), used_percent=D("7.3")),
    LimitRow(
        rule="max_committed_capital", value=D("47800.77"), limit=D(50000), used_percent=D("95.6")
    ),
    LimitRow(rule="max_drawdown_percent", value=None, limit=D(20), used_percent=None),
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
    receipt=(
        CheckRow(rule="trading_state", value="active", limit="active", passed=True),
        CheckRow(rule="max_open_groups", value="10", limit="10", passed=False),
        CheckRow(rule="mark_fresh", value="0.4", limit="30", passed=True),
    ),
)


def risk(state: str = "active") -> RiskView:
    return RiskView(
        trading_state=state,
        state_reason="the account was opened",
        state_actor="operator",
        state_changed_at=NOW - timedelta(hours=6),
        limits=LIMITS,
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
        denials=(DENIAL,),
    )
