"""The operating system's user that the embedded server runs as: never root."""

import os
import pwd
import subprocess
from pathlib import Path

import msgspec

# Postgres refuses to run as root; the first of these that exists takes over.
UNPRIVILEGED = ("postgres", "nobody")

# Prints the first of the given paths that may not be entered or read.
FIRST_CLOSED = 'for path; do test -x "$path" || { printf %s "$path"; exit 1; }; done'


class UnreachableDataError(Exception):
    """The data directory cannot serve as one; the message says why and what to do."""


class ServerUser(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to become for the server's programs; `switch` is false where we already are it."""

    name: str
    uid: int
    gid: int
    switch: bool

    def run(
        self, command: list[str], *, capture: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program of the server as this user. Never raises for its exit status."""
        output = subprocess.PIPE if capture else subprocess.DEVNULL
        return subprocess.run(
            command,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=[] if self.switch else None,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            text=True,
            check=False,
        )

    def own(self, path: Path) -> None:
        """Hand a path over to this user."""
        if self.switch:
            os.chown(path, self.uid, self.gid)


def server_user(data_dir: Path) -> ServerUser:
    """Ourselves; as root the data directory's owner, or an unprivileged user of the system."""
    if os.geteuid() != 0:
        return _named(pwd.getpwuid(os.geteuid()), switch=False)
    owner = data_dir.stat().st_uid
    if owner != 0:
        return _named(pwd.getpwuid(owner), switch=True)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in UNPRIVILEGED:
        if name in known:
            return _named(known[name], switch=True)
    raise UnreachableDataError(
        f"The database server may not run as root and none of the users {UNPRIVILEGED} exists: "
        "add one, or run Plimsoll as an ordinary user."
    )


def refuse_unreachable(data_dir: Path, user: ServerUser) -> None:
    """Raise if the server's user cannot enter the data directory or one above it."""
    chain = [*reversed(data_dir.parents), data_dir]
    answer = user.run(["/bin/sh", "-c", FIRST_CLOSED, "sh", *map(str, chain)])
    if answer.returncode == 0:
        return
    closed = Path(answer.stdout)
    mode = closed.stat().st_mode & 0o777
    raise UnreachableDataError(
        f"The data directory {data_dir} cannot be reached by the user '{user.name}', as whom the "
        f"database server runs: {closed} was closed to it (mode {mode:o}). Set PLIMSOLL_DATA to "
        "a directory outside, for example /var/lib/plimsoll, or run Plimsoll as an ordinary user."
    )


def _named(entry: pwd.struct_passwd, *, switch: bool) -> ServerUser:
    return ServerUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, switch=switch)
