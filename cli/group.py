"""`plimsoll group`: the open trades, closed as a whole or in part."""

from decimal import Decimal, InvalidOperation, localcontext

import rich_click as click

from application.book import Book
from application.inputs import OperatorActed
from cli.answers import fail, print_json
from cli.operating import (
    SHELL_REASON,
    Desk,
    Manner,
    answer,
    carried_out,
    open_desk,
    order_options,
    refused,
)
from domain.money import DECISION_CONTEXT, HUNDRED, ZERO, plain
from domain.position_group import PositionGroup, PositionGroupClosing, ReductionStarted


@click.group(epilog="Example: plimsoll group list --account paper")
def group() -> None:
    """The open trades: list, close, reduce."""


@group.command("list", epilog="Example: plimsoll group list --json")
@click.option("--account", default="paper", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON line.")
def list_groups(account: str, *, as_json: bool) -> None:
    """The open groups, oldest first."""
    with open_desk(account) as desk, localcontext(DECISION_CONTEXT):
        rows = [_row(desk.book, each) for each in desk.book.open_groups()]
    if as_json:
        print_json({"account": account, "groups": rows})
        return
    click.echo("\n".join(_line(row) for row in rows) or "No group is open.")


@group.command(epilog='Example: plimsoll group close g0123abc --reason "took enough"')
@click.argument("group_id", metavar="GROUP")
@click.option("--reason", default=SHELL_REASON, show_default=True, help="Kept in the log.")
@order_options
def close(group_id: str, reason: str, manner: Manner) -> None:
    """Cancel every order of GROUP and sell what it holds."""
    acted = OperatorActed(action="close_group", subject=group_id, actor=manner.actor, reason=reason)
    with open_desk(manner.account) as desk:
        _require_open(desk, group_id)
        answered = carried_out(desk, acted, manner)
        if answered is None:
            return
        if answered.first(PositionGroupClosing) is None:
            fail(f"group {group_id} was not closed: it is closing or closed already")
    outcome = {"input_id": answered.input_id, "outcome": "closing", "group_id": group_id}
    answer(f"group {group_id} is closing", outcome, manner)


@group.command(epilog="Example: plimsoll group reduce g0123abc --percent 50")
@click.argument("group_id", metavar="GROUP")
@click.option("--percent", required=True, help="Of the open quantity; above 0, at most 100.")
@click.option("--reason", default=SHELL_REASON, show_default=True, help="Kept in the log.")
@order_options
def reduce(group_id: str, percent: str, reason: str, manner: Manner) -> None:
    """Sell a part of what GROUP holds, the lots nearest to their take-profit first."""
    acted = OperatorActed(
        action="reduce_group",
        subject=group_id,
        actor=manner.actor,
        reason=reason,
        percent=_percentage(percent),
    )
    with open_desk(manner.account) as desk:
        _require_open(desk, group_id)
        answered = carried_out(desk, acted, manner)
        if answered is None:
            return
        started = answered.first(ReductionStarted)
        if started is None:
            fail(f"group {group_id} was not reduced: {refused(desk, group_id, answered)}")
    quantity = sum((part.quantity for part in started.parts), ZERO)
    outcome = {
        "input_id": answered.input_id,
        "outcome": "reducing",
        "group_id": group_id,
        "quantity": quantity,
    }
    answer(f"group {group_id} sells {plain(quantity)}", outcome, manner)


def _percentage(written: str) -> Decimal:
    try:
        percent = Decimal(written)
    except InvalidOperation:
        percent = ZERO
    if not (percent.is_finite() and ZERO < percent <= HUNDRED):
        fail(f"--percent was {written}: write a number above 0 and at most 100")
    return percent


def _require_open(desk: Desk, group_id: str) -> None:
    found = desk.book.group(group_id)
    if found is None or found.closed is not None:
        fail(f"GROUP was {group_id!r}, which is not open: see `plimsoll group list`")
    if not found.is_open:
        fail(f"GROUP was {group_id!r}, which is closing already: nothing is left to ask for")


def _row(book: Book, found: PositionGroup) -> dict[str, object]:
    opened = found.opened
    return {
        "group_id": opened.group_id,
        "symbol": opened.symbol,
        "timeframe": opened.timeframe,
        "side": opened.side,
        "state": "open" if found.is_open else "closing",
        "pyramids": len(found.pyramid_ids),
        "max_pyramids": opened.grid.max_pyramids,
        "quantity": sum((leg.lot.quantity for leg in book.legs_of(found)), ZERO),
        "opened_at": opened.opened_at,
    }


def _line(row: dict[str, object]) -> str:
    return (
        f"{row['group_id']} {row['side']} {row['symbol']} {row['timeframe']}:"
        f" {plain(Decimal(str(row['quantity'])))} held, pyramids {row['pyramids']}"
        f" of {row['max_pyramids']}, {row['state']}"
    )
