"""Curves as SVG points, drawn by the server: a page needs no script to show its history."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from domain.money import ONE, ZERO, plain

PAD = Decimal(4)


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """`line` and `area` are point lists; `low` and `high` the values at the edges."""

    line: str
    area: str
    low: Decimal
    high: Decimal


def curve(values: Sequence[Decimal], width: int, height: int) -> Curve:
    """The values from left to right within width x height; a single one is a level line."""
    known = list(values) or [ZERO]
    shown = known if len(known) > 1 else known * 2
    low, high = min(shown), max(shown)
    spread = (high - low) or ONE
    step = Decimal(width) / (len(shown) - 1)
    room = Decimal(height) - 2 * PAD
    points = [
        f"{_place(index * step)},{_place(PAD + room * (high - value) / spread)}"
        for index, value in enumerate(shown)
    ]
    line = " ".join(points)
    return Curve(line=line, area=f"0,{height} {line} {width},{height}", low=low, high=high)


def _place(value: Decimal) -> str:
    return plain(round(value, 1))
