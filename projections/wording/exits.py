"""The exits of legs, pyramids and groups in words."""

from domain.exit import (
    CANCELLED_BY_US,
    FILLED,
    ExitEnded,
    ExitRequested,
    ExitTouched,
    ExitUnwatched,
    ExitWatched,
)
from projections.description import Description, amount, because, describe

# The ends of an exit that nobody need look into.
EXPECTED_ENDS = (FILLED, CANCELLED_BY_US)


@describe.register
def _(event: ExitRequested) -> Description:
    return Description(
        kind="leg",
        text=(
            f"Exit of {event.exit_id}: {_aim(event.aim)} of {amount(event.quantity)}"
            f" at {amount(event.price)}, attempt {event.attempt}"
        ),
    )


@describe.register
def _(event: ExitWatched) -> Description:
    return Description(
        kind="leg",
        text=(
            f"Exit of {event.exit_id}: {_aim(event.aim)} of {amount(event.quantity)} is watched"
            f" at {amount(event.price)}{because(event.reason)}"
        ),
    )


@describe.register
def _(event: ExitTouched) -> Description:
    return Description(
        kind="leg", text=f"Exit of {event.exit_id} was touched by a mark of {amount(event.mark)}"
    )


@describe.register
def _(event: ExitUnwatched) -> Description:
    return Description(
        kind="leg", severity="debug", text=f"Exit of {event.exit_id} has nothing left to watch"
    )


@describe.register
def _(event: ExitEnded) -> Description:
    return Description(
        kind="leg",
        severity="info" if event.reason in EXPECTED_ENDS else "warning",
        text=f"Exit of {event.exit_id} works no more{because(event.reason)}",
    )


def _aim(aim: str) -> str:
    return aim.replace("_", "-")
