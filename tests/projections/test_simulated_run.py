"""A run of the real engine shows in the read tables with the figures of its own summary."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner

from application.export import TradeRow, trades
from application.journal import GENESIS, JournalMapper, Recorded, verify_chain
from application.rowfile import read_stored
from cli.simulate import simulate
from domain.order import OrderCancelRequested, OrderEnded, OrderFilled
from projections import pages, store
from projections.rebuild import verify
from projections.rows import SCHEMA
from projections.runner import apply_upto, connect
from tests.projections.story import append

START = datetime(2026, 1, 5, tzinfo=UTC)
SYMBOL = "BTC/USDT:USDT"


class Run:
    """What `plimsoll simulate` printed and wrote."""

    def __init__(self, folder: Path, exits: dict[str, str]) -> None:
        (folder / "settings.json").write_text(json.dumps({"exits": exits}))
        self.summary = self._simulate(folder)
        with (folder / "out" / "events.jsonl").open("rb") as lines:
            self.sealed = list(read_stored(lines))
        mapper = JournalMapper()
        self.events = [mapper.to_domain_event(event) for event in self.sealed]
        self.account = self.events[0].account
        self.fills = (folder / "out" / "fills.csv").read_text().splitlines()[1:]

    def _simulate(self, folder: Path) -> dict:
        (folder / "candles.csv").write_text(candles())
        (folder / "signals.jsonl").write_text(signals())
        result = CliRunner().invoke(
            simulate,
            [
                f"--market={SYMBOL}={folder / 'candles.csv'}",
                f"--signals={folder / 'signals.jsonl'}",
                f"--settings={folder / 'settings.json'}",
                f"--out={folder / 'out'}",
                "--json",
            ],
        )
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


def candles() -> str:
    """Six hours a minute each, falling 4 % and rising again twice."""
    lines = ["timestamp,open,high,low,close"]
    for minute in range(360):
        at = START + timedelta(minutes=minute)
        phase = minute % 180
        price = 60000 - 26 * min(phase, 180 - phase)
        lines.append(f"{at.isoformat()},{price},{price + 30},{price - 30},{price + 5}")
    return "\n".join(lines) + "\n"


def signals() -> str:
    """Three entries, a resend, another timeframe, and an exit."""
    told = (
        (10, "60", "signal"),
        (60, "60", "signal"),
        (60, "60", "signal"),
        (100, "15", "signal"),
        (200, "60", "signal"),
        (300, "15", "exit"),
        (301, "15", "exit"),
    )
    lines = [
        json.dumps(
            {
                "at": (START + timedelta(minutes=minute)).isoformat(),
                "body": {
                    "tv": {"symbol": "BTCUSDT.P", "timeframe": timeframe, "action": "buy"},
                    "execution_intent": {"type": kind, "side": "long"},
                },
            }
        )
        for minute, timeframe, kind in told
    ]
    return "\n".join(lines) + "\n"


# Every mode of taking profits, with and without a stop, at the venue and watched.
EXITS: tuple[dict[str, str], ...] = (
    {},
    {"mode": "hybrid", "trailing_stop_percent": "2"},
    {"mode": "aggregate", "stop_loss_percent": "3", "stop_execution": "resting"},
    {"mode": "pyramid_aggregate", "execution": "watch", "stop_loss_percent": "3"},
)


@pytest.fixture(params=EXITS, ids=lambda exits: exits.get("mode", "per_leg"))
def run(tmp_path: Path, request: pytest.FixtureRequest) -> Run:
    return Run(tmp_path, request.param)


async def test_the_read_tables_show_the_figures_of_the_run(run: Run, postgres_url: str) -> None:
    append(postgres_url, run.events)
    connection = await connect(postgres_url)
    await store.create(connection, SCHEMA)
    await apply_upto(connection, SCHEMA)
    await connection.close()
    assert (await verify(postgres_url)).intact

    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=2) as pool:
        groups = await pages.groups(pool, run.account)
        ledger = await pages.signals(pool, run.account)
        results = await pages.performance(pool, run.account)
    shown = {
        group.group_id: (
            group.pyramids,
            group.legs_total,
            group.quantity,
            group.realized,
            group.fees,
        )
        for group in groups
    }
    assert shown == {
        group["group"]: (
            group["pyramids"],
            group["legs"],
            Decimal(group["quantity_open"]),
            Decimal(group["realized_pnl"]),
            Decimal(group["fees"]),
        )
        for group in run.summary["groups"]
    }
    counts = {name: getattr(ledger.counts, name) for name in run.summary["signals"]}
    assert counts == run.summary["signals"]
    assert ledger.counts.received == 7
    assert results is not None
    assert results.totals.realized == Decimal(run.summary["realized_pnl"])
    assert results.totals.fees == Decimal(run.summary["fees"])
    closed = [group for group in groups if group.state == "CLOSED" and group.fees]
    for name in ("realized", "fees"):
        of_sides = [getattr(row, name) for row in results.breakdown if row.by == "side"]
        assert sum(of_sides) == sum(getattr(group, name) for group in closed), name
    assert results.totals.trades_closed == len(closed) > 0


def settled_positions(events: Sequence[Recorded]) -> list[int]:
    """Where an input of a trade ends and no exit is just making way for a larger one."""
    ends, making_way = [], set()
    for position, (recorded, after) in enumerate(pairwise(events), start=1):
        match recorded.event:
            case OrderCancelRequested(client_order_id=identity):
                making_way.add(identity)
            case OrderEnded(client_order_id=identity) | OrderFilled(client_order_id=identity):
                making_way.discard(identity)
            case _:
                pass
        is_trades = recorded.stream.startswith(("exit:", "order:", "dca_leg:"))
        if is_trades and not after.causation_id and not making_way:
            ends.append(position)
    return ends


async def test_after_every_input_each_lot_is_shown_with_its_exit(
    run: Run, postgres_url: str
) -> None:
    append(postgres_url, run.events)
    connection = await connect(postgres_url)
    await store.create(connection, SCHEMA)
    await apply_upto(connection, SCHEMA)
    await connection.close()
    ends = settled_positions(run.events)
    guarded = 0
    async with asyncpg.create_pool(postgres_url, min_size=1, max_size=2) as pool:
        for position in ends:
            for group in await pages.groups(pool, run.account, at=position):
                assert group.unprotected_legs == 0, (position, group)
                guarded += sum(leg.exit is not None for leg in group.legs)
    assert guarded > len(ends) // 2


def test_the_exports_say_the_same_as_the_run(run: Run) -> None:
    verdict = verify_chain(GENESIS, run.sealed)
    assert (verdict.intact, verdict.head) == (True, run.summary["digest"])
    rows: list[TradeRow] = list(trades(run.events))
    assert len(rows) == len(run.fills) > 4
    realized = sum((row.realized_pnl or Decimal(0) for row in rows), Decimal(0))
    assert realized == Decimal(run.summary["realized_pnl"])
