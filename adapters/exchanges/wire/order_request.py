"""A create-order request of Binance USDⓈ-M as the ticket it stands for."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeVar

from adapters.exchanges.wire.signing import Refusal, missing
from application.ports import OrderTicket
from domain.instrument import Instrument, Side

Parameters = Mapping[str, str]
Choice = TypeVar("Choice")
TimeInForce = Literal["gtc", "ioc", "post_only"]

TIMES_IN_FORCE: dict[str, TimeInForce] = {"GTC": "gtc", "IOC": "ioc", "GTX": "post_only"}
SIDES: dict[str, Side] = {"BUY": "buy", "SELL": "sell"}
POSITION_SIDES: dict[str, Literal["both", "long", "short"]] = {
    "BOTH": "both",
    "LONG": "long",
    "SHORT": "short",
}


def ticket_of(parameters: Parameters, instrument: Instrument) -> OrderTicket:
    """The ticket of a LIMIT or MARKET order.

    Raises Refusal for parameters that are missing, malformed, or of a kind not simulated.
    """
    kind = parameters.get("type", "")
    if kind not in ("LIMIT", "MARKET"):
        raise Refusal(400, -1116, "Invalid orderType.")
    limit = kind == "LIMIT"
    return OrderTicket(
        client_order_id=_given(parameters, "newClientOrderId"),
        symbol=instrument.symbol,
        side=_chosen(SIDES, parameters.get("side"), Refusal(400, -1117, "Invalid side.")),
        quantity=_decimal(parameters, "quantity"),
        price=_decimal(parameters, "price") if limit else None,
        time_in_force=_time_in_force(parameters) if limit else "gtc",
        reduce_only=parameters.get("reduceOnly", "false").lower() == "true",
        position_side=_chosen(
            POSITION_SIDES,
            parameters.get("positionSide", "BOTH"),
            Refusal(400, -4060, "Invalid position side."),
        ),
    )


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
