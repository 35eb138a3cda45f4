"""Every scenario: its committed digest, and its money, fills and waits judged independently."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from adapters.memory_log import MemoryEventLog
from application.replay import replay_day
from cli.simulate import ACCOUNT, _run
from cli.simulation_plan import SimulationOptions, read_plan
from domain.trading_day import TradingDayBegun
from tests.simulation.checking import findings
from tests.simulation.make_alerts import recorded_sets, write
from tests.simulation.markets import HERE
from tests.simulation.running import simulate
from tests.simulation.scenarios import (
    SCENARIOS,
    Prepared,
    Scenario,
    differences,
    expected,
    missing_data,
    outcome,
    prepare,
    run,
)

# A machine that runs everything at once is several times slower than one at rest.
pytestmark = pytest.mark.timeout(300)

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
RECORD = "if this change is meant, run `python -m tests.simulation.record` and commit it"
# One of a kind: exits that rest, that are watched, all at once, and reductions and reversals.
REPLAYED = (
    "made-up-long",
    "made-up-short",
    "made-up-aggregate",
    "mixed-opposites-reverse",
    "stops-resting",
)
SEEDED = ("made-up-aggregate", "two-slots-for-eight-pairs")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_gives_its_committed_digest_and_agrees_with_its_own_fills_and_candles(
    scenario: Scenario, tmp_path: Path
) -> None:
    _skip_without_data(scenario)

    done, evidence = run(scenario, tmp_path)

    assert findings(evidence) == [], f"{scenario.name} contradicts its fills or candles"
    changed = differences(expected().get(scenario.name, {}), outcome(done))
    assert changed == [], f"{scenario.name} came out otherwise; {RECORD}"


@pytest.mark.parametrize(
    ("column", "value"),
    [("price", "61000"), ("quantity", "0.001"), ("fee", "0.01"), ("liquidity", "maker")],
)
def test_one_altered_column_of_one_fill_is_found(column: str, value: str, tmp_path: Path) -> None:
    done, evidence = run(BY_NAME["made-up-short"], tmp_path)
    (first, *others) = [fill for fill in done.fills if fill["symbol"] == "BTC/USDT:USDT"]
    assert first["liquidity"] == "taker", "what is altered must have been otherwise"

    altered = [{**first, column: value}, *others]
    altered += [fill for fill in done.fills if fill["symbol"] != "BTC/USDT:USDT"]
    told = msgspec.structs.replace(done, fills=altered)

    assert findings(msgspec.structs.replace(evidence, run=told)) != []


@pytest.mark.parametrize("name", SEEDED)
def test_processes_with_different_hash_seeds_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    _skip_without_data(BY_NAME[name])
    prepared = prepare(BY_NAME[name], tmp_path)

    first = simulate(tmp_path / "first", prepared.arguments, "1")
    second = simulate(tmp_path / "second", prepared.arguments, "4294967295")

    assert first.summary == second.summary
    assert hashlib.sha256(first.events).digest() == hashlib.sha256(second.events).digest()
    assert (tmp_path / "first" / "fills.csv").read_bytes() == (
        tmp_path / "second" / "fills.csv"
    ).read_bytes()


@pytest.mark.parametrize("name", REPLAYED)
def test_every_day_of_a_scenario_replays_identically(name: str, tmp_path: Path) -> None:
    _skip_without_data(BY_NAME[name])
    log = MemoryEventLog()
    plan = read_plan(_options(prepare(BY_NAME[name], tmp_path)))

    result = _run(plan, log, show=False)

    days = sorted(
        {
            recorded.event.date
            for recorded in result.recorded
            if isinstance(recorded.event, TradingDayBegun)
        }
    )
    reports = [replay_day(log, ACCOUNT, day) for day in days]
    assert len(days) > 1, "a run within one day proves nothing of the turn"
    assert [report.difference for report in reports] == [None] * len(days)
    assert sum(report.events for report in reports) == result.summary.events


def test_the_committed_alerts_are_what_the_committed_rule_gives(tmp_path: Path) -> None:
    for name, charts in recorded_sets().items():
        if not all(candles.exists() for candles, _ in charts):
            pytest.skip("the recorded candles are not beside this checkout")
        write(tmp_path / f"{name}.jsonl", charts)

        committed = HERE / "alerts" / f"{name}.jsonl"
        assert (tmp_path / f"{name}.jsonl").read_bytes() == committed.read_bytes(), name


def test_every_mode_meets_both_sides_on_both_recorded_markets() -> None:
    names = {scenario.name for scenario in SCENARIOS}

    for market in ("btc", "pairs"):
        for side in ("long", "short"):
            for mode in ("per-leg", "aggregate", "pyramid-aggregate", "hybrid"):
                found = [name for name in names if name.startswith(f"{market}-{side}-{mode}-")]
                assert len(found) == 1, f"{market} {side} {mode} is run by {found}"


def test_nothing_is_committed_of_a_scenario_that_is_gone() -> None:
    assert sorted(expected()) == sorted(BY_NAME), RECORD


def _options(prepared: Prepared) -> SimulationOptions:
    """The options of the command line, as the command itself reads them."""
    given: dict[str, list[str]] = {}
    for name, value in zip(prepared.arguments[::2], prepared.arguments[1::2], strict=True):
        given.setdefault(name, []).append(value)
    return SimulationOptions(
        markets=tuple(given["--market"]),
        signals_file=Path(given["--signals"][0]),
        settings_file=Path(given["--settings"][0]),
        venue="binanceusdm",
        rules=tuple(given.get("--instrument", ())),
        balance=given["--balance"][0],
    )


def _skip_without_data(scenario: Scenario) -> None:
    missing = missing_data(scenario)
    if missing:
        pytest.skip(f"the recorded candles {missing} are not beside this checkout")
