"""Keeps the read tables true: each event of the log is projected exactly once."""

import asyncio
from collections.abc import Callable

import asyncpg
import structlog

from projections import store
from projections.log_reader import BATCH_EVENTS_MAX, END_OF_LOG, Located, read_batch
from projections.models import MODELS, VIEWS_OF
from projections.rows import SCHEMA

LOG_CHANNEL = "plimsoll_log"
POLL_SECONDS = 1.0
CONNECT_SECONDS = 5
BACK_OFF_SECONDS = (0.1, 0.5, 1, 2, 5)
ALL_VIEWS: frozenset[str] = frozenset().union(*VIEWS_OF.values())

OnChange = Callable[[frozenset[str], int], None]
"""Told after each commit which views changed, and the position up to which they are true."""

_log = structlog.get_logger(__name__)


class ProjectionRunner:
    """Follows the log. Any number may run: each batch is applied by exactly one of them."""

    def __init__(
        self, url: str, *, on_change: OnChange | None = None, schema: str = SCHEMA
    ) -> None:
        self._url = url
        self._on_change = on_change or _nobody
        self._schema = schema
        self._told: int | None = None
        self._news = asyncio.Event()
        self._failures = 0
        self.position = 0
        self.trouble = ""

    async def run(self) -> None:
        """Follow the log until cancelled, through every loss of the connection.

        `trouble` says what is wrong now, empty if nothing: the dashboard is honest about it.
        """
        while True:
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001 - pages that stand still for ever are worse
                self.trouble = f"{type(error).__name__}: {error}"
                _log.warning("projections_stopped", error=self.trouble, position=self.position)
                delay = BACK_OFF_SECONDS[min(self._failures, len(BACK_OFF_SECONDS) - 1)]
                self._failures += 1
                await asyncio.sleep(delay)

    async def catch_up(self, connection: asyncpg.Connection) -> int:
        """Apply all there is; the position reached. Raises JournalError, ProjectionError.

        Who is overtaken backs off, so that of two runners one does the work of a while.
        """
        more = True
        while more:
            try:
                more = await self._step(connection)
            except store.Overtaken:
                await asyncio.sleep(BACK_OFF_SECONDS[0])
        return self.position

    async def _follow(self) -> None:
        """One connection for reading, writing and listening; news is only a hint to look."""
        connection = await connect(self._url)
        try:
            await store.create(connection, self._schema)
            connection.add_termination_listener(self._hear_end)
            await connection.add_listener(LOG_CHANNEL, self._hear)
            while True:
                self._news.clear()
                await self.catch_up(connection)
                self.trouble, self._failures = "", 0
                await self._wait_for_news()
        finally:
            await _close(connection)

    async def _wait_for_news(self) -> None:
        try:
            # Not wait_for: in Python 3.11 it loses a cancel that comes with its result.
            async with asyncio.timeout(POLL_SECONDS):
                await self._news.wait()
        except TimeoutError:
            return

    async def _step(self, connection: asyncpg.Connection) -> bool:
        at = await store.position(connection, self._schema)
        batch = await read_batch(connection, at)
        if not batch:
            self._tell(ALL_VIEWS, at)
            return False
        changed = await apply_batch(connection, self._schema, at, batch)
        views = frozenset().union(*(VIEWS_OF[table] for table in changed))
        # Events that another runner applied meanwhile are news to whoever listens here.
        missed = self._told is None or self._told != at
        self._tell(ALL_VIEWS if missed else views, batch[-1].position)
        return True

    def _tell(self, views: frozenset[str], position: int) -> None:
        """Nothing is told twice; at the start it is told where the tables stand."""
        self.position = position
        if position == self._told:
            return
        self._told = position
        self._on_change(views, position)

    def _hear(self, *_: object) -> None:
        self._news.set()

    def _hear_end(self, _: object) -> None:
        self._news.set()


async def apply_batch(
    connection: asyncpg.Connection, schema: str, at: int, batch: list[Located]
) -> frozenset[str]:
    """Rows and position together, or neither. Raises Overtaken."""
    changes = [
        (located.position, change)
        for located in batch
        for model in MODELS
        for change in model.project(located.recorded, located.position)
    ]
    async with connection.transaction():
        await store.advance(connection, schema, at, batch[-1].position)
        return await store.write(connection, schema, changes)


async def apply_upto(
    connection: asyncpg.Connection,
    schema: str,
    upto: int = END_OF_LOG,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Project the log into a schema up to a position; the position reached."""
    at = await store.position(connection, schema)
    while batch := await read_batch(connection, at, upto=upto, limit=BATCH_EVENTS_MAX):
        await apply_batch(connection, schema, at, batch)
        at = batch[-1].position
        if progress is not None:
            progress(at)
    return at


async def connect(url: str) -> asyncpg.Connection:
    """A connection as the user of the URL, who owns the read tables. Raises OSError."""
    return await asyncpg.connect(
        url, timeout=CONNECT_SECONDS, server_settings={"application_name": "plimsoll projections"}
    )


async def _close(connection: asyncpg.Connection) -> None:
    """Politely if the server still answers."""
    try:
        await connection.close(timeout=CONNECT_SECONDS)
    except Exception:  # noqa: BLE001 - whatever it says, we are done with it
        connection.terminate()


def _nobody(_: frozenset[str], __: int) -> None:
    """Nobody listens."""
