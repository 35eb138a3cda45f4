"""What is held beside the lots in words."""

from domain.holdings import (
    BalanceRecorded,
    BaselineChanged,
    BaselineTaken,
    DiscrepancyCleared,
    DiscrepancyFound,
    DustChanged,
    FeeDeferred,
    FeeValued,
    FundingRecorded,
    HoldingsOpened,
    PositionAdopted,
)
from domain.instrument import PositionMode
from projections.description import Description, amount, because, describe


@describe.register
def _(event: HoldingsOpened) -> Description:
    state = event.state
    return Description(
        kind="risk",
        severity="debug",
        text=(
            f"Holdings of the day opened: {len(state.dust)} with dust,"
            f" {len(state.baseline)} foreign, {len(state.discrepancies)} disputed"
        ),
    )


@describe.register
def _(event: BaselineTaken) -> Description:
    held = ", ".join(
        f"{amount(position.quantity)} {_position(position.symbol, position.side)}"
        for position in event.positions
    )
    return Description(
        kind="risk",
        severity="warning" if event.positions else "info",
        text=f"The venue was first asked; held before us: {held or 'nothing'}",
    )


@describe.register
def _(event: BaselineChanged) -> Description:
    return Description(
        kind="risk",
        symbol=event.symbol,
        severity="warning",
        text=(
            f"Of {_position(event.symbol, event.side)} {amount(event.total)} is foreign now,"
            f" changed by {amount(event.amount)} by {event.actor}{because(event.reason)}"
        ),
    )


@describe.register
def _(event: DustChanged) -> Description:
    return Description(
        kind="risk",
        symbol=event.symbol,
        severity="warning",
        text=(
            f"Dust of {_position(event.symbol, event.side)} is {amount(event.total)} now, changed"
            f" by {amount(event.amount)}{because(event.reason)}"
        ),
    )


@describe.register
def _(event: DiscrepancyFound) -> Description:
    found = event.discrepancy
    return Description(
        kind="risk",
        symbol=found.symbol,
        severity="critical",
        text=(
            f"Discrepancy in {_position(found.symbol, found.side)}: the books hold"
            f" {amount(found.expected)}, the venue {amount(found.seen)}{because(found.detail)}"
        ),
    )


@describe.register
def _(event: DiscrepancyCleared) -> Description:
    return Description(
        kind="risk",
        symbol=event.symbol,
        text=(
            f"Discrepancy in {_position(event.symbol, event.side)} cleared by"
            f" {event.actor}{because(event.reason)}"
        ),
    )


@describe.register
def _(event: PositionAdopted) -> Description:
    price = "at the venue's trade price" if event.priced_by == "trade" else "at the mark"
    return Description(
        kind="risk",
        symbol=event.symbol,
        severity="critical",
        text=(
            f"{amount(event.quantity)} of {_position(event.symbol, event.side)} was closed outside"
            f" and leaves the books {price}, from {len(event.parts)} legs"
        ),
    )


@describe.register
def _(event: BalanceRecorded) -> Description:
    return Description(
        kind="account",
        severity="debug",
        text=(
            f"Balance at the venue: {amount(event.total)} {event.currency},"
            f" {amount(event.free)} free"
        ),
    )


@describe.register
def _(event: FundingRecorded) -> Description:
    about = f"Funding {event.funding_id} of {_position(event.symbol, event.side)}"
    settled = f"{amount(event.amount)} {event.asset}"
    shared = f"shared by {len(event.shares)} groups" if event.shares else "shared by nobody"
    return Description(
        kind="risk",
        symbol=event.symbol,
        severity="info" if event.shares else "warning",
        text=f"{about}: {settled}, {shared}{because(event.reason)}",
    )


@describe.register
def _(event: FeeDeferred) -> Description:
    pending = event.pending
    return Description(
        kind="fill",
        severity="warning",
        text=(
            f"Fee of {amount(pending.fee)} {pending.asset} for trade {pending.trade_id} of leg"
            f" {pending.leg_id} cannot be valued yet"
        ),
    )


@describe.register
def _(event: FeeValued) -> Description:
    pending = event.pending
    return Description(
        kind="fill",
        text=(
            f"Fee of {amount(pending.fee)} {pending.asset} for trade {pending.trade_id} of leg"
            f" {pending.leg_id} is worth {amount(event.fee_value)}"
        ),
    )


def _position(symbol: str, side: PositionMode) -> str:
    """In hedge mode a symbol has two."""
    return symbol if side == "both" else f"{symbol} {side}"
