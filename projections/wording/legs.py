"""DCA legs in words."""

from domain.dca_leg import (
    LegDustWrittenOff,
    LegEntryEnded,
    LegEntryFilled,
    LegExcessSold,
    LegExitEnded,
    LegExitFilled,
    LegExitRequested,
    LegFeeValued,
    LegPlanned,
)
from projections.description import Description, amount, because, describe

# The ends of an exit that nobody need look into.
EXPECTED_ENDS = ("filled", "cancelled by us")


@describe.register
def _(event: LegPlanned) -> Description:
    return Description(
        kind="leg",
        symbol=event.symbol,
        text=(
            f"Leg {event.leg_id} planned: {event.side} {amount(event.quantity)} {event.symbol}"
            f" at {amount(event.price)} (gap {amount(event.gap_percent)} %, weight"
            f" {amount(event.weight_percent)} %, take-profit {amount(event.take_profit_percent)} %)"
        ),
    )


@describe.register
def _(event: LegEntryFilled) -> Description:
    return Description(
        kind="fill",
        text=(
            f"Leg {event.leg_id} entered {amount(event.quantity)} at {amount(event.price)},"
            f" cost {amount(event.cost)}, fee {amount(event.fee)} {event.fee_asset}"
        ),
    )


@describe.register
def _(event: LegEntryEnded) -> Description:
    return Description(
        kind="leg", text=f"Leg {event.leg_id} enters no further{because(event.reason)}"
    )


@describe.register
def _(event: LegExitRequested) -> Description:
    return Description(
        kind="leg",
        text=(
            f"Leg {event.leg_id} protected: exit of {amount(event.quantity)}"
            f" at {amount(event.price)}, attempt {event.attempt}"
        ),
    )


@describe.register
def _(event: LegExitEnded) -> Description:
    return Description(
        kind="leg",
        severity="info" if event.reason in EXPECTED_ENDS else "warning",
        text=f"Leg {event.leg_id} has no working exit any more{because(event.reason)}",
    )


@describe.register
def _(event: LegExitFilled) -> Description:
    return Description(
        kind="fill",
        text=(
            f"Leg {event.leg_id} exited {amount(event.quantity)} at {amount(event.price)},"
            f" realized {amount(event.realized)}"
        ),
    )


@describe.register
def _(event: LegExcessSold) -> Description:
    return Description(
        kind="fill",
        symbol=event.symbol,
        severity="critical",
        text=(
            f"Leg {event.leg_id} sold {amount(event.quantity)} {event.symbol} more than it held,"
            f" at {amount(event.price)} by order {event.client_order_id}"
        ),
    )


@describe.register
def _(event: LegDustWrittenOff) -> Description:
    return Description(
        kind="leg",
        severity="warning",
        text=(
            f"Leg {event.leg_id} wrote off {amount(event.quantity)} too small to sell"
            f" at {amount(event.price)}, realized {amount(event.realized)}"
        ),
    )


@describe.register
def _(event: LegFeeValued) -> Description:
    return Description(
        kind="fill",
        text=(
            f"Leg {event.leg_id} knows the fee of trade {event.trade_id}:"
            f" {amount(event.fee_value)}, {amount(event.realized)} of it realized"
        ),
    )
