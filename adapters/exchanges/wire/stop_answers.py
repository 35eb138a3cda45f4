"""Stops as Binance USDⓈ-M words them: conditional orders of the algo service, and what they become.

Key sets after the documentation of algoOrder, openAlgoOrders, allAlgoOrders and ALGO_UPDATE.
"""

import msgspec

from adapters.exchanges.simulated.orders import VenueOrder
from adapters.exchanges.wire.desk import milliseconds
from adapters.exchanges.wire.order_answers import average_price
from domain.instrument import Instrument
from domain.money import ZERO, plain

# Algo ids are numbers of their own, so that nobody can take one for an order's id.
ALGO_IDS_FROM = 1_000_000


def algo_id(order: VenueOrder) -> int:
    """The id of a stop in the algo service."""
    return int(order.venue_order_id) + ALGO_IDS_FROM


def is_triggered(order: VenueOrder) -> bool:
    """Whether a stop has become an order in the matching engine."""
    return order.filled > ZERO


def made_order(order: VenueOrder, *, keeps_id: bool) -> VenueOrder:
    """The order a stop became. Which client id it bears is not documented, so both are tried."""
    if keeps_id:
        return order
    made_id = f"algo_{order.venue_order_id}"
    ticket = msgspec.structs.replace(order.ticket, client_order_id=made_id)
    return msgspec.structs.replace(order, ticket=ticket)


def algo_status(order: VenueOrder) -> str:
    """Binance's word for where a stop stands."""
    if is_triggered(order):
        return "FINISHED"
    return {"working": "NEW", "cancelled": "CANCELED"}.get(order.status, "EXPIRED")


def stop_created(order: VenueOrder, instrument: Instrument) -> dict[str, object]:
    """The answer to POST algoOrder."""
    return _common(order, instrument) | {"activatePrice": "", "callbackRate": ""}


def stop_answer(order: VenueOrder, instrument: Instrument) -> dict[str, object]:
    """One stop as queries show it."""
    triggered = is_triggered(order)
    return _common(order, instrument) | {
        "actualOrderId": order.venue_order_id if triggered else "",
        "actualPrice": plain(average_price(order, order.filled)),
        "tpTriggerPrice": "0",
        "tpPrice": "0",
        "slTriggerPrice": "0",
        "slPrice": "0",
        "tpOrderType": "",
    }


def stop_cancelled(order: VenueOrder) -> dict[str, object]:
    """The answer to DELETE algoOrder, which tells no state."""
    return {
        "algoId": algo_id(order),
        "clientAlgoId": order.client_order_id,
        "code": "200",
        "msg": "success",
    }


def stop_frame(order: VenueOrder, instrument: Instrument, status: str) -> dict[str, object]:
    """ALGO_UPDATE: a stop came to be in this state."""
    ticket, time_ms = order.ticket, milliseconds(order.changed_at)
    is_made = status in ("TRIGGERED", "FINISHED")
    body: dict[str, object] = {
        "caid": order.client_order_id,
        "aid": algo_id(order),
        "at": "CONDITIONAL",
        "o": "STOP_MARKET",
        "s": instrument.venue_symbol,
        "S": ticket.side.upper(),
        "ps": ticket.position_side.upper(),
        "f": "GTC",
        "q": plain(ticket.quantity),
        "X": status,
        "ai": order.venue_order_id if is_made else "",
        "ap": plain(average_price(order, order.filled)) if is_made else "0",
        "aq": plain(order.filled) if is_made else "0",
        "act": "MARKET" if is_made else "0",
        "tp": plain(ticket.trigger_price or ZERO),
        "p": "0",
        "V": "EXPIRE_MAKER",
        "wt": "CONTRACT_PRICE",
        "pm": "NONE",
        "cp": False,
        "pP": False,
        "R": ticket.reduce_only,
        "tt": time_ms if is_made else 0,
        "gtd": 0,
        "rm": "",
    }
    return {"e": "ALGO_UPDATE", "T": time_ms, "E": time_ms, "o": body}


def _common(order: VenueOrder, instrument: Instrument) -> dict[str, object]:
    ticket = order.ticket
    return {
        "algoId": algo_id(order),
        "clientAlgoId": order.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": "STOP_MARKET",
        "symbol": instrument.venue_symbol,
        "side": ticket.side.upper(),
        "positionSide": ticket.position_side.upper(),
        "timeInForce": "GTC",
        "quantity": plain(ticket.quantity),
        "algoStatus": algo_status(order),
        "triggerPrice": plain(ticket.trigger_price or ZERO),
        "price": "0",
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": "CONTRACT_PRICE",
        "priceMatch": "NONE",
        "closePosition": False,
        "priceProtect": False,
        "reduceOnly": ticket.reduce_only,
        "createTime": milliseconds(order.accepted_at),
        "updateTime": milliseconds(order.changed_at),
        "triggerTime": milliseconds(order.changed_at) if is_triggered(order) else 0,
        "goodTillDate": 0,
    }
