"""Tells the engine at once when a mark has reached a price that something waits for."""

from collections.abc import Callable, Sequence

import msgspec

from application.inputs import MarkMoved
from application.work_list import SymbolLevels
from domain.message import MarkSeen

REPEAT_SECONDS = 0.1
REPEAT_SECONDS_MAX = 1.0


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """What was last said of a symbol: about which levels, when, and how long it holds."""

    levels: SymbolLevels
    at: float
    delay: float


class LevelWatch:
    """One account's watched prices, each mark laid beside them. Called in the event loop only.

    While a mark stays at or beyond an unchanged level it is said again after 100 ms: when the
    engine looked, the mark may have been elsewhere. Each time nothing was committed since, the
    wait doubles up to a second, so that little piles up before a writer that cannot work now.
    """

    def __init__(self, tell: Callable[[MarkMoved], None], monotonic: Callable[[], float]) -> None:
        self._tell = tell
        self._monotonic = monotonic
        self._levels: dict[str, SymbolLevels] = {}
        self._marks: dict[str, MarkSeen] = {}
        self._told: dict[str, _Told] = {}

    def watch(self, levels: Sequence[SymbolLevels]) -> None:
        """Take the levels as just committed; one that a mark stands beyond already is told."""
        self._levels = {each.symbol: each for each in levels}
        self._told = {
            symbol: msgspec.structs.replace(told, delay=REPEAT_SECONDS)
            for symbol, told in self._told.items()
            if self._levels.get(symbol) == told.levels
        }
        for symbol in self._levels:
            self._judge(symbol)

    def see(self, mark: MarkSeen) -> None:
        """A mark is new, and can be read by the engine."""
        self._marks[mark.symbol] = mark
        self._judge(mark.symbol)

    def _judge(self, symbol: str) -> None:
        levels, mark = self._levels.get(symbol), self._marks.get(symbol)
        if levels is None or mark is None:
            return
        told = self._told.get(symbol)
        if not levels.reached_by(mark.price):
            if told is not None:
                self._told[symbol] = msgspec.structs.replace(told, delay=REPEAT_SECONDS)
            return
        now = self._monotonic()
        if told is not None and now < told.at + told.delay:
            return
        delay = REPEAT_SECONDS if told is None else min(told.delay * 2, REPEAT_SECONDS_MAX)
        self._told[symbol] = _Told(levels=levels, at=now, delay=delay)
        self._tell(MarkMoved(symbol=symbol))
