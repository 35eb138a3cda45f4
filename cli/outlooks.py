"""The projected offset of an account, read from its log and the marks that pass."""

import asyncio
from collections.abc import Callable, Mapping

from adapters.clock import SystemClock
from adapters.postgres.event_log import PostgresEventLog
from application.journal import LogUnavailable
from application.loading import load_book
from application.offset_outlook import OffsetOutlook, is_watched, outlook_of, see_marks
from domain.message import MarkSeen
from web.answers import unavailable

MarksOf = Callable[[str], Mapping[str, MarkSeen]]


class OffsetOutlooks:
    """Answers one at a time, beside the event loop: each reads all that the account has open."""

    def __init__(self, url: str, marks_of: MarksOf) -> None:
        self._url = url
        self._marks_of = marks_of
        self._clock = SystemClock()
        self._turn = asyncio.Lock()

    async def of(self, account: str) -> OffsetOutlook:
        """As it stands now. Raises Refused, as unavailable, while the log cannot be read."""
        async with self._turn:
            try:
                return await asyncio.to_thread(self._read, account)
            except LogUnavailable as error:
                raise unavailable(f"the log cannot be read now: {error}") from error

    def _read(self, account: str) -> OffsetOutlook:
        with PostgresEventLog(self._url) as log:
            book = load_book(log, account)
        if not is_watched(book):
            raise unavailable(f"account {account} was not worked by this release yet: ask again")
        see_marks(book, self._marks_of(account).values())
        return outlook_of(book, self._clock.now())
