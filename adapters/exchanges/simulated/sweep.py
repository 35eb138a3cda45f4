"""A move of the price, and which resting order it reaches next."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from adapters.exchanges.simulated.orders import VenueOrder

Candidate = tuple[Decimal, VenueOrder]


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """One move of a symbol's price, under way until every order in between has filled."""

    symbol: str
    target: Decimal
    at: datetime
    direction: Literal["down", "up"]


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """The next order to fill, at its limit, and the level at which the price then stands."""

    order: VenueOrder
    limit: Decimal
    level: Decimal


def reached(
    sweep: Sweep, level: Decimal, buy: Candidate | None, sell: Candidate | None
) -> Reached | None:
    """The next order on the way from `level`, given the best resting buy and sell.

    An order the price had already passed (volume was limited, or the price came back only after
    a restart) fills first, and where the price stands.
    """
    low, high = min(level, sweep.target), max(level, sweep.target)
    due_buy = buy if buy is not None and buy[0] >= low else None
    due_sell = sell if sell is not None and sell[0] <= high else None

    travelling, passed = (due_buy, due_sell) if sweep.direction == "down" else (due_sell, due_buy)
    if passed is not None:
        return Reached(order=passed[1], limit=passed[0], level=level)
    if travelling is None:
        return None
    limit, order = travelling
    further = min(level, limit) if sweep.direction == "down" else max(level, limit)
    return Reached(order=order, limit=limit, level=further)
