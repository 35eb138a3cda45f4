"""A create-order request of Binance USDⓈ-M as the ticket it stands for."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeVar

from adapters.exchanges.wire.signing import Refusal, missing
from application.ports import OrderTicket
from domain.instrument import Instrument, PositionMode, Side

Parameters = Mapping[str, str]
Choice = TypeVar("Choice")
TimeInForce = Literal["gtc", "ioc", "post_only"]

TIMES_IN_FORCE: dict[str, TimeInForce] = {"GTC": "gtc", "IOC": "ioc", "GTX": "post_only"}
SIDES: dict[str, Side] = {"BUY": "buy", "SELL": "sell"}
POSITION_SIDES: dict[str, PositionMode] = {
    "BOTH": "both",
    "LONG": "long",
    "SHORT": "short",
}
STOPS = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")


def ticket_of(parameters: Parameters, instrument: Instrument) -> OrderTicket:
    """The ticket of a LIMIT or MARKET order.

    Raises Refusal for parameters that are missing, malformed, or of a kind not simulated.
    """
    kind = parameters.get("type", "")
    if kind in STOPS:
        text = "Order type not supported for this endpoint. Please use the Algo Order API endpoints"
        raise Refusal(400, -4120, f"{text} instead.")
    if kind not in ("LIMIT", "MARKET"):
        raise Refusal(400, -1116, "Invalid orderType.")
    limit = kind == "LIMIT"
    return OrderTicket(
        client_order_id=_given(parameters, "newClientOrderId"),
        symbol=instrument.symbol,
        side=_side(parameters),
        quantity=_decimal(parameters, "quantity"),
        price=_decimal(parameters, "price") if limit else None,
        time_in_force=_time_in_force(parameters) if limit else "gtc",
        reduce_only=_reduce_only(parameters),
        position_side=_position_side(parameters),
    )


def stop_ticket_of(parameters: Parameters, instrument: Instrument) -> OrderTicket:
    """The ticket of a conditional STOP_MARKET order. Raises Refusal as `ticket_of` does."""
    if parameters.get("algoType") != "CONDITIONAL":
        raise missing("algoType")
    if parameters.get("type") != "STOP_MARKET":
        raise Refusal(400, -1116, "Invalid orderType.")
    return OrderTicket(
        client_order_id=_given(parameters, "clientAlgoId"),
        symbol=instrument.symbol,
        side=_side(parameters),
        quantity=_decimal(parameters, "quantity"),
        price=None,
        time_in_force="gtc",
        reduce_only=_reduce_only(parameters),
        position_side=_position_side(parameters),
        trigger_price=_decimal(parameters, "triggerPrice"),
    )


def _side(parameters: Parameters) -> Side:
    return _chosen(SIDES, parameters.get("side"), Refusal(400, -1117, "Invalid side."))


def _position_side(parameters: Parameters) -> PositionMode:
    refusal = Refusal(400, -4060, "Invalid position side.")
    return _chosen(POSITION_SIDES, parameters.get("positionSide", "BOTH"), refusal)


def _reduce_only(parameters: Parameters) -> bool:
    """In hedge mode the two sides say it all, and the venue takes no such flag."""
    text = parameters.get("reduceOnly")
    if text is not None and _position_side(parameters) != "both":
        raise Refusal(400, -1106, "Parameter 'reduceonly' sent when not required.")
    return (text or "false").lower() == "true"


def _time_in_force(parameters: Parameters) -> TimeInForce:
    text = _given(parameters, "timeInForce")
    return _chosen(TIMES_IN_FORCE, text, Refusal(400, -1115, "Invalid timeInForce."))


def _chosen(choices: Mapping[str, Choice], name: str | None, refusal: Refusal) -> Choice:
    if name is None or name not in choices:
        raise refusal
    return choices[name]


def _given(parameters: Parameters, name: str) -> str:
    text = parameters.get(name, "")
    if not text:
        raise missing(name)
    return text


def _decimal(parameters: Parameters, name: str) -> Decimal:
    try:
        return Decimal(_given(parameters, name))
    except InvalidOperation:
        raise missing(name) from None
