"""Performance: what each UTC day realized and paid; its closed trades stand with their groups."""

from decimal import Decimal

from application.journal import Recorded
from domain.dca_leg import LegEntryFilled, LegExitFilled
from domain.holdings import FeeValued
from domain.money import ZERO
from domain.risk_engine import ProfitRecorded
from projections.rows import Change, ReadModel, RowChange, Table, number, text

DAYS = Table(
    name="performance_days",
    kind="current",
    key=("account", "date"),
    columns=(
        text("account"),
        text("date"),
        number("realized", ZERO),
        number("fees", ZERO),
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
    """Profits as the risk engine counts them: its loss of the day and this one are the same."""
    match recorded.event:
        case ProfitRecorded(amount=amount):
            return {"realized": amount}
        case (
            LegEntryFilled(fee_value=fee) | LegExitFilled(fee_value=fee) | FeeValued(fee_value=fee)
        ):
            return {"fees": fee} if fee else {}
        case _:
            return {}


MODEL = ReadModel(
    tables=(DAYS,),
    project=project,
    views=frozenset({"overview", "risk", "performance"}),
)
