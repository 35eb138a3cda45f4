"""Whose turn it is: one lane per order, one desk per account, urgent work first."""

import asyncio
import heapq
from itertools import count
from typing import Literal

import msgspec

from application.inputs import OrderReported
from application.work import OrderWork

Urgency = Literal[0, 1, 2, 3]
CANCEL: Urgency = 0
EXIT: Urgency = 1
ENTRY: Urgency = 2
QUERY: Urgency = 3

OrderKey = tuple[str, int]
"""One sending of one client order id."""


class DispatchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the dispatcher. All waits in seconds.

    `calls_at_once` is per account and urgency: a call starts only while fewer calls than
    this are under way, so that hanging queries never keep a cancel or an exit waiting.
    """

    lease_seconds_max: float = 3.0
    lease_retry_seconds: float = 0.25
    retry_seconds: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    unheard_seconds: float = 5.0
    stop_seconds_max: float = 10.0
    sent_remembered_max: int = 100_000
    calls_at_once: tuple[int, int, int, int] = (8, 8, 6, 4)

    def delay(self, tried: int) -> float:
        """How long to wait before try number `tried` + 1; the last delay repeats."""
        return self.retry_seconds[min(tried, len(self.retry_seconds) - 1)]


class Lane:
    """The work on one client order id: its commands go strictly in turn."""

    def __init__(self) -> None:
        self.work: OrderWork | None = None
        self.tried = 0
        self.turn = 0
        self.is_busy = False
        self.unsent: OrderKey | None = None
        self.missed: OrderKey | None = None
        self.reports: tuple[OrderReported, ...] = ()
        self.timer: asyncio.TimerHandle | None = None

    def stop_timer(self) -> None:
        """Forget a planned turn."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Desk:
    """One account's lanes and the queue of those whose turn has come."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.lanes: dict[str, Lane] = {}
        self.calls = 0
        self.is_pump_planned = False
        self._waiting: list[tuple[int, int, int, Lane]] = []
        self._arrivals = count()

    def enqueue(self, lane: Lane) -> None:
        """Put a lane in line by urgency, then arrival; an earlier place in line lapses."""
        assert lane.work is not None, "only a lane with work can wait for its turn"
        lane.turn += 1
        entry = (urgency(lane.work), next(self._arrivals), lane.turn, lane)
        heapq.heappush(self._waiting, entry)

    def next_lane(self, limits: DispatchLimits) -> Lane | None:
        """The most urgent lane that may call now, or none."""
        while self._waiting:
            level, _, turn, lane = self._waiting[0]
            if lane.work is None or lane.is_busy or turn != lane.turn:
                heapq.heappop(self._waiting)
                continue
            if self.calls >= limits.calls_at_once[level]:
                return None
            heapq.heappop(self._waiting)
            return lane
        return None


def order_key(work: OrderWork) -> OrderKey:
    """The sending this work is about."""
    return (work.client_order_id, work.sending)


def is_same_wish(one: OrderWork | None, other: OrderWork) -> bool:
    """Whether two works ask for the same thing, so that the second is no news."""
    return (
        one is not None
        and one.client_order_id == other.client_order_id
        and one.state == other.state
        and one.sending == other.sending
    )


def first_delay(work: OrderWork, limits: DispatchLimits) -> float:
    """Questions wait a moment: what was just lost may still be on its way."""
    return limits.delay(0) if work.state in ("unknown", "trades_missing") else 0.0


def urgency(work: OrderWork) -> Urgency:
    """Cancels before exits before entries before questions."""
    if work.state == "cancel_requested":
        return CANCEL
    if work.state == "requested":
        return EXIT if work.purpose == "exit" else ENTRY
    return QUERY
