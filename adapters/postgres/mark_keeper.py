"""Shows live marks to people, and keeps the tape: no decision ever reads either."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import psycopg
import structlog

from adapters.postgres.connection import connect
from adapters.postgres.marks import TapeMinute, write_live_marks, write_tape
from domain.message import MarkSeen

PERIOD_SECONDS = 1.0

log = structlog.get_logger(__name__)


class MarkKeeper:
    """Shows live marks at most once a second, and keeps a row per symbol and minute."""

    def __init__(self, url: str, marks: Callable[[], Mapping[str, Mapping[str, MarkSeen]]]) -> None:
        self._url = url
        self._marks = marks
        self._shown: dict[tuple[str, str], MarkSeen] = {}
        self._minutes: dict[tuple[str, str], TapeMinute] = {}
        self._connection: psycopg.Connection | None = None

    async def run(self, on_shown: Callable[[], None]) -> None:
        """Write until cancelled. A database that fails is tried again: nothing depends on it."""
        try:
            while True:
                await asyncio.sleep(PERIOD_SECONDS)
                fresh = self._fresh()
                if fresh and await self._write(fresh):
                    on_shown()
        finally:
            if self._connection is not None:
                self._connection.close()

    def _fresh(self) -> dict[str, list[MarkSeen]]:
        fresh: dict[str, list[MarkSeen]] = {}
        for account, marks in self._marks().items():
            for symbol, mark in marks.items():
                if self._shown.get((account, symbol)) != mark:
                    self._shown[account, symbol] = mark
                    fresh.setdefault(account, []).append(mark)
        return fresh

    async def _write(self, fresh: Mapping[str, Sequence[MarkSeen]]) -> bool:
        try:
            await asyncio.to_thread(self._write_now, fresh)
        except psycopg.Error as error:
            log.warning("marks_not_shown", error=str(error))
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return False
        return True

    def _write_now(self, fresh: Mapping[str, Sequence[MarkSeen]]) -> None:
        if self._connection is None:
            self._connection = connect(self._url)
        for account, marks in fresh.items():
            write_live_marks(self._connection, account, marks)
            write_tape(self._connection, account, [self._minute(account, m) for m in marks])

    def _minute(self, account: str, mark: MarkSeen) -> TapeMinute:
        minute = mark.at.replace(second=0, microsecond=0)
        known = self._minutes.get((account, mark.symbol))
        if known is None or known.minute != minute:
            opening = mark.price
            high = low = mark.price
        else:
            opening, high, low = known.open, known.high, known.low
        joined = TapeMinute(
            symbol=mark.symbol,
            minute=minute,
            open=opening,
            high=max(high, mark.price),
            low=min(low, mark.price),
            close=mark.price,
        )
        self._minutes[account, mark.symbol] = joined
        return joined
