"""Plimsoll as an operator has it: an installation, its commands and its running house."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from tests.e2e.waiting import until

CHECKOUT = Path(__file__).resolve().parents[2]
WORDS_SHOWN = 6_000
START_SECONDS_MAX = 90.0
COMMAND_SECONDS_MAX = 120.0


def child_environment(**more: str) -> dict[str, str]:
    """The tests' own environment for a child, nothing of another installation in it.

    Bytecode is kept in one place beside the checkout: without any, ccxt alone takes 5 s to load.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PLIMSOLL_")
        and name not in {"DATABASE_URL", "PYTHONDONTWRITEBYTECODE"}
    }
    cache = Path(tempfile.gettempdir()) / f"plimsoll-tests-{os.getuid()}-bytecode"
    return {**kept, "PYTHONPYCACHEPREFIX": str(cache), "PYTHONUNBUFFERED": "1", **more}


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A command that came to its end."""

    code: int
    out: str
    err: str

    def document(self) -> Any:
        """The one JSON line it printed. Fails with its words if it did not succeed."""
        assert self.code == 0, f"exit code {self.code}\n{self.out}\n{self.err}"
        return json.loads(self.out)


class House:
    """One running process of Plimsoll, its words kept in files for when something fails."""

    def __init__(self, process: asyncio.subprocess.Process, out: Path, err: Path) -> None:
        self.process = process
        self._out = out
        self._err = err
        self.facts: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return str(self.facts["api_url"]).removesuffix("/api/v1")

    def said(self) -> str:
        """Everything on standard output so far."""
        return self._out.read_text(encoding="utf-8")

    def words(self) -> str:
        """The end of its log, for the message of a failed test."""
        text = self._err.read_text(encoding="utf-8")[-WORDS_SHOWN:]
        return f"--- exit code {self.process.returncode}, standard error of {self.pid}:\n{text}"

    async def introduced(self) -> None:
        """Until it printed where it is. Fails with its words if it ended or took too long."""

        async def line() -> bool:
            return "\n" in self.said() or self.process.returncode is not None

        await until(line, "the house says where it is", words=self.words, seconds=START_SECONDS_MAX)
        assert self.process.returncode is None, f"the house ended at once\n{self.words()}"
        self.facts = json.loads(self.said().splitlines()[0])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended.

        Not through asyncio's process, which looks for the end itself before it sends: then
        whoever waits for that end no longer learns its code.
        """
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    async def stop(self, seconds: float = 30.0) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended(seconds)

    async def kill(self) -> None:
        """SIGKILL, and its end."""
        self.signal(signal.SIGKILL)
        await self.ended()

    async def ended(self, seconds: float = 30.0) -> int:
        """Until it has ended; the exit code, negative for a signal."""
        try:
            async with asyncio.timeout(seconds):
                return await self.process.wait()
        except TimeoutError:
            self.signal(signal.SIGUSR2)
            # The launcher tells where it stands, any other process ends of it.
            await asyncio.wait({asyncio.create_task(self.process.wait())}, timeout=2)
            raise AssertionError(f"still running after {seconds:.0f} s\n{self.words()}") from None


class Installation:
    """A data directory with a database, and the environment of an operator's shell."""

    def __init__(
        self, data_dir: Path, database_url: str | None, variables: Mapping[str, str] | None = None
    ) -> None:
        self.data_dir = data_dir
        self.database_url = database_url or ""
        self._variables = dict(variables or {})
        if database_url is not None:
            self._variables["DATABASE_URL"] = database_url
        self._opened: list[House] = []

    async def run(self, *arguments: str, **variables: str) -> Finished:
        """One command to its end."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", *arguments),
            cwd=CHECKOUT,
            env=self._environment(variables),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(COMMAND_SECONDS_MAX):
            out, err = await process.communicate()
        assert process.returncode is not None
        return Finished(code=process.returncode, out=out.decode(), err=err.decode())

    async def launch(self, *arguments: str, module: str = "cli", **variables: str) -> House:
        """Start a house without waiting for it."""
        number = len(self._opened) + 1
        out, err = self.data_dir / f"out-{number}.txt", self.data_dir / f"err-{number}.txt"
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module, *arguments),
                cwd=CHECKOUT,
                env=self._environment(variables),
                stdout=out_file,
                stderr=err_file,
            )
        house = House(process, out, err)
        self._opened.append(house)
        return house

    async def open(self, *arguments: str, module: str = "cli", **variables: str) -> House:
        """Start a house and wait until it says where it is."""
        house = await self.launch(*arguments, module=module, **variables)
        await house.introduced()
        return house

    async def close(self) -> None:
        """End whatever a failed test left running."""
        for house in self._opened:
            if house.process.returncode is None:
                await house.kill()

    def words(self) -> str:
        """What every house of this installation said last."""
        return "\n".join(house.words() for house in self._opened)

    def secrets(self) -> Any:
        """The installation's own secrets file."""
        return json.loads((self.data_dir / "secrets.json").read_text(encoding="utf-8"))

    def webhook_secret(self, account: str) -> str:
        """What an alert for the account must carry."""
        return str(self.secrets()["accounts"][account]["webhook_secret"])

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        own = {"PLIMSOLL_DATA": str(self.data_dir)}
        return child_environment(**self._variables, **own, **variables)


class Api:
    """A house's API as seen by one account's operator."""

    def __init__(self, house: House, token: str, account: str) -> None:
        self._house = house
        self._token = token
        self._account = account

    async def get(self, path: str, **parameters: str) -> Any:
        """One page as data."""
        headers = {"Authorization": f"Bearer {self._token}"}
        url = f"{self._house.base_url}/api/v1/{path}"
        query = {"account": self._account, **parameters}
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, headers=headers, params=query) as response,
        ):
            assert response.status == 200, f"{await response.text()}\n{self._house.words()}"
            return await response.json()

    async def groups(self) -> list[dict[str, Any]]:
        """All position groups, open ones first."""
        groups: list[dict[str, Any]] = await self.get("groups")
        return groups

    async def outcomes(self) -> dict[str, tuple[str, str]]:
        """Outcome and reason of each signal, by its id."""
        page = await self.get("signals", limit="1000")
        rows = page["ledger"]["rows"]
        return {row["signal_id"]: (row["outcome"], row["reason"]) for row in rows}


async def health(base_url: str) -> int:
    """The status of the health answer."""
    async with aiohttp.ClientSession() as session, session.get(f"{base_url}/health") as response:
        return response.status
