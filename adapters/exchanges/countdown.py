"""The venue's own dead-man switch: resting entries vanish there when we fall silent.

It takes every order of a symbol, exits too: so a symbol is armed only while it holds no lots,
unless the settings say otherwise.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from adapters.clock import SteadyClock
from application.work import NotSentError
from application.work_list import BookSnapshot

log = structlog.get_logger(__name__)


class CountdownVenue(Protocol):
    """A venue that may cancel a symbol's orders by itself."""

    @property
    def has_countdown(self) -> bool:
        """Whether it offers that at all."""
        ...

    async def set_countdown(self, symbol: str, seconds: int) -> None:
        """Cancel all orders of the symbol after so many seconds, 0 = never.

        Raises ConnectionError if that is not certain, NotSentError if it provably did not leave.
        """
        ...


class CountdownLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the switch, in seconds. A countdown is renewed `renewals` times in its span.

    `doubt_seconds`: how long after its sending a call without an answer may still take effect.
    """

    renewals: int = 3
    retry_seconds: float = 1.0
    doubt_seconds: float = 7.0
    stop_seconds_max: float = 5.0


class _Switch:
    """One symbol's countdown: its calls go strictly in turn."""

    def __init__(self) -> None:
        self.seconds = 0
        self.changed = asyncio.Event()
        self.doubt_until = 0.0
        self.task: asyncio.Task[None] | None = None


class Countdown:
    """Keeps each symbol armed that should be, and no other. One per account.

    What an earlier process may have armed is taken back at the first sight of its symbol.
    """

    def __init__(
        self,
        account: str,
        venue: CountdownVenue,
        clock: SteadyClock,
        is_current: Callable[[], bool],
        limits: CountdownLimits | None = None,
    ) -> None:
        self._venue = venue
        self._clock = clock
        self._is_current = is_current
        self._limits = limits or CountdownLimits()
        self._log = log.bind(account=account)
        self._switches: dict[str, _Switch] = {}
        # Symbols whose countdown is known not to run.
        self._off: set[str] = set()
        self._is_stopping = False
        self._is_refused = False

    @property
    def armed(self) -> tuple[str, ...]:
        """The symbols whose countdown runs, or may run."""
        return tuple(sorted(self._switches))

    def note(self, snapshot: BookSnapshot) -> None:
        """Take what rests and what is held now. From the event loop; never blocks."""
        risk = snapshot.settings.risk
        if self._is_stopping or not self._is_offered(risk.countdown_seconds):
            return
        seconds = risk.countdown_seconds or 0
        held = () if risk.countdown_with_positions else snapshot.held
        wanted = {symbol for symbol in snapshot.resting if seconds and symbol not in held}
        for symbol in sorted(wanted):
            self._turn(symbol, seconds)
        unsure = {*self._switches, *(snapshot.held if seconds else ())}
        for symbol in sorted(unsure - wanted - self._off):
            self._turn(symbol, 0)

    async def stop(self) -> None:
        """Disarm everything, since what rests stays; says so of what could not be disarmed."""
        self._is_stopping = True
        tasks = [switch.task for switch in self._switches.values() if switch.task is not None]
        for symbol in self.armed:
            self._turn(symbol, 0)
        if tasks:
            await asyncio.wait(tasks, timeout=self._limits.stop_seconds_max)
        if self._switches:
            self._log.error("countdowns_left_running", symbols=self.armed)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_offered(self, seconds: int | None) -> bool:
        if self._venue.has_countdown:
            return True
        if seconds is not None and not self._is_refused:
            self._is_refused = True
            self._log.warning("countdown_not_offered", seconds=seconds)
        return False

    def _turn(self, symbol: str, seconds: int) -> None:
        """Want a countdown of so many seconds, 0 = none. What is wanted already is no news."""
        switch = self._switches.get(symbol)
        if switch is None:
            switch = self._switches[symbol] = _Switch()
            switch.seconds = seconds
            self._off.discard(symbol)
            switch.task = asyncio.get_running_loop().create_task(self._keep(symbol, switch))
        elif switch.seconds != seconds:
            switch.seconds = seconds
            switch.changed.set()

    async def _keep(self, symbol: str, switch: _Switch) -> None:
        """Until the countdown is known not to run, and is not wanted."""
        while True:
            switch.changed.clear()
            wait = await self._step(symbol, switch)
            if wait is None:
                self._switches.pop(symbol)
                self._off.add(symbol)
                return
            try:
                async with asyncio.timeout(wait):
                    await switch.changed.wait()
            except TimeoutError:
                continue

    async def _step(self, symbol: str, switch: _Switch) -> float | None:
        """One call. Gives the wait before the next, none if there is nothing more to do."""
        seconds = switch.seconds
        if seconds and not self._is_current():
            # Another engine may work for the account, or none can: then it is to run out.
            return self._limits.retry_seconds
        sent_at = self._clock.monotonic()
        try:
            await self._venue.set_countdown(symbol, seconds)
        except NotSentError as error:
            self._warn(symbol, seconds, error)
            return max(self._limits.retry_seconds, error.retry_after_seconds)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again
            self._warn(symbol, seconds, error)
            if seconds:
                switch.doubt_until = self._clock.monotonic() + self._limits.doubt_seconds
            return self._limits.retry_seconds
        if seconds:
            return seconds / self._limits.renewals
        if switch.seconds:
            # Wanted again while it was taken back.
            return 0
        # An arming that nobody answered may come to the venue after this.
        doubt = switch.doubt_until - sent_at
        return doubt if doubt > 0 else None

    def _warn(self, symbol: str, seconds: int, error: Exception) -> None:
        self._log.warning("countdown_not_set", symbol=symbol, seconds=seconds, error=repr(error))
