"""Orders in words."""

from domain.order import (
    OrderAccepted,
    OrderCancelRequested,
    OrderEnded,
    OrderExpired,
    OrderFilled,
    OrderMissed,
    OrderRejected,
    OrderRequested,
    OrderResent,
    OrderTradesMissing,
    OrderUnknown,
)
from projections.description import Description, amount, because, clock, describe


@describe.register
def _(event: OrderRequested) -> Description:
    price = "at market" if event.price is None else f"at {amount(event.price)}"
    if event.trigger_price is not None:
        price = f"{price} once {amount(event.trigger_price)} is touched"
    purpose = event.purpose.replace("_", " ")
    reduce_only = ", reduce-only" if event.reduce_only else ""
    return Description(
        kind="order",
        symbol=event.symbol,
        text=(
            f"Order {event.client_order_id} requested: {event.side} {amount(event.quantity)}"
            f" {event.symbol} {price} ({purpose}, {event.time_in_force}{reduce_only})"
        ),
    )


@describe.register
def _(event: OrderAccepted) -> Description:
    return Description(
        kind="order",
        text=f"Order {event.client_order_id} accepted by the venue as {event.venue_order_id}",
    )


@describe.register
def _(event: OrderRejected) -> Description:
    return Description(
        kind="order",
        severity="warning",
        text=f"Order {event.client_order_id} rejected by the venue ({event.code}): {event.message}",
    )


@describe.register
def _(event: OrderUnknown) -> Description:
    return Description(
        kind="order",
        severity="warning",
        text=(
            f"Order {event.client_order_id} unknown since {clock(event.since)}"
            f"{because(event.detail)}; the venue is asked"
        ),
    )


@describe.register
def _(event: OrderMissed) -> Description:
    return Description(
        kind="order",
        severity="warning",
        text=f"Order {event.client_order_id} not found at the venue, answer {event.count}",
    )


@describe.register
def _(event: OrderResent) -> Description:
    return Description(
        kind="order",
        severity="warning",
        text=f"Order {event.client_order_id} proven absent: sent again, sending {event.sending}",
    )


@describe.register
def _(event: OrderFilled) -> Description:
    return Description(
        kind="fill",
        text=(
            f"Order {event.client_order_id} filled {amount(event.quantity)}"
            f" at {amount(event.price)} as {event.liquidity}, fee {amount(event.fee)}"
            f" {event.fee_asset}; {amount(event.filled)} filled in all"
        ),
    )


@describe.register
def _(event: OrderTradesMissing) -> Description:
    return Description(
        kind="order",
        severity="warning",
        text=(
            f"Order {event.client_order_id} ended {event.status} with {amount(event.filled)}"
            " filled, more than the trades known: the trades are asked for"
        ),
    )


@describe.register
def _(event: OrderCancelRequested) -> Description:
    return Description(
        kind="order",
        text=f"Order {event.client_order_id} is to be cancelled{because(event.reason)}",
    )


@describe.register
def _(event: OrderEnded) -> Description:
    return Description(
        kind="order",
        severity="warning" if event.status in ("lost", "rejected") else "info",
        text=(
            f"Order {event.client_order_id} ended {event.status} with {amount(event.filled)} filled"
        ),
    )


@describe.register
def _(event: OrderExpired) -> Description:
    return Description(
        kind="order", text=f"Order {event.client_order_id} expired without being sent"
    )
