"""Where a trade's stop lies: a loss from the average entry, a trail of the best price, a signal's.

Spec §4: the tighter one acts; a trail moves in recorded steps only.
"""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from domain.instrument import Instrument, PositionSide, exit_side, round_price
from domain.money import HUNDRED, percent_of
from domain.settings import ExitSettings


class StopFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a stop is computed from, in quote units. `best` none = nothing trails yet."""

    instrument: Instrument
    side: PositionSide
    average_entry: Decimal
    exits: ExitSettings
    best: Decimal | None = None
    of_signal: Decimal | None = None


def stop_price(facts: StopFacts) -> Decimal | None:
    """The tightest of the stops that are on, on the tick as a resting exit's; None if all are off.

    Nearest to the market: for a long the highest.
    """
    prices = list(_prices(facts))
    if not prices:
        return None
    tightest = max(prices) if facts.side == "long" else min(prices)
    rounded = round_price(facts.instrument, tightest, exit_side(facts.side))
    return max(rounded, facts.instrument.tick)


def next_step(facts: StopFacts) -> Decimal | None:
    """The mark from which the best price is recorded anew; None if nothing trails."""
    if facts.best is None or facts.exits.trailing_stop_percent is None:
        return None
    price = _towards_profit(facts.side, facts.best, facts.exits.trailing_step_percent)
    return round_price(facts.instrument, price, exit_side(facts.side))


def _prices(facts: StopFacts) -> Iterator[Decimal]:
    exits = facts.exits
    if exits.stop_loss_percent is not None:
        yield _towards_profit(facts.side, facts.average_entry, -exits.stop_loss_percent)
    if exits.trailing_stop_percent is not None and facts.best is not None:
        yield _towards_profit(facts.side, facts.best, -exits.trailing_stop_percent)
    if facts.of_signal is not None:
        yield facts.of_signal


def _towards_profit(side: PositionSide, price: Decimal, percent: Decimal) -> Decimal:
    """`percent` % above the price for a long, below it for a short."""
    return percent_of(price, HUNDRED + (percent if side == "long" else -percent))
