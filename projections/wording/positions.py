"""Position groups and pyramids in words."""

from domain.money import ZERO
from domain.position_group import (
    CloseAttempted,
    FundingShared,
    PositionGroupClosed,
    PositionGroupClosing,
    PositionGroupOpened,
    PyramidAdmitted,
    ReductionEnded,
    ReductionStarted,
    StopTrailed,
)
from domain.pyramid import PyramidClosed, PyramidEntriesHalted, PyramidPlanned
from projections.description import Description, amount, because, describe


@describe.register
def _(event: PositionGroupOpened) -> Description:
    return Description(
        kind="group",
        symbol=event.symbol,
        text=(
            f"Group {event.group_id} opened: {event.side} {event.symbol} {event.timeframe}"
            f" by signal {event.signal_id}, settings {event.settings_version}"
        ),
    )


@describe.register
def _(event: PyramidAdmitted) -> Description:
    return Description(
        kind="group",
        text=f"Group {event.group_id} admitted pyramid {event.index} by signal {event.signal_id}",
    )


@describe.register
def _(event: ReductionStarted) -> Description:
    quantity = sum((part.quantity for part in event.parts), ZERO)
    return Description(
        kind="group",
        text=(
            f"Group {event.group_id} is to sell {amount(quantity)} of"
            f" {len(event.parts)} legs{because(event.reason)}"
        ),
    )


@describe.register
def _(event: ReductionEnded) -> Description:
    return Description(kind="group", text=f"Group {event.group_id} is done with that part")


@describe.register
def _(event: StopTrailed) -> Description:
    return Description(
        kind="group",
        severity="debug",
        text=f"Group {event.group_id} trails its stop from a best price of {amount(event.best)}",
    )


@describe.register
def _(event: FundingShared) -> Description:
    verb = "received" if event.amount >= ZERO else "paid"
    return Description(
        kind="group",
        text=f"Group {event.group_id} {verb} funding of {amount(abs(event.amount))}",
    )


@describe.register
def _(event: PositionGroupClosing) -> Description:
    return Description(
        kind="group", text=f"Group {event.group_id} is closing{because(event.reason)}"
    )


@describe.register
def _(event: CloseAttempted) -> Description:
    part = f" of {len(event.covers)} legs" if event.covers else ""
    bound = "at market" if event.price is None else f"bounded by {amount(event.price)}"
    return Description(
        kind="group",
        severity="info" if event.attempt == 1 else "warning",
        text=(
            f"Group {event.group_id} closes {amount(event.quantity)}{part} {bound}"
            f" by order {event.client_order_id}, attempt {event.attempt}"
        ),
    )


@describe.register
def _(event: PositionGroupClosed) -> Description:
    return Description(
        kind="group",
        text=(
            f"Group {event.group_id} closed{because(event.reason)}; realized"
            f" {amount(event.realized)}, fees {amount(event.fees)}"
        ),
    )


@describe.register
def _(event: PyramidPlanned) -> Description:
    skipped = f", {len(event.skipped)} skipped" if event.skipped else ""
    return Description(
        kind="group",
        symbol=event.symbol,
        text=(
            f"Pyramid {event.pyramid_id} planned: {event.side} {event.symbol} from"
            f" {amount(event.entry_price)} with {amount(event.capital)},"
            f" {len(event.leg_ids)} legs{skipped}"
        ),
    )


@describe.register
def _(event: PyramidEntriesHalted) -> Description:
    return Description(
        kind="group", text=f"Pyramid {event.pyramid_id} enters no further{because(event.reason)}"
    )


@describe.register
def _(event: PyramidClosed) -> Description:
    return Description(
        kind="group",
        text=(
            f"Pyramid {event.pyramid_id} closed; realized {amount(event.realized)},"
            f" fees {amount(event.fees)}"
        ),
    )
