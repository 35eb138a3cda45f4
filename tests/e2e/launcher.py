"""Starts Plimsoll as its command does, and kills the process at one named step of its work.

`python -m tests.e2e.launcher serve …` with PLIMSOLL_TEST_STEPS, the file to write each step
to, and PLIMSOLL_TEST_KILL, the step to die at, both optional. Steps count from the start, or
once the file PLIMSOLL_TEST_FROM exists. Production code knows nothing of it: the two doors to
the log and the venue are wrapped in this process alone.
"""

import asyncio
import faulthandler
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

from eventsourcing.persistence import StoredEvent

from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.postgres.event_log import PostgresEventLog
from application.ports import OrderTicket
from cli.main import main

STEPS = "PLIMSOLL_TEST_STEPS"
KILL = "PLIMSOLL_TEST_KILL"
FROM = "PLIMSOLL_TEST_FROM"

# What a commit is named after: the first of these that it contains, and else nothing.
FACTS = {
    "trading_day.signal_received.v1": "signal",
    "equity.emergency_stopped.v1": "emergency-stopped",
    "exit.touched.v1": "exit-touched",
    "position_group.reduction_started.v1": "reduction-started",
    "position_group.reduction_ended.v1": "reduction-ended",
    "position_group.closed.v1": "group-closed",
    "position_group.close_attempted.v1": "close-requested",
    "dca_leg.exit_filled.v1": "exit-filled",
    "dca_leg.entry_filled.v1": "entry-filled",
    "order.ended.v1": "order-ended",
    "order.accepted.v1": "accepted",
    "order.resent.v1": "resent",
    "order.unknown.v1": "unknown",
}


class Steps:
    """Counts steps of each kind, writes them down, and ends the process at the wanted one."""

    def __init__(self, path: Path | None, wanted: str, begins: Path | None) -> None:
        self._path = path
        self._wanted = wanted
        self._begins = begins
        self._counts: Counter[str] = Counter()

    def began(self, kinds: Sequence[str]) -> list[str]:
        """Names of the step, `<kind>-<how many of that kind so far>`, just before it is done."""
        if self._begins is not None and not self._begins.exists():
            return []
        self._counts.update(kinds)
        names = [f"{kind}-{self._counts[kind]}" for kind in kinds]
        self._pass("before", names)
        return names

    def ended(self, names: Sequence[str]) -> None:
        """The step was done."""
        self._pass("after", names)

    def _pass(self, when: str, names: Sequence[str]) -> None:
        marked = [f"{when}:{name}" for name in names]
        if self._path is not None and marked:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(" ".join(marked) + "\n")
        if self._wanted in marked:
            os.kill(os.getpid(), signal.SIGKILL)


def watch_log(steps: Steps) -> None:
    """Every commit is a step, named after the facts in it."""
    append = PostgresEventLog.append

    @wraps(append)
    def counted(
        log: PostgresEventLog, events: Sequence[StoredEvent], inbox_ids: Sequence[int] = ()
    ) -> Sequence[int]:
        topics = {event.topic for event in events}
        kinds = [f"commit-{name}" for topic, name in FACTS.items() if topic in topics]
        names = steps.began(kinds or ["commit-other"])
        positions = append(log, events, inbox_ids)
        steps.ended(names)
        return positions

    PostgresEventLog.append = counted  # type: ignore[method-assign,assignment]


def watch_venue(steps: Steps) -> None:
    """Every call that places, cancels or asks is a step."""

    def counted(name: str, kind: Callable[..., str]) -> None:
        call: Callable[..., Awaitable[Any]] = getattr(CcxtExchange, name)

        @wraps(call)
        async def step(exchange: CcxtExchange, *arguments: Any) -> Any:
            names = steps.began([kind(*arguments)])
            answer = await call(exchange, *arguments)
            steps.ended(names)
            return answer

        setattr(CcxtExchange, name, step)

    counted("place", _placing)
    counted("cancel", lambda *_: "cancel")
    counted("query", lambda *_: "query")


def _placing(ticket: OrderTicket) -> str:
    if ticket.trigger_price is not None:
        return "place-stop"
    is_way_out = (ticket.position_side, ticket.side) in {("long", "sell"), ("short", "buy")}
    if not ticket.reduce_only and not is_way_out:
        return "place-entry"
    return "place-close" if ticket.time_in_force == "ioc" else "place-exit"


def path_in(variable: str) -> Path | None:
    """The path an environment variable names, if it is set."""
    written = os.environ.get(variable)
    return Path(written) if written else None


def tell_what_it_waits_for(*_: object) -> None:
    """SIGUSR2: where every thread and every task stands, for a house that does not end."""
    faulthandler.dump_traceback(sys.stderr)
    for task in asyncio.all_tasks():
        task.print_stack(file=sys.stderr)
    sys.stderr.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR2, tell_what_it_waits_for)
    counting = Steps(path_in(STEPS), os.environ.get(KILL, ""), path_in(FROM))
    watch_log(counting)
    watch_venue(counting)
    main()
