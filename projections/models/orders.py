"""Orders: what was asked of the venue and what is known to have become of it."""

from application.journal import Recorded
from domain.money import ZERO
from domain.order import (
    OrderAccepted,
    OrderCancelRequested,
    OrderEnded,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderRequested,
    OrderResent,
    OrderUnknown,
)
from projections.rows import (
    Change,
    Put,
    ReadModel,
    Row,
    RowChange,
    Table,
    count,
    flag,
    moment,
    number,
    same,
    text,
)

ORDERS = Table(
    name="orders",
    kind="current",
    key=("account", "client_order_id"),
    columns=(
        text("account"),
        text("client_order_id"),
        text("purpose"),
        text("symbol"),
        text("side"),
        number("quantity", ZERO),
        number("price"),
        text("time_in_force"),
        flag("reduce_only"),
        text("group_id"),
        text("pyramid_id"),
        text("leg_id"),
        text("signal_id"),
        count("attempt"),
        moment("requested_at"),
        text("status", "requested"),
        text("detail"),
        text("venue_order_id"),
        number("filled", ZERO),
        moment("unknown_since"),
        flag("cancel_requested"),
    ),
    indexes=(("account", "leg_id"), ("account", "group_id"), ("account", "status")),
)

# An order that fills or is accepted is known to work; a final state is never left.
KNOWN_AGAIN = ("requested", "unknown")


def project(recorded: Recorded, _: int) -> tuple[RowChange, ...]:
    """One row an order. `status` is the last word of the venue, or ours where it has none.

    A filled order shows in its quantities: a late fill may follow any final status.
    """
    event = recorded.event
    if isinstance(event, OrderRequested):
        return (_requested(recorded.account, event),)
    if not isinstance(event, OrderEvent):
        return ()
    key = (recorded.account, event.client_order_id)
    if isinstance(event, OrderFilled):
        filled = Change(table="orders", key=key, assign={"filled": event.filled})
        return (filled, *_known(recorded.account, event.client_order_id))
    assign = _assigned(event)
    return (Change(table="orders", key=key, assign=assign),) if assign else ()


def _requested(account: str, event: OrderRequested) -> RowChange:
    values = same(
        event,
        "purpose",
        "symbol",
        "side",
        "quantity",
        "price",
        "time_in_force",
        "reduce_only",
        "group_id",
        "pyramid_id",
        "leg_id",
        "signal_id",
        "attempt",
        "requested_at",
    )
    return Put(table="orders", key=(account, event.client_order_id), values=values)


def _known(account: str, client_order_id: str) -> tuple[RowChange, ...]:
    return tuple(
        Change(
            table="orders",
            key=(account, client_order_id),
            assign={"status": "open", "unknown_since": None},
            when={"status": status},
        )
        for status in KNOWN_AGAIN
    )


def _assigned(event: OrderEvent) -> Row:
    match event:
        case OrderAccepted():
            known = {"status": "open", "unknown_since": None}
            return {**known, "venue_order_id": event.venue_order_id}
        case OrderRejected():
            return {"status": "rejected", "detail": f"{event.code}: {event.message}"}
        case OrderUnknown():
            return {
                "status": "unknown",
                "detail": event.detail,
                "unknown_since": event.since,
            }
        case OrderResent():
            return {"status": "requested", "unknown_since": None}
        case OrderEnded():
            return {"status": "ended", "detail": event.status}
        case OrderExpired():
            return {"status": "expired"}
        case OrderCancelRequested():
            return {"cancel_requested": True}
        case _:
            return {}


MODEL = ReadModel(tables=(ORDERS,), project=project, views=frozenset({"overview", "groups"}))
