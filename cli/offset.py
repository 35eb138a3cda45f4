"""`plimsoll offset`: losers paid down by winners, the plan shown, and an operator's orders."""

from decimal import Decimal, localcontext

import rich_click as click

from adapters.clock import SystemClock
from adapters.postgres.connection import connect
from adapters.postgres.marks import read_live_marks
from application.inputs import OperatorActed, OperatorAction
from application.offset_outlook import (
    GroupOutlook,
    OffsetOutlook,
    PlanOutlook,
    is_watched,
    outlook_of,
    see_marks,
)
from cli.answers import fail, print_json
from cli.operating import (
    SHELL_REASON,
    Answered,
    Desk,
    Manner,
    answer,
    carried_out,
    open_desk,
    order_options,
    refused,
)
from domain.money import DECISION_CONTEXT, plain
from domain.offset import OffsetPlanned
from domain.offset_watch import OffsetAllowed, OffsetBarred
from web.answers import with_plain_decimals

_CENTS = Decimal("0.01")


@click.group(epilog="Example: plimsoll offset plan --account paper")
def offset() -> None:
    """Losers paid down by winners: plan, run, skip, block, unblock."""


@offset.command(epilog="Example: plimsoll offset plan --json")
@click.option("--account", default="paper", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print as one JSON line.")
def plan(account: str, *, as_json: bool) -> None:
    """Whose turn it would be now, who would pay, and what keeps each trade out.

    By the newest marks shown; the engine decides by its own when the turn comes.
    """
    with open_desk(account) as desk:
        if not is_watched(desk.book):
            fail(f"account {account} was not worked by this release yet: start `plimsoll serve`")
        with connect(desk.url) as connection:
            see_marks(desk.book, read_live_marks(connection, account))
        outlook = outlook_of(desk.book, SystemClock().now())
    if as_json:
        print_json(with_plain_decimals(outlook))
        return
    with localcontext(DECISION_CONTEXT):
        click.echo("\n".join(_lines(outlook)))


@offset.command(epilog='Example: plimsoll offset run --group g0123abc --reason "free the margin"')
@click.option("--group", "group_id", default="", help="The loser; without it the highest loss.")
@click.option("--reason", required=True, help="Why it is not waited for; kept in the log.")
@order_options
def run(group_id: str, reason: str, manner: Manner) -> None:
    """Pay a loser down now, without its wait and whatever its loss; every other rule stands."""
    if not reason.strip():
        fail("--reason was empty: say why winners are to be sold for a loser now")
    acted = _acted("offset_now", group_id, reason, manner)
    with open_desk(manner.account) as desk:
        if group_id:
            _require_open(desk, group_id)
        answered = carried_out(desk, acted, manner)
        if answered is None:
            return
        planned = answered.first(OffsetPlanned)
        if planned is None:
            fail(f"no offset was begun: {refused(desk, 'offset_now', answered)}")
    outcome = {
        "input_id": answered.input_id,
        "outcome": "planned",
        "offset_id": planned.offset_id,
        "loser": planned.loser.group_id,
        "winners": [winner.group_id for winner in planned.winners],
        "needed": plain(planned.needed),
        "expected": plain(planned.expected),
    }
    payers = ", ".join(winner.group_id for winner in planned.winners)
    told = (
        f"offset {planned.offset_id} has begun: {payers} pay {_money(planned.expected)} for"
        f" {planned.loser.group_id}, which needs {_money(planned.needed)}"
    )
    answer(told, outcome, manner)


@offset.command(epilog='Example: plimsoll offset skip g0123abc --reason "it turns"')
@click.argument("group_id", metavar="GROUP")
@click.option("--reason", default=SHELL_REASON, show_default=True, help="Kept in the log.")
@order_options
def skip(group_id: str, reason: str, manner: Manner) -> None:
    """Pass GROUP over when its turn as a loser comes, once; then its wait begins anew."""
    told = f"group {group_id} is passed over once"
    _bar(_acted("offset_skip", group_id, reason, manner), "skipped", told, manner)


@offset.command(epilog='Example: plimsoll offset block g0123abc --reason "mine to close"')
@click.argument("group_id", metavar="GROUP")
@click.option("--reason", default=SHELL_REASON, show_default=True, help="Kept in the log.")
@order_options
def block(group_id: str, reason: str, manner: Manner) -> None:
    """Keep GROUP out of every offset that begins from now on, as a loser and as a winner."""
    told = f"group {group_id} takes no part in offsets"
    _bar(_acted("offset_block", group_id, reason, manner), "blocked", told, manner)


@offset.command(epilog="Example: plimsoll offset unblock g0123abc")
@click.argument("group_id", metavar="GROUP")
@click.option("--reason", default=SHELL_REASON, show_default=True, help="Kept in the log.")
@order_options
def unblock(group_id: str, reason: str, manner: Manner) -> None:
    """Let GROUP take part again, blocked or to be passed over."""
    acted = _acted("offset_unblock", group_id, reason, manner)
    with open_desk(manner.account) as desk:
        answered = carried_out(desk, acted, manner)
        if answered is None:
            return
        if answered.first(OffsetAllowed) is None:
            fail(f"nothing was changed: {refused(desk, acted.action, answered)}")
    _answered("allowed", f"group {group_id} may take part in offsets", answered, acted, manner)


def _bar(acted: OperatorActed, outcome: str, told: str, manner: Manner) -> None:
    with open_desk(manner.account) as desk:
        _require_open(desk, acted.subject)
        answered = carried_out(desk, acted, manner)
        if answered is None:
            return
        if answered.first(OffsetBarred) is None:
            fail(f"nothing was changed: {refused(desk, acted.action, answered)}")
    _answered(outcome, told, answered, acted, manner)


def _answered(
    outcome: str, told: str, answered: Answered, acted: OperatorActed, manner: Manner
) -> None:
    found = {"input_id": answered.input_id, "outcome": outcome, "group_id": acted.subject}
    answer(told, found, manner)


def _acted(action: OperatorAction, group_id: str, reason: str, manner: Manner) -> OperatorActed:
    return OperatorActed(action=action, subject=group_id, actor=manner.actor, reason=reason)


def _require_open(desk: Desk, group_id: str) -> None:
    found = desk.book.group(group_id)
    if found is None or not found.holds_slot:
        fail(f"GROUP was {group_id!r}, which is not open: see `plimsoll offset plan`")


def _lines(outlook: OffsetOutlook) -> list[str]:
    head = f"As of {outlook.as_of:%Y-%m-%d %H:%M:%S} UTC, trading is {outlook.trading_state}"
    now = [f"No offset can begin: {outlook.obstacle}."] if outlook.obstacle else []
    over = [f"Passed over once: {', '.join(outlook.passed_over)}."] if outlook.passed_over else []
    groups = [_group_line(group) for group in outlook.groups]
    return [f"{head}.", *now, *over, *_plan_lines(outlook.plan), *groups]


def _plan_lines(made: PlanOutlook | None) -> list[str]:
    if made is None:
        return ["No trade could be paid down."]
    turn = "is due" if made.trigger == "rule" else "could be run by an operator"
    loser = f"Loser {made.loser_group_id} {made.loser_symbol} {turn}"
    if not made.is_feasible:
        needed, there = _money(made.needed), _money(made.expected)
        return [f"{loser}, but {made.reason}: {needed} needed, {there} available."]
    payers = [
        f"  {each.group_id} {each.symbol} sells {plain(each.quantity)} at {plain(each.price)}"
        f" for {_money(each.expected)} of its {_money(each.gain)}"
        for each in made.winners
    ]
    sold = f"pays for {plain(made.loser_quantity)} at {plain(made.loser_bound)} or better"
    return [
        f"{loser}: {_money(made.needed)} needed, {_money(made.expected)} to be earned, {sold}.",
        *payers,
    ]


def _group_line(group: GroupOutlook) -> str:
    percent = group.loss_percent
    stands = f"{plain(percent.quantize(_CENTS))} %" if percent is not None else "unknown"
    failed = [
        f"{each.name} is {each.value or 'unknown'}"
        + (f", the limit is {each.limit}" if each.limit is not None else "")
        for each in group.criteria
        if not each.passed
    ]
    if group.barred == "skip_once":
        failed.append("to be passed over once")
    role = "may pay" if group.may_pay else "eligible" if not failed else "; ".join(failed)
    return f"{group.group_id} {group.side} {group.symbol} {group.timeframe}: {stands}, {role}"


def _money(value: Decimal) -> str:
    with localcontext(DECISION_CONTEXT):
        return plain(value.quantize(_CENTS))
