"""Finds a browser on any machine: the first that starts, or a failure that says what to do."""

import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from playwright.sync_api import sync_playwright

from web.assets.build import deno, deno_environment

VARIABLE = "PLIMSOLL_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PACKAGE = Path(__file__).parent / "sparticuz"
PACKAGE_VERSION = "153.0.0"
READY = b"DevTools listening on"
START_SECONDS_MAX = 30
FETCH_SECONDS_MAX = 180

INSTRUCTIONS = f"""no browser was found for the browser tests. Do one of:
  set {VARIABLE} to a Chromium or Chrome program,
  install one so that it is on PATH (Debian: apt-get install chromium),
  run `python -m playwright install --with-deps chromium`."""


class NoBrowser(Exception):  # noqa: N818 - named by what is missing
    """Nothing on the ladder starts."""


class Browser(msgspec.Struct, frozen=True, kw_only=True):
    """A program that starts, and what it needs in its environment beside ours."""

    program: str
    environment: dict[str, str] = {}

    @property
    def whole_environment(self) -> dict[str, str | float | bool]:
        """The environment to start it in."""
        return {**os.environ, **self.environment}


def find_browser() -> Browser:
    """The first browser that starts. Raises NoBrowser with every failure and what to do."""
    if named := os.environ.get(VARIABLE):
        chosen = Browser(program=named)
        if trouble := _trouble(chosen):
            raise NoBrowser(f"{VARIABLE} was {named}: {trouble}; name one that starts")
        return chosen
    failures: list[str] = []
    for candidate in _ladder(failures):
        trouble = _trouble(candidate)
        if not trouble:
            return candidate
        failures.append(f"{candidate.program}: {trouble}")
    raise NoBrowser("\n  tried ".join([INSTRUCTIONS, *failures]))


def _ladder(failures: list[str]) -> Iterator[Browser]:
    """What is there, then what can be fetched; a step that fails is noted and passed over."""
    yield from _on_path()
    yield from _of_playwright()
    try:
        _install_by_playwright()
        yield from _of_playwright()
    except (OSError, subprocess.SubprocessError) as error:
        failures.append(f"playwright install: {error}")
    try:
        yield from _from_npm()
    except (OSError, subprocess.SubprocessError) as error:
        failures.append(f"npm @sparticuz/chromium: {error}")


def _on_path() -> Iterator[Browser]:
    for name in NAMES:
        if program := shutil.which(name):
            yield Browser(program=program)


def _of_playwright() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        program = Path(playwright.chromium.executable_path)
    if program.is_file():
        yield Browser(program=str(program))


def _install_by_playwright() -> None:
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    subprocess.run(command, check=True, capture_output=True, timeout=FETCH_SECONDS_MAX)


def _from_npm() -> Iterator[Browser]:
    """The packaged browser; with its own libraries if the system lacks them. Needs no root."""
    place = _private_cache() / f"sparticuz-{PACKAGE_VERSION}"
    if not place.is_dir():
        with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
            _unpack(Path(scratch))
            _move(Path(scratch), place)
    fonts = {"FONTCONFIG_PATH": str(place / "fonts")}
    libraries = {"LD_LIBRARY_PATH": str(place / "al2023" / "lib")}
    yield Browser(program=str(place / "chromium"), environment=fonts)
    yield Browser(program=str(place / "chromium"), environment=fonts | libraries)


def _unpack(target: Path) -> None:
    command = [str(deno()), "run", "-q", "-A", f"--config={PACKAGE / 'deno.json'}"]
    subprocess.run(
        [*command, str(PACKAGE / "unpack.ts")],
        env=deno_environment() | {"TMPDIR": str(target)},
        check=True,
        capture_output=True,
        timeout=FETCH_SECONDS_MAX,
    )


def _move(made: Path, place: Path) -> None:
    """All at once: other test processes may be unpacking too, and the first one wins."""
    whole = made.parent / f"{made.name}-whole"
    shutil.copytree(made, whole)
    try:
        whole.rename(place)
    except OSError:
        shutil.rmtree(whole)
        if not place.is_dir():
            raise


def _private_cache() -> Path:
    cache = Path(tempfile.gettempdir()) / f"plimsoll-browser-{os.getuid()}"
    cache.mkdir(mode=0o700, exist_ok=True)
    if cache.stat().st_uid != os.getuid():
        raise PermissionError(f"{cache} belongs to somebody else: remove it")
    return cache


def _trouble(candidate: Browser) -> str:
    """Why a browser does not come up ready to be led; empty if it does."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [candidate.program, "--headless", *FLAGS, "--remote-debugging-port=0"]
        try:
            process = subprocess.Popen(
                [*command, f"--user-data-dir={profile}", "about:blank"],
                env=os.environ | candidate.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            return str(error)
        with process:
            said = _heard(process, READY)
            process.kill()
    if READY in said:
        return ""
    lines = said.decode(errors="replace").strip().splitlines()
    return (lines or [f"it said nothing within {START_SECONDS_MAX} s"])[-1]


def _heard(process: "subprocess.Popen[bytes]", awaited: bytes) -> bytes:
    """What a process says until it has said `awaited`, ends, or the time is over."""
    assert process.stderr is not None
    said = b""
    deadline = time.monotonic() + START_SECONDS_MAX
    while awaited not in said and (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([process.stderr], [], [], left)
        chunk = os.read(process.stderr.fileno(), 65_536) if ready else b""
        if not chunk:
            break
        said += chunk
    return said
