"""An event in a trader's words; each aggregate's events are worded in a file of their own."""

from datetime import datetime
from decimal import Decimal, localcontext
from functools import singledispatch

import msgspec

from domain.message import Event
from domain.money import DECISION_CONTEXT, plain
from projections.views import Kind, Severity

# An alert may carry any number; beyond these digits before the point it is shown as written.
DIGITS_MAX = 30


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What the log page shows of an event. No symbol: its subject, or nothing, has one."""

    kind: Kind
    text: str
    symbol: str = ""
    severity: Severity = "info"


@singledispatch
def describe(event: Event) -> Description:
    """The event in words. A NAME without words of its own is shown by its NAME.

    Never raises, so that a newer event can't stop the log page; a test over all event types
    makes sure that each has words.
    """
    return Description(kind="engine", text=f"{event.NAME} happened")


def amount(value: Decimal | None, unknown: str = "unknown") -> str:
    """A decimal as people write it, whatever it is."""
    if value is None:
        return unknown
    if not value.is_finite() or value.adjusted() > DIGITS_MAX:
        return str(value)
    with localcontext(DECISION_CONTEXT):
        return plain(value)


def clock(value: datetime | None) -> str:
    """A time in UTC to the second."""
    return "never" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def because(reason: str) -> str:
    """A reason behind a colon, if there is one."""
    return f": {reason}" if reason else ""
