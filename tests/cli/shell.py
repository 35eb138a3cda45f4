"""Runs `plimsoll` as a user would: as a process of its own, or in this one where time matters."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog
from click.testing import CliRunner

from cli.main import main

ROOT = Path(__file__).resolve().parents[2]
SECONDS_MAX = 100


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a command said, and how it ended."""

    code: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """The one line of JSON that standard output must be."""
        assert self.stdout.count("\n") == 1, f"one line was expected: {self.stdout!r}"
        assert self.stdout.endswith("\n")
        return json.loads(self.stdout)

    def refused(self, *words: str, code: int = 1) -> str:
        """The message of a refusal: nothing on standard output, every word in the message."""
        assert self.code == code, f"ended with {self.code}: {self.stdout}{self.stderr}"
        assert self.stdout == ""
        assert "Traceback" not in self.stderr
        unboxed = " ".join(self.stderr.replace("│", " ").split())
        for word in words:
            assert word in unboxed, f"{word!r} is not in {unboxed!r}"
        return unboxed


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """A user's shell: their data directory, their database, nothing of this machine's own."""

    data_dir: Path
    database_url: str = ""

    def run(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, typed: str = ""
    ) -> Answer:
        """In this process. What a user would see as a traceback is raised here."""
        settings = structlog.get_config()
        try:
            result = CliRunner().invoke(
                main,
                [str(argument) for argument in arguments],
                input=typed,
                env={**self._environment(), **(env or {})},
                prog_name="plimsoll",
            )
        finally:
            structlog.configure(**settings)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(code=result.exit_code, stdout=result.stdout, stderr=result.stderr)

    def start(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Answer:
        """In a process of its own."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PLIMSOLL_", "DATABASE_URL"))
        }
        done = subprocess.run(
            [sys.executable, "-m", "cli", *[str(argument) for argument in arguments]],
            cwd=ROOT,
            env={**inherited, **self._environment(), **(env or {})},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        return Answer(code=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def _environment(self) -> dict[str, str]:
        # Wide enough that no message is cut into lines by the box around it.
        return {
            "PLIMSOLL_DATA": str(self.data_dir),
            "DATABASE_URL": self.database_url,
            "COLUMNS": "200",
            "TERMINAL_WIDTH": "200",
        }
