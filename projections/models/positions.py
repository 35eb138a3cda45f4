"""Position groups and their pyramids: what was opened, by whom, and how it ended."""

from application.journal import Recorded
from domain.money import ZERO
from domain.position_group import (
    CloseAttempted,
    FundingShared,
    PositionGroupClosed,
    PositionGroupClosing,
    PositionGroupOpened,
    PyramidAdmitted,
)
from domain.pyramid import PyramidClosed, PyramidEntriesHalted, PyramidPlanned
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

GROUPS = Table(
    name="position_groups",
    kind="current",
    key=("account", "group_id"),
    columns=(
        text("account"),
        text("group_id"),
        text("symbol"),
        text("timeframe"),
        text("side"),
        text("signal_id"),
        text("mode"),
        count("pyramids"),
        count("max_pyramids"),
        count("settings_version"),
        moment("opened_at"),
        text("closing_reason"),
        moment("closing_at"),
        count("close_attempts"),
        number("funding", ZERO),
        moment("closed_at"),
        number("closed_realized"),
        number("closed_fees"),
    ),
    indexes=(("account", "opened_at"), ("account", "closed_at")),
)
PYRAMIDS = Table(
    name="pyramids",
    kind="current",
    key=("account", "pyramid_id"),
    columns=(
        text("account"),
        text("pyramid_id"),
        text("group_id"),
        count("index"),
        text("signal_id"),
        number("entry_price", ZERO),
        number("capital", ZERO),
        text("halted"),
        flag("closed"),
        moment("planned_at"),
    ),
    indexes=(("account", "group_id"),),
)


def project(recorded: Recorded, _: int) -> tuple[RowChange, ...]:
    """One row a group, one a pyramid; what they hold stands with their legs."""
    match recorded.event:
        case PositionGroupOpened() | PyramidAdmitted() | PositionGroupClosing():
            return (_begun(recorded.account, recorded.event),)
        case CloseAttempted() | PositionGroupClosed():
            return (_ending(recorded.account, recorded.event),)
        case FundingShared(group_id=group_id, amount=amount):
            key = (recorded.account, group_id)
            return (Change(table="position_groups", key=key, add={"funding": amount}),)
        case PyramidPlanned() | PyramidEntriesHalted() | PyramidClosed():
            return (_pyramid(recorded.account, recorded.event),)
        case _:
            return ()


def _begun(
    account: str, event: PositionGroupOpened | PyramidAdmitted | PositionGroupClosing
) -> RowChange:
    key = (account, event.group_id)
    match event:
        case PositionGroupOpened():
            own = same(
                event,
                "symbol",
                "timeframe",
                "side",
                "signal_id",
                "settings_version",
                "opened_at",
            )
            bound = {"mode": event.exits.mode, "max_pyramids": event.grid.max_pyramids}
            return Put(table="position_groups", key=key, values={**own, **bound})
        case PyramidAdmitted():
            return Change(table="position_groups", key=key, add={"pyramids": 1})
        case PositionGroupClosing():
            closing: Row = {"closing_reason": event.reason, "closing_at": event.closing_at}
            return Change(table="position_groups", key=key, assign=closing)


def _ending(account: str, event: CloseAttempted | PositionGroupClosed) -> RowChange:
    key = (account, event.group_id)
    match event:
        case CloseAttempted():
            attempts = {"close_attempts": event.attempt}
            return Change(table="position_groups", key=key, assign=attempts)
        case PositionGroupClosed():
            closed: Row = {
                "closed_at": event.closed_at,
                "closed_realized": event.realized,
                "closed_fees": event.fees,
            }
            return Change(table="position_groups", key=key, assign=closed)


def _pyramid(
    account: str, event: PyramidPlanned | PyramidEntriesHalted | PyramidClosed
) -> RowChange:
    key = (account, event.pyramid_id)
    match event:
        case PyramidPlanned():
            values = same(
                event, "group_id", "index", "signal_id", "entry_price", "capital", "planned_at"
            )
            return Put(table="pyramids", key=key, values=values)
        case PyramidEntriesHalted():
            return Change(table="pyramids", key=key, assign={"halted": event.reason})
        case PyramidClosed():
            return Change(table="pyramids", key=key, assign={"closed": True})


MODEL = ReadModel(
    tables=(GROUPS, PYRAMIDS),
    project=project,
    views=frozenset({"overview", "groups", "queue", "risk", "performance"}),
)
