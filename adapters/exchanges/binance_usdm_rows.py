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
from application.inputs import FundingReported, Traded
from domain.instrument import PositionMode, Side
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
    # Liquidations and deleveraging, while they are under way.
    "NEW_INSURANCE": None,
    "NEW_ADL": None,
}


# S and side, ps and positionSide
_SIDES: Mapping[str, Side] = {"BUY": "buy", "SELL": "sell"}
_POSITION_SIDES: Mapping[str, PositionMode] = {"BOTH": "both", "LONG": "long", "SHORT": "short"}
_CLOSING = (("LONG", "SELL"), ("SHORT", "BUY"))
_POST_ONLY = "GTX"


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
    filled, ended = Decimal(row["executedQty"]), _ENDED[row["status"]]
    return VenueOrder(
        client_order_id=str(row["clientOrderId"]),
        venue_order_id=identity(row["orderId"]),
        symbol=symbol,
        filled=filled,
        reduce_only=row.get("reduceOnly") is True or closes(row),
        ended=ended,
        would_take=_would_take(row.get("timeInForce"), ended, filled),
    )


def owner_row(row: Row) -> tuple[str, str]:
    """An order's venue id and client id, whatever became of it: liquidations have both too."""
    return identity(row["orderId"]), str(row["clientOrderId"])


def order_frame(content: Row) -> OrderFrame:
    """The `o` of ORDER_TRADE_UPDATE; its symbol is the venue's name."""
    filled, ended = Decimal(content["z"]), _ENDED[content["X"]]
    order = VenueOrder(
        client_order_id=str(content["c"]),
        venue_order_id=identity(content["i"]),
        symbol=str(content["s"]),
        filled=filled,
        reduce_only=content.get("R") is True or closes(content, "ps", "S"),
        ended=ended,
        would_take=_would_take(content.get("f"), ended, filled),
    )
    is_trade = content["x"] == "TRADE" and Decimal(content["l"]) > ZERO
    return OrderFrame(
        order=order,
        is_new=content["x"] == "NEW",
        trade=_frame_trade(content) if is_trade else None,
        may_be_undone=content.get("f") == _POST_ONLY,
    )


def closes(row: Row, position_side: str = "positionSide", side: str = "side") -> bool:
    """Whether an order can only reduce: in hedge mode its sides, under these names, say so."""
    return (row.get(position_side), row.get(side)) in _CLOSING


def _would_take(time_in_force: object, ended: EndStatus | None, filled: Decimal) -> bool:
    """A post-only order that would have taken may end at once instead of being refused."""
    return time_in_force == _POST_ONLY and ended == "expired" and filled == ZERO


def _frame_trade(content: Row) -> Traded:
    # n and N are left out when there is no commission.
    return Traded(
        trade_id=identity(content["t"]),
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
        trade_id=identity(row["id"]),
        price=Decimal(row["price"]),
        quantity=Decimal(row["qty"]),
        fee=Decimal(row["commission"]),
        fee_asset=str(row["commissionAsset"]),
        liquidity="maker" if row["maker"] is True else "taker",
        traded_at=moment(row["time"]),
    )
    return VenueTrade(
        venue_order_id=identity(row["orderId"]),
        trade=trade,
        side=_SIDES[row["side"]],
        position_side=position_mode(row["positionSide"]),
    )


def income_row(row: Row, symbol: str) -> FundingReported:
    """One row of GET /fapi/v1/income, type FUNDING_FEE; what was paid is negative.

    `tranId` is unique within one type of income. Rows name no position side.
    """
    return FundingReported(
        funding_id=identity(row["tranId"]),
        symbol=symbol,
        amount=Decimal(row["income"]),
        asset=str(row["asset"]),
        settled_at=moment(row["time"]),
    )


def position_mode(raw: str) -> PositionMode:
    """The venue's BOTH, LONG or SHORT. Raises KeyError for anything else."""
    return _POSITION_SIDES[raw]


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


def identity(raw: object) -> str:
    """An id as text. Raises ValueError if there is none: 0 and -1 stand for none."""
    text = str(raw)
    if raw is None or text in ("", "0", "-1"):
        message = f"an id was {raw!r}"
        raise ValueError(message)
    return text
