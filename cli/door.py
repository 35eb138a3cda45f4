"""The inbox as the web sees it: what comes in is made durable, and the writer is woken."""

from adapters.postgres.inbox_writer import AsyncInbox
from application.writer import Writer
from domain.message import Input


class Door:
    """Keeps `web.deps.InboxDoor`."""

    def __init__(self, inbox: AsyncInbox, writer: Writer) -> None:
        self._inbox = inbox
        self._writer = writer

    async def put(self, account: str, occurrence: Input) -> int:
        """The inbox id, after the commit. Raises InboxUnavailable."""
        inbox_id = await self._inbox.put(account, occurrence)
        self._writer.wake()
        return inbox_id
