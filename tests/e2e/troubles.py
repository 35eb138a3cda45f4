"""What goes wrong at the venue, made to happen from its control desk."""

from collections.abc import Awaitable, Callable

from adapters.exchanges.wire.faults import CREATE_ORDER
from tests.e2e.venue_desk import VenueDesk

Trouble = Callable[[VenueDesk], Awaitable[None]]


def failing(kind: str, count: int = 2, call: str = CREATE_ORDER) -> Trouble:
    """The next orders, or other calls, go wrong in this way."""

    async def trouble(venue: VenueDesk) -> None:
        await venue.fail(kind, count=count, call=call)

    return trouble


def spoiling(kind: str, count: int = 40) -> Trouble:
    """The next frames of the order stream go wrong in this way."""

    async def trouble(venue: VenueDesk) -> None:
        await venue.spoil(kind, count=count)

    return trouble


async def cutting_the_order_stream(venue: VenueDesk) -> None:
    """What happens until it is back is told by nobody."""
    await venue.line("disconnect_private")
