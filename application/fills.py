"""Fills as they fell: each order's trades with what the order was for."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from application.journal import Recorded
from domain.instrument import Side
from domain.order import OrderFilled, OrderRequested


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `fills.csv`. Pyramid and leg are indexes; a full close serves no single one.

    Quantity in contracts, price in quote units, fee in units of `fee_asset`, positive = paid.
    """

    at: datetime
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: str
    client_order_id: str
    trade_id: str
    group: str
    pyramid: int | None
    leg: int | None
    purpose: str


def fills(events: Iterable[Recorded]) -> Iterator[Fill]:
    """One row a fill, in the order of the log; `at` is the venue's time of the trade.

    Raises ValueError if a fill's order was never requested within `events`: fold a log from
    its start.
    """
    requests: dict[tuple[str, str], OrderRequested] = {}
    for recorded in events:
        event = recorded.event
        if isinstance(event, OrderRequested):
            requests[recorded.account, event.client_order_id] = event
        elif isinstance(event, OrderFilled):
            yield _fill(event, request_of(requests, recorded, event.client_order_id))


def request_of(
    requests: dict[tuple[str, str], OrderRequested], recorded: Recorded, client_order_id: str
) -> OrderRequested:
    """The wish an order began with. Raises ValueError if it was not among the events."""
    request = requests.get((recorded.account, client_order_id))
    if request is None:
        raise ValueError(
            f"event {recorded.event_id} fills order {client_order_id}, which was never"
            " requested within these events; fold the log from its start"
        )
    return request


def pyramid_index(pyramid_id: str) -> int | None:
    """The number a pyramid's id ends in, see `domain.identity`; None without one."""
    return int(pyramid_id.rpartition("-p")[2]) if pyramid_id else None


def leg_index(leg_id: str) -> int | None:
    """The number a leg's id ends in; None without one."""
    return int(leg_id.rpartition("-l")[2]) if leg_id else None


def _fill(event: OrderFilled, request: OrderRequested) -> Fill:
    return Fill(
        at=event.traded_at,
        symbol=request.symbol,
        side=request.side,
        price=event.price,
        quantity=event.quantity,
        fee=event.fee,
        fee_asset=event.fee_asset,
        liquidity=event.liquidity,
        client_order_id=event.client_order_id,
        trade_id=event.trade_id,
        group=request.group_id,
        pyramid=pyramid_index(request.pyramid_id),
        leg=leg_index(request.leg_id),
        purpose=request.purpose,
    )
