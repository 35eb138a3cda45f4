"""Equity: what the account was worth minute by minute, its peak, and what ended at the stop."""

from decimal import Decimal, localcontext

from application.journal import Recorded
from domain.equity import (
    BalanceJumped,
    BalanceMatched,
    CapitalTransferred,
    DrawdownBreached,
    DrawdownRecovered,
    EmergencyEnded,
    EmergencyStopped,
    Equity,
    EquityOpened,
    EquitySampled,
    drawdown_percent,
)
from domain.money import DECISION_CONTEXT, ZERO
from projections.rows import (
    Append,
    Change,
    ReadModel,
    Row,
    RowChange,
    Table,
    Value,
    count,
    flag,
    moment,
    number,
    same,
    text,
)

SAMPLES = Table(
    name="equity_samples",
    kind="appended",
    key=("account", "position"),
    columns=(
        text("account"),
        count("position"),
        moment("at"),
        number("equity", ZERO),
        number("capital", ZERO),
        number("realized", ZERO),
        number("unrealized", ZERO),
        number("committed", ZERO),
        number("peak", ZERO),
        number("drawdown_percent", ZERO),
    ),
    indexes=(("account", "at"),),
)
# Money that came in (above zero) or went out; `total` is the sum of all so far.
TRANSFERS = Table(
    name="transfers",
    kind="appended",
    key=("account", "position"),
    columns=(
        text("account"),
        count("position"),
        moment("at"),
        number("amount", ZERO),
        number("total", ZERO),
        text("reason"),
        text("actor"),
    ),
)
# `breached_at` is set between the first look at a drawdown too deep and the look that decides,
# `stopped_at` from an emergency stop to the resume. `peak_capital` is what the account had in when
# `peak` was true; without a peak the capital is one, or after a resume (`peak_reset`) the equity.
# `unsettled`: what the venue's balance moved without any word of it.
WORTH = Table(
    name="worth",
    kind="current",
    key=("account",),
    columns=(
        text("account"),
        number("peak"),
        number("peak_capital"),
        flag("peak_reset"),
        number("transfers", ZERO),
        number("unsettled", ZERO),
        moment("breached_at"),
        number("breach_percent"),
        number("breach_limit"),
        moment("stopped_at"),
        text("stop_trigger"),
        text("stop_reason"),
        text("stop_actor"),
        number("stop_percent"),
        number("stop_limit"),
    ),
)

_UNBREACHED: Row = {"breached_at": None, "breach_percent": None, "breach_limit": None}
_RUNNING: Row = {
    "stopped_at": None,
    "stop_trigger": "",
    "stop_reason": "",
    "stop_actor": "",
    "stop_percent": None,
    "stop_limit": None,
}


def project(recorded: Recorded, position: int) -> tuple[RowChange, ...]:
    """Every sample and transfer as it fell; peak, breach and stop as they stand."""
    event, account = recorded.event, recorded.account
    match event:
        case EquitySampled():
            return (
                _sample(account, position, event),
                _worth(account, _peak(event.peak, event.capital)),
            )
        case CapitalTransferred():
            return _transferred(recorded, position, event)
        case EquityOpened():
            return (_worth(account, _whole(event.state)),)
        case BalanceMatched(unsettled=unsettled) | BalanceJumped(amount=unsettled):
            return (_worth(account, {"unsettled": unsettled}),)
        case DrawdownBreached() | DrawdownRecovered() | EmergencyStopped() | EmergencyEnded():
            return (_worth(account, _standing(event)),)
        case _:
            return ()


def _sample(account: str, position: int, event: EquitySampled) -> RowChange:
    figures = same(event, "equity", "capital", "realized", "unrealized", "committed", "peak")
    with localcontext(DECISION_CONTEXT):
        drawdown = drawdown_percent(event.equity, event.peak)
    values: dict[str, Value] = {
        **figures,
        "account": account,
        "position": position,
        "at": event.sampled_at,
        "drawdown_percent": drawdown,
    }
    return Append(table="equity_samples", values=values)


def _transferred(
    recorded: Recorded, position: int, event: CapitalTransferred
) -> tuple[RowChange, ...]:
    told: dict[str, Value] = {
        **same(recorded, "account", "at"),
        **same(event, "amount", "total", "reason", "actor"),
        "position": position,
    }
    worth = Change(
        table="worth",
        key=(recorded.account,),
        assign={"transfers": event.total},
        absent="create",
    )
    return (Append(table="transfers", values=told), worth)


def _standing(
    event: DrawdownBreached | DrawdownRecovered | EmergencyStopped | EmergencyEnded,
) -> Row:
    match event:
        case DrawdownBreached():
            return {
                "breached_at": event.breached_at,
                "breach_percent": event.drawdown_percent,
                "breach_limit": event.limit_percent,
            }
        case DrawdownRecovered():
            return _UNBREACHED
        case EmergencyStopped():
            stop: Row = {
                "stopped_at": event.stopped_at,
                "stop_trigger": event.trigger,
                "stop_reason": event.reason,
                "stop_actor": event.actor,
                "stop_percent": event.drawdown_percent,
                "stop_limit": event.limit_percent,
            }
            return {**_UNBREACHED, **stop}
        case EmergencyEnded():
            return {**_UNBREACHED, **_RUNNING, **_peak(event.peak, event.capital)}


def _peak(peak: Decimal | None, capital: Decimal | None) -> Row:
    return {"peak": peak, "peak_capital": capital, "peak_reset": peak is None}


def _whole(state: Equity) -> Row:
    known: Row = {"peak_capital": state.capital, "peak_reset": state.is_reset}
    return {**same(state, "peak", "transfers", "unsettled"), **known}


def _worth(account: str, assign: Row) -> RowChange:
    return Change(table="worth", key=(account,), assign=assign, absent="create")


MODEL = ReadModel(
    tables=(SAMPLES, TRANSFERS, WORTH),
    project=project,
    views=frozenset({"overview", "risk", "equity", "performance"}),
)
