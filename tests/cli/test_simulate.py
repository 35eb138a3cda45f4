"""`plimsoll simulate`: one digest wherever it is recorded, and every bad input named."""

import csv
import gzip
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

from adapters.postgres.embedded import EmbeddedPostgres
from tests.cli.market import START, SYMBOL, Market, alert, write_alerts, write_candles
from tests.cli.shell import Answer, Shell

HEADER = "timestamp,open,high,low,close\n"
ROW = "2026-01-05T00:00:00Z,10,12,9,11\n"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell without a database: a simulation needs none."""
    return Shell(data_dir=tmp_path / "home")


@pytest.fixture(scope="module")
def in_memory(market: Market, tmp_path_factory: pytest.TempPathFactory) -> tuple[Answer, Path]:
    """The night in memory, in a process of its own, with its files."""
    out = tmp_path_factory.mktemp("run") / "new" / "out"
    shell = Shell(data_dir=out.parent / "home")
    return shell.start("simulate", *market.arguments(), "--out", out, "--json"), out


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Market:
    """Two candles and no alert, for what is wrong elsewhere."""
    place = tmp_path_factory.mktemp("small")
    rows = [(START + timedelta(minutes=m), Decimal(60000), Decimal(60010)) for m in range(2)]
    return Market(
        candles=write_candles(place / "candles.csv", rows), alerts=write_alerts(place, [""])
    )


def test_machines_get_one_line_of_json_and_nothing_beside_it(
    in_memory: tuple[Answer, Path],
) -> None:
    done, _ = in_memory

    assert (done.code, done.stderr) == (0, "")
    summary = done.json()
    assert {"inputs", "events", "signals", "groups", "equity", "digest"} <= summary.keys()
    assert len(summary["digest"]) == 64
    assert summary["groups"]
    assert sum(summary["signals"].values()) == 6
    total = Decimal(100000) + Decimal(summary["realized_pnl"]) + Decimal(summary["unrealized_pnl"])
    assert Decimal(summary["equity"]) == total


def test_people_get_the_summary_and_see_the_progress_beside_it(
    shell: Shell, market: Market, in_memory: tuple[Answer, Path]
) -> None:
    done = shell.run("simulate", *market.arguments())

    assert done.code == 0
    assert done.stdout.startswith("inputs ")
    assert done.stdout.endswith(f"digest {in_memory[0].json()['digest']}\n")
    assert "simulating" not in done.stdout
    assert f"{SYMBOL}: tick 0.1, step 0.001, minimum 0.001, minimum notional 5" in done.stderr


def test_the_progress_bar_is_drawn_on_standard_error(shell: Shell, market: Market) -> None:
    terminal = {"FORCE_COLOR": "1", "TTY_INTERACTIVE": "1"}
    done = shell.start("simulate", *market.arguments(), env=terminal)
    quiet = shell.start("simulate", *market.arguments(), "--json", env=terminal)

    assert "simulating" in done.stderr
    assert "simulating" not in done.stdout
    assert quiet.stderr == ""
    assert quiet.json()["digest"] in done.stdout


def test_a_postgres_gives_the_digest_of_memory_and_is_refused_a_second_time(
    shell: Shell, market: Market, in_memory: tuple[Answer, Path], night_url: str
) -> None:
    recorded = Shell(data_dir=shell.data_dir, database_url=night_url)
    verified = recorded.run("audit", "verify", "--json")
    again = shell.run("simulate", *market.arguments(), "--database", night_url, "--json")

    summary = in_memory[0].json()
    chain = verified.json()["accounts"]["simulation"]
    assert verified.code == 0
    assert (chain["head"], chain["count"]) == (summary["digest"], summary["events"])
    again.refused("the database holds a run of account 'simulation' already: give an empty")


@pytest.fixture
def embedded_shell() -> Iterator[Shell]:
    """A data directory that the user a server runs as can reach, taken away after the server."""
    home = Path(tempfile.mkdtemp(prefix="plimsoll-cli-"))
    home.chmod(0o711 if os.getuid() == 0 else 0o700)
    # Held until the end: the server stops after its last user, not between two runs.
    with EmbeddedPostgres.start(home):
        yield Shell(data_dir=home)
    deadline = time.monotonic() + 30
    while any(str(home) in argument for argument in _command_lines()):
        assert time.monotonic() < deadline, f"the server of {home} did not end with its last user"
        time.sleep(0.02)
    shutil.rmtree(home)


def _command_lines() -> Iterator[str]:
    for process in psutil.process_iter(["cmdline"]):
        yield from process.info["cmdline"] or ()


def test_the_embedded_server_gives_the_digest_of_memory_and_is_refused_a_second_time(
    embedded_shell: Shell, market: Market, in_memory: tuple[Answer, Path]
) -> None:
    wanted = ["simulate", *market.arguments(), "--database", "embedded", "--json"]

    assert embedded_shell.run(*wanted).json() == in_memory[0].json()
    embedded_shell.run(*wanted).refused(
        "holds a run of account 'simulation' already",
        f"PLIMSOLL_DATA, which is {embedded_shell.data_dir}",
    )


def test_the_files_hold_the_fills_and_the_log(in_memory: tuple[Answer, Path]) -> None:
    done, out = in_memory
    with (out / "fills.csv").open(newline="", encoding="utf-8") as file:
        fills = list(csv.DictReader(file))
    events = [json.loads(line) for line in (out / "events.jsonl").read_bytes().splitlines()]

    assert sorted(path.name for path in out.iterdir()) == ["events.jsonl", "fills.csv"]
    assert len(events) == done.json()["events"]
    assert events[-1]["state"]["digest"] == done.json()["digest"]
    assert len(fills) == sum(event["name"] == "order.filled.v1" for event in events) > 5
    assert sum(Decimal(fill["fee"]) for fill in fills) == Decimal(done.json()["fees"])


def test_an_equity_that_fell_to_nothing_ends_the_run_with_a_code_of_its_own(
    shell: Shell, tmp_path: Path
) -> None:
    rows = [
        (START + timedelta(minutes=m), Decimal(60000 - 900 * m), Decimal(59100 - 900 * m))
        for m in range(30)
    ]
    candles = write_candles(tmp_path / "falling.csv", rows)
    alerts = write_alerts(tmp_path, [alert(START + timedelta(seconds=20), "signal", "buy", "15")])
    settings = tmp_path / "reckless.json"
    off = dict.fromkeys(("max_daily_loss", "max_drawdown_percent"))
    settings.write_text(
        json.dumps(
            {
                "capital": {"leverage": 50, "group_budget": "4000", "pyramid_capital": "full"},
                "risk": {**off, "max_leverage": 50, "min_liquidation_distance_percent": None},
            }
        )
    )
    out = tmp_path / "out"
    done = shell.run(
        *["simulate", "--market", f"{SYMBOL}={candles}", "--signals", str(alerts)],
        *["--settings", str(settings), "--balance", "200", "--out", str(out), "--json"],
    )

    assert done.code == 3, done.stderr
    assert Decimal(done.json()["equity"]) <= 0
    assert done.stderr == "plimsoll: the equity fell to nothing; the run ended there\n"
    assert (out / "fills.csv").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (HEADER + "2026-01-05T00:00:00Z,10,12,9,x\n", ["line 2", "close was 'x'", "decimal"]),
        (HEADER + ROW + "2026-01-05T00:01:00Z,10,12,9\n", ["line 3", "close was ''"]),
        (HEADER + "2026-01-05T00:00:00Z,-1,12,9,11\n", ["open was '-1'", "positive price"]),
        (HEADER + "2026-01-05T00:00:00Z,NaN,12,9,11\n", ["open was 'NaN'", "positive price"]),
        (HEADER + "2026-01-05T00:00:00Z,13,12,9,11\n", ["open was '13'", "between low 9"]),
        (HEADER + "5 January,10,12,9,11\n", ["timestamp was '5 January'", "ISO-8601"]),
        (HEADER + "2026-01-05T00:00:00,10,12,9,11\n", ["line 2", "say the zone"]),
        (HEADER + ROW + ROW, ["line 3", "not after the row before", "sort the rows"]),
        ("time,open,high,low,close\n" + ROW, ["line 1", "without timestamp"]),
        (HEADER, ["no row after the header"]),
        ("", ["line 1", "the header was ''"]),
    ],
)
def test_a_bad_row_of_candles_names_file_line_field_and_remedy(
    shell: Shell, small: Market, tmp_path: Path, content: str, words: list[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content, encoding="utf-8")

    _with_candles(shell, small, path).refused(str(path), *words)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("not-packed.csv.gz", b"timestamp,open"),
        ("cut.csv.gz", gzip.compress((HEADER + ROW * 50).encode(), mtime=0)[:40]),
        ("empty.csv.gz", gzip.compress(HEADER.encode(), mtime=0)[:12]),
        ("latin.csv", HEADER.encode() + b"\xff\xfe,1,1,1,1\n"),
        ("endless.csv", HEADER.encode() + b"1" * 200_000),
    ],
)
def test_a_file_that_is_no_candle_file_is_named(
    shell: Shell, small: Market, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    _with_candles(shell, small, path).refused(f"--market was {path}", "could not be read", "UTF-8")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", ["line 2"]),
        ('{"at": "2026-01-05T00:00:00Z"}', ["line 2", "`body`"]),
        ('{"body": {}}', ["line 2", "`at`"]),
        ('{"at": "yesterday", "body": {}}', ["line 2", "$.at"]),
        ('{"at": "2026-01-05T00:00:00", "body": {}}', ["line 2", "end it with Z or an offset"]),
        ('{"at": "2026-01-05T00:00:00Z", "body": []}', ["line 2", "body was a list"]),
        ('{"at": "2026-01-05T00:00:00Z", "body": {}, "x": 1}', ["line 2", "`x`"]),
    ],
)
def test_a_bad_line_of_alerts_names_file_line_and_remedy(
    shell: Shell, small: Market, tmp_path: Path, line: str, words: list[str]
) -> None:
    path = write_alerts(tmp_path, ['{"at": "2026-01-05T00:00:00Z", "body": {}}', line])
    done = shell.run(*_small(small), "--signals", path)

    done.refused(str(path), *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--instrument", f"{SYMBOL}=tock:1"], ["rule of BTC/USDT:USDT was 'tock:1'", "tick"]),
        (["--instrument", f"{SYMBOL}=tick:0"], ["tick of BTC/USDT:USDT was '0'", "positive"]),
        (["--instrument", SYMBOL], [f"instrument was '{SYMBOL}'", "SYMBOL=tick:0.1"]),
        (["--instrument", "ETH/USDT:USDT=tick:1"], ["--instrument was ETH/USDT:USDT", "--market"]),
        (["--market", "BTCUSDT=x.csv"], ["symbol was 'BTCUSDT'", "BTC/USDT:USDT for a perpetual"]),
        (["--market", "nothing"], ["--market was 'nothing'", "SYMBOL=FILE"]),
        (["--market", "ETH/USDT:USDT=gone.csv"], ["--market was gone.csv", "no such file"]),
        (["--signals", "gone.jsonl"], ["--signals was gone.jsonl", "no such file"]),
        (["--settings", "gone.json"], ["--settings was gone.json", "no such file"]),
        (["--balance", "much"], ["--balance was 'much'", "positive decimal number"]),
        (["--balance", "-1"], ["--balance was '-1'"]),
        (["--balance", "Infinity"], ["--balance was 'Infinity'"]),
        (["--database", "sqlite"], ["--database was 'sqlite'", "memory, embedded or a Postgres"]),
        (
            ["--database", "postgresql://joe:hunter2@127.0.0.1:1/x"],
            ["--database was postgresql://joe:***@127.0.0.1:1/x", "Connection refused"],
        ),
    ],
)
def test_a_bad_option_is_named_with_its_value_and_remedy(
    shell: Shell, small: Market, options: list[str], words: list[str]
) -> None:
    done = shell.run(*_small(small), "--signals", small.alerts, *options)

    assert "hunter2" not in done.refused(*words)


def test_one_symbol_twice_is_refused(shell: Shell, small: Market) -> None:
    done = shell.run(*_small(small), *small.arguments())

    done.refused(f"--market named {SYMBOL} twice")


def test_settings_that_are_refused_name_the_file_and_every_problem(
    shell: Shell, small: Market, tmp_path: Path
) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"pool": {"max_open_groups": 0}, "queue": {"limit": -1}}')

    done = shell.run("simulate", *small.arguments(), "--settings", path)

    done.refused(f"{path} was refused:", "pool.max_open_groups was 0: ", "queue.limit was -1: ")


def test_given_rules_of_an_instrument_are_used_and_the_rest_is_derived(
    shell: Shell, small: Market
) -> None:
    rule = f"{SYMBOL}=tick:0.5,step:0.01"
    done = shell.run("simulate", *small.arguments(), "--instrument", rule)

    assert done.code == 0
    assert f"{SYMBOL}: tick 0.5, step 0.01, minimum 0.01, minimum notional 5" in done.stderr


def test_a_place_that_cannot_be_written_is_named(
    shell: Shell, small: Market, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file where a directory should be")
    place = tmp_path / "taken" / "out"

    shell.run("simulate", *small.arguments(), "--out", place, "--json").refused(
        f"--out was {place}", "name a directory that can be written"
    )


def _small(small: Market) -> list[str]:
    return ["simulate", "--market", f"{SYMBOL}={small.candles}"]


def _with_candles(shell: Shell, small: Market, path: Path) -> Answer:
    return shell.run(
        "simulate", "--market", f"{SYMBOL}={path}", "--signals", str(small.alerts), "--json"
    )
