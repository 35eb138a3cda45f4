"""The benchmarks as a reader runs them: every one measures something, beside its limit."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from adapters.postgres.embedded import EmbeddedPostgres
from benchmarks.__main__ import BENCHMARKS, Report
from benchmarks.figures import Figure, Result, latencies, percentile, rate, table
from benchmarks.processes import child_environment

CHECKOUT = Path(__file__).resolve().parents[2]
SECONDS_MAX = 280

# How many figures a tiny run prints at the least, and a word of one that must be among them.
EXPECTED: Mapping[str, tuple[int, str]] = {
    "webhook": (10, "webhook → 202, 1 client, p99"),
    "orders": (12, "alert → received by the wire venue, alone, p50"),
    "signals": (4, "processor time of the house, a signal"),
    "append": (4, "append_events, batches of 10"),
    "replay": (2, "replay of a day, inputs"),
    "engine": (2, "engine in memory, inputs"),
    "start": (2, "loading the Book from"),
    "rebuild": (1, "rebuild of the read tables"),
    "simulate": (1, "moves of the market, simulated"),
}


def run(server: EmbeddedPostgres, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=CHECKOUT,
        env=child_environment(DATABASE_URL=server.url("postgres")),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


@pytest.mark.timeout(SECONDS_MAX + 10)
def test_one_command_measures_everything_beside_a_limit(postgres_server: EmbeddedPostgres) -> None:
    done = run(postgres_server, "--size", "tiny", "--json")
    assert done.returncode == 0, done.stderr
    report = msgspec.json.decode(done.stdout, type=Report)

    assert "Postgres" in report.machine
    assert [result.benchmark for result in report.results] == list(EXPECTED) == list(BENCHMARKS)
    for result in report.results:
        count, name = EXPECTED[result.benchmark]
        assert len(result.figures) >= count, result
        assert any(name in figure.name for figure in result.figures), result
        assert any(figure.limit is not None for figure in result.figures), result
        for figure in result.figures:
            assert figure.value > 0, figure
            assert figure.limit is None or figure.limit > 0, figure
            assert bool(figure.limit_name) == (figure.limit is not None), figure
    for name in EXPECTED:
        assert f"{name}, " in done.stderr, "progress is told while it runs"


def test_a_named_benchmark_prints_a_table(postgres_server: EmbeddedPostgres) -> None:
    done = run(postgres_server, "start", "--size", "tiny")
    assert done.returncode == 0, done.stderr
    machine, _, title, header, *rows = done.stdout.splitlines()
    assert "cores" in machine
    assert title.startswith("start: the Book at a start")
    assert header.split() == ["figure", "value", "ratio", "limit"]
    assert [row.rsplit("  ", 1)[1] for row in rows] == [
        "reading and decoding alone",
        "bare SELECT",
    ]


def test_an_unknown_name_is_refused_with_the_known_ones(postgres_server: EmbeddedPostgres) -> None:
    done = run(postgres_server, "nope")
    assert done.returncode == 2
    assert "name was 'nope': choose from webhook, orders" in done.stderr


def test_a_percentile_is_a_sample_that_was_seen() -> None:
    samples = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert percentile(samples, 0.5) == 3.0
    assert percentile(samples, 0.99) == 5.0
    assert percentile([7.0], 0.5) == 7.0
    with pytest.raises(ValueError, match="no samples"):
        percentile([], 0.5)


def test_latencies_are_in_milliseconds_and_beside_the_same_share_of_the_limit() -> None:
    half, most = latencies("answer", [0.001, 0.002, 0.009], [0.001, 0.001, 0.003], "bare")
    assert (half.name, half.value, half.limit) == ("answer, p50", 2.0, 1.0)
    assert (most.name, most.value, most.limit) == ("answer, p99", 9.0, 3.0)
    assert (half.ratio, most.ratio) == (2.0, 3.0)


def test_a_rate_is_told_beside_its_limit() -> None:
    figure = rate("events", 500, 2.0, ("bare", 1000.0))
    assert (figure.value, figure.ratio, figure.limit_name) == (250.0, 0.25, "bare")
    assert rate("events", 500, 2.0).ratio is None


def test_the_table_shows_ratio_and_limit_only_where_there_is_one() -> None:
    result = Result(
        benchmark="some",
        title="of a kind",
        seconds=1.2,
        figures=(
            Figure(name="fast", value=1234.5, unit="/s", limit=2469.0, limit_name="bare"),
            Figure(name="slow one", value=2.25, unit="ms"),
        ),
    )
    assert table(result).splitlines() == [
        "some: of a kind (1 s)",
        "  figure       value  ratio     limit",
        "  fast      1,234 /s   0.50  2,469 /s  bare",
        "  slow one   2.25 ms",
    ]
