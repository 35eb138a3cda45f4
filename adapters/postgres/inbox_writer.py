"""Web's side of the inbox: whoever waits shares one INSERT, and is answered after its commit."""

import asyncio
from collections import deque
from typing import Self

import asyncpg
import msgspec

from adapters.postgres.connection import connect_async
from application.inbox import InboxUnavailable
from application.journal import encode_input
from domain.message import Input

WAITING_MAX = 10_000
BATCH_ROWS_MAX = 500
# TradingView gives up after three seconds: better a 503 in time than a 202 nobody hears.
ANSWER_SECONDS_MAX = 2.5

# Identity values are given out after the sort, so that ids rise in the order of the batch.
_INSERT = """
    INSERT INTO plimsoll.inbox (account, kind, payload)
    SELECT account, kind, payload
    FROM unnest($1::text[], $2::text[], $3::bytea[])
        WITH ORDINALITY AS batch (account, kind, payload, place)
    ORDER BY place
    RETURNING id
"""


class _Letter(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    kind: str
    payload: bytes
    stored: "asyncio.Future[int]"


class AsyncInbox:
    """One connection and one INSERT in flight; what arrives meanwhile goes with the next."""

    def __init__(self, url: str, waiting_max: int = WAITING_MAX) -> None:
        self._url = url
        self._waiting_max = waiting_max
        self._waiting: deque[_Letter] = deque()
        self._connection: asyncpg.Connection | None = None
        self._pump: asyncio.Task[None] | None = None
        self._closed = False

    async def put(self, account: str, occurrence: Input) -> int:
        """Make an input durable; returns its inbox id after the commit.

        Raises InboxUnavailable when it was not, or when that is unknown. A cancelled caller
        takes nothing back.
        """
        if self._closed or len(self._waiting) >= self._waiting_max:
            raise InboxUnavailable(
                f"the inbox takes nothing now: {len(self._waiting)} inputs wait, at most"
                f" {self._waiting_max} may; send again later"
            )
        letter = _Letter(
            account=account,
            kind=occurrence.NAME.split(".")[1],
            payload=encode_input(occurrence),
            stored=asyncio.get_running_loop().create_future(),
        )
        self._waiting.append(letter)
        if self._pump is None:
            self._pump = asyncio.create_task(self._store_all(), name="inbox")
        try:
            return await asyncio.wait_for(letter.stored, ANSWER_SECONDS_MAX)
        except TimeoutError as error:
            raise InboxUnavailable(
                f"the inbox did not confirm within {ANSWER_SECONDS_MAX} s; send again"
            ) from error

    async def close(self) -> None:
        """Store what waits, then let go of the connection. Later calls are refused."""
        self._closed = True
        if self._pump is not None:
            await self._pump
        await self._disconnect()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def _store_all(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), BATCH_ROWS_MAX)
                await self._store([self._waiting.popleft() for _ in range(count)])
        finally:
            self._pump = None

    async def _store(self, batch: list[_Letter]) -> None:
        try:
            ids = await self._insert(batch)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            await self._disconnect()
            _refuse(batch, f"the inbox could not store the input: {error!r}; send again")
            return
        for letter, row_id in zip(batch, ids, strict=True):
            if not letter.stored.done():
                letter.stored.set_result(row_id)

    async def _insert(self, batch: list[_Letter]) -> list[int]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect_async(self._url, seconds=ANSWER_SECONDS_MAX)
        rows = await self._connection.fetch(
            _INSERT,
            [letter.account for letter in batch],
            [letter.kind for letter in batch],
            [letter.payload for letter in batch],
        )
        return sorted(row["id"] for row in rows)

    async def _disconnect(self) -> None:
        """Without a farewell that a dead network would keep us waiting for."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _refuse(batch: list[_Letter], reason: str) -> None:
    for letter in batch:
        if not letter.stored.done():
            letter.stored.set_exception(InboxUnavailable(reason))
            # Whoever stopped waiting leaves nobody to read the refusal; that is no surprise.
            letter.stored.exception()
