"""Performance: what each UTC day realized, and the trades it closed."""

from decimal import Decimal

from application.journal import Recorded
from domain.dca_leg import LegDustWrittenOff, LegEntryFilled, LegExitFilled, LegFeeValued
from domain.money import ZERO
from domain.position_group import FundingShared, PositionGroupClosed
from projections.rows import Change, ReadModel, RowChange, Table, count, number, text

DAYS = Table(
    name="performance_days",
    kind="current",
    key=("account", "date"),
    columns=(
        text("account"),
        text("date"),
        number("realized", ZERO),
        number("fees", ZERO),
        count("trades_closed"),
        count("wins"),
        count("losses"),
        number("gross_profit", ZERO),
        number("gross_loss", ZERO),
    ),
)


def project(recorded: Recorded, _: int) -> tuple[RowChange, ...]:
    """One row a day with anything in it, by the time at which the engine handled it."""
    more = _added(recorded)
    if not more:
        return ()
    key = (recorded.account, recorded.at.date().isoformat())
    return (Change(table="performance_days", key=key, add=more, absent="create"),)


def _added(recorded: Recorded) -> dict[str, Decimal | int]:
    match recorded.event:
        case LegEntryFilled(fee_value=fee):
            return {"fees": fee} if fee else {}
        case LegExitFilled(realized=realized, fee_value=fee):
            return {"realized": realized, "fees": fee or ZERO}
        case LegDustWrittenOff(realized=realized):
            return {"realized": realized}
        case LegFeeValued(realized=realized, fee_value=fee):
            return {"realized": realized, "fees": fee}
        case FundingShared(amount=amount):
            return {"realized": amount}
        case PositionGroupClosed() as closed:
            return _closed(closed)
        case _:
            return {}


def _closed(event: PositionGroupClosed) -> dict[str, Decimal | int]:
    """A group that never traded is no trade: it neither realized nor paid anything."""
    if event.realized == ZERO and event.fees == ZERO:
        return {}
    return {
        "trades_closed": 1,
        "wins": int(event.realized > ZERO),
        "losses": int(event.realized < ZERO),
        "gross_profit": max(ZERO, event.realized),
        "gross_loss": max(ZERO, -event.realized),
    }


MODEL = ReadModel(
    tables=(DAYS,),
    project=project,
    views=frozenset({"overview", "risk", "performance"}),
)
