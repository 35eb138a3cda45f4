"""The words of every event; importing this package teaches them to `describe`."""

from projections.description import Description, describe
from projections.wording import (
    brakes,
    days,
    equity,
    exits,
    holdings,
    inputs,
    legs,
    offsets,
    orders,
    positions,
    queue,
    risk,
    waiting,
)

__all__ = [
    "Description",
    "brakes",
    "days",
    "describe",
    "equity",
    "exits",
    "holdings",
    "inputs",
    "legs",
    "offsets",
    "orders",
    "positions",
    "queue",
    "risk",
    "waiting",
]
