"""Position groups and their pyramids: what was opened, by whom, what it earned, how it ended."""

from application.journal import Recorded
from domain.dca_leg import LegEntryFilled, LegExitFilled
from domain.holdings import FeeValued
from domain.identity import group_of
from domain.money import ZERO
from domain.position_group import (
    CloseAttempted,
    FundingShared,
    PositionGroupClosed,
    PositionGroupClosing,
    PositionGroupOpened,
    PyramidAdmitted,
    ReductionEnded,
    ReductionStarted,
    StopTrailed,
)
from domain.pyramid import PyramidClosed, PyramidEntriesHalted, PyramidPlanned
from domain.risk_engine import ProfitRecorded
from domain.waiting_entry import EntryAwaited, EntryAwaitEnded
from projections.rows import (
    Change,
    Put,
    ReadModel,
    Remove,
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
        number("trailed_from"),
        number("funding", ZERO),
        count("reducing_from"),
        text("reducing_reason"),
        text("closing_reason"),
        moment("closing_at"),
        count("close_attempts"),
        moment("closed_at"),
        number("realized", ZERO),
        number("fees", ZERO),
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
# Pyramids that hold their slot and capital, and wait for their market's rules.
WAITING = Table(
    name="waiting_entries",
    kind="current",
    key=("account", "pyramid_id"),
    columns=(
        text("account"),
        text("pyramid_id"),
        text("group_id"),
        count("index"),
        number("entry_price", ZERO),
        number("capital", ZERO),
        moment("waiting_since"),
    ),
    indexes=(("account", "group_id"),),
)

# Of a group's row that nothing of it is being reduced.
_WHOLE: Row = {"reducing_from": 0, "reducing_reason": ""}


def project(recorded: Recorded, position: int) -> tuple[RowChange, ...]:
    """One row a group, one a pyramid; what they hold stands with their legs."""
    match recorded.event:
        case PositionGroupOpened() | PyramidAdmitted() | PositionGroupClosing():
            return (_begun(recorded.account, recorded.event),)
        case CloseAttempted() | PositionGroupClosed():
            return (_ending(recorded.account, recorded.event),)
        case ReductionStarted():
            return _reducing(recorded.account, recorded.event, position)
        case ReductionEnded() | StopTrailed() | FundingShared():
            return (_underway(recorded.account, recorded.event),)
        case PyramidPlanned() | PyramidEntriesHalted() | PyramidClosed():
            return (_pyramid(recorded.account, recorded.event),)
        case EntryAwaited() | EntryAwaitEnded():
            return (_waiting(recorded.account, recorded.event),)
        case ProfitRecorded() | LegEntryFilled() | LegExitFilled() | FeeValued():
            return _result(recorded.account, recorded.event)
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
            return Change(table="position_groups", key=key, assign={**_WHOLE, **closing})


def _reducing(account: str, event: ReductionStarted, position: int) -> tuple[RowChange, ...]:
    """A further one adds to the one under way, which goes on from where it began."""
    key = (account, event.group_id)
    return (
        Change(
            table="position_groups",
            key=key,
            assign={"reducing_from": position},
            when={"reducing_from": 0},
        ),
        Change(table="position_groups", key=key, assign={"reducing_reason": event.reason}),
    )


def _underway(account: str, event: ReductionEnded | StopTrailed | FundingShared) -> RowChange:
    key = (account, event.group_id)
    match event:
        case ReductionEnded():
            return Change(table="position_groups", key=key, assign=_WHOLE)
        case StopTrailed():
            return Change(table="position_groups", key=key, assign={"trailed_from": event.best})
        case FundingShared():
            return Change(table="position_groups", key=key, add={"funding": event.amount})


def _ending(account: str, event: CloseAttempted | PositionGroupClosed) -> RowChange:
    key = (account, event.group_id)
    match event:
        case CloseAttempted():
            attempts = {"close_attempts": event.attempt}
            return Change(table="position_groups", key=key, assign=attempts)
        case PositionGroupClosed():
            closed: Row = {"closed_at": event.closed_at}
            return Change(table="position_groups", key=key, assign=closed)


def _result(
    account: str, event: ProfitRecorded | LegEntryFilled | LegExitFilled | FeeValued
) -> tuple[RowChange, ...]:
    """Results come also after the close: a fee may get its value days later."""
    match event:
        case ProfitRecorded(group_id=group_id, amount=amount):
            more = {"realized": amount}
        case (
            LegEntryFilled(leg_id=leg_id, fee_value=fee)
            | LegExitFilled(leg_id=leg_id, fee_value=fee)
        ):
            group_id, more = group_of(leg_id), {"fees": fee or ZERO}
        case FeeValued(pending=pending, fee_value=fee):
            group_id, more = group_of(pending.leg_id), {"fees": fee}
    return (Change(table="position_groups", key=(account, group_id), add=more),)


def _waiting(account: str, event: EntryAwaited | EntryAwaitEnded) -> RowChange:
    key = (account, event.pyramid_id)
    match event:
        case EntryAwaited():
            values = same(event, "group_id", "index", "entry_price", "capital", "waiting_since")
            return Put(table="waiting_entries", key=key, values=values)
        case EntryAwaitEnded():
            return Remove(table="waiting_entries", key=key)


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
    tables=(GROUPS, PYRAMIDS, WAITING),
    project=project,
    views=frozenset({"overview", "groups", "queue", "risk", "offsets", "performance"}),
)
