"""Runs `plimsoll simulate` as a process of its own, as a user would."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.simulation.markets import BTC_WEEK as BTC_WEEK_MARKET
from tests.simulation.markets import CANDLES, HERE

ROOT = HERE.parents[1]
BTC_WEEK = BTC_WEEK_MARKET["BTC/USDT:USDT"]
WEEK_ALERTS = HERE / "btc-week-alerts.jsonl"
SECONDS_MAX = 300
RUINED = 3

__all__ = ["BTC_WEEK", "CANDLES", "WEEK_ALERTS", "FinishedRun", "simulate"]


class FinishedRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a run printed and wrote; `ruined`: it ended where its equity fell to nothing."""

    summary: dict[str, Any]
    fills: list[dict[str, str]]
    events: bytes
    ruined: bool = False


def simulate(out: Path, arguments: Sequence[str], hash_seed: str) -> FinishedRun:
    """Run in its own process. Fails with what it printed if it did not end well."""
    command = [sys.executable, "-m", "cli", "simulate", *arguments, "--out", str(out), "--json"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    told = f"simulate ended with {done.returncode}: {done.stderr}"
    assert done.returncode in (0, RUINED), told
    with (out / "fills.csv").open(newline="", encoding="utf-8") as file:
        fills = list(csv.DictReader(file))
    return FinishedRun(
        summary=json.loads(done.stdout),
        fills=fills,
        events=(out / "events.jsonl").read_bytes(),
        ruined=done.returncode == RUINED,
    )
