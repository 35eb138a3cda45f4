"""A bench to try the matching core on: one market, short words for tickets and moves."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from adapters.exchanges.simulated.core import MatchingCore
from adapters.exchanges.simulated.fees import FeeAsset
from application.inputs import (
    Accepted,
    CancelRefused,
    Ended,
    OrderReported,
    Refused,
    Report,
    Traded,
)
from application.ports import OrderTicket
from domain.instrument import Instrument, PositionMode, PositionSide, Side

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
SYMBOL = "BTC/USDT:USDT"
SPOT_SYMBOL = "BTC/USDT"

PERPETUAL = Instrument(
    symbol=SYMBOL,
    venue_symbol="BTCUSDT",
    kind="linear",
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick=Decimal("0.1"),
    step=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(5),
    max_quantity=Decimal(100),
)
SPOT = msgspec.structs.replace(PERPETUAL, symbol=SPOT_SYMBOL, kind="spot")


def new_core(
    *,
    balance: str = "100000",
    leverage: str = "1",
    price: str | None = "60000",
    hedge_mode: bool = False,
    fee_asset: FeeAsset | None = None,
    **rules: Any,
) -> MatchingCore:
    """A core of one perpetual; `rules` change its instrument."""
    core = MatchingCore(
        instruments=[msgspec.structs.replace(PERPETUAL, **rules)],
        currency="USDT",
        balance=Decimal(balance),
        leverage=Decimal(leverage),
        hedge_mode=hedge_mode,
        fee_asset=fee_asset,
    )
    if price is not None:
        move(core, price)
    return core


def ticket(
    client_order_id: str,
    side: Side,
    quantity: str,
    price: str | None,
    *,
    tif: Literal["gtc", "ioc", "post_only"] = "gtc",
    reduce_only: bool = False,
    symbol: str = SYMBOL,
) -> OrderTicket:
    return OrderTicket(
        client_order_id=client_order_id,
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        price=None if price is None else Decimal(price),
        time_in_force=tif,
        reduce_only=reduce_only,
    )


def stop(
    client_order_id: str,
    side: Side,
    quantity: str,
    trigger: str,
    *,
    position_side: PositionMode = "both",
    symbol: str = SYMBOL,
) -> OrderTicket:
    """A stop-market order that closes."""
    return OrderTicket(
        client_order_id=client_order_id,
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        price=None,
        time_in_force="gtc",
        reduce_only=position_side == "both" and symbol != SPOT_SYMBOL,
        position_side=position_side,
        trigger_price=Decimal(trigger),
    )


def hedged(
    client_order_id: str,
    side: Side,
    quantity: str,
    position_side: PositionSide,
    price: str | None = None,
) -> OrderTicket:
    """An order of an account in hedge mode, at market unless a price is given."""
    plain = ticket(client_order_id, side, quantity, price)
    return msgspec.structs.replace(plain, position_side=position_side)


def move(
    core: MatchingCore, price: str, symbol: str = SYMBOL, volume: str | None = None
) -> list[OrderReported]:
    """Everything a whole sweep fills."""
    core.begin_move(symbol, Decimal(price), AT, None if volume is None else Decimal(volume))
    reports: list[OrderReported] = []
    while (filled := core.next_fill()) is not None:
        reports += filled
    return reports


def told(reports: list[OrderReported]) -> list[tuple[str, str]]:
    """Each report as (client id, a word or two), to compare with a table."""
    return [(reported.client_order_id, _word(reported.report)) for reported in reports]


def _word(report: Report) -> str:
    match report:
        case Accepted():
            return "accepted"
        case Refused(code=code):
            return f"refused {code}"
        case Traded(quantity=quantity, price=price, liquidity=liquidity):
            return f"{quantity} at {price} {liquidity}"
        case Ended(status=status, filled=filled):
            return f"{status} {filled}"
        case CancelRefused(code=code):
            return f"cancel refused {code}"
        case _:
            return type(report).__name__
