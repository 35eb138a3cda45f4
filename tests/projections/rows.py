"""Rows of the read tables, made by hand."""

import msgspec

from projections.cover import ExitRow
from projections.standing import GroupRow, LegRow
from tests.projections.story import MORNING, SYMBOL, D

LEG = LegRow(
    leg_id="g-p0-l0",
    group_id="g",
    pyramid_id="g-p0",
    index=0,
    side="long",
    price=D(100),
    quantity=D(2),
    gap_percent=D(0),
    weight_percent=D(100),
    take_profit_percent=D(1),
    contract_size=D(1),
    skipped="",
    entry_open=True,
    entry_reason="",
    entry_filled=D(0),
    entry_cost=D(0),
    open_quantity=D(0),
    open_cost=D(0),
    open_fee=D(0),
    realized=D(0),
    fees=D(0),
    fees_pending=0,
    reduced_from=0,
    entry_status=None,
)
GROUP = GroupRow(
    group_id="g",
    symbol=SYMBOL,
    timeframe="15",
    side="long",
    signal_id="s1",
    mode="per_leg",
    pyramids=1,
    max_pyramids=5,
    opened_at=MORNING,
    trailed_from=None,
    funding=D(0),
    reducing_from=0,
    reducing_reason="",
    closing_reason="",
    closing_at=None,
    closed_at=None,
    committed=D(0),
)
FILLED = {"entry_filled": D(2), "entry_cost": D(200), "entry_open": False}
HELD = {**FILLED, "open_quantity": D(2), "open_cost": D(200), "open_fee": D("0.2")}


def leg(**changes: object) -> LegRow:
    return msgspec.structs.replace(LEG, **changes)


def exit_row(exit_id: str = "g-p0-l0", **changes: object) -> ExitRow:
    """An order rests that takes the profit of the leg, unless said otherwise."""
    row = ExitRow(
        exit_id=exit_id,
        group_id="g",
        aim="take_profit",
        covers="g-p0-l0",
        price=D(101),
        quantity=D(2),
        client_order_id="X",
        reason="",
        order_status="open",
        order_filled=D(0),
    )
    return msgspec.structs.replace(row, **changes)
