"""Every notifier of the house at work, each by itself."""

import asyncio
from collections.abc import Sequence
from typing import Literal

import structlog

from adapters.notifying.courier import Courier, CourierDeps
from adapters.notifying.notifier import Notifier, NotifierState
from application.journal import JournalError

NotifiersWord = Literal["none", "ok", "failing"]

log = structlog.get_logger(__name__)


class Couriers:
    """One task for all of them, none if there are none."""

    def __init__(self, notifiers: Sequence[Notifier], deps: CourierDeps) -> None:
        self._deps = deps
        self._names = [notifier.name for notifier in notifiers]
        self._couriers = [Courier(notifier, deps) for notifier in notifiers]

    def __bool__(self) -> bool:
        return bool(self._couriers)

    async def begin(self) -> None:
        """Before the engine starts, so that its first alert is not taken for history."""
        if not self._couriers:
            return
        try:
            await self._deps.source.begin(self._names)
        except JournalError as error:
            log.warning("notifiers_begin_later", notifiers=self._names, error=str(error))

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for courier in self._couriers:
                group.create_task(courier.run())

    def word(self) -> NotifiersWord:
        """How they do, all in all."""
        if not self._couriers:
            return "none"
        return "failing" if any(courier.state.failures for courier in self._couriers) else "ok"

    def states(self) -> tuple[NotifierState, ...]:
        """How each of them does, since the house opened."""
        return tuple(courier.state for courier in self._couriers)
