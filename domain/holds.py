"""What holds new exposure back: every cause stands on its own, and the tightest rules."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

TradingState = Literal["active", "reducing", "halted"]
HoldCause = Literal[
    "operator", "failed_input", "foreign_orders", "breaker", "emergency_stop", "dead_man"
]

TIGHTNESS: tuple[TradingState, ...] = ("active", "reducing", "halted")

# What an operator's resume ends. The breaker has a reset of its own, lost contact ends by itself.
RESUMABLE: tuple[HoldCause, ...] = ("emergency_stop", "failed_input", "foreign_orders", "operator")


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """One cause that keeps new exposure away, and how tightly."""

    cause: HoldCause
    state: TradingState
    reason: str
    actor: str
    since: datetime


def ruling(holds: Mapping[str, Hold]) -> Hold | None:
    """The tightest hold, the longest standing of several; none if nothing is held back."""
    ordered = sorted(
        (hold for _, hold in sorted(holds.items())),
        key=lambda hold: (-TIGHTNESS.index(hold.state), hold.since, hold.cause),
    )
    return ordered[0] if ordered else None


def state_of(holds: Mapping[str, Hold]) -> TradingState:
    """The trading state that all holds together make."""
    tightest = ruling(holds)
    return tightest.state if tightest is not None else "active"
