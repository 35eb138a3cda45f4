"""The set-up: the lock, the two commands, and what a bare machine is told."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)
TOOLS = ("awk", "cat", "dirname", "env", "grep", "rm", "sh")


@pytest.fixture(scope="module")
def lock() -> str:
    return (ROOT / "requirements.lock").read_text()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What setting up needs of a checkout, in a place without a virtual environment."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    return tmp_path


def bare_path(folder: Path, **programs: str) -> str:
    """A PATH with the least a machine has, and these programs as shell scripts."""
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    for name, script in programs.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    return str(folder)


def bootstrap(checkout: Path, path: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(checkout / ".ci" / "bootstrap")],
        env={"PATH": path, "UV_VERSION": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


class TestTheLock:
    def test_every_requirement_has_a_version_and_a_hash(self, lock: str) -> None:
        requirements = re.split(r"\n(?=\S)", lock.strip())
        assert len(requirements) > 50
        for requirement in requirements:
            assert PIN.match(requirement), requirement
            assert "--hash=sha256:" in requirement, requirement

    def test_it_names_no_address(self, lock: str) -> None:
        assert not re.search(r"://|--index|--find-links", lock)

    def test_it_has_every_direct_dependency_at_its_pinned_version(self, lock: str) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        locked = dict(PIN.findall(lock))
        direct = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
        for requirement in direct:
            name = re.split(r"[\[<>=]", requirement)[0]
            if name == "eventsourcing":
                assert requirement == "eventsourcing[postgres]>=9.5.6,<9.6"
                assert locked[name].startswith("9.5.")
            else:
                assert requirement.endswith(f"=={locked[name]}"), requirement

    def test_the_makefile_names_the_locked_uv(self, lock: str) -> None:
        named = re.search(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert named is not None
        assert named[1] == dict(PIN.findall(lock))["uv"]

    def test_every_direct_dependency_is_explained(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        explained = (ROOT / "docs/decisions/0002-dependencies.md").read_text()
        groups = [
            project["project"]["dependencies"],
            project["dependency-groups"]["dev"],
            *project["project"]["optional-dependencies"].values(),
        ]
        for requirement in (one for group in groups for one in group):
            name = re.split(r"[\[<>=]", requirement)[0]
            assert f"`{name}`" in explained, f"{name} is not explained"


class TestABareMachine:
    def test_without_a_new_enough_python_says_what_to_install(self, checkout: Path) -> None:
        path = bare_path(checkout / "bin", python3="exit 1")
        answer = bootstrap(checkout, path)
        assert answer.returncode == 1
        assert answer.stderr == (
            "plimsoll: needs Python 3.11 or later, none was found: "
            "apt install python3 python3-venv\n"
        )

    def test_without_the_venv_module_says_what_to_install(self, checkout: Path) -> None:
        path = bare_path(checkout / "bin", python3='[ "$1" = -c ]')
        answer = bootstrap(checkout, path)
        assert answer.returncode == 1
        assert "cannot make a virtual environment: apt install python3-venv" in answer.stderr

    def test_with_uv_needs_no_venv_module_and_checks_every_hash(self, checkout: Path) -> None:
        said = checkout / "said"
        uv = f"""
            echo "$@" >> '{said}'
            if [ "$1" = venv ]; then /bin/mkdir -p .venv; fi
        """
        path = bare_path(checkout / "bin", python3='[ "$1" = -c ]', uv=uv)
        answer = bootstrap(checkout, path)
        assert answer.returncode == 0, answer.stderr
        made, installed, house = said.read_text().splitlines()
        assert made.startswith("venv ")
        assert installed.endswith("--require-hashes --requirement requirements.lock")
        assert house.endswith("--no-deps --no-build-isolation --editable .")


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed here")
class TestMake:
    @staticmethod
    def made(checkout: Path, *arguments: str) -> str:
        # The tests themselves are run by a make whose settings are not meant for this one.
        mine = {name: value for name, value in os.environ.items() if "MAKE" not in name}
        mine.pop("MFLAGS", None)
        return subprocess.run(
            ["make", *arguments], cwd=checkout, env=mine, capture_output=True, text=True, check=True
        ).stdout

    def test_setting_up_happens_again_only_when_the_lock_changed(self, checkout: Path) -> None:
        runs = checkout / "runs"
        script = checkout / ".ci" / "bootstrap"
        script.write_text("#!/bin/sh\nmkdir -p .venv\necho once >> runs\n")
        self.made(checkout, "bootstrap")
        self.made(checkout, "bootstrap")
        assert runs.read_text() == "once\n"
        (checkout / "requirements.lock").touch()
        self.made(checkout, "bootstrap")
        assert runs.read_text() == "once\n"
        with (checkout / "requirements.lock").open("a") as lock:
            lock.write("\n")
        self.made(checkout, "bootstrap")
        assert runs.read_text() == "once\nonce\n"

    def test_run_starts_the_demo_with_the_given_arguments(self, checkout: Path) -> None:
        plan = self.made(checkout, "--dry-run", "run", "ARGS=--port 9000")
        assert plan.splitlines()[-1] == ".venv/bin/plimsoll demo --port 9000"

    def test_test_runs_every_check(self, checkout: Path) -> None:
        plan = self.made(checkout, "--dry-run", "test")
        for check in ("ruff check", "ruff format --check", "mypy", "lint-imports", "pytest -n 2"):
            assert check in plan


def test_ci_runs_the_same_command() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert lines[-1] == "make test"
