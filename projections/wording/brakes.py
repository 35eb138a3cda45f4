"""The brakes in words: holds and the breaker of the day's loss."""

from domain.brakes import (
    BrakesDayBegun,
    BrakesOpened,
    BreakerReset,
    BreakerTripped,
    HoldLifted,
    HoldPlaced,
)
from projections.description import Description, amount, because, describe

CAUSES = {
    "operator": "an operator",
    "failed_input": "an input that could not be handled",
    "foreign_orders": "an order the log does not know",
    "breaker": "the day's loss",
    "emergency_stop": "the emergency stop",
    "dead_man": "lost contact",
}


@describe.register
def _(event: BrakesOpened) -> Description:
    held = ", ".join(sorted(event.state.holds)) or "nothing"
    return Description(
        kind="risk", severity="debug", text=f"Brakes of the day opened, held by {held}"
    )


@describe.register
def _(event: BrakesDayBegun) -> Description:
    return Description(
        kind="risk", severity="debug", text=f"The loss of {event.date} counts from zero"
    )


@describe.register
def _(event: HoldPlaced) -> Description:
    hold = event.hold
    return Description(
        kind="risk",
        severity="critical" if hold.state == "halted" else "warning",
        text=f"{CAUSES[hold.cause].capitalize()} holds trading: {hold.state}{because(hold.reason)}",
    )


@describe.register
def _(event: HoldLifted) -> Description:
    return Description(
        kind="risk",
        text=f"{CAUSES[event.cause].capitalize()} holds no more, by {event.actor}"
        f"{because(event.reason)}",
    )


@describe.register
def _(event: BreakerTripped) -> Description:
    return Description(
        kind="risk",
        severity="critical",
        text=(
            f"Breaker tripped: the day lost {amount(event.loss)}, the limit is"
            f" {amount(event.limit)} (realized {amount(event.realized)}, open losses"
            f" {amount(event.open_loss)})"
        ),
    )


@describe.register
def _(event: BreakerReset) -> Description:
    return Description(
        kind="risk",
        severity="warning",
        text=(
            f"Breaker reset by {event.actor}, the day's loss counts from a result of"
            f" {amount(event.reference)}{because(event.reason)}"
        ),
    )
