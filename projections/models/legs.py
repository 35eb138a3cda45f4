"""DCA legs: what each was to buy, what it bought, what it still holds and what that earned."""

from decimal import Decimal

from application.journal import Recorded
from domain.dca_leg import (
    LegDustWrittenOff,
    LegEntryEnded,
    LegEntryFilled,
    LegExcessSold,
    LegExitFilled,
    LegFeeValued,
    LegPlanned,
)
from domain.holdings import FeeValued
from domain.identity import leg_id
from domain.money import ONE, ZERO
from domain.position_group import ReductionStarted
from domain.pyramid import PyramidPlanned
from domain.risk_engine import ProfitRecorded
from projections.rows import (
    Change,
    Put,
    ReadModel,
    Row,
    RowChange,
    Table,
    count,
    flag,
    moment,
    number,
    same,
    text,
)

LEGS = Table(
    name="legs",
    kind="current",
    key=("account", "leg_id"),
    columns=(
        text("account"),
        text("leg_id"),
        text("group_id"),
        text("pyramid_id"),
        count("index"),
        text("symbol"),
        text("side"),
        number("price", ZERO),
        number("quantity", ZERO),
        number("gap_percent"),
        number("weight_percent"),
        number("take_profit_percent"),
        number("contract_size", ONE),
        text("skipped"),
        flag("entry_open"),
        text("entry_reason"),
        number("entry_filled", ZERO),
        number("entry_cost", ZERO),
        number("open_quantity", ZERO),
        number("open_cost", ZERO),
        number("open_fee", ZERO),
        number("excess_sold", ZERO),
        number("realized", ZERO),
        number("fees", ZERO),
        count("fees_pending"),
        count("reduced_from"),
        moment("planned_at"),
    ),
    indexes=(("account", "group_id"),),
)

_Fill = LegEntryFilled | LegExitFilled | LegExcessSold | LegDustWrittenOff


def project(recorded: Recorded, position: int) -> tuple[RowChange, ...]:
    """One row a leg, the skipped ones included."""
    account, event = recorded.account, recorded.event
    match event:
        case PyramidPlanned():
            return _skipped(account, event)
        case LegPlanned():
            return (_planned(account, event),)
        case LegEntryEnded():
            ended: Row = {"entry_open": False, "entry_reason": event.reason}
            return (Change(table="legs", key=(account, event.leg_id), assign=ended),)
        case LegFeeValued() | FeeValued() | ProfitRecorded():
            return (_settled(account, event),)
        case LegEntryFilled() | LegExitFilled() | LegExcessSold() | LegDustWrittenOff():
            return _filled(account, event)
        case ReductionStarted():
            return _reduced(account, event, position)
        case _:
            return ()


def _skipped(account: str, event: PyramidPlanned) -> tuple[RowChange, ...]:
    return tuple(
        Put(
            table="legs",
            key=(account, leg_id(event.pyramid_id, leg.index)),
            values={
                **same(event, "group_id", "pyramid_id", "symbol", "side", "planned_at"),
                **same(leg, "index", "price", "quantity"),
                "skipped": leg.reason,
            },
        )
        for leg in event.skipped
    )


def _planned(account: str, event: LegPlanned) -> RowChange:
    plan = same(
        event,
        "group_id",
        "pyramid_id",
        "index",
        "symbol",
        "side",
        "price",
        "quantity",
        "gap_percent",
        "weight_percent",
        "take_profit_percent",
        "contract_size",
        "planned_at",
    )
    return Put(table="legs", key=(account, event.leg_id), values={**plan, "entry_open": True})


def _filled(account: str, event: _Fill) -> tuple[RowChange, ...]:
    key = (account, event.leg_id)
    match event:
        case LegEntryFilled():
            return (Change(table="legs", key=key, add=_bought(event)),)
        case LegExitFilled():
            return (Change(table="legs", key=key, add=_sold(event)),)
        case LegExcessSold():
            return (Change(table="legs", key=key, add={"excess_sold": event.quantity}),)
        case LegDustWrittenOff():
            empty: Row = {"open_quantity": ZERO, "open_cost": ZERO, "open_fee": ZERO}
            return (Change(table="legs", key=key, assign=empty),)


def _bought(event: LegEntryFilled) -> dict[str, Decimal | int]:
    return {
        "entry_filled": event.quantity,
        "entry_cost": event.cost,
        "open_quantity": event.quantity,
        "open_cost": event.cost,
        "open_fee": event.fee_value or ZERO,
        "fees": event.fee_value or ZERO,
        "fees_pending": int(event.fee_value is None),
    }


def _sold(event: LegExitFilled) -> dict[str, Decimal | int]:
    return {
        "open_quantity": -event.quantity,
        "open_cost": -event.cost,
        "open_fee": -event.entry_fee,
        "fees": event.fee_value or ZERO,
        "fees_pending": int(event.fee_value is None),
    }


def _settled(account: str, event: LegFeeValued | FeeValued | ProfitRecorded) -> RowChange:
    """What came of it. A fee may be valued when the leg has long left the books with its group.

    Funding is recorded under its group's id: that is no leg's profit.
    """
    match event:
        case LegFeeValued():
            more: dict[str, Decimal | int] = {"open_fee": event.entry_fee}
            return Change(table="legs", key=(account, event.leg_id), add=more)
        case FeeValued(pending=pending):
            more = {"fees": event.fee_value, "fees_pending": -1}
            return Change(table="legs", key=(account, pending.leg_id), add=more)
        case ProfitRecorded():
            more = {"realized": event.amount}
            key = (account, event.leg_id)
            return Change(table="legs", key=key, add=more, absent="ignore")


def _reduced(account: str, event: ReductionStarted, position: int) -> tuple[RowChange, ...]:
    """Its part is sold in the reduction that its group has been in since then, or not at all."""
    return tuple(
        Change(table="legs", key=(account, part.leg_id), assign={"reduced_from": position})
        for part in event.parts
    )


MODEL = ReadModel(tables=(LEGS,), project=project, views=frozenset({"overview", "groups", "risk"}))
