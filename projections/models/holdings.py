"""What is held beside the trades' lots: dust, foreign positions; and fees that wait for a value."""

from application.journal import Recorded
from domain.holding_terms import HeldPosition
from domain.holdings import (
    BaselineChanged,
    BaselineTaken,
    DustChanged,
    FeeDeferred,
    FeeValued,
)
from domain.money import ZERO
from projections.rows import (
    Put,
    ReadModel,
    Remove,
    Row,
    RowChange,
    Table,
    moment,
    number,
    same,
    text,
)

# Signed contracts; `value` is what they were worth when they were written off.
DUST = Table(
    name="dust",
    kind="current",
    key=("account", "symbol", "side"),
    columns=(
        text("account"),
        text("symbol"),
        text("side"),
        number("quantity", ZERO),
        number("value", ZERO),
        text("reason"),
        moment("changed_at"),
    ),
)
# Signed contracts that were there before us, or came from elsewhere: never closed by us.
FOREIGN = Table(
    name="foreign_positions",
    kind="current",
    key=("account", "symbol", "side"),
    columns=(
        text("account"),
        text("symbol"),
        text("side"),
        number("quantity", ZERO),
        text("reason"),
        moment("changed_at"),
    ),
)
PENDING_FEES = Table(
    name="pending_fees",
    kind="current",
    key=("account", "leg_id", "trade_id"),
    columns=(
        text("account"),
        text("leg_id"),
        text("trade_id"),
        number("fee", ZERO),
        text("asset"),
        moment("deferred_at"),
    ),
)

HELD_BEFORE = "held when the account was added"


def project(recorded: Recorded, _: int) -> tuple[RowChange, ...]:
    """A row as long as there is something: what is nothing any more leaves its table."""
    event, account = recorded.event, recorded.account
    match event:
        case DustChanged():
            return (_dust(recorded, event),)
        case BaselineTaken():
            return tuple(_foreign(recorded, position, HELD_BEFORE) for position in event.positions)
        case BaselineChanged():
            held = HeldPosition(symbol=event.symbol, side=event.side, quantity=event.total)
            return (_foreign(recorded, held, event.reason),)
        case FeeDeferred(pending=pending):
            values = {**same(pending, "fee", "asset"), "deferred_at": recorded.at}
            key = (account, pending.leg_id, pending.trade_id)
            return (Put(table="pending_fees", key=key, values=values),)
        case FeeValued(pending=pending):
            key = (account, pending.leg_id, pending.trade_id)
            return (Remove(table="pending_fees", key=key),)
        case _:
            return ()


def _dust(recorded: Recorded, event: DustChanged) -> RowChange:
    key = (recorded.account, event.symbol, event.side)
    if event.total == ZERO:
        return Remove(table="dust", key=key)
    about: Row = {"quantity": event.total, "changed_at": recorded.at}
    return Put(table="dust", key=key, values={**same(event, "value", "reason"), **about})


def _foreign(recorded: Recorded, held: HeldPosition, reason: str) -> RowChange:
    key = (recorded.account, held.symbol, held.side)
    if held.quantity == ZERO:
        return Remove(table="foreign_positions", key=key)
    values: Row = {"quantity": held.quantity, "reason": reason, "changed_at": recorded.at}
    return Put(table="foreign_positions", key=key, values=values)


MODEL = ReadModel(
    tables=(DUST, FOREIGN, PENDING_FEES),
    project=project,
    views=frozenset({"overview", "risk", "groups"}),
)
