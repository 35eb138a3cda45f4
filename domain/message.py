"""The kinds of message the house speaks: events, inputs and commands."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened. Stored for ever under its NAME, `<aggregate>.<past>.v1`."""

    NAME: ClassVar[str]


class MarkSeen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The mark of a symbol: mid of best bid and ask, else the last trade, in quote units.

    `bid` and `ask` are the touch, where the venue tells it.
    """

    symbol: str
    price: Decimal
    at: datetime
    bid: Decimal | None = None
    ask: Decimal | None = None


class Input(Event, frozen=True, kw_only=True):
    """One thing from outside, stored on the account's trading day before what it caused.

    `marks` are the marks that changed since the account's last recorded input.
    """

    marks: tuple[MarkSeen, ...] = ()


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A wish an aggregate decides on. It carries every input of the decision.

    AGGREGATE names the module that decides; `key` finds the stream within it.
    """

    AGGREGATE: ClassVar[str]

    @property
    def key(self) -> str:
        """The aggregate's key within the account; empty where the open day is the key."""
        return ""
