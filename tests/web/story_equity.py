"""What the account of the story was worth over its day, minute by minute."""

from datetime import timedelta
from decimal import Decimal

from projections.equity_views import EquityPoint, EquityView, TransferRow
from tests.web.story import NOW

D = Decimal
MINUTES = 360
# Where the engine stood still: nothing was sampled, and nothing is drawn.
STOOD_STILL = range(200, 225)


def point(minute: int, peak: Decimal) -> EquityPoint:
    """Rises, falls and comes back, the same on every machine."""
    wave = D(minute * minute % 97) - D(48)
    fall = D(max(0, 90 - abs(minute - 260)))
    capital, realized = D(100500), D(4 * minute // 2)
    unrealized = wave * 2 - fall * 38 + D(minute) / 3
    equity = capital + realized + unrealized
    above = max(peak, equity)
    return EquityPoint(
        at=NOW - timedelta(minutes=MINUTES - minute),
        position=minute + 1,
        equity=equity,
        capital=capital,
        realized=realized,
        unrealized=unrealized,
        committed=D("14210.77"),
        peak=above,
        low=equity,
        drawdown_percent=(above - equity) / above * 100,
    )


def equity() -> EquityView:
    points: list[EquityPoint] = []
    peak = D(100500)
    for minute in range(MINUTES + 1):
        if minute not in STOOD_STILL:
            points.append(point(minute, peak))
            peak = points[-1].peak
    deepest = max(points, key=lambda each: each.drawdown_percent)
    return EquityView(
        currency="USDT",
        points=tuple(points),
        transfers=(
            TransferRow(
                at=NOW - timedelta(hours=5),
                amount=D(500),
                total=D(500),
                reason="more to work with",
                actor="operator",
            ),
        ),
        samples=len(points),
        step_seconds=0,
        max_drawdown_percent=deepest.drawdown_percent,
        max_drawdown_at=deepest.at,
    )
