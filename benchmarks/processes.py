"""Plimsoll and the simulated exchange as processes of their own, reached over 127.0.0.1."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30
WORDS_SHOWN = 3_000


def child_environment(**more: str) -> dict[str, str]:
    """Our environment without another installation in it, and with bytecode kept aside.

    Without bytecode the exchange library alone takes seconds to load, at every start.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PLIMSOLL_")
        and name not in {"DATABASE_URL", "PYTHONDONTWRITEBYTECODE"}
    }
    cache = Path(tempfile.gettempdir()) / f"plimsoll-benchmarks-{os.getuid()}-bytecode"
    return {**kept, "PYTHONPYCACHEPREFIX": str(cache), **more}


@asynccontextmanager
async def serving(
    arguments: tuple[str, ...], directory: Path, variables: Mapping[str, str]
) -> AsyncIterator[dict[str, Any]]:
    """`python -m …` until it printed its one line of JSON; ended when done.

    Raises RuntimeError with its last words if it ends before.
    """
    errors = directory / "errors.txt"
    with errors.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *arguments),
            cwd=CHECKOUT,
            env=child_environment(**variables),
            stdout=asyncio.subprocess.PIPE,
            stderr=sink,
        )
    try:
        yield {**await _introduction(process, errors), "pid": process.pid}
    finally:
        await _end(process)


async def command(*arguments: str, directory: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """`python -m …` to its end; the JSON it printed. Raises RuntimeError if it failed."""
    async with serving(arguments, directory, variables) as answer:
        return answer


async def _introduction(process: asyncio.subprocess.Process, errors: Path) -> dict[str, Any]:
    assert process.stdout is not None, "the process was started with a pipe"
    async with asyncio.timeout(READY_SECONDS_MAX):
        line = await process.stdout.readline()
    if not line:
        raise RuntimeError(f"a process ended before it was ready: {_last_words(errors)}")
    introduced: dict[str, Any] = json.loads(line)
    return introduced


def _last_words(errors: Path) -> str:
    return errors.read_text(encoding="utf-8", errors="replace")[-WORDS_SHOWN:]


async def _end(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, and SIGKILL for what does not hear it."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
