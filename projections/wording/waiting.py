"""Entries that wait for their market's rules, in words."""

from domain.waiting_entry import EntryAwaited, EntryAwaitEnded
from projections.description import Description, amount, because, describe


@describe.register
def _(event: EntryAwaited) -> Description:
    return Description(
        kind="group",
        severity="warning",
        symbol=event.symbol,
        text=(
            f"Pyramid {event.pyramid_id} waits for the market rules of {event.symbol}:"
            f" {event.side} from {amount(event.entry_price)} with {amount(event.capital)}"
        ),
    )


@describe.register
def _(event: EntryAwaitEnded) -> Description:
    outcome = "is laid out" if event.laid_out else "gave up its place"
    return Description(
        kind="group",
        severity="info" if event.laid_out else "warning",
        symbol=event.symbol,
        text=f"Pyramid {event.pyramid_id} waits no more and {outcome}{because(event.reason)}",
    )
