"""Brakes: what holds new exposure back, cause by cause, and the breaker of the day's loss."""

from application.journal import Recorded
from domain.brakes import (
    Brakes,
    BrakesDayBegun,
    BrakesOpened,
    BreakerReset,
    BreakerTripped,
    HoldLifted,
    HoldPlaced,
)
from domain.holds import Hold
from domain.money import ZERO
from domain.risk_engine import SlotFreed
from projections.rows import (
    Change,
    Put,
    ReadModel,
    Remove,
    Row,
    RowChange,
    Table,
    flag,
    moment,
    number,
    same,
    text,
)

HOLDS = Table(
    name="holds",
    kind="current",
    key=("account", "cause"),
    columns=(
        text("account"),
        text("cause"),
        text("state"),
        text("reason"),
        text("actor"),
        moment("held_since"),
    ),
)
# `reference` is the day's result from which its loss counts; the figures are of the latest trip.
BREAKERS = Table(
    name="breakers",
    kind="current",
    key=("account",),
    columns=(
        text("account"),
        flag("tripped"),
        number("reference", ZERO),
        number("loss"),
        number("loss_limit"),
        number("realized"),
        number("open_loss"),
        moment("tripped_at"),
        moment("ended_at"),
        text("ended_by"),
        text("ended_reason"),
    ),
)
# By symbol the latest group that closed negative: a cooldown counts from there.
LOST_GROUPS = Table(
    name="lost_groups",
    kind="current",
    key=("account", "symbol"),
    columns=(
        text("account"),
        text("symbol"),
        text("group_id"),
        number("realized", ZERO),
        moment("lost_at"),
    ),
)


def project(recorded: Recorded, _: int) -> tuple[RowChange, ...]:
    """A hold's row stands as long as the hold does; the breaker's tells its latest trip."""
    event, account = recorded.event, recorded.account
    match event:
        case BrakesOpened(state=state):
            return _opened(account, state)
        case HoldPlaced(hold=hold):
            return (_hold(account, hold),)
        case HoldLifted():
            return _lifted(recorded, event)
        case BrakesDayBegun():
            return (_breaker(account, {"reference": ZERO}),)
        case BreakerTripped():
            return (_breaker(account, _trip(event)),)
        case BreakerReset(reference=reference):
            return (_breaker(account, {"reference": reference}),)
        case SlotFreed(realized=realized) if realized < ZERO:
            key = (account, event.symbol)
            lost: Row = {"lost_at": event.freed_at, **same(event, "group_id", "realized")}
            return (Put(table="lost_groups", key=key, values=lost),)
        case _:
            return ()


def _opened(account: str, state: Brakes) -> tuple[RowChange, ...]:
    held = tuple(_hold(account, hold) for _, hold in sorted(state.holds.items()))
    return (*held, _breaker(account, {"reference": state.loss_reference}))


def _hold(account: str, hold: Hold) -> RowChange:
    values: Row = {**same(hold, "state", "reason", "actor"), "held_since": hold.since}
    return Put(table="holds", key=(account, hold.cause), values=values)


def _lifted(recorded: Recorded, event: HoldLifted) -> tuple[RowChange, ...]:
    gone = Remove(table="holds", key=(recorded.account, event.cause))
    if event.cause != "breaker":
        return (gone,)
    ended: Row = {
        "tripped": False,
        "ended_at": recorded.at,
        "ended_by": event.actor,
        "ended_reason": event.reason,
    }
    return (gone, _breaker(recorded.account, ended))


def _trip(event: BreakerTripped) -> Row:
    figures = same(event, "loss", "realized", "open_loss", "reference", "tripped_at")
    fresh: Row = {"tripped": True, "ended_at": None, "ended_by": "", "ended_reason": ""}
    return {**figures, "loss_limit": event.limit, **fresh}


def _breaker(account: str, assign: Row) -> RowChange:
    return Change(table="breakers", key=(account,), assign=assign, absent="create")


MODEL = ReadModel(
    tables=(HOLDS, BREAKERS, LOST_GROUPS),
    project=project,
    views=frozenset({"overview", "risk"}),
)
