"""Orders, stops and fills of the wire venue: what each trading call answers."""

from collections.abc import Callable

from adapters.exchanges.simulated.admission import takes
from adapters.exchanges.simulated.orders import VenueOrder, is_stop
from adapters.exchanges.wire.desk import Desk
from adapters.exchanges.wire.markets import Markets
from adapters.exchanges.wire.order_answers import order_answer, trade_answer
from adapters.exchanges.wire.order_request import Parameters, stop_ticket_of, ticket_of
from adapters.exchanges.wire.reception import page
from adapters.exchanges.wire.signing import Refusal, missing
from adapters.exchanges.wire.stop_answers import (
    ALGO_IDS_FROM,
    is_triggered,
    made_order,
    stop_answer,
    stop_cancelled,
    stop_created,
)
from application.inputs import Refused
from application.ports import OrderTicket
from domain.instrument import Instrument

Answers = dict[tuple[str, str], Callable[[Parameters], object]]

_CANCELLED_ALL = {"code": 200, "msg": "The operation of cancel all open order is done."}


class Trading:
    """The orders of one account. With `stops_keep_id` a triggered stop's order bears its id."""

    def __init__(self, desk: Desk, markets: Markets) -> None:
        self.stops_keep_id = False
        self._desk = desk
        self._markets = markets

    def answers(self) -> Answers:
        """Each call with what it answers."""
        return {
            ("POST", "/fapi/v1/order"): self._create,
            ("GET", "/fapi/v1/order"): self._query,
            ("DELETE", "/fapi/v1/order"): self._cancel,
            ("DELETE", "/fapi/v1/allOpenOrders"): self._cancel_all,
            ("GET", "/fapi/v1/openOrders"): self._open_orders,
            ("GET", "/fapi/v1/openOrder"): self._query_open,
            ("GET", "/fapi/v1/allOrders"): self._all_orders,
            ("GET", "/fapi/v1/userTrades"): self._user_trades,
            ("POST", "/fapi/v1/algoOrder"): self._create_stop,
            ("GET", "/fapi/v1/algoOrder"): self._query_stop,
            ("DELETE", "/fapi/v1/algoOrder"): self._cancel_stop,
            ("DELETE", "/fapi/v1/algoOpenOrders"): self._cancel_all_stops,
            ("GET", "/fapi/v1/openAlgoOrders"): self._open_stops,
            ("GET", "/fapi/v1/allAlgoOrders"): self._all_stops,
        }

    def made(self, order: VenueOrder) -> VenueOrder:
        """The order a triggered stop became."""
        return made_order(order, keeps_id=self.stops_keep_id)

    # Orders and fills.

    def _create(self, parameters: Parameters) -> object:
        instrument = self._markets.asked(parameters)
        order = self._placed(ticket_of(parameters, instrument))
        return order_answer(order, instrument, created=True)

    def _query(self, parameters: Parameters) -> object:
        instrument = self._markets.asked(parameters)
        order = self._found(parameters, instrument)
        if order is None:
            raise Refusal(400, -2013, "Order does not exist.")
        return order_answer(order, instrument, created=False)

    def _query_open(self, parameters: Parameters) -> object:
        instrument = self._markets.asked(parameters)
        order = self._found(parameters, instrument)
        if order is None or order.status != "working":
            raise Refusal(400, -2013, "Order does not exist.")
        return order_answer(order, instrument, created=False)

    def _cancel(self, parameters: Parameters) -> object:
        instrument = self._markets.asked(parameters)
        order = self._found(parameters, instrument)
        if order is None or order.status != "working":
            raise Refusal(400, -2011, "Unknown order sent.")
        ended = self._desk.cancel(order.client_order_id)
        return order_answer(ended, instrument, created=True)

    def _cancel_all(self, parameters: Parameters) -> object:
        for order in self._working(self._markets.asked(parameters).symbol, stops=False):
            self._desk.cancel(order.client_order_id)
        return _CANCELLED_ALL

    def _open_orders(self, parameters: Parameters) -> object:
        symbol = self._markets.symbol(parameters)
        return [
            order_answer(order, self._markets.of(order), created=False)
            for order in self._working(symbol, stops=False)
        ]

    def _all_orders(self, parameters: Parameters) -> object:
        instrument = self._markets.asked(parameters)
        first = int(parameters.get("orderId", "0"))
        rows = [
            order_answer(order, instrument, created=False)
            for order in self._orders(instrument.symbol)
            if int(order.venue_order_id) >= first
        ]
        return page(rows, parameters, newest=first == 0)

    def _user_trades(self, parameters: Parameters) -> object:
        instrument = self._markets.asked(parameters)
        order_id, first = parameters.get("orderId"), int(parameters.get("fromId", "0"))
        rows = [
            trade_answer(order, trade, instrument)
            for order, trade in self._desk.trades(instrument.symbol)
            if order_id in (None, order.venue_order_id) and int(trade.trade_id) >= first
        ]
        return page(rows, parameters, newest=first == 0)

    # Stops, which the venue keeps apart until they are triggered.

    def _create_stop(self, parameters: Parameters) -> object:
        instrument = self._markets.asked(parameters)
        ticket = stop_ticket_of(parameters, instrument)
        if takes(ticket, self._desk.core.price(instrument.symbol)):
            refused = Refused(code="-2021", message="Order would immediately trigger.")
            self._desk.note_refused(ticket, refused)
            raise Refusal(400, -2021, refused.message)
        return stop_created(self._placed(ticket), instrument)

    def _query_stop(self, parameters: Parameters) -> object:
        order = self._found_stop(parameters)
        if order is None:
            raise Refusal(400, -2013, "Order does not exist.")
        return stop_answer(order, self._markets.of(order))

    def _cancel_stop(self, parameters: Parameters) -> object:
        order = self._found_stop(parameters)
        if order is None or order.status != "working":
            raise Refusal(400, -2011, "Unknown order sent.")
        return stop_cancelled(self._desk.cancel(order.client_order_id))

    def _cancel_all_stops(self, parameters: Parameters) -> object:
        for order in self._working(self._markets.asked(parameters).symbol, stops=True):
            self._desk.cancel(order.client_order_id)
        return _CANCELLED_ALL

    def _open_stops(self, parameters: Parameters) -> object:
        symbol = self._markets.symbol(parameters)
        return [
            stop_answer(order, self._markets.of(order))
            for order in self._working(symbol, stops=True)
        ]

    def _all_stops(self, parameters: Parameters) -> object:
        instrument = self._markets.asked(parameters)
        rows = [
            stop_answer(order, instrument)
            for order in self._desk.orders(instrument.symbol)
            if is_stop(order.ticket)
        ]
        return page(rows, parameters, newest=True, time="createTime")

    # What the calls have in common.

    def _placed(self, ticket: OrderTicket) -> VenueOrder:
        result = self._desk.place(ticket)
        if isinstance(result, Refused):
            raise Refusal(400, int(result.code), result.message)
        return result

    def _working(self, symbol: str | None, *, stops: bool) -> list[VenueOrder]:
        return [
            order
            for order in self._desk.core.open_orders()
            if symbol in (None, order.ticket.symbol) and is_stop(order.ticket) == stops
        ]

    def _orders(self, symbol: str) -> list[VenueOrder]:
        """Every order ever taken, triggered stops as the orders they became."""
        every = self._desk.orders(symbol)
        return [
            self.made(order) if is_stop(order.ticket) else order
            for order in every
            if not is_stop(order.ticket) or is_triggered(order)
        ]

    def _found(self, parameters: Parameters, instrument: Instrument) -> VenueOrder | None:
        """By the venue's id, or else the latest under the client id."""
        order_id = parameters.get("orderId")
        client_order_id = parameters.get("origClientOrderId")
        if order_id is None and client_order_id is None:
            raise missing("orderId")
        order = self._desk.find(order_id=order_id, client_order_id=client_order_id)
        if order is not None and is_stop(order.ticket):
            is_named_so = order_id is not None or self.stops_keep_id
            order = self.made(order) if is_triggered(order) and is_named_so else None
        elif order is None and client_order_id is not None:
            order = self._made_under(client_order_id, instrument.symbol)
        return order if order is None or order.ticket.symbol == instrument.symbol else None

    def _made_under(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        """What a stop became, under the id that the venue gave it then."""
        for order in self._orders(symbol):
            if order.client_order_id == client_order_id:
                return order
        return None

    def _found_stop(self, parameters: Parameters) -> VenueOrder | None:
        wanted, client_id = parameters.get("algoId"), parameters.get("clientAlgoId")
        if not (wanted or "").isdigit() and client_id is None:
            raise missing("algoId")
        order_id = None if wanted is None else str(int(wanted) - ALGO_IDS_FROM)
        order = self._desk.find(order_id=order_id, client_order_id=client_id)
        return order if order is not None and is_stop(order.ticket) else None
