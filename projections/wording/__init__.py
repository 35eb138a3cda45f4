"""The words of every event; importing this package teaches them to `describe`."""

from projections.description import Description, describe
from projections.wording import (
    days,
    exits,
    holdings,
    inputs,
    legs,
    orders,
    positions,
    queue,
    risk,
    waiting,
)

__all__ = [
    "Description",
    "days",
    "describe",
    "exits",
    "holdings",
    "inputs",
    "legs",
    "orders",
    "positions",
    "queue",
    "risk",
    "waiting",
]
