"""The writer's hold on Postgres: one lease connection that commits, and the inbox beside it."""

from adapters.postgres.event_log import PostgresEventLog
from adapters.postgres.inbox import PostgresInbox
from adapters.postgres.lease import Lease


class PostgresSession:
    """`application.writer.Session` on one Postgres. Raises LeaseError if it cannot be had."""

    def __init__(self, url: str) -> None:
        self._lease = Lease.open(url)
        self.log = PostgresEventLog(url, self._lease)
        self.inbox = PostgresInbox(url)

    def take(self, account: str) -> None:
        """Become the only writer of an account. Raises LeaseTakenError if another engine is."""
        self._lease.take(account)

    def confirm(self) -> float:
        """Ask the server whether every lock is still held; returns the monotonic time."""
        return self._lease.confirm()

    def close(self) -> None:
        """Give up lease, log and inbox; the server frees the locks with the connection."""
        self._lease.close()
        self.log.close()
        self.inbox.close()
