"""Offsets: each loser paid down by winners, as planned, step by step, and with its sums."""

from collections.abc import Sequence
from decimal import Decimal, localcontext

import msgspec

from application.journal import Recorded
from domain.money import DECISION_CONTEXT, ZERO
from domain.offset import (
    OffsetLoserEnded,
    OffsetLoserStarted,
    OffsetPlanned,
    OffsetSettled,
    OffsetWinnerEnded,
    OffsetWinnerStarted,
)
from domain.position_group import ReductionPart
from projections.rows import (
    Append,
    Change,
    Put,
    ReadModel,
    Row,
    RowChange,
    Table,
    Value,
    count,
    moment,
    number,
    same,
    text,
)

# `winners` is the plan's part of each, as JSON; the loser's part is in columns of its own.
OFFSETS = Table(
    name="offsets",
    kind="current",
    key=("account", "offset_id"),
    columns=(
        text("account"),
        text("offset_id"),
        text("group_id"),
        text("symbol"),
        text("side"),
        number("price", ZERO),
        number("quantity", ZERO),
        number("loss", ZERO),
        number("loss_percent", ZERO),
        text("winners", "[]"),
        number("needed", ZERO),
        number("expected", ZERO),
        text("trigger"),
        text("reason"),
        text("actor"),
        moment("planned_at"),
        number("earned", ZERO),
        number("realized", ZERO),
        number("result"),
        text("outcome"),
        text("settled_reason"),
        moment("settled_at"),
    ),
    indexes=(("account", "planned_at"),),
)
# What was begun and what came of it. `amount`: of a winner to be earned, then earned; of the
# loser to be lost at most, then realized.
STEPS = Table(
    name="offset_steps",
    kind="appended",
    key=("account", "position"),
    columns=(
        text("account"),
        count("position"),
        moment("at"),
        text("offset_id"),
        text("group_id"),
        text("role"),
        text("phase"),
        count("attempt"),
        number("quantity"),
        number("bound"),
        number("amount", ZERO),
        text("outcome"),
    ),
    indexes=(("account", "offset_id"),),
)

_WINNERS = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def project(recorded: Recorded, position: int) -> tuple[RowChange, ...]:
    """A row an offset, with what its steps earned and lost so far; and each step as it fell."""
    event, account = recorded.event, recorded.account
    match event:
        case OffsetPlanned():
            return (Put(table="offsets", key=(account, event.offset_id), values=_plan(event)),)
        case OffsetWinnerStarted() | OffsetLoserStarted():
            return (_step(recorded, position, _begun(event)),)
        case OffsetWinnerEnded(earned=earned):
            return (_step(recorded, position, _ended(event)), _added(account, event, earned))
        case OffsetLoserEnded(realized=realized):
            return (_step(recorded, position, _ended(event)), _added(account, event, realized))
        case OffsetSettled():
            sums = same(event, "outcome", "earned", "realized", "result", "settled_at")
            settled: Row = {**sums, "settled_reason": event.reason}
            key = (account, event.offset_id)
            return (Change(table="offsets", key=key, assign=settled),)
        case _:
            return ()


def _plan(event: OffsetPlanned) -> Row:
    loser = same(
        event.loser, "group_id", "symbol", "side", "price", "quantity", "loss", "loss_percent"
    )
    own = same(event, "needed", "expected", "trigger", "reason", "actor", "planned_at")
    return {**loser, **own, "winners": _WINNERS.encode(event.winners).decode()}


def _begun(event: OffsetWinnerStarted | OffsetLoserStarted) -> Row:
    known: Row = {"phase": "started", "at": event.started_at, "quantity": _sold(event.parts)}
    match event:
        case OffsetWinnerStarted(need=need):
            return {**known, "role": "winner", "amount": need}
        case OffsetLoserStarted(budget=budget):
            loser = same(event, "attempt", "bound")
            return {**known, **loser, "role": "loser", "amount": budget}


def _ended(event: OffsetWinnerEnded | OffsetLoserEnded) -> Row:
    known: Row = {"phase": "ended", "at": event.ended_at, "outcome": event.outcome}
    match event:
        case OffsetWinnerEnded(earned=earned):
            return {**known, "role": "winner", "amount": earned}
        case OffsetLoserEnded(realized=realized):
            return {**known, "role": "loser", "amount": realized}


def _step(recorded: Recorded, position: int, values: Row) -> RowChange:
    about: dict[str, Value] = {
        "account": recorded.account,
        "position": position,
        **same(recorded.event, "offset_id", "group_id"),
    }
    return Append(table="offset_steps", values={**about, **values})


def _added(account: str, event: OffsetWinnerEnded | OffsetLoserEnded, amount: Decimal) -> RowChange:
    """What was begun counts at once, and not only once the whole is settled."""
    column = "earned" if isinstance(event, OffsetWinnerEnded) else "realized"
    return Change(table="offsets", key=(account, event.offset_id), add={column: amount})


def _sold(parts: Sequence[ReductionPart]) -> Decimal:
    with localcontext(DECISION_CONTEXT):
        return sum((part.quantity for part in parts), ZERO)


MODEL = ReadModel(tables=(OFFSETS, STEPS), project=project, views=frozenset({"offsets", "plan"}))
