"""The runs a trading machine draws: settings of every kind, on markets of every kind."""

import os
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from domain.instrument import Instrument, MarketKind
from domain.settings import (
    CapitalSettings,
    ExitSettings,
    GridSettings,
    LegSettings,
    PoolSettings,
    QueueSettings,
    RiskSettings,
    Settings,
    SignalSettings,
)
from tests.application.desk import Desk, market

D = Decimal
# A longer search, on seeds of its own: so many runs of each machine.
RUNS_VARIABLE = "PLIMSOLL_MACHINE_RUNS"


def budget(runs: int, steps: int) -> settings:
    """The same runs each time, and quick; many others where the environment asks for more."""
    asked = os.environ.get(RUNS_VARIABLE)
    return settings(
        max_examples=int(asked) if asked else runs,
        stateful_step_count=steps,
        derandomize=not asked,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What one run trades by."""

    settings: Settings
    markets: tuple[Instrument, ...]
    kind: MarketKind = "linear"
    venue_stops: bool = False

    @property
    def is_hedged(self) -> bool:
        """Whether long and short live side by side."""
        return self.settings.capital.hedge_mode

    def desk(self) -> Desk:
        """A desk for it, its venue in the same position mode."""
        made = Desk(
            self.settings,
            markets=self.markets,
            kind=self.kind,
            leverage=1 if self.kind == "spot" else 100,
        )
        made.core.set_hedge_mode(hedge_mode=self.is_hedged)
        return made


def _rung(gap: str, weight: str, target: str) -> LegSettings:
    return LegSettings(gap_percent=D(gap), weight_percent=D(weight), take_profit_percent=D(target))


LADDERS = (
    GridSettings().legs,
    (_rung("0", "40", "2"), _rung("0", "30", "1"), _rung("-1", "30", "3")),
    (_rung("-0.5", "97", "1"), _rung("-2", "3", "0.5")),
    (_rung("0", "100", "1.5"),),
)
PERCENTS = st.sampled_from([D("0.5"), D(1), D(2)])

EXITS = st.builds(
    ExitSettings,
    mode=st.sampled_from(["per_leg", "aggregate", "pyramid_aggregate", "hybrid"]),
    take_profit_percent=PERCENTS,
    pyramid_targets=st.sampled_from([{}, {0: D(1), 1: D("0.6")}]),
    execution=st.sampled_from(["resting", "resting", "watch"]),
    close_when_flat=st.sampled_from([True, True, False]),
    coalesce_ms=st.sampled_from([0, 0, 500]),
    stop_loss_percent=st.sampled_from([None, None, D(2), D(4)]),
    trailing_stop_percent=st.sampled_from([None, None, D(1), D(3)]),
    trailing_step_percent=st.sampled_from([D("0.1"), D(1)]),
    stop_execution=st.sampled_from(["watch", "resting"]),
)
GRIDS = st.builds(
    GridSettings,
    legs=st.sampled_from(LADDERS),
    max_pyramids=st.sampled_from([2, 3, 1]),
    entry_order=st.sampled_from(["limit", "limit", "market"]),
    post_only=st.sampled_from([False, False, True]),
    undersized_leg=st.sampled_from(["skip", "merge", "reject"]),
    cancel_dca_beyond_percent=st.sampled_from([None, None, D(3)]),
    unfilled_minutes=st.sampled_from([30, None]),
)
QUEUES = st.builds(
    QueueSettings,
    limit=st.sampled_from([None, 2]),
    max_age_minutes=st.sampled_from([30, 1440]),
    replace=st.booleans(),
    anchor=st.sampled_from(["better", "signal"]),
)
SIGNALS = st.builds(
    SignalSettings,
    opposite=st.sampled_from(["queue", "reverse", "reject"]),
    allow_stop_loss=st.booleans(),
)
RISKS = st.sampled_from(
    [
        RiskSettings(max_committed_capital=None, max_daily_loss=None),
        RiskSettings(max_committed_capital=D(2500), max_daily_loss=D(40)),
        RiskSettings(max_open_groups_per_symbol=2, max_committed_capital_per_symbol=D(1500)),
    ]
)


@st.composite
def rules(draw: Any, *, hedged: bool, venue_stops: bool) -> Settings:
    """The settings of an account.

    Stops at the venue only with one trade a symbol: one that fires there beside a working exit
    of its trade sells from the others' lots, and no engine could hinder it.
    """
    exits, risk = draw(EXITS), draw(RISKS)
    if venue_stops:
        risk = msgspec.structs.replace(risk, max_open_groups_per_symbol=1)
    else:
        exits = msgspec.structs.replace(exits, stop_execution="watch")
    capital = CapitalSettings(
        hedge_mode=hedged,
        group_budget=draw(st.sampled_from([D(300), D(1000)])),
        pyramid_capital=draw(st.sampled_from(["split", "full"])),
    )
    pool = PoolSettings(
        max_open_groups=draw(st.sampled_from([3, 4, 2, 1])), pyramids_need_slot=draw(st.booleans())
    )
    return Settings(
        pool=pool,
        queue=draw(QUEUES),
        signals=draw(SIGNALS),
        grid=draw(GRIDS),
        exits=exits,
        capital=capital,
        risk=risk,
    )


@st.composite
def worlds(draw: Any) -> World:
    """Futures one-way or hedged, sometimes spot; venues with coarse minimums and small maximums."""
    kind = draw(st.sampled_from(["linear", "linear", "linear", "hedged", "spot"]))
    changes: dict[str, Any] = {
        "min_quantity": draw(st.sampled_from([D("0.001"), D("0.001"), D("0.05")])),
        "max_quantity": draw(st.sampled_from([None, None, D("1.5")])),
        "stops_reserve": draw(st.booleans()),
        "reduce_only_exempt": draw(st.booleans()),
    }
    names: list[dict[str, Any]]
    if kind == "spot":
        changes["kind"] = "spot"
        names = [{"symbol": "BTC/USDT"}, {"symbol": "ETH/USDT", "step": D("0.1")}]
    else:
        names = [{}, {"step": D("0.1"), "contract_size": draw(st.sampled_from([D(1), D("0.1")]))}]
    listed = (market("BTC", **changes, **names[0]), market("ETH", **changes, **names[1]))
    # The least that can be ordered is a whole number of steps.
    coarse = max(listed[1].step, listed[1].min_quantity)
    listed = (listed[0], msgspec.structs.replace(listed[1], min_quantity=coarse))
    venue_stops = draw(st.booleans())
    return World(
        settings=draw(rules(hedged=kind == "hedged", venue_stops=venue_stops)),
        markets=listed,
        kind="spot" if kind == "spot" else "linear",
        venue_stops=venue_stops,
    )
