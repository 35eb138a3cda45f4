"""The words of every event; importing this package teaches them to `describe`."""

from projections.description import Description, describe
from projections.wording import days, inputs, legs, orders, positions, queue, risk

__all__ = [
    "Description",
    "days",
    "describe",
    "inputs",
    "legs",
    "orders",
    "positions",
    "queue",
    "risk",
]
