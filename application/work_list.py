"""What the open books want of the venue: derived from the Book, never stored beside it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from application.book import Book
from application.ports import OrderTicket
from application.processes.positions import lots_of
from application.processes.valuation import valuing_symbols
from application.processes.watching import levels
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


class SymbolLevels(msgspec.Struct, frozen=True, kw_only=True):
    """The watched prices of a symbol that a mark reaches first, rising and falling."""

    symbol: str
    rising: Decimal | None = None
    falling: Decimal | None = None

    def reached_by(self, price: Decimal) -> bool:
        """Whether a mark at this price stands at one of them or beyond it."""
        has_risen = self.rising is not None and price >= self.rising
        return has_risen or (self.falling is not None and price <= self.falling)


def levels_of(book: Book, symbols: Iterable[str]) -> Iterator[SymbolLevels]:
    """Of each symbol that has watched prices the nearest ones, as far as a mark is concerned."""
    for symbol in symbols:
        watched = list(levels(book, symbol))
        if watched:
            yield SymbolLevels(
                symbol=symbol,
                rising=min((level.price for level in watched if level.rises), default=None),
                falling=max((level.price for level in watched if not level.rises), default=None),
            )


class BookSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What the asyncio side may know of a Book: taken after a commit, never changing.

    `resting` are the symbols with orders that the venue has or may have, `held` those with open
    lots. `contact_lost_at`: since when entries are held back for want of contact.
    """

    account: str
    opened: AccountOpened
    settings: Settings
    works: tuple[OrderWork, ...]
    working: tuple[WorkingOrder, ...]
    known_orders: frozenset[str]
    symbols: tuple[str, ...]
    levels: tuple[SymbolLevels, ...] = ()
    resting: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    contact_lost_at: datetime | None = None


def snapshot_of(book: Book) -> BookSnapshot:
    """Take a snapshot. Only the writer's thread may, between two inputs."""
    orders = tuple(book.working_orders())
    groups = book.open_groups()
    held = [group.opened.symbol for group in groups]
    resting = [order.request.symbol for order in orders]
    waiting = [entry.symbol for entry in book.queue.waiting]
    valuing = _markets_of_fees(book)
    with_lots = [group.opened.symbol for group in groups if lots_of(book, group)]
    lost = book.brakes.holds.get("dead_man")
    return BookSnapshot(
        account=book.account_name,
        opened=book.account.opened,
        settings=book.account.settings,
        works=tuple(works_of(book)),
        working=tuple(
            WorkingOrder(
                client_order_id=order.request.client_order_id,
                symbol=order.request.symbol,
                closes=order.request.purpose != "entry",
            )
            for order in orders
            if order.status is OrderStatus.OPEN
        ),
        known_orders=frozenset(order.request.client_order_id for order in orders),
        symbols=tuple(dict.fromkeys(sorted([*held, *resting, *waiting, *valuing]))),
        levels=tuple(levels_of(book, dict.fromkeys(sorted(held)))),
        resting=tuple(dict.fromkeys(sorted(resting))),
        held=tuple(dict.fromkeys(sorted(with_lots))),
        contact_lost_at=lost.since if lost is not None else None,
    )


def _markets_of_fees(book: Book) -> Iterator[str]:
    """Fees paid in an asset without a known mark wait for it: BNB needs the mark of BNB/USDT."""
    for _, pending in sorted(book.holdings.pending_fees.items()):
        yield from valuing_symbols(book, pending.asset)
