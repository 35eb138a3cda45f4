"""The engine's watched prices within a sweep: which of them the market reaches next."""

from collections.abc import Callable, Iterable
from decimal import Decimal

from adapters.exchanges.simulated.core import MatchingCore
from application.book import Book
from application.processes.watching import Level

LevelSource = Callable[[Book, str], Iterable[Level]]
"""The watched prices of a symbol, groups in the order of their opening."""

# More levels than this within one sweep are a loop between engine and venue, not a market.
LEVELS_PER_SWEEP_MAX = 100_000

Told = tuple[Level, Decimal]


class WatchedSweep:
    """One sweep of a symbol. The same unchanged level is not told twice at the same price."""

    def __init__(self, core: MatchingCore, symbol: str, target: Decimal) -> None:
        self._core = core
        self._symbol = symbol
        self._target = target
        self._told: set[Told] = set()

    def next(self, levels: Iterable[Level]) -> Told | None:
        """The first level that fires on the rest of the way, and the price at which it does.

        A level that the price had passed before it appeared fires where the price stands.
        Of those at one price the first given comes first.
        """
        price = self._core.price(self._symbol)
        assert price is not None, f"{self._symbol} is swept without a price"
        due = [
            (level, at)
            for level in levels
            if (at := self._fires_at(level, price)) is not None and (level, at) not in self._told
        ]
        return min(due, key=lambda told: abs(told[1] - price), default=None)

    def tell(self, told: Told) -> None:
        """The engine is being told of it."""
        self._told.add(told)
        assert len(self._told) <= LEVELS_PER_SWEEP_MAX, (
            f"one move of {self._symbol} met more than {LEVELS_PER_SWEEP_MAX} watched prices"
        )

    def _fires_at(self, level: Level, price: Decimal) -> Decimal | None:
        """Where on the way from `price` a level fires; none if the way does not reach it."""
        if level.rises:
            if level.price <= price:
                return price
            return level.price if level.price <= self._target else None
        if level.price >= price:
            return price
        return level.price if level.price >= self._target else None
