"""What is handed to the process that sends, and what it answers."""

import msgspec

from domain.day_terms import AlertSeverity


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message and its address. Without a body nothing is sent: the address is only read.

    `seconds_max` bounds the sending as a whole, whatever the service does.
    """

    url: str
    title: str = ""
    body: str = ""
    severity: AlertSeverity = "info"
    seconds_max: int = 30

    def __repr__(self) -> str:
        return f"Letter(title={self.title!r}, url=***)"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it was delivered, else why not: without any part of the address."""

    sent: bool
    reason: str = ""
