"""The markets of the wire venue, as requests name them."""

from adapters.exchanges.simulated.orders import VenueOrder
from adapters.exchanges.wire.desk import Desk
from adapters.exchanges.wire.order_request import Parameters
from adapters.exchanges.wire.signing import Refusal, missing
from domain.instrument import Instrument


class Markets:
    """Finds the market a request or an order is about."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def asked(self, parameters: Parameters) -> Instrument:
        """The market a request must name. Raises Refusal if it names none, or none that is."""
        if "symbol" not in parameters:
            raise missing("symbol")
        instrument = self._desk.instrument(parameters["symbol"])
        if instrument is None:
            raise Refusal(400, -1121, "Invalid symbol.")
        return instrument

    def symbol(self, parameters: Parameters) -> str | None:
        """The unified symbol asked for, if one was."""
        return self.asked(parameters).symbol if "symbol" in parameters else None

    def of(self, order: VenueOrder) -> Instrument:
        """The market of an order that was taken."""
        instrument = self._desk.core.instrument(order.ticket.symbol)
        if instrument is None:
            message = f"symbol was {order.ticket.symbol}: an order of it exists, its market not"
            raise LookupError(message)
        return instrument
