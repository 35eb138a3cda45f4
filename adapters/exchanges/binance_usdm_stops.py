"""Stops of Binance USDⓈ-M: they wait in a service of their own and become an order once touched.

Since 2025-12-09 conditional orders live at `algoOrder` under `clientAlgoId`. A triggered one puts
an order into the matching engine whose id is its `actualOrderId` (`ai` in the stream). Whether
that order bears our client id is not documented, so it is never relied upon: our id is found
again by the `actualOrderId`, wherever the order itself turns up.

Endpoints and fields after developers.binance.com/docs/derivatives/usds-margined-futures.
"""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from adapters.exchanges.binance_usdm_rows import Row, closes, identity
from adapters.exchanges.ccxt_venue import (
    EndStatus,
    StopFrame,
    UnreadableAnswerError,
    VenueOrder,
    VenueStop,
)
from domain.money import ZERO

# algoStatus of REST, X of the stream. While it is being triggered it still works.
_ENDED: Mapping[str, EndStatus | None] = {
    "NEW": None,
    "TRIGGERING": None,
    "TRIGGERED": None,
    "CANCELED": "cancelled",
    "EXPIRED": "expired",
    "REJECTED": "rejected",
    # What the order it became was filled with says how it ended.
    "FINISHED": "expired",
}
_TRIGGERED = ("TRIGGERED", "FINISHED")


def is_stop_row(row: Row) -> bool:
    """Whether an answer to a create or query call is about a stop."""
    return "algoId" in row


def stop_row(row: Row, symbol: str) -> VenueStop:
    """One row of GET or POST /fapi/v1/algoOrder, openAlgoOrders or allAlgoOrders."""
    status, made = str(row["algoStatus"]), _made_order_id(row.get("actualOrderId"))
    order = VenueOrder(
        client_order_id=str(row["clientAlgoId"]),
        venue_order_id=identity(row["algoId"]),
        symbol=symbol,
        filled=ZERO,
        reduce_only=row.get("reduceOnly") is True or closes(row),
        ended=_ENDED[status],
        is_waiting=True,
    )
    return VenueStop(order=order, made_order_id=made, is_unclear=status in _TRIGGERED and not made)


def placed_stop(row: Row, symbol: str) -> VenueOrder:
    """A stop that waits, or was refused by its own service; what was triggered must be asked for.

    The answer to a cancel has no status, and ends here as unreadable too.
    """
    stop = stop_row(row, symbol)
    if stop.made_order_id or stop.is_unclear:
        message = f"stop {stop.order.client_order_id} was triggered at once; ask what it became"
        raise UnreadableAnswerError(message)
    return stop.order


def became(stop: VenueStop, order: VenueOrder | None) -> VenueOrder:
    """The order a stop became, under the client id of the stop. Raises UnreadableAnswerError."""
    if order is None:
        made = stop.made_order_id or "an order that is not named"
        message = f"stop {stop.order.client_order_id} became {made}; ask again for it"
        raise UnreadableAnswerError(message)
    return msgspec.structs.replace(order, client_order_id=stop.order.client_order_id)


def stop_frame(content: Row) -> StopFrame:
    """The `o` of ALGO_UPDATE; its symbol is the venue's name.

    `aq` is what the order it became was filled with: the trades themselves come as that order's,
    and whatever is less than all must be asked for.
    """
    status, made = str(content["X"]), _made_order_id(content.get("ai"))
    filled = Decimal(content.get("aq") or ZERO)
    is_filled = status == "FINISHED" and filled >= Decimal(content["q"])
    order = VenueOrder(
        client_order_id=str(content["caid"]),
        venue_order_id=identity(content["aid"]),
        symbol=str(content["s"]),
        filled=filled,
        reduce_only=content.get("R") is True or closes(content, "ps", "S"),
        ended="filled" if is_filled else _ENDED[status],
        is_waiting=True,
    )
    is_rest_unsaid = status == "FINISHED" and not is_filled
    is_unclear = is_rest_unsaid or (status in _TRIGGERED and not made)
    stop = VenueStop(order=order, made_order_id=made, is_unclear=is_unclear)
    return StopFrame(stop=stop, is_new=status == "NEW")


def _made_order_id(raw: object) -> str:
    """Empty, zero and absent stand for a stop that was not triggered."""
    text = "" if raw is None else str(raw)
    return "" if text == "0" else text
