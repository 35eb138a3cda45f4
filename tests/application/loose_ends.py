"""What keeps a desk true to its venue: asking, cancelling anew, comparing what is held."""

from datetime import timedelta

from application.inputs import OrderReported, PositionSeen, ReconciliationSeen
from domain.order import Order, OrderCancelRequested, OrderRequested, OrderResent
from domain.order_terms import OrderStatus
from tests.application.desk import Desk

ROUNDS_MAX = 80


class LooseEnds:
    """Everything that is on its way between a desk and its venue."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def tie_up(self) -> None:
        """Ask and carry out until nothing is on its way; unknown orders take a while."""
        self.desk.core.max_fill_quantity = None
        for _ in range(ROUNDS_MAX):
            self.desk.settle()
            self.ask()
            self.ask_for_cancels()
            self.reconcile()
            was_at_rest = self._is_at_rest()
            self.desk.wait_quietly(seconds=16)
            if was_at_rest and self._is_at_rest():
                break
        else:
            raise AssertionError(f"never came to rest: {self._unsettled()}")
        self._agree()

    def ask(self) -> None:
        """Ask the venue about every order whose fate, or whose trades, are not known."""
        for order in tuple(self.desk.book.orders()):
            unsure = order.status is OrderStatus.UNKNOWN or order.trades_missing is not None
            if unsure and not order.is_final:
                for report in self._query(order):
                    self.desk.handle(report)

    def ask_for_cancels(self) -> None:
        """What the book wants cancelled, and nobody carries to the venue any more."""
        on_its_way = {
            errand.client_order_id
            for errand in self.desk.errands
            if isinstance(errand, OrderCancelRequested | OrderRequested | OrderResent)
        }
        for order in self.desk.working():
            identity = order.request.client_order_id
            open_still = order.status is OrderStatus.OPEN and order.cancel_requested
            if open_still and identity not in on_its_way:
                self.desk.errands.append(
                    OrderCancelRequested(client_order_id=identity, reason="still wanted")
                )

    def reconcile(self) -> None:
        """Lay what the venue holds before the engine."""
        self.desk.handle(self.seen())

    def seen(self) -> ReconciliationSeen:
        """What the venue holds, and which orders work there."""
        return ReconciliationSeen(
            asked_at=self.desk.now,
            open_client_order_ids=tuple(o.client_order_id for o in self.desk.core.open_orders()),
            positions=tuple(
                PositionSeen(symbol=held.symbol, quantity=held.quantity, side=held.side)
                for held in self.desk.core.held()
            ),
        )

    def _agree(self) -> None:
        """Whatever was in dispute on the way: now the venue's word changes nothing more."""
        self.desk.now += timedelta(seconds=1)
        self.reconcile()
        assert self.desk.book.holdings.discrepancies == {}, "venue and books still differ"
        self.desk.now += timedelta(seconds=1)
        assert self.desk.handle(self.seen()) == []

    def _query(self, order: Order) -> list[OrderReported]:
        request = order.request
        asked = (request.client_order_id, self.desk.now, request.symbol, request.position_side)
        return self.desk.core.query(*asked)

    def _is_at_rest(self) -> bool:
        return not (self.desk.errands or self.desk.reports or self._unsettled())

    def _unsettled(self) -> list[str]:
        """Orders whose fate is open, trades on their way out, lots being sold."""
        orders = [
            order.request.client_order_id
            for order in self.desk.working()
            if order.status is not OrderStatus.OPEN
            or order.cancel_requested
            or order.trades_missing
        ]
        groups = self.desk.book.open_groups()
        leaving = [g.opened.group_id for g in groups if not g.is_open or g.reducing]
        return orders + leaving
