"""Orders and fills as Binance USDⓈ-M words them, in REST answers and stream frames."""

from decimal import Decimal

from adapters.exchanges.simulated.orders import VenueOrder
from adapters.exchanges.wire.desk import OrderNews, milliseconds, traded_value
from application.inputs import Accepted, Ended, Traded
from domain.instrument import Instrument, notional
from domain.money import ZERO, plain

PRICE_UNIT = Decimal("0.00001")
TIME_IN_FORCE = {"gtc": "GTC", "ioc": "IOC", "post_only": "GTX"}
STATUSES = {
    "filled": "FILLED",
    "cancelled": "CANCELED",
    "expired": "EXPIRED",
    "rejected": "REJECTED",
}


def order_answer(order: VenueOrder, instrument: Instrument, *, created: bool) -> dict[str, object]:
    """One order. A created or cancelled one has `cumQty` but no `time`; a queried one reversed."""
    ticket = order.ticket
    answer: dict[str, object] = {
        "orderId": int(order.venue_order_id),
        "symbol": instrument.venue_symbol,
        "status": order_status(order),
        "clientOrderId": ticket.client_order_id,
        "price": plain(ticket.price or ZERO),
        "avgPrice": plain(average_price(order, order.filled)),
        "origQty": plain(ticket.quantity),
        "executedQty": plain(order.filled),
        "cumQuote": plain(traded_value(order, instrument.contract_size)),
        "timeInForce": TIME_IN_FORCE[ticket.time_in_force],
        "type": order_type(order),
        "reduceOnly": ticket.reduce_only,
        "closePosition": False,
        "side": ticket.side.upper(),
        "positionSide": ticket.position_side.upper(),
        "stopPrice": plain(ticket.trigger_price or ZERO),
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": original_type(order),
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
        "updateTime": milliseconds(order.changed_at),
    }
    if created:
        return answer | {"cumQty": plain(order.filled)}
    return answer | {"time": milliseconds(order.accepted_at)}


def trade_answer(order: VenueOrder, trade: Traded, instrument: Instrument) -> dict[str, object]:
    """One fill of `userTrades`."""
    ticket = order.ticket
    return {
        "symbol": instrument.venue_symbol,
        "id": int(trade.trade_id),
        "orderId": int(order.venue_order_id),
        "side": ticket.side.upper(),
        "price": plain(trade.price),
        "qty": plain(trade.quantity),
        "realizedPnl": plain(order.profits[order.trades.index(trade)]),
        "quoteQty": plain(notional(instrument, trade.price, trade.quantity)),
        "commission": plain(trade.fee),
        "commissionAsset": trade.fee_asset,
        "time": milliseconds(trade.traded_at),
        "positionSide": ticket.position_side.upper(),
        "buyer": ticket.side == "buy",
        "maker": trade.liquidity == "maker",
    }


def order_frame(news: OrderNews, instrument: Instrument) -> dict[str, object] | None:
    """ORDER_TRADE_UPDATE of one report; None where Binance sends none of its own.

    A filled order's end is told by its last trade.
    """
    order, report = news.order, news.report
    if isinstance(report, Traded):
        detail, at = _trade_detail(order, report), report.traded_at
    elif isinstance(report, Accepted):
        detail, at = _detail("NEW", "NEW", ZERO, ZERO), order.accepted_at
    elif isinstance(report, Ended) and report.status != "filled":
        status = order_status(order)
        average = average_price(order, order.filled)
        detail, at = _detail(status, status, order.filled, average), order.changed_at
    else:
        return None

    time_ms = milliseconds(at)
    body = _order_detail(order, instrument) | detail | {"T": time_ms}
    return {"e": "ORDER_TRADE_UPDATE", "E": time_ms, "T": time_ms, "o": body}


def order_status(order: VenueOrder) -> str:
    """Binance's word. What an IOC or market order could not trade expires, it isn't cancelled."""
    if order.status == "working":
        return "PARTIALLY_FILLED" if order.filled > ZERO else "NEW"
    immediate = order.ticket.price is None or order.ticket.time_in_force == "ioc"
    if order.status == "cancelled" and immediate:
        return "EXPIRED"
    return STATUSES[order.status]


def order_type(order: VenueOrder) -> str:
    """LIMIT, or MARKET for an order without a price."""
    return "MARKET" if order.ticket.price is None else "LIMIT"


def original_type(order: VenueOrder) -> str:
    """What the order was before a trigger made it a market order."""
    return order_type(order) if order.ticket.trigger_price is None else "STOP_MARKET"


def average_price(order: VenueOrder, filled: Decimal) -> Decimal:
    """The average of the first `filled` contracts that traded, to five places, as Binance does."""
    value, counted = ZERO, ZERO
    for trade in order.trades:
        if counted >= filled:
            break
        value += trade.price * trade.quantity
        counted += trade.quantity
    return (value / counted).quantize(PRICE_UNIT) if counted > ZERO else ZERO


def _trade_detail(order: VenueOrder, trade: Traded) -> dict[str, object]:
    place = order.trades.index(trade) + 1
    filled = sum((earlier.quantity for earlier in order.trades[:place]), ZERO)
    status = "FILLED" if filled == order.ticket.quantity else "PARTIALLY_FILLED"
    return _detail("TRADE", status, filled, average_price(order, filled)) | {
        "l": plain(trade.quantity),
        "L": plain(trade.price),
        "n": plain(trade.fee),
        "N": trade.fee_asset,
        "t": int(trade.trade_id),
        "m": trade.liquidity == "maker",
        "rp": plain(order.profits[place - 1]),
    }


def _detail(event: str, status: str, filled: Decimal, average: Decimal) -> dict[str, object]:
    return {"x": event, "X": status, "z": plain(filled), "ap": plain(average)}


def _order_detail(order: VenueOrder, instrument: Instrument) -> dict[str, object]:
    """The fields of the frame that don't depend on what happened."""
    ticket = order.ticket
    return {
        "s": instrument.venue_symbol,
        "c": ticket.client_order_id,
        "S": ticket.side.upper(),
        "o": order_type(order),
        "f": TIME_IN_FORCE[ticket.time_in_force],
        "q": plain(ticket.quantity),
        "p": plain(ticket.price or ZERO),
        "sp": plain(ticket.trigger_price or ZERO),
        "i": int(order.venue_order_id),
        "l": "0",
        "L": "0",
        "n": "0",
        "N": instrument.settle,
        "t": 0,
        "b": "0",
        "a": "0",
        "m": False,
        "R": ticket.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": original_type(order),
        "ps": ticket.position_side.upper(),
        "cp": False,
        "rp": "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
    }
