"""The demo's market: prices that wander from a seed, or that follow recorded candles."""

import math
import random
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from adapters.exchanges.simulated.candles import Move, candle_moves, read_candles
from adapters.exchanges.simulated.instruments import derive_instrument

DEMO_START_PRICES: Mapping[str, Decimal] = {
    "BTC/USDT:USDT": Decimal("60000.0"),
    "ETH/USDT:USDT": Decimal("3000.00"),
    "SOL/USDT:USDT": Decimal("150.000"),
}
DEMO_VOLATILITY_PERCENT = Decimal("0.08")

MILLION = 1_000_000
PERCENT_IN_MILLIONTHS = 10_000

# Each step gives back this part of the distance from the start: prices wander some percent
# away within minutes, turn, and never leave for good.
PULL = 1_500


class RandomWalk:
    """Prices that wander around where they start. The same seed always gives the same path.

    `volatility_percent` is the standard deviation of one step. Whole ticks only: no floats.
    """

    def __init__(
        self,
        *,
        seed: int,
        start_prices: Mapping[str, Decimal] = DEMO_START_PRICES,
        volatility_percent: Decimal = DEMO_VOLATILITY_PERCENT,
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a market to play with, not a secret
        self._ticks = {
            symbol: derive_instrument(symbol, price).tick for symbol, price in start_prices.items()
        }
        self._anchors = {
            symbol: int(price / self._ticks[symbol]) for symbol, price in start_prices.items()
        }
        self._levels = dict(self._anchors)
        # Uniform between −r and r has the standard deviation r ÷ √3.
        deviation = int(volatility_percent * PERCENT_IN_MILLIONTHS)
        self._reach = math.isqrt(3 * deviation * deviation)

    def step(self, at: datetime) -> list[Move]:
        """The next move of every symbol."""
        return [self._moved(symbol, at) for symbol in sorted(self._levels)]

    def _moved(self, symbol: str, at: datetime) -> Move:
        level, anchor = self._levels[symbol], self._anchors[symbol]
        noise = level * self._random.randint(-self._reach, self._reach) // MILLION
        level = max(1, level + noise + (anchor - level) // PULL)
        self._levels[symbol] = level
        return Move(symbol=symbol, price=level * self._ticks[symbol], at=at)


def recorded(symbol: str, path: Path) -> Iterator[Move]:
    """The moves of a candle file. Raises ValueError for a bad row, naming it."""
    return candle_moves(symbol, read_candles(path))
