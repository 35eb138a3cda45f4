"""Only the specification's steps are possible: every state, every command, what becomes of it."""

import ast
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain import order, position_group
from domain.order import (
    RecordOrderAccepted,
    RecordOrderEnded,
    RecordOrderFill,
    RecordOrderNotFound,
    RecordOrderNotSent,
    RecordOrderRejected,
    RecordOrderUnknown,
    RequestOrder,
    RequestOrderCancel,
)
from domain.position_group import (
    AdmitPyramid,
    AttemptClose,
    ClosePositionGroup,
    EndReduction,
    FinishPositionGroup,
    FundingShared,
    OpenPositionGroup,
    PyramidAdmitted,
    ReductionPart,
    ReductionStarted,
    ShareFunding,
    StartReduction,
    TrailStop,
)
from tests.application.desk import MORNING, Desk
from tests.application.transitions import GROUP, ORDER, TRADE, name_of_order, name_of_trade
from tests.domain.given import decide, fold

D = Decimal
LATER = MORNING + timedelta(minutes=2)

# An entry of 2 contracts, as the log of a desk has it.
_DESK = Desk()
_DESK.handle(_DESK.received())
REQUESTED = _DESK.working("entry")[0].request
ID = REQUESTED.client_order_id
OPENED = _DESK.group().opened
GROUP_ID = OPENED.group_id


def fill(trade_id: str, quantity: Decimal) -> RecordOrderFill:
    return RecordOrderFill(
        client_order_id=ID,
        trade_id=trade_id,
        price=D(100),
        quantity=quantity,
        fee=D(0),
        fee_asset="USDT",
        liquidity="maker",
        traded_at=MORNING,
    )


ORDER_COMMANDS: dict[str, Any] = {
    "request": RequestOrder(client_order_id=ID, requested=REQUESTED),
    "accept": RecordOrderAccepted(client_order_id=ID, venue_order_id="v"),
    "reject": RecordOrderRejected(client_order_id=ID, code="-1", message="no"),
    "doubt": RecordOrderUnknown(client_order_id=ID, detail="lost", now=MORNING),
    "miss": RecordOrderNotFound(client_order_id=ID, asked_at=MORNING, now=MORNING),
    "part": fill("t1", REQUESTED.quantity / 2),
    "rest": fill("t2", REQUESTED.quantity),
    "end": RecordOrderEnded(client_order_id=ID, status="cancelled", filled=D(0)),
    "cancel": RequestOrderCancel(client_order_id=ID, reason="gone"),
    "unsent": RecordOrderNotSent(client_order_id=ID),
}
# How each state is reached, by the names of commands.
ORDER_ROADS = {
    "requested": ("request",),
    "unknown": ("request", "doubt"),
    "open": ("request", "accept"),
    "filled": ("request", "accept", "rest"),
    "ended": ("request", "accept", "end"),
    "rejected": ("request", "reject"),
    "expired": ("request", "unsent"),
}
# What becomes of each state; "-" = refused, nothing happens. A late trade is always a fact,
# but for one that is counted already: that which filled the order.
ORDER_STEPS = """
state      request accept reject   doubt   miss    part     rest   end   cancel    unsent
requested  -       open   rejected unknown -       open     filled ended requested expired
unknown    -       open   rejected -       unknown open     filled ended unknown   -
open       -       -      -        unknown -       open     filled ended open      -
filled     -       -      -        -       -       filled   -      -     -         -
ended      -       -      -        -       -       ended    filled -     -         -
rejected   -       -      -        -       -       rejected filled -     -         -
expired    -       -      -        -       -       expired  filled -     -         -
"""

TRADE_COMMANDS: dict[str, Any] = {
    "open": OpenPositionGroup(group_id=GROUP_ID, opened=OPENED),
    "admit": AdmitPyramid(
        group_id=GROUP_ID,
        admitted=PyramidAdmitted(
            group_id=GROUP_ID, pyramid_id=f"{GROUP_ID}-p0", index=0, signal_id="s1"
        ),
    ),
    "reduce": StartReduction(
        group_id=GROUP_ID,
        started=ReductionStarted(
            group_id=GROUP_ID,
            reason="less",
            signal_id="",
            parts=(ReductionPart(leg_id=f"{GROUP_ID}-p0-l0", quantity=D(1), sold_before=D(0)),),
            started_at=LATER,
        ),
    ),
    "reduced": EndReduction(group_id=GROUP_ID, now=LATER),
    "trail": TrailStop(group_id=GROUP_ID, best=D(101), now=LATER),
    "fund": ShareFunding(
        group_id=GROUP_ID,
        shared=FundingShared(group_id=GROUP_ID, funding_id="f1", amount=D(1), settled_at=LATER),
    ),
    "close": ClosePositionGroup(group_id=GROUP_ID, reason="exit", signal_id="", now=LATER),
    "sell": AttemptClose(
        group_id=GROUP_ID,
        attempted=position_group.CloseAttempted(
            group_id=GROUP_ID,
            client_order_id="c",
            attempt=1,
            quantity=D(1),
            price=None,
            attempted_at=LATER,
        ),
    ),
    "finish": FinishPositionGroup(group_id=GROUP_ID, realized=D(0), fees=D(0), now=LATER),
}
TRADE_ROADS = {
    "open": ("open",),
    "reducing": ("open", "reduce"),
    "closing": ("open", "close"),
    "closed": ("open", "close", "finish"),
}
# A reduction under way is not started twice; on the way out nothing joins, nothing is reduced.
TRADE_STEPS = """
state     open admit    reduce   reduced trail    fund     close   sell     finish
open      -    open     reducing -       open     open     closing -        -
reducing  -    reducing -        open    reducing reducing closing reducing -
closing   -    -        -        -       -        closing  -       closing  closed
closed    -    -        -        -       -        -        -       -        -
"""


def cells(text: str) -> list[tuple[str, str, str]]:
    """State, command and what comes of it, a cell each."""
    (_, *commands), *rows = [line.split() for line in text.strip().splitlines()]
    return [
        (state, command, after)
        for state, *row in rows
        for command, after in zip(commands, row, strict=True)
    ]


def state_after(aggregate: Any, commands: dict[str, Any], road: tuple[str, ...]) -> Any:
    state = None
    for name in road:
        state = fold(aggregate, decide(aggregate, state, commands[name]), state)
    return state


@pytest.mark.parametrize(("state", "command", "after"), cells(ORDER_STEPS))
def test_an_order_takes_this_step_or_refuses(state: str, command: str, after: str) -> None:
    before = state_after(order, ORDER_COMMANDS, ORDER_ROADS[state])
    assert name_of_order(before) == state

    happened = decide(order, before, ORDER_COMMANDS[command])

    assert bool(happened) == (after != "-")
    if happened:
        assert name_of_order(fold(order, happened, before)) == after
        assert after in ORDER[state]


@pytest.mark.parametrize(("state", "command", "after"), cells(TRADE_STEPS))
def test_a_trade_takes_this_step_or_refuses(state: str, command: str, after: str) -> None:
    before = state_after(position_group, TRADE_COMMANDS, TRADE_ROADS[state])
    assert name_of_trade(before) == state

    happened = decide(position_group, before, TRADE_COMMANDS[command])

    assert bool(happened) == (after != "-")
    if happened:
        assert name_of_trade(fold(position_group, happened, before)) == after
        assert after in TRADE[state]


@pytest.mark.parametrize(
    ("commands", "steps"),
    [
        (order.OrderCommands, cells(ORDER_STEPS)),
        (position_group.PositionGroupCommands, cells(TRADE_STEPS)),
    ],
)
def test_the_tables_leave_no_command_out(commands: Any, steps: list[tuple[str, str, str]]) -> None:
    every = {**ORDER_COMMANDS} if commands is order.OrderCommands else {**TRADE_COMMANDS}
    assert {type(every[name]) for _, name, _ in steps} == set(commands.__args__)


def test_what_is_closed_stays_closed() -> None:
    assert GROUP["CLOSED"] == {"CLOSED"}
    assert GROUP["CLOSING"] == {"CLOSING", "CLOSED"}
    assert TRADE["closed"] == {"closed"}


@pytest.mark.parametrize("module", ["naive_model", "naive_orders", "naive_prices", "naive_trades"])
def test_the_naive_model_knows_nothing_of_the_engine(module: str) -> None:
    """A rule it borrowed could not be found wrong by it."""
    tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text())
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported += [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    ours = ("domain", "application", "adapters", "projections")
    assert [name for name in imported if name.split(".")[0] in ours] == []
