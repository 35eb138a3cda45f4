"""The image and the composition, as far as they can be checked without an engine."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "compose.yaml"
SECRET = re.compile(r"password|secret|key|token", re.IGNORECASE)
REQUIRED = re.compile(r"\$\{[A-Z_]+:\?[^}]+\}")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return services


@pytest.fixture(scope="module")
def stages() -> list[str]:
    """The Dockerfile's stages, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    joined = text.replace("\\\n", " ")
    return [f"FROM{stage}" for stage in re.split(r"^FROM", joined, flags=re.MULTILINE)[1:]]


def test_the_engine_starts_only_on_a_healthy_database(services: dict[str, Any]) -> None:
    assert services["plimsoll"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert "pg_isready" in services["database"]["healthcheck"]["test"]


def test_the_databases_files_outlive_its_container(services: dict[str, Any]) -> None:
    volumes = yaml.safe_load(COMPOSE.read_text())["volumes"]
    [mount] = services["database"]["volumes"]
    name, place = mount.split(":")
    assert name in volumes
    assert place == "/var/lib/postgresql/data"


def test_the_database_is_at_least_the_oldest_supported_and_not_published(
    services: dict[str, Any],
) -> None:
    major = re.fullmatch(r"postgres:(\d+)-alpine", services["database"]["image"])
    assert major is not None
    assert int(major[1]) >= 15
    assert "ports" not in services["database"]


def test_every_secret_comes_from_the_environment_and_is_asked_for(
    services: dict[str, Any],
) -> None:
    named = {
        f"{service}.{name}": value
        for service, settings in services.items()
        for name, value in settings["environment"].items()
        if SECRET.search(name) or re.search(r"://[^@]*:[^@]*@", value)
    }
    assert set(named) == {"database.POSTGRES_PASSWORD", "plimsoll.DATABASE_URL"}
    for name, value in named.items():
        assert REQUIRED.search(value), f"{name} has no ${{VARIABLE:?message}}"


def test_the_dashboard_is_published_to_this_machine_only(services: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in services["plimsoll"]["ports"])


def test_the_image_runs_as_an_ordinary_user_and_tells_its_health(stages: list[str]) -> None:
    final = stages[-1]
    [user] = re.findall(r"^USER (\w+)$", final, flags=re.MULTILINE)
    assert user != "root"
    assert (
        f"useradd --system --uid 10001 --home-dir /var/lib/plimsoll --create-home {user}" in final
    )
    assert re.search(r"^HEALTHCHECK .*/health", final, flags=re.MULTILINE)
    assert 'CMD ["plimsoll", "serve"' in final


def test_everything_the_image_installs_is_checked_by_hash(stages: list[str]) -> None:
    installs = [
        command
        for command in re.split(r"&&|\n", stages[0])
        if "pip install" in command and "--no-deps" not in command
    ]
    assert len(installs) == 2
    assert all("--require-hashes" in command for command in installs)


def test_the_image_gets_what_it_copies_and_nothing_private() -> None:
    kept = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert {"requirements.lock", "pyproject.toml", "migrations", "web"} <= kept
    assert all((ROOT / name).exists() for name in kept)
    assert not kept & {".git", ".env", ".venv", "tests"}


def test_compose_itself_understands_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or not _has_compose(docker):
        pytest.skip("the docker client with its compose plugin is not installed")
    environment = {**os.environ, "POSTGRES_PASSWORD": "x"}
    good = _config(docker, environment)
    assert good.returncode == 0, good.stderr
    del environment["POSTGRES_PASSWORD"]
    bad = _config(docker, environment)
    assert bad.returncode != 0
    assert "letters and digits" in bad.stderr


def _has_compose(docker: str) -> bool:
    asked = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
    return asked.returncode == 0


def _config(docker: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [docker, "compose", "--file", str(COMPOSE), "--env-file", os.devnull, "config", "--quiet"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
