"""The watchdog of the embedded server: stops it when its last user is gone, however it went.

A user holds a shared lock for as long as it lives; the operating system drops it even after
`kill -9`. This process waits for the exclusive one.
"""

import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from adapters.postgres import postmaster
from adapters.postgres.cluster import socket_path

CLUSTER = "pg"
USERS_LOCK = ".users.lock"
WATCHDOG_LOCK = ".watchdog.lock"
WATCHDOG_LOG = "watchdog.log"


def ensure_watchdog(data_dir: Path) -> None:
    """Start a watchdog unless one is waiting. The caller holds the shared users' lock."""
    with (data_dir / WATCHDOG_LOCK).open("a") as lock:
        if not _try_exclusive(lock.fileno()):
            return
    importable = os.pathsep.join([str(Path(__file__).resolve().parents[2]), *sys.path])
    subprocess.run(
        [sys.executable, "-P", "-m", "adapters.postgres.embedded_watchdog", str(data_dir)],
        env={**os.environ, "PYTHONPATH": importable},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        check=True,
    )


def main() -> None:
    """Detach, wait for the last user to leave, stop the server."""
    data_dir = Path(sys.argv[1])
    with (
        (data_dir / USERS_LOCK).open("a") as users,
        (data_dir / WATCHDOG_LOCK).open("a") as watchdog,
    ):
        # The lock outlives the fork below, so that who started us knows that it is taken.
        if not _try_exclusive(watchdog.fileno()):
            return
        if os.fork():
            os._exit(0)
        _detach(data_dir)
        fcntl.flock(users, fcntl.LOCK_EX)
        postmaster.stop(data_dir / CLUSTER)
        # Not empty only after a crash; then the next start clears it.
        with suppress(OSError):
            socket_path(data_dir / CLUSTER).rmdir()
        # In this order: whoever gets the users' lock next must see that no watchdog waits.
        watchdog.close()


def _detach(data_dir: Path) -> None:
    """Out of reach of a terminal or a supervisor that ends the whole family at once."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    log = os.open(data_dir / WATCHDOG_LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 2)
    os.close(log)


def _try_exclusive(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    main()
