"""The signal ledger: every authentic signal with exactly one current outcome."""

from application.inputs import SignalReceived
from application.journal import Recorded
from domain.trading_day import InputFailed, SignalJudged, SignalRead
from projections.rows import (
    Change,
    Put,
    ReadModel,
    Row,
    RowChange,
    Table,
    count,
    moment,
    number,
    same,
    text,
)

SIGNALS = Table(
    name="signals",
    kind="current",
    key=("account", "signal_id"),
    columns=(
        text("account"),
        text("signal_id"),
        count("position"),
        moment("received_at"),
        text("source"),
        text("body"),
        text("kind"),
        text("symbol"),
        text("timeframe"),
        text("side"),
        number("price"),
        text("outcome"),
        text("reason"),
        text("group_id"),
        moment("judged_at"),
    ),
    indexes=(("account", "position"),),
)


def project(recorded: Recorded, position: int) -> tuple[RowChange, ...]:
    """Received first, judged by what it caused; the latest judgement is the current one."""
    event, account = recorded.event, recorded.account
    match event:
        case SignalReceived():
            received = same(event, "received_at", "source", "body")
            values = {**received, "position": position}
            return (Put(table="signals", key=(account, event.signal_id), values=values),)
        case SignalRead():
            read = same(event, "kind", "symbol", "timeframe", "side", "price")
            return (Change(table="signals", key=(account, event.signal_id), assign=read),)
        case SignalJudged():
            judged = {
                **same(event, "outcome", "reason"),
                **({"group_id": event.group_id} if event.group_id else {}),
                "judged_at": recorded.at,
            }
            return (Change(table="signals", key=(account, event.signal_id), assign=judged),)
        case InputFailed():
            return (_set_aside(recorded, event),)
        case _:
            return ()


def _set_aside(recorded: Recorded, event: InputFailed) -> RowChange:
    """A signal that could not be handled still has an outcome.

    Its story bears the signal's id, as do those of its orders, whose reports may fail as well:
    hence only where no outcome is known.
    """
    failed: Row = {
        "outcome": "rejected",
        "reason": f"could not be handled: {event.error}",
        "judged_at": recorded.at,
    }
    return Change(
        table="signals",
        key=(recorded.account, recorded.correlation_id),
        assign=failed,
        when={"outcome": ""},
        absent="ignore",
    )


MODEL = ReadModel(tables=(SIGNALS,), project=project, views=frozenset({"overview", "signals"}))
