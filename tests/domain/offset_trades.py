"""Trades that pay and are paid for, as the tests of offsets write them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from domain.instrument import Instrument, PositionSide
from domain.money import ZERO
from domain.offset_plan import OffsetLeg, OffsetTrade
from domain.pnl import Lot, sold
from domain.position_group import ReductionPart

D = Decimal
MORNING = datetime(2026, 1, 5, 8, tzinfo=UTC)


def market(**changes: Any) -> Instrument:
    made = Instrument(
        symbol="BTC/USDT:USDT",
        venue_symbol="BTCUSDT",
        kind="linear",
        base="BTC",
        quote="USDT",
        settle="USDT",
        tick=D("0.1"),
        step=D("0.001"),
        min_quantity=D("0.001"),
        min_notional=D(5),
        taker_fee_percent=ZERO,
    )
    return msgspec.structs.replace(made, **changes)


FREE_OF_FEES = market()
WITH_FEES = market(taker_fee_percent=D("0.05"))
SPOT = market(kind="spot", reduce_only_exempt=False, taker_fee_percent=D("0.1"))


def trade(
    *lots: tuple[str, str],
    price: str = "110",
    side: PositionSide = "long",
    instrument: Instrument = FREE_OF_FEES,
    fee_percent: str = "0",
    name: str = "g1",
    age: int = 0,
) -> OffsetTrade:
    """Lots of (quantity, entry price)."""
    legs = tuple(
        leg_of(f"{name}-p0-l{number}", D(quantity), D(entry), D(fee_percent), instrument)
        for number, (quantity, entry) in enumerate(lots)
    )
    return OffsetTrade(
        group_id=name,
        symbol=instrument.symbol,
        side=side,
        instrument=instrument,
        price=D(price),
        legs=legs,
        opened_at=MORNING - timedelta(minutes=age),
    )


def leg_of(
    name: str, quantity: Decimal, entry: Decimal, fee_percent: Decimal, instrument: Instrument
) -> OffsetLeg:
    cost = quantity * entry * instrument.contract_size
    return OffsetLeg(
        leg_id=name, quantity=quantity, cost=cost, entry_fee=cost * fee_percent / 100, sold=ZERO
    )


def realized(trade: OffsetTrade, parts: Sequence[ReductionPart], price: Decimal) -> Decimal:
    """By the books' own formula, part by part."""
    legs = {leg.leg_id: leg for leg in trade.legs}
    instrument, total = trade.instrument, ZERO
    for part in parts:
        leg = legs[part.leg_id]
        value = price * part.quantity * instrument.contract_size
        total += sold(
            Lot(quantity=leg.quantity, cost=leg.cost, entry_fee=leg.entry_fee),
            price=price,
            quantity=part.quantity,
            exit_fee=value * instrument.taker_fee_percent / 100,
            side=trade.side,
            contract_size=instrument.contract_size,
        ).realized
    return total


def these(*values: Decimal | int) -> tuple[Decimal, ...]:
    return tuple(D(value) for value in values)


def quantities(parts: Sequence[ReductionPart]) -> list[Decimal]:
    return [part.quantity for part in parts]
