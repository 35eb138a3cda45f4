"""The scenarios: which alerts meet which market under which settings, and what they show."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from tests.simulation.checking import Evidence
from tests.simulation.log_reading import facts_of
from tests.simulation.make_alerts import Chart, alerts_between, write
from tests.simulation.markets import (
    BTC_WEEK,
    EIGHT_PAIRS,
    EIGHT_PERPETUALS,
    HERE,
    make_up,
    path_of,
    some_days,
)
from tests.simulation.recomputing import Rules, nearest_target
from tests.simulation.running import FinishedRun, simulate

EXPECTED = HERE / "expected.json"
MARKETS = {"btc": BTC_WEEK, "pairs": EIGHT_PERPETUALS, "spot": EIGHT_PAIRS}
BALANCES = {"btc": "100000", "pairs": "100", "spot": "100", "made-up": "100000"}
MADE_UP = {"BTC/USDT:USDT": (11, Decimal(60000)), "ETH/USDT:USDT": (12, Decimal(3000))}
SPOT_STEPS = ("ETH/BTC=step:0.001", "DASH/BTC=step:0.001", "LTC/BTC=step:0.001")


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `market`: btc, pairs, spot or made-up; `days` of it, after the first `skipped`."""

    name: str
    market: str
    alerts: str
    settings: str
    days: int = 7
    rules: tuple[str, ...] = ()
    skipped: int = 0


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario with its files in place."""

    scenario: Scenario
    candles: dict[str, Path]
    alerts: Path
    arguments: tuple[str, ...]
    balance: Decimal


def _of_every_mode() -> tuple[Scenario, ...]:
    """Each mode on each side of both markets; the sides take turns in resting and watching."""
    return tuple(
        Scenario(
            name=f"{market}-{side}-{mode}-{execution}",
            market=market,
            alerts=f"{market}-{side}",
            settings=f"{currency}-{mode}-{execution}",
            days=7 if side == "long" else 5,
        )
        for market, currency, executions in (
            ("btc", "usdt", {"long": "resting", "short": "watch"}),
            ("pairs", "btc", {"long": "watch", "short": "resting"}),
        )
        for mode in ("per-leg", "aggregate", "pyramid-aggregate", "hybrid")
        for side, execution in executions.items()
    )


def _own(name: str, market: str, alerts: str, settings: str, days: int = 3) -> Scenario:
    return Scenario(name=name, market=market, alerts=alerts, settings=settings, days=days)


def _crash(settings: str) -> Scenario:
    """16 and 17 January 2018: eight pairs lose up to a third of their price."""
    return Scenario(
        name=settings, market="pairs", alerts="pairs-crash", settings=settings, days=2, skipped=5
    )


# The same without a risk engine: no limit, no breaker, no stop, no offset. It ends ruined.
BARE_CRASH = _crash("crash-bare")
SCENARIOS = (
    *_of_every_mode(),
    Scenario(
        name="spot-long-per-leg",
        market="spot",
        alerts="pairs-spot-long",
        settings="btc-per-leg-resting",
        days=5,
        rules=SPOT_STEPS,
    ),
    _own("spot-long-aggregate-derived", "spot", "pairs-spot-long", "btc-aggregate-watch"),
    _own("mixed-opposites-wait", "btc", "btc-mixed", "mixed-queue", days=7),
    _own("mixed-opposites-reverse", "btc", "btc-mixed", "mixed-reverse", days=4),
    _own("mixed-hedged", "btc", "btc-mixed", "hedge", days=4),
    _own("stops-watched", "btc", "btc-long", "stops-watch", days=6),
    _own("stops-resting", "btc", "btc-short", "stops-resting", days=6),
    _own("stops-beside-watched-targets", "btc", "btc-long", "stops-watch-all", days=6),
    _own("ladders-bought-at-market", "btc", "btc-short", "ladders"),
    _own("post-only-near-the-market", "btc", "btc-long", "post-only"),
    _own("capital-listed-by-pyramid", "btc", "btc-long", "capital-listed"),
    _own("capital-whole-and-kept-open", "btc", "btc-short", "capital-full"),
    _own("small-legs-merged", "btc", "btc-long", "merge"),
    _own("two-slots-for-eight-pairs", "pairs", "pairs-long", "pressure", days=4),
    _crash("crash-guarded"),
    _own("made-up-long", "made-up", "long", "usdt-per-leg-resting"),
    _own("made-up-short", "made-up", "short", "usdt-per-leg-watch"),
    _own("made-up-aggregate", "made-up", "both", "usdt-aggregate-resting"),
)


def missing_data(scenario: Scenario) -> str:
    """Which recorded candles are not there; empty = none, or it needs none."""
    files = MARKETS.get(scenario.market, {}).values()
    return ", ".join(file.name for file in files if not file.exists())


def prepare(scenario: Scenario, place: Path) -> Prepared:
    """Put its candles and alerts in place."""
    place.mkdir(parents=True, exist_ok=True)
    alerts = HERE / "alerts" / f"{scenario.alerts}.jsonl"
    if scenario.market == "made-up":
        candles = {
            symbol: make_up(seed, price, place / f"{seed}.csv.gz")
            for symbol, (seed, price) in MADE_UP.items()
        }
        sides = ("long", "short") if scenario.alerts == "both" else (scenario.alerts,)
        alerts = place / "alerts.jsonl"
        charts = [
            (candles[symbol], Chart(symbol.split("/")[0] + "USDT.P", minutes, sides, True))
            for symbol in candles
            for minutes in (5, 15)
        ]
        write(alerts, charts)
    else:
        candles = {
            symbol: some_days(file, scenario.skipped, scenario.days, place / file.name)
            for symbol, file in MARKETS[scenario.market].items()
        }
        paths = [path_of(file) for file in candles.values()]
        begins, ends = min(path[0].at for path in paths), max(path[-1].at for path in paths)
        alerts = alerts_between(alerts, begins, ends, place / "alerts.jsonl")
    return Prepared(
        scenario=scenario,
        candles=candles,
        alerts=alerts,
        arguments=(
            *(part for symbol in candles for part in ("--market", f"{symbol}={candles[symbol]}")),
            *("--signals", str(alerts)),
            *("--settings", str(HERE / "settings" / f"{scenario.settings}.json")),
            *("--balance", BALANCES[scenario.market]),
            *(part for rule in scenario.rules for part in ("--instrument", rule)),
        ),
        balance=Decimal(BALANCES[scenario.market]),
    )


def run(scenario: Scenario, place: Path, hash_seed: str = "0") -> tuple[FinishedRun, Evidence]:
    """Run it in a process of its own, and lay out what to judge it by."""
    prepared = prepare(scenario, place)
    done = simulate(place / "out", prepared.arguments, hash_seed)
    settings = json.loads((HERE / "settings" / f"{scenario.settings}.json").read_bytes())
    paths = {symbol: path_of(file) for symbol, file in prepared.candles.items()}
    exponents = {symbol: path[0].price.adjusted() for symbol, path in paths.items()}
    # Spec §11: an instrument that is not given is derived from its first open.
    ticks = {symbol: Decimal(1).scaleb(max(-8, e - 5)) for symbol, e in exponents.items()}
    steps = {symbol: Decimal(1).scaleb(min(0, 1 - e)) for symbol, e in exponents.items()}
    for rule in scenario.rules:
        symbol, _, step = rule.partition("=step:")
        steps[symbol] = Decimal(step)
    evidence = Evidence(
        run=done,
        facts=facts_of(done.events),
        paths=paths,
        balance=prepared.balance,
        rules=Rules(steps=steps, rank=nearest_target(settings, ticks)),
        alerts=len(prepared.alerts.read_bytes().splitlines()),
    )
    return done, evidence


def outcome(done: FinishedRun) -> dict[str, Any]:
    """What is committed of a run: its digest, its counts and its money."""
    summary = done.summary
    names = ("digest", "inputs", "events", "signals", "realized_pnl", "unrealized_pnl")
    return {
        **{name: summary[name] for name in (*names, "fees", "equity")},
        "groups": len(summary["groups"]),
        "closed": sum(group["state"] == "CLOSED" for group in summary["groups"]),
        "fills": len(done.fills),
        "purposes": _counts(fill["purpose"] for fill in done.fills),
    }


def expected() -> dict[str, dict[str, Any]]:
    """What is committed of every scenario, by name."""
    if not EXPECTED.exists():
        return {}
    document: dict[str, dict[str, Any]] = json.loads(EXPECTED.read_bytes())
    return document


def differences(known: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """One line a value that is not what was committed."""
    return [
        f"{name} was {known.get(name)}, is {now.get(name)}"
        for name in sorted({*known, *now})
        if known.get(name) != now.get(name)
    ]


def _counts(words: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return dict(sorted(counts.items()))
