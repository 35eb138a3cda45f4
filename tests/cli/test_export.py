"""`plimsoll export`: files anyone can check, the same bytes for the same past."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cli.export import KINDS
from cli.version import VERSION
from domain.settings import Settings
from domain.settings_document import settings_hash
from tests.cli.history import ACCOUNT
from tests.cli.market import FIRST_DAY, SECOND_DAY, THIRD_DAY
from tests.cli.shell import Answer, Shell
from tests.log.postgres import saboteur


def export(
    shell: Shell, out: Path, kind: str = "trades", first: str = FIRST_DAY, last: str = FIRST_DAY
) -> dict[str, bytes]:
    """Export as CSV; the content of the written files by name."""
    done = shell.run("export", kind, *_range(first, last), "--out", out)
    assert done.code == 0, done.stderr
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def manifest_of(out: Path) -> dict[str, Any]:
    [path] = out.glob("*.manifest.json")
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_range_twice_is_the_same_bytes(shell: Shell, tmp_path: Path, kind: str) -> None:
    first = export(shell, tmp_path / "a", kind, FIRST_DAY, SECOND_DAY)

    assert export(shell, tmp_path / "b", kind, FIRST_DAY, SECOND_DAY) == first
    assert sorted(first) == [
        f"{kind}-{ACCOUNT}-{FIRST_DAY}-{SECOND_DAY}.csv",
        f"{kind}-{ACCOUNT}-{FIRST_DAY}-{SECOND_DAY}.manifest.json",
    ]
    assert min(content.count(b"\n") for content in first.values()) > 1, "there must be rows"


@pytest.mark.parametrize("kind", KINDS)
def test_later_days_change_nothing_of_an_earlier_range(
    shell: Shell, night_url: str, tmp_path: Path, kind: str
) -> None:
    that_night = Shell(data_dir=tmp_path / "home", database_url=night_url)

    early = export(that_night, tmp_path / "early", kind)
    late = export(shell, tmp_path / "late", kind)

    assert early == late


def test_a_process_of_its_own_writes_the_same(shell: Shell, tmp_path: Path) -> None:
    here = export(shell, tmp_path / "here")
    there = tmp_path / "there"
    done = shell.start("export", "trades", *_range(FIRST_DAY, FIRST_DAY), "--out", there, "--json")

    assert done.code == 0, done.stderr
    told = done.json()
    assert {path.name: path.read_bytes() for path in there.iterdir()} == here
    content = Path(told["file"]).read_bytes()
    assert told["sha256"] == hashlib.sha256(content).hexdigest()
    assert (told["rows"], told["bytes"]) == (content.count(b"\n") - 1, len(content))
    assert Path(told["manifest"]).exists()


def test_csv_and_json_lines_agree_row_by_row(shell: Shell, tmp_path: Path) -> None:
    span = _range(FIRST_DAY, THIRD_DAY)
    for form in ("csv", "jsonl"):
        done = shell.run("export", "trades", *span, "--format", form, "--out", tmp_path / form)
        assert done.code == 0
    [table] = (tmp_path / "csv").glob("*.csv")
    [lines] = (tmp_path / "jsonl").glob("*.jsonl")

    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    objects = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]

    assert len(rows) == len(objects) > 10
    for row, told in zip(rows, objects, strict=True):
        assert list(row) == list(told)
        assert row == {name: "" if value is None else str(value) for name, value in told.items()}


def test_the_manifest_tells_what_is_in_the_files_and_where_from(
    shell: Shell, tmp_path: Path
) -> None:
    written = export(shell, tmp_path, "trades", FIRST_DAY, SECOND_DAY)
    manifest = manifest_of(tmp_path)

    name = f"trades-{ACCOUNT}-{FIRST_DAY}-{SECOND_DAY}.csv"
    assert manifest["files"] == {
        name: {
            "rows": written[name].count(b"\n") - 1,
            "bytes": len(written[name]),
            "sha256": hashlib.sha256(written[name]).hexdigest(),
        }
    }
    assert (manifest["kind"], manifest["account"]) == ("trades", ACCOUNT)
    assert manifest["from"].startswith(f"{FIRST_DAY}T00:00:00")
    assert manifest["to"].startswith(f"{THIRD_DAY}T00:00:00"), "the last day is included"
    assert manifest["software_version"] == VERSION
    assert len(manifest["settings_hash"]) == 64
    assert manifest["settings_hash"] != settings_hash(Settings()), "a simulation coalesces nothing"


@pytest.mark.parametrize("last", [FIRST_DAY, SECOND_DAY, THIRD_DAY])
def test_the_chain_head_of_a_manifest_verifies_and_a_foreign_one_does_not(
    shell: Shell, tmp_path: Path, last: str
) -> None:
    export(shell, tmp_path, "ledger", FIRST_DAY, last)
    head = manifest_of(tmp_path)["chain_head"]
    other = head[:-1] + ("0" if head[-1] != "0" else "1")

    assert _verified(shell, head).code == 0
    assert _verified(shell, other).code == 1


def test_the_rows_of_single_days_are_the_rows_of_all_days(shell: Shell, tmp_path: Path) -> None:
    whole = export(shell, tmp_path / "all", "trades", FIRST_DAY, THIRD_DAY)
    parts: list[bytes] = []
    for day in (FIRST_DAY, SECOND_DAY, THIRD_DAY):
        written = export(shell, tmp_path / day, "trades", day, day)
        parts.extend(written[f"trades-{ACCOUNT}-{day}-{day}.csv"].splitlines()[1:])

    assert whole[f"trades-{ACCOUNT}-{FIRST_DAY}-{THIRD_DAY}.csv"].splitlines()[1:] == parts


def test_a_day_without_trades_is_a_file_with_its_header_alone(shell: Shell, tmp_path: Path) -> None:
    written = export(shell, tmp_path, "trades", "2025-01-01", "2025-01-02")

    assert written[f"trades-{ACCOUNT}-2025-01-01-2025-01-02.csv"].count(b"\n") == 1
    assert manifest_of(tmp_path)["chain_head"] == "0" * 64


def test_a_range_that_runs_backwards_is_refused(shell: Shell, tmp_path: Path) -> None:
    span = _range(SECOND_DAY, FIRST_DAY)
    shell.run("export", "trades", *span, "--out", tmp_path / "out").refused(
        f"--to was {FIRST_DAY}, before --from {SECOND_DAY}: swap them"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["20260105", "2026-13-01", "today", "2026-1-5", ""])
def test_what_is_no_day_is_refused_with_its_option(shell: Shell, text: str) -> None:
    form = "write a day of the calendar as 2026-01-05"
    for option, span in (("--from", _range(text, SECOND_DAY)), ("--to", _range(FIRST_DAY, text))):
        shell.run("export", "trades", *span).refused(f"{option} was {text!r}: {form}")


def test_the_last_day_of_the_calendar_is_refused(shell: Shell) -> None:
    shell.run("export", "trades", *_range(FIRST_DAY, "9999-12-31")).refused("--to was 9999-12-31")


@pytest.mark.parametrize("account", ["nobody", "house", "../simulation"])
def test_an_unknown_account_is_named_with_the_known_ones(shell: Shell, account: str) -> None:
    done = shell.run(
        "export", "trades", "--account", account, "--from", FIRST_DAY, "--to", FIRST_DAY
    )
    done.refused(f"--account was {account!r}: the log has {ACCOUNT}")


def test_a_place_that_cannot_be_written_is_named(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a directory should be")
    place = tmp_path / "taken" / "out"

    done = shell.run("export", "trades", *_range(FIRST_DAY, FIRST_DAY), "--out", place)

    done.refused("--out was", str(place))


def test_a_log_that_cannot_be_read_leaves_an_earlier_export_as_it_was(
    altered_shell: Shell, tmp_path: Path
) -> None:
    before = export(altered_shell, tmp_path)
    with saboteur(altered_shell.database_url) as connection:
        connection.execute(
            "UPDATE plimsoll.events SET state = 'no JSON' WHERE topic = 'order.filled.v1'"
        )

    done = altered_shell.run("export", "trades", *_range(FIRST_DAY, FIRST_DAY), "--out", tmp_path)

    done.refused("the log could not be read: event order:", "plimsoll audit verify --chain-only")
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def _range(first: str, last: str) -> list[str]:
    return ["--account", ACCOUNT, "--from", first, "--to", last]


def _verified(shell: Shell, head: str) -> Answer:
    return shell.run("audit", "verify", "--chain-only", "--head", f"{ACCOUNT}={head}")
