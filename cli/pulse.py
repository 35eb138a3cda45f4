"""The engine's clock: a tick each second, with the grid instants it met."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
import structlog

from adapters.clock import SystemClock
from application.inputs import ClockTicked
from application.ports import Submit

TICK_SECONDS = 1.0
PROMOTION_SECONDS = 10
MINUTE_SECONDS = 60

log = structlog.get_logger(__name__)


class Ticked(Protocol):
    """What the clock asks of the accounts at work."""

    def names(self) -> Sequence[str]:
        """The accounts that are told the time."""
        ...

    def has_new_marks(self, account: str) -> bool:
        """Whether a symbol of the account has got its first mark since last asked."""
        ...

    def evaluate_seconds(self, account: str) -> int:
        """How often the account's losers are looked at: `risk.offset.evaluate_seconds`."""
        ...

    def contact_at(self, account: str) -> datetime | None:
        """When its venue last said anything."""
        ...


async def tick(accounts: Ticked, submit: Submit) -> None:
    """Tell every account each second that time passed, and which grid instants it met.

    A symbol's first mark lets the queue be walked at once: what waited for it waits no longer.
    """
    clock = SystemClock()
    before = clock.now()
    while True:
        await asyncio.sleep(TICK_SECONDS)
        now = clock.now()
        for account in accounts.names():
            try:
                submit(account, _of_account(accounts, account, before, now))
            except Exception:
                # Without a clock nothing watches over a trade: the others must keep theirs.
                log.exception("account_not_ticked", account=account)
        before = now


def _of_account(accounts: Ticked, account: str, before: datetime, now: datetime) -> ClockTicked:
    passed = ticked(before, now, accounts.evaluate_seconds(account))
    is_due = passed.promotion or accounts.has_new_marks(account)
    return msgspec.structs.replace(
        passed, promotion=is_due, contact_at=accounts.contact_at(account)
    )


def ticked(before: datetime, now: datetime, evaluate_seconds: int) -> ClockTicked:
    """A tick at `now`, with the grid instants that lie after `before`."""
    return ClockTicked(
        due_at=now,
        promotion=_crosses(before, now, PROMOTION_SECONDS),
        minute=_crosses(before, now, MINUTE_SECONDS),
        offset=_crosses(before, now, evaluate_seconds),
    )


def _crosses(before: datetime, now: datetime, seconds: int) -> bool:
    """Whether a whole multiple since midnight UTC lies in (before, now]."""
    midnight = before.replace(hour=0, minute=0, second=0, microsecond=0)
    grid = timedelta(seconds=seconds)
    return (before - midnight) // grid != (now - midnight) // grid
