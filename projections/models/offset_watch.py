"""The offset watch: which losers wait how long, whom an operator keeps out, who was declined."""

from application.journal import Recorded
from domain.money import ZERO
from domain.offset_watch import (
    OffsetAllowed,
    OffsetBarred,
    OffsetBegun,
    OffsetDeclined,
    OffsetGroupForgotten,
    OffsetOver,
    OffsetTimerReset,
    OffsetTimerStarted,
)
from projections.rows import (
    Change,
    Put,
    ReadModel,
    Remove,
    Row,
    RowChange,
    Table,
    count,
    moment,
    number,
    same,
    text,
)

TIMERS = Table(
    name="offset_timers",
    kind="current",
    key=("account", "group_id"),
    columns=(text("account"), text("group_id"), moment("started_at"), text("reason")),
)
BARS = Table(
    name="offset_bars",
    kind="current",
    key=("account", "group_id"),
    columns=(
        text("account"),
        text("group_id"),
        text("how"),
        text("reason"),
        text("actor"),
        moment("barred_at"),
    ),
)
# What was declined before the newest offset began (`told` before its `begun`) counts no more.
DECLINED = Table(
    name="offset_declined",
    kind="current",
    key=("account", "group_id"),
    columns=(
        text("account"),
        text("group_id"),
        text("reason"),
        number("needed", ZERO),
        number("available", ZERO),
        moment("declined_at"),
        count("told"),
    ),
)
TURNS = Table(
    name="offset_turns",
    kind="current",
    key=("account",),
    columns=(text("account"), text("offset_id"), count("number"), count("begun")),
)

_OF_GROUP = ("offset_timers", "offset_bars", "offset_declined")


def project(recorded: Recorded, position: int) -> tuple[RowChange, ...]:
    """One row a trade and table, for as long as there is something to say."""
    event, account = recorded.event, recorded.account
    match event:
        case OffsetTimerStarted():
            timer = same(event, "started_at", "reason")
            return (Put(table="offset_timers", key=(account, event.group_id), values=timer),)
        case OffsetTimerReset(group_id=group_id):
            return (Remove(table="offset_timers", key=(account, group_id)),)
        case OffsetBarred():
            barred: Row = {**same(event, "how", "reason", "actor"), "barred_at": recorded.at}
            return (Put(table="offset_bars", key=(account, event.group_id), values=barred),)
        case OffsetAllowed(group_id=group_id):
            return (Remove(table="offset_bars", key=(account, group_id)),)
        case OffsetDeclined():
            told: Row = {"declined_at": recorded.at, "told": position}
            values = {**same(event, "reason", "needed", "available"), **told}
            return (Put(table="offset_declined", key=(account, event.group_id), values=values),)
        case OffsetGroupForgotten(group_id=group_id):
            return tuple(Remove(table=table, key=(account, group_id)) for table in _OF_GROUP)
        case OffsetBegun() | OffsetOver():
            return (_turn(account, event, position),)
        case _:
            return ()


def _turn(account: str, event: OffsetBegun | OffsetOver, position: int) -> RowChange:
    values: Row = {"offset_id": ""}
    if isinstance(event, OffsetBegun):
        values = {**same(event, "offset_id", "number"), "begun": position}
    return Change(table="offset_turns", key=(account,), assign=values, absent="create")


MODEL = ReadModel(
    tables=(TIMERS, BARS, DECLINED, TURNS), project=project, views=frozenset({"offsets", "plan"})
)
