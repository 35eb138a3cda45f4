"""Runs `plimsoll simulate` as a process of its own, as a user would."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parents[2]
CANDLES = ROOT.parent / "shared" / "data" / "candles"
BTC_WEEK = CANDLES / "BTC-USDT-PERP-1m-2022-01-01_2022-01-07.csv.gz"
WEEK_ALERTS = ROOT / "tests" / "simulation" / "btc-week-alerts.jsonl"
SECONDS_MAX = 300


class FinishedRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a run printed and wrote."""

    summary: dict[str, Any]
    fills: list[dict[str, str]]
    events: bytes


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
    assert done.returncode == 0, f"simulate ended with {done.returncode}: {done.stderr}"
    with (out / "fills.csv").open(newline="", encoding="utf-8") as file:
        fills = list(csv.DictReader(file))
    return FinishedRun(
        summary=json.loads(done.stdout),
        fills=fills,
        events=(out / "events.jsonl").read_bytes(),
    )


def realized_from_fills(fills: Sequence[dict[str, str]]) -> dict[str, Decimal]:
    """Realized profit of each group from its fills alone.

    A leg's own exit realizes that leg's share of cost and entry fee; a full close, whose
    leg is empty, realizes all that is left. Written without a line of the product's code.
    """
    lots: dict[str, dict[str, list[Decimal]]] = {}
    realized: dict[str, Decimal] = {}
    for fill in fills:
        group, leg = fill["group"], f"{fill['pyramid']}/{fill['leg']}"
        quantity, fee = Decimal(fill["quantity"]), Decimal(fill["fee"])
        value = Decimal(fill["price"]) * quantity
        held = lots.setdefault(group, {})
        realized.setdefault(group, Decimal(0))
        if fill["purpose"] == "entry":
            sign = 1 if fill["side"] == "buy" else -1
            known = held.get(leg, [Decimal(0), Decimal(0), Decimal(0)])
            held[leg] = [known[0] + quantity, known[1] + sign * value, known[2] + fee]
            continue
        legs = [leg] if fill["leg"] else sorted(held)
        sign = 1 if fill["side"] == "sell" else -1
        assert sum(held[each][0] for each in legs) == quantity, f"{group} sold what it did not hold"
        cost = sum(held[each][1] + held[each][2] for each in legs)
        realized[group] += sign * value - fee - cost
        for each in legs:
            del held[each]
    return realized
