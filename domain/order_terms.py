"""The words an order is described with, and what proves that the venue never had it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

Purpose = Literal["entry", "take_profit", "stop", "reduce", "close"]
Liquidity = Literal["maker", "taker"]
RefusalKind = Literal["other", "insufficient_funds", "post_only"]
TimeInForce = Literal["gtc", "ioc", "post_only"]
EndedStatus = Literal["filled", "cancelled", "expired", "rejected", "lost"]


class OrderStatus(StrEnum):
    """Where an order stands."""

    REQUESTED = "requested"
    UNKNOWN = "unknown"
    OPEN = "open"
    FILLED = "filled"
    ENDED = "ended"
    REJECTED = "rejected"
    EXPIRED = "expired"


# Spec §4: absent only after three empty answers spread over at least this long.
ABSENCE_ANSWERS = 3
ABSENCE_SPAN = timedelta(seconds=30)


def proves_absence(answers: int, first_at: datetime, last_at: datetime) -> bool:
    """Whether so many empty answers, asked for between these times, leave no doubt."""
    return answers >= ABSENCE_ANSWERS and last_at - first_at >= ABSENCE_SPAN
