"""The embedded server as the operating system sees it: is it ours, alive, and how to end it."""

import os
import signal
import time
from pathlib import Path

import msgspec
import psutil

PID_FILE = "postmaster.pid"
SOCKET_LOCK = ".s.PGSQL.5432.lock"
READY = "ready"

# Above every process id that Linux (4 194 304) or macOS (99 999) ever gives.
NO_SUCH_PID = 2_147_483_647

FAST_STOP_SECONDS = 60.0
IMMEDIATE_STOP_SECONDS = 10.0
POLL_SECONDS = 0.02


class Postmaster(msgspec.Struct, frozen=True, kw_only=True):
    """What a server wrote about itself into its data directory."""

    pid: int
    socket_dir: Path
    status: str


def serving(cluster: Path) -> Postmaster | None:
    """The running server of this cluster, else None.

    None also for a pid file whose process is gone, a zombie (a container whose first process
    reaps nobody), or by now somebody else's.
    """
    written = _read(cluster)
    if written is None or not _is_ours(written.pid, cluster):
        return None
    return written


def settled(cluster: Path, seconds: float) -> Postmaster | None:
    """The ready server, or None once there is none; waits while one is starting or stopping."""
    deadline = time.monotonic() + seconds
    while True:
        server = serving(cluster)
        if server is not None and server.status == READY:
            return server
        if not _processes(cluster):
            return None
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"The database server in {cluster} was neither ready nor gone after "
                f"{seconds:.0f} s: read its log in {cluster / 'log'}."
            )
        time.sleep(POLL_SECONDS)


def disown_stale_pids(cluster: Path, socket_dir: Path) -> None:
    """Let a new server start where lock files name a process that is not a server of ours.

    Only to be called under the start lock, after `settled` said None. The number is replaced
    by one that cannot exist rather than the file removed: the shared memory key in it still
    lets Postgres refuse while orphans of a killed server are writing.
    """
    for path in (cluster / PID_FILE, socket_dir / SOCKET_LOCK):
        try:
            lines = path.read_text().splitlines()
        except FileNotFoundError:
            continue
        if lines:
            path.write_text("\n".join([str(NO_SUCH_PID), *lines[1:]]) + "\n")
        else:
            path.unlink()


def stop(cluster: Path) -> None:
    """End the server and whatever is about to start it; returns when all of it is gone.

    Sessions are cut and the data flushed (fast shutdown). Raises TimeoutError if even an
    immediate shutdown, which the next start recovers from, was not obeyed.
    """
    _signal_until_gone(cluster, signal.SIGINT, FAST_STOP_SECONDS)
    _signal_until_gone(cluster, signal.SIGQUIT, IMMEDIATE_STOP_SECONDS)
    left = _processes(cluster)
    if left:
        raise TimeoutError(
            f"The database server in {cluster} was still running as process {left[0].pid} after "
            f"{FAST_STOP_SECONDS + IMMEDIATE_STOP_SECONDS:.0f} s: end it by hand."
        )


def _signal_until_gone(cluster: Path, number: signal.Signals, seconds: float) -> None:
    """Send the signal once to each server that appears, wait until no process is left."""
    told: set[int] = set()
    deadline = time.monotonic() + seconds
    while _processes(cluster) and time.monotonic() < deadline:
        server = serving(cluster)
        if server is not None and server.pid not in told:
            os.kill(server.pid, number)
            told.add(server.pid)
        time.sleep(POLL_SECONDS)


def _read(cluster: Path) -> Postmaster | None:
    """The pid file: pid, data directory, start time, port, socket directory, …, status."""
    try:
        lines = (cluster / PID_FILE).read_text().splitlines()
        return Postmaster(pid=int(lines[0]), socket_dir=Path(lines[4]), status=lines[7].strip())
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _is_ours(pid: int, cluster: Path) -> bool:
    """By its command line: in a container, root may not read another user's working directory."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return _serves(process.cmdline(), cluster)
    except psutil.Error:
        return False


def _processes(cluster: Path) -> list[psutil.Process]:
    """The server, or the starter of one, by the cluster named in its command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if _is_about(process.cmdline(), cluster):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _serves(command: list[str], cluster: Path) -> bool:
    return _is_about(command, cluster) and Path(command[0]).name == "postgres"


def _is_about(command: list[str], cluster: Path) -> bool:
    """A zombie has an empty command line, and so is none of them."""
    programs = ("postgres", "pg_ctl")
    return bool(command) and Path(command[0]).name in programs and str(cluster) in command
