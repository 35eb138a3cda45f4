"""The web over the stub house in a process of its own, led by lines on its standard input.

Prints `{"port": …, "login": …}` when it listens. `pnl 12.5` moves a figure and tells the pages;
`state halted` changes the banner; `offset begins` sets one under way; `outcome text`
adds a row to the log; `hang up` ends all streams.
"""

import asyncio
import json
import signal
import sys
from datetime import datetime, timedelta
from decimal import Decimal

from adapters.clock import SystemClock
from application.inputs import OperatorActed
from tests.web import story, story_offsets
from tests.web.stub_house import StillClock, StubHouse
from web.app import create_app
from web.figures import words
from web.server import serve


class StoryClock(StillClock):
    """Begins at the story's moment and goes on with the real one."""

    def __init__(self) -> None:
        super().__init__()
        self._real = SystemClock()
        self._began = self._real.now()

    def now(self) -> datetime:
        return story.NOW + (self._real.now() - self._began)

    def monotonic(self) -> float:
        return self._real.monotonic()


def obey(house: StubHouse, line: str) -> None:
    """Do what one line says."""
    verb, _, argument = line.strip().partition(" ")
    if verb == "pnl":
        house.views.pnl = Decimal(argument)
        house.changes.publish({"overview", "groups"})
    elif verb == "state":
        house.views.trading_state = argument
        house.changes.publish({"overview", "risk"})
    elif verb == "offset":
        house.views.is_offsetting = argument == "begins"
        house.changes.publish({"offsets"})
    elif verb == "unprotected":
        house.views.unprotected = int(argument)
        house.changes.publish({"overview", "groups"})
    elif verb == "alert":
        told = story.alert(902, "exit_failing", "critical", "gaaaa-p0-l0", argument)
        house.views.alerts_told = (told, *house.views.alerts_told)
        house.changes.publish({"overview"})
    elif verb == "outcome":
        acted = house.inbox.stored[-1][1]
        assert isinstance(acted, OperatorActed)
        asked = story.wished(901, f"operator: {words(acted.action)} {acted.subject}")
        house.views.log_rows = (story.log_row(902, "info", argument), asked)
        house.changes.publish({"log"})
    elif verb == "hang":
        for subscription in house.changes._subscriptions:
            subscription.end()
        house.changes._closed = True
        asyncio.get_running_loop().call_later(1.5, setattr, house.changes, "_closed", False)


async def main() -> None:
    """Serve until SIGTERM."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    house = StubHouse(clock=StoryClock())
    house.outlook = story_offsets.outlook()
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(sys.stdin, lambda: _read(house))

    def announce(port: int) -> None:
        base = f"http://127.0.0.1:{port}"
        now = house.clock.now() - timedelta(seconds=1)
        told = {"port": port, "url": base, "login": house.access.sign_in_url(base, now)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()

    await serve(create_app(house.deps), "127.0.0.1", port, stop, announce)


def _read(house: StubHouse) -> None:
    line = sys.stdin.readline()
    if line:
        obey(house, line)
    else:
        asyncio.get_running_loop().remove_reader(sys.stdin)


if __name__ == "__main__":
    asyncio.run(main())
