"""The refusals of the simulated venue, with the codes and words of Binance.

Source: the error code pages of Binance's USDⓈ-M futures and spot documentation.
"""

import re
from decimal import Decimal

from application.inputs import Refused
from domain.instrument import MarketKind, Side
from domain.money import plain

CLIENT_ORDER_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")


def invalid_symbol() -> Refused:
    """The venue does not list the symbol."""
    return Refused(code="-1121", message="Invalid symbol.")


def position_side() -> Refused:
    """A hedge-mode ticket on a one-way account, or the reverse."""
    return Refused(code="-4061", message="Order's position side does not match user's setting.")


def order_type() -> Refused:
    """A stop of a kind that is not simulated: with a limit, or one that would not close."""
    return Refused(code="-1116", message="Invalid orderType.")


def client_order_id(kind: MarketKind) -> Refused:
    """The client order id has characters or a length the venue does not take."""
    if kind == "spot":
        return Refused(code="-1100", message="Illegal characters found in newClientOrderId.")
    return Refused(code="-4015", message="Client order id is not valid.")


def duplicate(kind: MarketKind) -> Refused:
    """An open order has the same client order id."""
    if kind == "spot":
        return Refused(code="-2010", message="Duplicate order sent.")
    return Refused(code="-4116", message="ClientOrderId is duplicated.")


def price_not_positive(kind: MarketKind) -> Refused:
    """A limit price of zero or less."""
    if kind == "spot":
        return Refused(code="-1013", message="Invalid price.")
    return Refused(code="-4001", message="Price less than 0.")


def tick(kind: MarketKind) -> Refused:
    """The price is not a multiple of the tick."""
    if kind == "spot":
        return Refused(code="-1013", message="Filter failure: PRICE_FILTER")
    return Refused(code="-4014", message="Price not increased by tick size.")


def quantity_not_positive(kind: MarketKind) -> Refused:
    """A quantity of zero or less."""
    if kind == "spot":
        return Refused(code="-1013", message="Invalid quantity.")
    return Refused(code="-4003", message="Quantity less than or equal to zero.")


def step(kind: MarketKind) -> Refused:
    """The quantity is not a multiple of the step."""
    if kind == "spot":
        return Refused(code="-1013", message="Filter failure: LOT_SIZE")
    return Refused(code="-1111", message="Precision is over the maximum defined for this asset.")


def quantity_below_minimum(kind: MarketKind) -> Refused:
    """The quantity is under the venue's minimum."""
    if kind == "spot":
        return Refused(code="-1013", message="Filter failure: LOT_SIZE")
    return Refused(code="-4004", message="Quantity less than min quantity.")


def quantity_above_maximum(kind: MarketKind) -> Refused:
    """The quantity is over the venue's maximum."""
    if kind == "spot":
        return Refused(code="-1013", message="Filter failure: LOT_SIZE")
    return Refused(code="-4005", message="Quantity greater than max quantity.")


def too_many_orders(kind: MarketKind) -> Refused:
    """As many orders of the symbol work as the venue takes."""
    if kind == "spot":
        return Refused(code="-1013", message="Filter failure: MAX_NUM_ORDERS")
    return Refused(code="-2025", message="Reach max open order limit.")


def position_too_large(kind: MarketKind) -> Refused:
    """With this order more could be held than the venue lets anyone hold."""
    if kind == "spot":
        return Refused(code="-1013", message="Filter failure: MAX_POSITION")
    message = "Exceeded the maximum allowable position at current leverage."
    return Refused(code="-2027", message=message)


def beyond_band(kind: MarketKind, side: Side, edge: Decimal) -> Refused:
    """A limit farther from the price than the venue's band, whose `edge` that is."""
    if kind == "spot":
        return Refused(code="-1013", message="Filter failure: PERCENT_PRICE")
    if side == "buy":
        return Refused(code="-4016", message=f"Limit price can't be higher than {plain(edge)}.")
    return Refused(code="-4024", message=f"Limit price can't be lower than {plain(edge)}.")


def min_notional(kind: MarketKind, minimum: Decimal) -> Refused:
    """Price times quantity is under the venue's minimum."""
    if kind == "spot":
        return Refused(code="-1013", message="Filter failure: NOTIONAL")
    message = (
        f"Order's notional must be no smaller than {plain(minimum)} "
        "(unless you choose reduce only)."
    )
    return Refused(code="-4164", message=message)


def no_price(kind: MarketKind) -> Refused:
    """A market order in a market that has not traded yet."""
    if kind == "spot":
        return Refused(code="-2010", message="Market is closed.")
    return Refused(code="-4192", message="The market has no price yet.")


def post_only(kind: MarketKind) -> Refused:
    """A post-only order that would take."""
    if kind == "spot":
        message = "Order would immediately match and take."
        return Refused(code="-2010", message=message, kind="post_only")
    message = (
        "Due to the order could not be executed as maker, the Post Only order will be rejected."
    )
    return Refused(code="-5022", message=message, kind="post_only")


def reduce_only() -> Refused:
    """A reduce-only order on the wrong side, or beyond what the position still offers."""
    return Refused(code="-2022", message="ReduceOnly Order is rejected.")


def margin_insufficient() -> Refused:
    """Less is free than notional ÷ leverage + fee."""
    return Refused(code="-2019", message="Margin is insufficient.", kind="insufficient_funds")


def balance_insufficient() -> Refused:
    """Spot: less of the asset is free than the order would take."""
    message = "Account has insufficient balance for requested action."
    return Refused(code="-2010", message=message, kind="insufficient_funds")


def unknown_order() -> tuple[str, str]:
    """Code and words of a cancel for an order that does not work."""
    return "-2011", "Unknown order sent."
