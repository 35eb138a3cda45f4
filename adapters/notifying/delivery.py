"""Carries one message out of the house: in a process that is ended when it takes too long."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec

from adapters.notifying.letter import Letter, Receipt

SENDER = "adapters.notifying.sender"
# Starting Python and loading Apprise is part of it, on a busy machine.
SEND_SECONDS_MAX = 30

# What a stranger's code must never see: exchange keys, the API token, the database.
_OURS = ("PLIMSOLL_", "DATABASE_URL", "PG")


async def deliver(letter: Letter) -> Receipt:
    """Send it; never raises for a failure outside. Cancelled, it leaves no process behind."""
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", SENDER),
            cwd="/",
            env=_environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # Ctrl-C closes the house, which ends its senders itself.
            start_new_session=True,
        )
    except OSError as error:
        return Receipt(sent=False, reason=f"no process could be started to send it: {error}")
    try:
        async with asyncio.timeout(letter.seconds_max):
            answer, _ = await process.communicate(msgspec.json.encode(letter))
    except TimeoutError:
        return _unanswered(letter)
    finally:
        await _end(process)
    return _read(letter, answer, process.returncode)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        # Shielded: a second cancel must not leave it unreaped.
        await asyncio.shield(process.wait())


def _read(letter: Letter, answer: bytes, code: int | None) -> Receipt:
    if code == -signal.SIGALRM:
        return _unanswered(letter)
    try:
        return msgspec.json.decode(answer, type=Receipt)
    except msgspec.DecodeError:
        return Receipt(sent=False, reason=f"the sending process ended with {code} and no answer")


def _unanswered(letter: Letter) -> Receipt:
    return Receipt(sent=False, reason=f"no answer within {letter.seconds_max} s")


def _environment() -> dict[str, str]:
    importable = os.pathsep.join([str(Path(__file__).resolve().parents[2]), *sys.path])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, "PYTHONPATH": importable}
