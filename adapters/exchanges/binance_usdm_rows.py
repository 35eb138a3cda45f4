"""Rows and frames of Binance USDⓈ-M as orders, trades and prices, from exact strings only."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from adapters.exchanges.ccxt_venue import (
    BookFrame,
    EndStatus,
    OrderFrame,
    UnreadableAnswerError,
    VenueBalance,
    VenueOrder,
    VenueTrade,
)
from application.inputs import Traded
from domain.money import ZERO

Read = TypeVar("Read")
Row = Mapping[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# status of REST, X of the stream
_ENDED: Mapping[str, EndStatus | None] = {
    "NEW": None,
    "PARTIALLY_FILLED": None,
    "FILLED": "filled",
    "CANCELED": "cancelled",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",  # self-trade prevention
    "REJECTED": "rejected",
}


def reading(what: str, read: Callable[[], Read]) -> Read:
    """Read raw content; what does not look as documented is no answer at all."""
    try:
        return read()
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        message = f"{what} of binanceusdm could not be read ({error!r}); ask again"
        raise UnreadableAnswerError(message) from error


def mapping(raw: object) -> Row:
    """A JSON object. ccxt hands HTML or an empty body on as text, which is no answer."""
    if not isinstance(raw, Mapping):
        message = f"the answer was {type(raw).__name__}, a JSON object is needed; ask again"
        raise UnreadableAnswerError(message)
    return raw


def rows(raw: object) -> list[Row]:
    """A JSON array of objects. An empty text must never pass for an empty list."""
    if not isinstance(raw, list):
        message = f"the answer was {type(raw).__name__}, a JSON array is needed; ask again"
        raise UnreadableAnswerError(message)
    return [mapping(row) for row in raw]


def order_row(row: Row, symbol: str) -> VenueOrder:
    """One order of GET, POST or DELETE /fapi/v1/order."""
    return VenueOrder(
        client_order_id=str(row["clientOrderId"]),
        venue_order_id=_identity(row["orderId"]),
        symbol=symbol,
        filled=Decimal(row["executedQty"]),
        reduce_only=row.get("reduceOnly") is True,
        ended=_ENDED[row["status"]],
    )


def order_frame(content: Row) -> OrderFrame:
    """The `o` of ORDER_TRADE_UPDATE; its symbol is the venue's name."""
    order = VenueOrder(
        client_order_id=str(content["c"]),
        venue_order_id=_identity(content["i"]),
        symbol=str(content["s"]),
        filled=Decimal(content["z"]),
        reduce_only=content.get("R") is True,
        ended=_ENDED[content["X"]],
    )
    is_trade = content["x"] == "TRADE" and Decimal(content["l"]) > ZERO
    return OrderFrame(
        order=order,
        is_new=content["x"] == "NEW",
        trade=_frame_trade(content) if is_trade else None,
    )


def _frame_trade(content: Row) -> Traded:
    # n and N are left out when there is no commission.
    return Traded(
        trade_id=_identity(content["t"]),
        price=Decimal(content["L"]),
        quantity=Decimal(content["l"]),
        fee=Decimal(content.get("n") or ZERO),
        fee_asset=str(content.get("N") or ""),
        liquidity="maker" if content["m"] is True else "taker",
        traded_at=moment(content["T"]),
    )


def trade_row(row: Row) -> VenueTrade:
    """One row of GET /fapi/v1/userTrades; a positive commission was paid by us."""
    trade = Traded(
        trade_id=_identity(row["id"]),
        price=Decimal(row["price"]),
        quantity=Decimal(row["qty"]),
        fee=Decimal(row["commission"]),
        fee_asset=str(row["commissionAsset"]),
        liquidity="maker" if row["maker"] is True else "taker",
        traded_at=moment(row["time"]),
    )
    return VenueTrade(venue_order_id=_identity(row["orderId"]), trade=trade)


def book(row: Row, symbol: str, bid: str, ask: str) -> BookFrame:
    """Best prices under the given field names. Raises ValueError for prices of nothing."""
    best = BookFrame(symbol=str(row[symbol]), bid=Decimal(row[bid]), ask=Decimal(row[ask]))
    if best.bid <= ZERO or best.ask <= ZERO:
        message = f"best prices of {best.symbol} were {best.bid} and {best.ask}"
        raise ValueError(message)
    return best


def balance_row(account: Row, currency: str) -> VenueBalance:
    """One asset of GET /fapi/v3/account; an asset never held is nothing."""
    for asset in account["assets"]:
        if asset["asset"] == currency:
            return VenueBalance(
                total=Decimal(asset["walletBalance"]), free=Decimal(asset["availableBalance"])
            )
    return VenueBalance(total=ZERO, free=ZERO)


def moment(milliseconds: int | str) -> datetime:
    """A venue time, Unix milliseconds, without passing through a float."""
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


def _identity(raw: object) -> str:
    """An id as text. Raises ValueError if there is none: 0 and -1 stand for none."""
    text = str(raw)
    if raw is None or text in ("", "0", "-1"):
        message = f"an id was {raw!r}"
        raise ValueError(message)
    return text
