"""The simulated venue as an account's own books left it: its orders, positions and balance."""

from datetime import datetime
from decimal import Decimal

from adapters.exchanges.simulated.state import Holding, VenueState, WorkingOrder
from application.book import Book
from application.inputs import Traded
from application.journal import EventLog
from application.processes.positions import apart, expected_positions, held_by
from application.work_list import ticket_of
from domain.holding_terms import Dust, Held, position_key
from domain.identity import stream_name
from domain.money import ZERO
from domain.order import Order, OrderFilled
from domain.order_terms import OrderStatus

# Ids go on from a number no earlier life of the venue can have reached: a thousand a second.
IDS_PER_SECOND = 1_000


def rebuilt_state(book: Book, log: EventLog, now: datetime) -> VenueState:
    """What a paper account's venue must hold for its books to be right.

    Orders whose acceptance is not in the log never existed there. Prices are not restored.
    Fees are taken to be paid in what was traded, as every paper account pays them.
    """
    working = sorted((order for order in book.orders() if _works(order)), key=_arrival)
    counter = int(now.timestamp()) * IDS_PER_SECOND
    return VenueState(
        balance=_balance(book),
        holdings=_holdings(book),
        orders=tuple(_working(book, log, order) for order in working),
        orders_accepted=counter,
        trades_made=counter,
        hedge_mode=_is_hedged(book),
    )


def _works(order: Order) -> bool:
    """Accepted and not known to be final: what is unknown now was there before it was lost."""
    return bool(order.venue_order_id) and order.status in (OrderStatus.OPEN, OrderStatus.UNKNOWN)


def _arrival(order: Order) -> tuple[int, str]:
    """The venue counts the orders it accepts: its ids are in the order of arrival."""
    return len(order.venue_order_id), order.venue_order_id


def _is_hedged(book: Book) -> bool:
    """As the open trades were opened, for the mode changes only while flat; else as it is set."""
    for group in book.open_groups():
        return group.opened.capital.hedge_mode
    return book.account.settings.capital.hedge_mode


def _balance(book: Book) -> Decimal:
    """Start + realized with funding, less the entry fees of open lots, which are not yet realized.

    On spot what the lots cost was paid too, and dust, which counts as realized, was not sold.
    """
    lots = [leg.lot for group in book.open_groups() for leg in book.legs_of(group)]
    unseen = sum((lot.entry_fee for lot in lots), ZERO)
    if book.account.opened.market_kind == "spot":
        unseen += sum((lot.cost for lot in lots), ZERO)
        unseen += sum((_dust(book, held).value for held in apart(book)), ZERO)
    return book.account.opened.starting_balance + book.risk.realized_total - unseen


def _holdings(book: Book) -> tuple[Holding, ...]:
    """All the books expect, at what it cost; dust at its worth when it was written off.

    What was foreign had no price, and counts as dust of no worth.
    """
    costs: dict[Held, Decimal] = {}
    for group in book.open_groups():
        sign = 1 if group.opened.side == "long" else -1
        held = held_by(group)
        for leg in book.legs_of(group):
            costs[held] = costs.get(held, ZERO) + sign * leg.lot.cost
    for held in apart(book):
        costs[held] = costs.get(held, ZERO) + _dust(book, held).value
    return tuple(
        Holding(
            symbol=symbol,
            quantity=quantity,
            entry_price=costs[symbol, side] / (quantity * _contract_size(book, symbol)),
            side=side,
        )
        for (symbol, side), quantity in sorted(expected_positions(book).items())
        if quantity != ZERO
    )


def _dust(book: Book, held: Held) -> Dust:
    return book.holdings.dust.get(position_key(*held), Dust())


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
