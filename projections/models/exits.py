"""Exits: which price each leg, pyramid, group and stop would sell at, and by whom it is seen to."""

from application.journal import Recorded
from domain.exit import ExitEnded, ExitRequested, ExitTouched, ExitUnwatched, ExitWatched
from projections.rows import (
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

# `covers` are the ids of the legs it is about, a space between them. Of a watched price
# `client_order_id` is empty, and `reason` says why no order rests.
EXITS = Table(
    name="exits",
    kind="current",
    key=("account", "exit_id"),
    columns=(
        text("account"),
        text("exit_id"),
        text("group_id"),
        text("aim"),
        text("covers"),
        number("price"),
        number("quantity"),
        text("client_order_id"),
        count("attempt"),
        text("reason"),
        moment("begun_at"),
    ),
    indexes=(("account", "group_id"),),
)

_TERMS = ("group_id", "aim", "price", "quantity")


def project(recorded: Recorded, _: int) -> tuple[RowChange, ...]:
    """One row an exit, as long as its order works or its price is watched: never both."""
    event = recorded.event
    match event:
        case ExitRequested():
            working = same(event, *_TERMS, "client_order_id", "attempt")
            return (_row(recorded.account, event, {**working, "begun_at": event.requested_at}),)
        case ExitWatched():
            watched = same(event, *_TERMS, "reason")
            return (_row(recorded.account, event, {**watched, "begun_at": event.watched_at}),)
        case ExitTouched() | ExitUnwatched() | ExitEnded():
            return (Remove(table="exits", key=(recorded.account, event.exit_id)),)
        case _:
            return ()


def _row(account: str, event: ExitRequested | ExitWatched, values: Row) -> RowChange:
    covers = " ".join(event.covers)
    key = (account, event.exit_id)
    return Put(table="exits", key=key, values={**values, "covers": covers})


MODEL = ReadModel(tables=(EXITS,), project=project, views=frozenset({"overview", "groups"}))
