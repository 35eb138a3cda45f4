"""The words of every event; importing this package teaches them to `describe`."""

from projections.description import Description, describe
from projections.wording import days, exits, inputs, legs, orders, positions, queue, risk

__all__ = [
    "Description",
    "days",
    "describe",
    "exits",
    "inputs",
    "legs",
    "orders",
    "positions",
    "queue",
    "risk",
]
