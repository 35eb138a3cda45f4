"""A move of the price, and which waiting order it reaches next."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from adapters.exchanges.simulated.orders import VenueOrder, is_stop

Candidate = tuple[Decimal, VenueOrder]


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """One move of a symbol's price, under way until every order in between has filled.

    `volume` is what is left for resting orders on the way, in contracts; none = any amount.
    """

    symbol: str
    target: Decimal
    at: datetime
    direction: Literal["down", "up"]
    volume: Decimal | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """The nearest order that waits for the price to fall to its own, and to rise to it."""

    fall: Candidate | None = None
    rise: Candidate | None = None


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """The next order to trade, at which price, and the level at which the market then stands."""

    order: VenueOrder
    price: Decimal
    level: Decimal


def reached(
    sweep: Sweep, way: tuple[Decimal, Decimal], limits: Waiting, stops: Waiting
) -> Reached | None:
    """The next order on the `way` from the first price to the second; limits before stops.

    An order the price had already passed (volume was limited, or the price came back only after
    a restart) trades first, and where the price stands: a limit order at its limit, a stop at
    the market.
    """
    limit, stop = _next(sweep, way, limits), _next(sweep, way, stops)
    if limit is None or stop is None:
        return limit or stop
    is_nearer = stop.level > limit.level if sweep.direction == "down" else stop.level < limit.level
    return stop if is_nearer else limit


def _next(sweep: Sweep, way: tuple[Decimal, Decimal], waiting: Waiting) -> Reached | None:
    level = way[0]
    fall = waiting.fall if waiting.fall is not None and waiting.fall[0] >= min(way) else None
    rise = waiting.rise if waiting.rise is not None and waiting.rise[0] <= max(way) else None

    travelling, passed = (fall, rise) if sweep.direction == "down" else (rise, fall)
    if passed is not None:
        return _met(passed, level)
    if travelling is None:
        return None
    further = min if sweep.direction == "down" else max
    return _met(travelling, further(level, travelling[0]))


def _met(candidate: Candidate, level: Decimal) -> Reached:
    price, order = candidate
    return Reached(order=order, price=level if is_stop(order.ticket) else price, level=level)
