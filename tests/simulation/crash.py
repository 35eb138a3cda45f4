"""The crash of 16 and 17 January 2018, with the risk engine and without it, as docs/risk.md tells.

`python -m tests.simulation.crash` runs both and writes the table into the page.
"""

import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from tests.docs.worked import DOCS, put, table
from tests.simulation.log_reading import Fact, facts_of
from tests.simulation.running import FinishedRun, simulate
from tests.simulation.scenarios import BARE_CRASH, SCENARIOS, Scenario, prepare

PAGE, EXAMPLE = DOCS / "risk.md", "crash"
GUARDED = next(scenario for scenario in SCENARIOS if scenario.name == "crash-guarded")
WITH, WITHOUT = "with the risk engine", "without"


def both(place: Path) -> dict[str, FinishedRun]:
    """The two runs: the same candles, alerts and trading settings."""
    return {
        name: _run(scenario, place / scenario.name)
        for name, scenario in ((WITH, GUARDED), (WITHOUT, BARE_CRASH))
    }


def story(runs: Mapping[str, FinishedRun]) -> str:
    """What each did, side by side."""
    columns = [_column(run) for run in runs.values()]
    rows = [["", *runs]]
    rows += [[name, *(column[name] for column in columns)] for name in columns[0]]
    return table(rows)


def named(facts: tuple[Fact, ...], name: str) -> list[Fact]:
    """The events of one NAME, in order."""
    return [fact for fact in facts if fact.name == name]


def _run(scenario: Scenario, place: Path) -> FinishedRun:
    return simulate(place / "out", prepare(scenario, place).arguments, "0")


def _column(run: FinishedRun) -> dict[str, str]:
    facts = facts_of(run.events)
    samples = [Decimal(fact.event["equity"]) for fact in named(facts, "equity.sampled.v1")]
    settled = [fact.event for fact in named(facts, "offset.settled.v1")]
    earned = sum((Decimal(event["earned"]) for event in settled), Decimal(0))
    tripped = named(facts, "brakes.breaker_tripped.v1")
    stopped = named(facts, "equity.emergency_stopped.v1")
    ruined = f", ruined {_when(facts[-1])}" if run.ruined else ""
    return {
        "refused by the gate": str(len(named(facts, "risk_engine.denied.v1"))),
        "offsets, and what they earned": f"{len(settled)}, {_short(earned)}",
        "breaker": _when(tripped[0]) if tripped else "",
        "emergency stop": _when(stopped[0]) if stopped else "",
        "lowest equity at a minute": _short(min(samples)),
        "equity at the end, of 100": _short(Decimal(run.summary["equity"])) + ruined,
    }


def _when(fact: Fact) -> str:
    return f"{fact.at:%d January %H:%M}"


def _short(value: Decimal) -> str:
    return f"{value:.2f}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        put(PAGE, EXAMPLE, story(both(Path(directory))))
