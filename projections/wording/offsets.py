"""Losers paid down by winners, in words."""

from domain.offset import (
    OffsetLoserEnded,
    OffsetLoserStarted,
    OffsetPlanned,
    OffsetRealized,
    OffsetSettled,
    OffsetWinnerEnded,
    OffsetWinnerStarted,
)
from domain.offset_watch import (
    OffsetAllowed,
    OffsetBarred,
    OffsetBegun,
    OffsetDeclined,
    OffsetGroupForgotten,
    OffsetOver,
    OffsetTimerReset,
    OffsetTimerStarted,
    OffsetWatchOpened,
)
from projections.description import Description, amount, because, describe


@describe.register
def _(event: OffsetWatchOpened) -> Description:
    return Description(
        kind="risk",
        severity="debug",
        text=f"Offset watch of the day opened, {len(event.state.timers)} timers run",
    )


@describe.register
def _(event: OffsetTimerStarted) -> Description:
    return Description(
        kind="risk", text=f"Offset timer of group {event.group_id} runs{because(event.reason)}"
    )


@describe.register
def _(event: OffsetTimerReset) -> Description:
    return Description(
        kind="risk", text=f"Offset timer of group {event.group_id} stopped{because(event.reason)}"
    )


@describe.register
def _(event: OffsetBarred) -> Description:
    what = "takes no part in offsets" if event.how == "blocked" else "is passed over once"
    return Description(
        kind="risk", text=f"Group {event.group_id} {what}, by {event.actor}{because(event.reason)}"
    )


@describe.register
def _(event: OffsetAllowed) -> Description:
    return Description(
        kind="risk",
        text=f"Group {event.group_id} may take part in offsets again, by {event.actor}"
        f"{because(event.reason)}",
    )


@describe.register
def _(event: OffsetDeclined) -> Description:
    return Description(
        kind="risk",
        text=(
            f"Loser {event.group_id} is not paid down{because(event.reason)}:"
            f" {amount(event.needed)} needed, {amount(event.available)} available"
        ),
    )


@describe.register
def _(event: OffsetBegun) -> Description:
    return Description(kind="risk", severity="debug", text=f"Offset {event.offset_id} begins")


@describe.register
def _(event: OffsetOver) -> Description:
    return Description(kind="risk", severity="debug", text=f"Offset {event.offset_id} is over")


@describe.register
def _(event: OffsetGroupForgotten) -> Description:
    return Description(
        kind="risk", severity="debug", text=f"Group {event.group_id} is watched no more"
    )


@describe.register
def _(event: OffsetPlanned) -> Description:
    loser = event.loser
    payers = ", ".join(winner.symbol for winner in event.winners)
    return Description(
        kind="risk",
        symbol=loser.symbol,
        severity="warning",
        text=(
            f"Offset planned: loser {loser.symbol} ({loser.group_id}) needs"
            f" {amount(event.needed)}, {payers} are to earn {amount(event.expected)}"
        ),
    )


@describe.register
def _(event: OffsetWinnerStarted) -> Description:
    return Description(
        kind="risk",
        text=f"Offset {event.offset_id} sells of winner {event.group_id} to earn"
        f" {amount(event.need)}",
    )


@describe.register
def _(event: OffsetWinnerEnded) -> Description:
    return Description(
        kind="risk",
        text=f"Offset {event.offset_id}: winner {event.group_id} earned {amount(event.earned)}"
        f" ({event.outcome.replace('_', ' ')})",
    )


@describe.register
def _(event: OffsetLoserStarted) -> Description:
    return Description(
        kind="risk",
        text=f"Offset {event.offset_id} sells of loser {event.group_id}, for a loss of"
        f" {amount(event.budget)} at most, at {amount(event.bound)} or better",
    )


@describe.register
def _(event: OffsetRealized) -> Description:
    due = ", its fee is not valued yet" if event.fee_due else ""
    return Description(
        kind="risk",
        severity="debug",
        text=f"Offset {event.offset_id}: {amount(event.amount)} realized by {event.part}{due}",
    )


@describe.register
def _(event: OffsetLoserEnded) -> Description:
    return Description(
        kind="risk",
        text=f"Offset {event.offset_id}: loser {event.group_id} realized {amount(event.realized)}"
        f" ({event.outcome.replace('_', ' ')})",
    )


@describe.register
def _(event: OffsetSettled) -> Description:
    return Description(
        kind="risk",
        severity="warning",
        text=(
            f"Offset {event.offset_id} settled, {event.outcome.replace('_', ' ')}: earned"
            f" {amount(event.earned)}, realized {amount(event.realized)} by the loser,"
            f" {amount(event.result)} in all{because(event.reason)}"
        ),
    )
