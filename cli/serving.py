"""Keeps a house open until it is told to close, and says where its doors are."""

import asyncio
import signal
from collections.abc import Callable

from cli.home import Home
from cli.house import House, HouseOptions

Announce = Callable[[House], None]


async def keep_open(
    url: str, home: Home, options: HouseOptions, announce: Announce, account: str | None = None
) -> None:
    """Open, announce, and wait for SIGTERM or Ctrl-C. Waits for `account` first, if given."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with House(url, home, options).opened() as house:
        if account is not None:
            await house.wait_for_account(account)
        announce(house)
        await stop.wait()
