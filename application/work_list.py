"""What the open books want of the venue: derived from the Book, never stored beside it."""

from collections.abc import Iterator

import msgspec

from application.book import Book
from application.ports import OrderTicket
from application.work import OrderWork, WorkingOrder, WorkState
from domain.account import AccountOpened
from domain.order import Order, OrderRequested
from domain.order_terms import OrderStatus
from domain.settings import Settings


def works_of(book: Book) -> Iterator[OrderWork]:
    """Every order something must be done about, by client id."""
    for order in book.working_orders():
        state = _wanted(order)
        if state is not None:
            yield _work(book, order, state)


def ticket_of(requested: OrderRequested) -> OrderTicket:
    """The order as it is to be sent."""
    return OrderTicket(
        client_order_id=requested.client_order_id,
        symbol=requested.symbol,
        side=requested.side,
        quantity=requested.quantity,
        price=requested.price,
        time_in_force=requested.time_in_force,
        reduce_only=requested.reduce_only,
        position_side=requested.position_side,
        trigger_price=requested.trigger_price,
    )


def _wanted(order: Order) -> WorkState | None:
    if order.status is OrderStatus.UNKNOWN:
        return "unknown"
    if order.trades_missing is not None:
        return "trades_missing"
    if order.cancel_requested:
        return "cancel_requested"
    return "requested" if order.status is OrderStatus.REQUESTED else None


def _work(book: Book, order: Order, state: WorkState) -> OrderWork:
    request = order.request
    return OrderWork(
        account=book.account_name,
        client_order_id=request.client_order_id,
        symbol=request.symbol,
        ticket=ticket_of(request),
        state=state,
        purpose="entry" if request.purpose == "entry" else "exit",
        send_before=request.send_before,
        first_asked=order.first_missed_at,
        sending=order.sending,
    )


class BookSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What the asyncio side may know of a Book: taken after a commit, never changing."""

    account: str
    opened: AccountOpened
    settings: Settings
    works: tuple[OrderWork, ...]
    working: tuple[WorkingOrder, ...]
    known_orders: frozenset[str]
    symbols: tuple[str, ...]


def snapshot_of(book: Book) -> BookSnapshot:
    """Take a snapshot. Only the writer's thread may, between two inputs."""
    orders = tuple(book.working_orders())
    held = [group.opened.symbol for group in book.open_groups()]
    resting = [order.request.symbol for order in orders]
    waiting = [entry.symbol for entry in book.queue.waiting]
    return BookSnapshot(
        account=book.account_name,
        opened=book.account.opened,
        settings=book.account.settings,
        works=tuple(works_of(book)),
        working=tuple(
            WorkingOrder(client_order_id=order.request.client_order_id, symbol=order.request.symbol)
            for order in orders
            if order.status is OrderStatus.OPEN
        ),
        known_orders=frozenset(order.request.client_order_id for order in orders),
        symbols=tuple(dict.fromkeys(sorted([*held, *resting, *waiting]))),
    )
