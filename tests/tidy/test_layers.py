"""Who may import whom."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.layers import trespasses
from tests.tidy.sources import ROOMS, ROOT, Source, tree_of

LINTER = Path(sys.executable).with_name("lint-imports")


def test_the_rooms_are_entered_only_downwards() -> None:
    answer = subprocess.run(
        [str(LINTER), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_linter_finds_an_import_that_goes_upwards(tmp_path: Path) -> None:
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("")
    (tmp_path / "application" / "engine.py").write_text("")
    (tmp_path / "domain" / "order.py").write_text("import application\n")
    (tmp_path / "projections" / "positions.py").write_text("import application.engine\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    answer = subprocess.run(
        [str(LINTER), "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert "Contracts: 0 kept, 2 broken" in answer.stdout


def test_libraries_stay_in_their_rooms() -> None:
    found = [breach for source in tree_of(*ROOMS) for breach in trespasses(source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("adapters/vault.py", "import ccxt"),
        ("cli/notify.py", "from apprise import Apprise"),
        ("web/api.py", "from ccxt.pro import binance"),
        ("application/engine.py", "import psycopg"),
        ("web/pages.py", "import asyncpg"),
        ("domain/order.py", "import eventsourcing"),
        ("domain/order.py", "from application import ports"),
        ("cli/main.py", "import sqlalchemy"),
    ],
)
def test_a_trespass_is_found(path: str, text: str) -> None:
    assert trespasses(Source(path, text)) != []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("adapters/exchanges/live.py", "import ccxt.pro"),
        ("adapters/postgres/lease.py", "import psycopg"),
        ("projections/runner.py", "import asyncpg"),
        ("domain/order.py", "import msgspec\nfrom decimal import Decimal\nimport domain.money"),
        ("tests/wire/test_ccxt.py", "import ccxt"),
    ],
)
def test_what_is_allowed_is_not_found(path: str, text: str) -> None:
    assert trespasses(Source(path, text)) == []
