"""The simulated venue as an account's own books left it: its orders, positions and balance."""

from datetime import datetime
from decimal import Decimal

from adapters.exchanges.simulated.state import Holding, VenueState, WorkingOrder
from application.book import Book
from application.inputs import Traded
from application.journal import EventLog
from application.processes.positions import expected_positions
from application.work_list import ticket_of
from domain.identity import stream_name
from domain.money import ZERO
from domain.order import Order, OrderFilled
from domain.order_terms import OrderStatus

# Ids go on from a number no earlier life of the venue can have reached: a thousand a second.
IDS_PER_SECOND = 1_000


def rebuilt_state(book: Book, log: EventLog, now: datetime) -> VenueState:
    """What a paper account's venue must hold for its books to be right.

    Orders whose acceptance is not in the log never existed there. Prices are not restored.
    """
    working = [order for order in book.orders() if _works(order)]
    counter = int(now.timestamp()) * IDS_PER_SECOND
    return VenueState(
        balance=_balance(book),
        holdings=_holdings(book),
        orders=tuple(
            _working(book, log, order)
            for order in sorted(working, key=lambda order: order.request.requested_at)
        ),
        orders_accepted=counter,
        trades_made=counter,
    )


def _works(order: Order) -> bool:
    """Accepted and not known to be final: what is unknown now was there before it was lost."""
    return bool(order.venue_order_id) and order.status in (OrderStatus.OPEN, OrderStatus.UNKNOWN)


def _balance(book: Book) -> Decimal:
    """Start + realized, less the entry fees that open lots have paid and not yet realized."""
    paid = sum(
        (leg.lot.entry_fee for group in book.open_groups() for leg in book.legs_of(group)), ZERO
    )
    return book.account.opened.starting_balance + book.risk.realized_total - paid


def _holdings(book: Book) -> tuple[Holding, ...]:
    costs: dict[str, Decimal] = {}
    for group in book.open_groups():
        symbol = group.opened.symbol
        for leg in book.legs_of(group):
            costs[symbol] = costs.get(symbol, ZERO) + leg.lot.cost
    return tuple(
        Holding(
            symbol=symbol,
            quantity=quantity,
            entry_price=costs[symbol] / (abs(quantity) * _contract_size(book, symbol)),
        )
        for symbol, quantity in sorted(expected_positions(book).items())
        if quantity != ZERO
    )


def _contract_size(book: Book, symbol: str) -> Decimal:
    instrument = book.instrument(symbol)
    assert instrument is not None, f"{symbol} is held without known market rules"
    return instrument.contract_size


def _working(book: Book, log: EventLog, order: Order) -> WorkingOrder:
    return WorkingOrder(
        ticket=ticket_of(order.request),
        venue_order_id=order.venue_order_id,
        accepted_at=order.request.requested_at,
        trades=_trades(book, log, order) if order.filled else (),
    )


def _trades(book: Book, log: EventLog, order: Order) -> tuple[Traded, ...]:
    stream = stream_name("order", book.account_name, order.request.client_order_id)
    fills = (r.event for r in log.stream(stream) if isinstance(r.event, OrderFilled))
    return tuple(
        Traded(
            trade_id=fill.trade_id,
            price=fill.price,
            quantity=fill.quantity,
            fee=fill.fee,
            fee_asset=fill.fee_asset,
            liquidity=fill.liquidity,
            traded_at=fill.traded_at,
        )
        for fill in fills
    )
