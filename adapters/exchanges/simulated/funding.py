"""Funding at the simulated venue: what the sides of a market pay each other while they hold."""

from datetime import datetime
from decimal import Decimal

from adapters.exchanges.simulated.state import Holding
from application.inputs import FundingReported
from domain.instrument import Instrument, notional
from domain.money import percent_of


def funding_of(
    instrument: Instrument, holding: Holding, price: Decimal, rate: Decimal, at: datetime
) -> FundingReported:
    """What one position receives, in settle units; below zero it pays.

    `rate` is in percent of the notional at `price`: above zero longs pay it to shorts.
    """
    value = notional(instrument, price, holding.quantity)
    return FundingReported(
        funding_id=f"{instrument.symbol}|{holding.side}|{at.isoformat()}",
        symbol=instrument.symbol,
        amount=-percent_of(value, rate),
        asset=instrument.settle,
        settled_at=at,
        position_side=holding.side,
    )
