"""Whether ccxt would put exactly our figures on the wire: it truncates and rounds silently."""

from collections.abc import Callable
from decimal import Decimal, localcontext

import ccxt

from adapters.exchanges.ccxt_client import CcxtClient
from application.inputs import Refused
from application.ports import OrderTicket
from domain.money import plain


def unfit(client: CcxtClient, ticket: OrderTicket) -> Refused | None:
    """Why this order must not be sent as it is, or none if it goes out exactly so."""
    api = client.api
    if ticket.symbol not in (api.markets or {}):
        return Refused(code="symbol", message=f"{ticket.symbol} is not traded at this venue")
    checks = [("quantity", ticket.quantity, api.amount_to_precision)]
    if ticket.price is not None:
        checks.append(("price", ticket.price, api.price_to_precision))
    if ticket.trigger_price is not None:
        checks.append(("trigger price", ticket.trigger_price, api.price_to_precision))
    for name, value, to_text in checks:
        text = _wire_text(to_text, ticket.symbol, value)
        if text is None or Decimal(text) != value:
            return Refused(
                code="precision",
                message=f"{name} was {plain(value)}, it would go out as {text}; round it first",
            )
    return None


def _wire_text(to_text: Callable[[str, Decimal], str], symbol: str, value: Decimal) -> str | None:
    """What ccxt would write; none if it refuses to."""
    # ccxt rewrites rounding and traps of the decimal context it runs in.
    with localcontext():
        try:
            return str(to_text(symbol, value))
        except ccxt.InvalidOrder:
            return None
