"""A proposal and the facts it is judged by, as the tests of gate and risk engine vary them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from domain.day_loss import DayLoss
from domain.gate import EntryProposal, GateFacts, ProposedLeg
from domain.grid import PlannedLeg
from domain.instrument import Instrument
from domain.message import MarkSeen
from domain.settings import ExitSettings, PoolSettings, RiskSettings

D = Decimal
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BTC = "BTC/USDT:USDT"
ETH = "ETH/USDT:USDT"
PERPETUAL = Instrument(
    symbol=BTC,
    venue_symbol="BTCUSDT",
    kind="linear",
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick=D("0.1"),
    step=D("0.001"),
    min_quantity=D("0.001"),
    min_notional=D(5),
)


def proposal(number: int = 1, *, reserve: str = "1000", **changes: Any) -> EntryProposal:
    """One leg at 100, worth `reserve`; signal, group and pyramid named after the number."""
    group = f"g{number}"
    leg = PlannedLeg(
        index=0,
        price=D(100),
        quantity=D(reserve) / 100,
        notional=D(reserve),
        gap_percent=D(0),
        weight_percent=D(100),
        take_profit_percent=D(1),
    )
    proposed = ProposedLeg(
        leg_id=f"{group}-p0-l0", leg=leg, reserve_price=D(100), reserve=D(reserve)
    )
    made = EntryProposal(
        signal_id=f"s{number}",
        group_id=group,
        pyramid_id=f"{group}-p0",
        index=0,
        symbol=BTC,
        timeframe="15m",
        side="long",
        entry_price=D(100),
        capital=D(reserve),
        contract_size=D(1),
        legs=(proposed,),
        skipped=(),
    )
    return msgspec.structs.replace(made, **changes)


def facts(*, risk: RiskSettings | None = None, slots: int = 10, **changes: Any) -> GateFacts:
    """A fresh mark at 100, the right currency, leverage 1, 100 000 free, nothing else open."""
    made = GateFacts(
        risk=risk or RiskSettings(),
        pool=PoolSettings(max_open_groups=slots),
        currency="USDT",
        settle="USDT",
        leverage=1,
        mark=MarkSeen(symbol=BTC, price=D(100), at=NOON),
        now=NOON,
        has_discrepancy=False,
        foreign=D(0),
        instrument=PERPETUAL,
        day_loss=DayLoss(realized=D(0)),
        equity=D(100_000),
        peak=D(100_000),
        free_balance=D(100_000),
        last_loss_at=None,
        orders=0,
        position=D(0),
        stakes=(),
        exits=ExitSettings(),
    )
    return msgspec.structs.replace(made, **changes)
