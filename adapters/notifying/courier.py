"""Tells one notifier of the alerts in the log: in order, at least once, for ever."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from adapters.clock import SteadyClock
from adapters.notifying.letter import Letter, Receipt
from adapters.notifying.messages import Message, next_message
from adapters.notifying.notifier import Alert, Notifier, NotifierState
from application.journal import JournalError

log = structlog.get_logger(__name__)


class AlertSource(Protocol):
    """The alerts of the log, and how far each notifier came. All raise LogUnavailable."""

    async def begin(self, names: Sequence[str]) -> None:
        """Those that are not known yet begin at the head of the log."""
        ...

    async def waiting(self, name: str) -> list[Alert]:
        """The next alerts after a notifier's position.

        None while another process works for this notifier, or if it is not known.
        """
        ...

    async def advance(self, name: str, position: int, *, sent: bool) -> None:
        """Everything up to there is done; `sent` if the last of it was a message."""
        ...

    async def failed(self, name: str, trouble: str) -> None:
        """Another try failed."""
        ...


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """In seconds: how often to look, to send, and to try again."""

    poll: float = 1.0
    retry: float = 5.0
    retry_max: float = 300.0
    send_max: int = 30
    burst_span: float = 60.0
    # At most so many messages within the span: what comes faster gathers into a digest.
    burst_messages: int = 5


class CourierDeps(msgspec.Struct, frozen=True, kw_only=True):
    """What a courier works with."""

    source: AlertSource
    clock: SteadyClock
    deliver: Callable[[Letter], Awaitable[Receipt]]
    pace: Pace = Pace()


class Courier:
    """One notifier's own task. Whatever happens to it, nobody else waits for it."""

    def __init__(self, notifier: Notifier, deps: CourierDeps) -> None:
        self._notifier = notifier
        self._deps = deps
        self._recent: deque[float] = deque(maxlen=deps.pace.burst_messages)
        self._has_begun = False
        self._sent_upto = 0
        self.state = NotifierState(name=notifier.name, position=0)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            delay = await self._round()
            await asyncio.sleep(delay)

    async def _round(self) -> float:
        """Send at most one message; the seconds until the next look.

        The position is saved after the message was sent: a crash in between sends it again.
        """
        try:
            return await self._worked()
        except JournalError as error:
            log.warning("notifier_waits_for_the_log", notifier=self._name, error=str(error))
        except Exception as error:  # noqa: BLE001 - one that stands still for ever is worse
            log.error("notifier_stumbled", notifier=self._name, error=type(error).__name__)  # noqa: TRY400 - its text may name the address
        return self._deps.pace.retry

    async def _worked(self) -> float:
        source, pace = self._deps.source, self._deps.pace
        if not self._has_begun:
            await source.begin([self._name])
            self._has_begun = True
        found = await source.waiting(self._name)
        # What was sent is not sent again only because its position could not be saved.
        new = (alert for alert in found if alert.position > self._sent_upto)
        wanted = [alert for alert in new if self._notifier.wants(alert)]
        if not wanted:
            if found:
                await source.advance(self._name, found[-1].position, sent=False)
            return pace.poll
        message = next_message(wanted)
        receipt = await self._deps.deliver(_letter(self._notifier, message, pace.send_max))
        if not receipt.sent:
            return await self._failed(receipt, len(wanted))
        self._succeeded(message)
        await source.advance(self._name, message.upto, sent=True)
        return self._breath(is_more=len(wanted) > message.alerts)

    async def _failed(self, receipt: Receipt, waiting: int) -> float:
        failures = self.state.failures + 1
        since = self.state.failing_since or self._deps.clock.now()
        self.state = msgspec.structs.replace(
            self.state, failures=failures, failing_since=since, trouble=receipt.reason
        )
        pace = self._deps.pace
        delay = min(pace.retry * 2.0 ** min(failures - 1, 16), pace.retry_max)
        log.warning(
            "notifier_failed",
            notifier=self._name,
            reason=receipt.reason,
            failures=failures,
            alerts_waiting=waiting,
            next_try_seconds=delay,
        )
        await self._deps.source.failed(self._name, receipt.reason)
        return delay

    def _succeeded(self, message: Message) -> None:
        if self.state.failures:
            log.info("notifier_works_again", notifier=self._name, alerts=message.alerts)
        self._sent_upto = message.upto
        now = self._deps.clock.now()
        self.state = NotifierState(name=self._name, position=message.upto, sent_at=now)
        self._recent.append(self._deps.clock.monotonic())

    def _breath(self, *, is_more: bool) -> float:
        """At once if more waits, unless there was a burst of messages a moment ago."""
        pace = self._deps.pace
        if len(self._recent) == pace.burst_messages:
            left = self._recent[0] + pace.burst_span - self._deps.clock.monotonic()
            if left > 0:
                return left
        return 0.0 if is_more else pace.poll

    @property
    def _name(self) -> str:
        return self._notifier.name


def _letter(notifier: Notifier, message: Message, seconds_max: int) -> Letter:
    return Letter(
        url=notifier.url,
        title=message.title,
        body=message.body,
        severity=message.severity,
        seconds_max=seconds_max,
    )
