"""Equity and drawdown over time as SVG paths, drawn by the server: true to the clock, gaps open."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from domain.money import HUNDRED, ONE, ZERO, plain
from projections.equity_views import EquityPoint, EquityView

WIDTH = Decimal(1000)
EQUITY_HEIGHT = Decimal(180)
DRAWDOWN_HEIGHT = Decimal(64)
# Room above and below a line, in percent of the height: nothing touches the frame.
ROOM = Decimal(6)
# The least height of the drawdown's scale, so that a tenth of a percent looks like one.
DRAWDOWN_SCALE_MIN = Decimal(1)
SAMPLED_EVERY = timedelta(minutes=1)
# One point makes no line.
POINTS_MIN = 2
# A line is drawn over so many missing samples, and over more of them it is interrupted.
GAP_STEPS = 5
DAY = timedelta(hours=36)
MICROSECOND = timedelta(microseconds=1)

Line = Callable[[EquityPoint], Decimal]


class EquityCurve(msgspec.Struct, frozen=True, kw_only=True):
    """Paths within 1000 x 180 (`equity`, its `area`, `realized`) and 1000 x 64 (`drawdown`).

    `high`, `middle`, `low` label the equity's scale; `deep` is the drawdown at the bottom of
    its own; `limit` is where on it the limit lies, none if it lies below. `times` label the
    time from left to right.
    """

    equity: str
    area: str
    realized: str
    drawdown: str
    high: Decimal
    middle: Decimal
    low: Decimal
    deep: Decimal
    limit: str
    times: tuple[str, ...]


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """What lies between the left and right, the lower and upper edge of a drawing."""

    start: datetime
    end: datetime
    low: Decimal
    high: Decimal
    height: Decimal

    def place(self, at: datetime, value: Decimal) -> str:
        """`x,y` of a value at a time."""
        span = Decimal((self.end - self.start) // MICROSECOND) or ONE
        across = Decimal((at - self.start) // MICROSECOND) / span * WIDTH
        down = (self.high - value) / ((self.high - self.low) or ONE) * self.height
        return f"{_short(across)},{_short(down)}"


def equity_curve(view: EquityView, limit_percent: Decimal | None = None) -> EquityCurve | None:
    """The curves of a span; none with fewer than two samples, which make no line."""
    points = view.points
    if len(points) < POINTS_MIN:
        return None
    start, end = points[0].at, points[-1].at
    low, high = _bounds([*map(_low, points), *map(_equity, points), *map(_realized, points)])
    money = Scale(start=start, end=end, low=low, high=high, height=EQUITY_HEIGHT)
    deep = max(view.max_drawdown_percent or ZERO, DRAWDOWN_SCALE_MIN)
    if limit_percent is not None and limit_percent <= deep * 2:
        deep = max(deep, limit_percent)
    depth = Scale(start=start, end=end, low=deep, high=ZERO, height=DRAWDOWN_HEIGHT)
    pieces = list(_pieces(points, view.step_seconds))
    return EquityCurve(
        equity=_path(pieces, _equity, money),
        area=_filled(pieces, _equity, money),
        realized=_path(pieces, _realized, money),
        drawdown=_hanging(pieces, depth),
        high=high,
        middle=(high + low) / 2,
        low=low,
        deep=deep,
        limit=_limit_line(limit_percent, deep),
        times=_times(start, end),
    )


def _pieces(points: Sequence[EquityPoint], step_seconds: int) -> Iterator[list[EquityPoint]]:
    """The stretches without a gap: where nothing was sampled, nothing is drawn."""
    longest = max(SAMPLED_EVERY, timedelta(seconds=step_seconds)) * GAP_STEPS
    piece = [points[0]]
    for point in points[1:]:
        if point.at - piece[-1].at > longest:
            yield piece
            piece = []
        piece.append(point)
    yield piece


def _path(pieces: Iterable[Sequence[EquityPoint]], line: Line, scale: Scale) -> str:
    return " ".join(f"M{_places(piece, line, scale)}" for piece in pieces)


def _filled(pieces: Iterable[Sequence[EquityPoint]], line: Line, scale: Scale) -> str:
    """Down to the lower edge."""
    return " ".join(_closed(piece, line, scale, scale.low) for piece in pieces)


def _hanging(pieces: Iterable[Sequence[EquityPoint]], scale: Scale) -> str:
    """From the upper edge down: a drawdown hangs."""
    return " ".join(_closed(piece, _drawdown, scale, ZERO) for piece in pieces)


def _closed(piece: Sequence[EquityPoint], line: Line, scale: Scale, edge: Decimal) -> str:
    first, last = scale.place(piece[0].at, edge), scale.place(piece[-1].at, edge)
    return f"M{first} L{_places(piece, line, scale)} L{last} Z"


def _places(piece: Sequence[EquityPoint], line: Line, scale: Scale) -> str:
    return " L".join(scale.place(point.at, line(point)) for point in piece)


def _bounds(values: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    low, high = min(values), max(values)
    room = (high - low or max(abs(high), ONE) / HUNDRED) * ROOM / HUNDRED
    return low - room, high + room


def _limit_line(limit_percent: Decimal | None, deep: Decimal) -> str:
    if limit_percent is None or limit_percent > deep:
        return ""
    return _short(limit_percent / deep * DRAWDOWN_HEIGHT)


def _times(start: datetime, end: datetime) -> tuple[str, ...]:
    shown = "%b %d %H:%M" if end - start <= DAY else "%Y-%m-%d"
    return tuple(f"{at:{shown}}" for at in (start, start + (end - start) / 2, end))


def _equity(point: EquityPoint) -> Decimal:
    return point.equity


def _low(point: EquityPoint) -> Decimal:
    return point.low


def _realized(point: EquityPoint) -> Decimal:
    """What the account would be worth without what is open."""
    return point.capital + point.realized


def _drawdown(point: EquityPoint) -> Decimal:
    return point.drawdown_percent


def _short(value: Decimal) -> str:
    return plain(round(value, 1))
