"""`python -m tests.simulation.record [name …]` runs scenarios and records what came of them.

It prints what changed. Nothing is recorded of a run that contradicts its own fills or candles.
"""

import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.simulation.checking import findings
from tests.simulation.scenarios import (
    EXPECTED,
    SCENARIOS,
    Scenario,
    differences,
    expected,
    missing_data,
    outcome,
    run,
)

PROCESSES = 2


def main(names: list[str]) -> int:
    """Run the scenarios named, or all. Returns how many could not be recorded."""
    wanted = [each for each in SCENARIOS if not names or each.name in names]
    unknown = sorted(set(names) - {each.name for each in wanted})
    if unknown:
        raise SystemExit(f"there is no scenario {', '.join(unknown)}")
    known = expected()
    with ThreadPoolExecutor(PROCESSES) as pool:
        results = list(pool.map(_told, wanted))
    recorded = {name: result for name, result in results if result}
    everything = {each.name: known.get(each.name) for each in SCENARIOS} | recorded
    kept = {name: value for name, value in everything.items() if value}
    EXPECTED.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return len(wanted) - len(recorded)


def _told(scenario: Scenario) -> tuple[str, dict[str, Any] | None]:
    lines, result = _recorded(scenario)
    _say("\n  ".join([f"{scenario.name}: {lines[0]}", *lines[1:]]))
    return scenario.name, result


def _recorded(scenario: Scenario) -> tuple[list[str], dict[str, Any] | None]:
    missing = missing_data(scenario)
    if missing:
        return [f"left as it was, since {missing} is not beside this checkout"], None
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        try:
            done, evidence = run(scenario, Path(place))
        except AssertionError as error:
            return ["FAILED", str(error)], None
    found = findings(evidence)
    if found:
        return ["CONTRADICTS ITSELF", *found[:12], f"({len(found)} findings)"], None
    result = outcome(done)
    changes = differences(expected().get(scenario.name, {}), result)
    seconds = time.monotonic() - began
    return [f"{'changed' if changes else 'the same'}, {seconds:.0f} s", *changes], result


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is what the command is for


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
