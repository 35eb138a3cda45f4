"""A small Book of real `domain.order` states, wired to a dispatcher as the engine would be."""

from collections.abc import Sequence
from typing import Any

from adapters.clock import SteadyClock
from adapters.exchanges.dispatch_queue import DispatchLimits
from adapters.exchanges.dispatcher import Dispatcher
from application.inputs import (
    Accepted,
    AnswerLost,
    CancelRefused,
    Ended,
    Found,
    NotFound,
    OrderReported,
    Refused,
    Report,
    SendWindowMissed,
    Traded,
)
from application.ports import Exchange, OrderTicket
from application.work import OrderWork, WorkingOrder, WorkState
from domain.message import Input
from domain.order import (
    Order,
    OrderCommands,
    OrderRequested,
    RecordOrderAccepted,
    RecordOrderEnded,
    RecordOrderFill,
    RecordOrderNotFound,
    RecordOrderNotSent,
    RecordOrderRejected,
    RecordOrderUnknown,
    RequestOrder,
    RequestOrderCancel,
    decide,
    evolve,
)
from domain.order_terms import OrderStatus
from tests.exchanges.stubs import Inbox

ACCOUNT = "main"
QUICK = DispatchLimits(retry_seconds=(0.05, 0.1, 0.2), unheard_seconds=0.5)


class OrderDesk:
    """Takes wishes, lets the dispatcher carry them out, and keeps what was reported."""

    def __init__(self, exchange: Exchange, clock: SteadyClock) -> None:
        self.inbox = Inbox()
        self.orders: dict[str, Order] = {}
        self.tickets: dict[str, OrderTicket] = {}
        self.clock = clock
        self.dispatcher = Dispatcher(
            {ACCOUNT: exchange}, self.submit, clock, clock.monotonic, QUICK
        )

    def request(self, ticket: OrderTicket) -> None:
        """Want an order."""
        self.tickets[ticket.client_order_id] = ticket
        requested = OrderRequested(
            client_order_id=ticket.client_order_id,
            purpose="close" if ticket.reduce_only else "entry",
            symbol=ticket.symbol,
            side=ticket.side,
            quantity=ticket.quantity,
            price=ticket.price,
            time_in_force=ticket.time_in_force,
            reduce_only=ticket.reduce_only,
            group_id="g",
            pyramid_id="p",
            leg_id="l",
            signal_id="s",
            attempt=0,
            requested_at=self.clock.now(),
            send_before=None,
        )
        identity = ticket.client_order_id
        self._handle(RequestOrder(client_order_id=identity, requested=requested))

    def cancel(self, client_order_id: str) -> None:
        """Want it gone."""
        self._handle(RequestOrderCancel(client_order_id=client_order_id, reason="test"))

    def submit(self, account: str, seen: Input) -> None:
        """What the engine's writer would do with an input."""
        self.inbox(account, seen)
        if isinstance(seen, OrderReported) and seen.client_order_id in self.orders:
            self._handle(*_commands(seen.client_order_id, seen.report, self.clock))

    def status(self, client_order_id: str) -> OrderStatus:
        return self.orders[client_order_id].status

    def working_orders(self) -> Sequence[WorkingOrder]:
        return [
            WorkingOrder(client_order_id=identity, symbol=order.request.symbol)
            for identity, order in self.orders.items()
            if order.status is OrderStatus.OPEN
        ]

    def knows_order(self, client_order_id: str) -> bool:
        order = self.orders.get(client_order_id)
        return order is not None and not order.is_final

    def is_current(self) -> bool:
        return True

    def symbols_in_use(self) -> Sequence[str]:
        return sorted({order.request.symbol for order in self.orders.values()})

    def _handle(self, *commands: OrderCommands) -> None:
        for command in commands:
            identity = command.client_order_id
            for event in decide(self.orders.get(identity), command):
                self.orders[identity] = evolve(self.orders.get(identity), event)
        self.dispatcher.update(ACCOUNT, self._works())

    def _works(self) -> list[OrderWork]:
        return [
            OrderWork(
                account=ACCOUNT,
                client_order_id=identity,
                symbol=order.request.symbol,
                ticket=self.tickets[identity],
                state=state,
                purpose="exit" if order.request.reduce_only else "entry",
                send_before=order.request.send_before,
                sending=order.sending,
            )
            for identity, order in self.orders.items()
            if (state := _state(order)) is not None
        ]


def _state(order: Order) -> WorkState | None:
    if order.is_final:
        return None
    if order.status is OrderStatus.UNKNOWN:
        return "unknown"
    if order.trades_missing is not None:
        return "trades_missing"
    if order.cancel_requested:
        return "cancel_requested"
    return "requested" if order.status is OrderStatus.REQUESTED else None


def _commands(identity: str, report: Report, clock: SteadyClock) -> list[OrderCommands]:
    now = clock.now()
    of: dict[str, Any] = {"client_order_id": identity}
    match report:
        case Accepted(venue_order_id=venue_id) | Found(venue_order_id=venue_id):
            return [RecordOrderAccepted(**of, venue_order_id=venue_id)]
        case Refused():
            return [RecordOrderRejected(**of, code=report.code, message=report.message)]
        case AnswerLost():
            return [RecordOrderUnknown(**of, detail=report.detail, now=now)]
        case CancelRefused():
            return [RecordOrderUnknown(**of, detail=report.code, now=now)]
        case Traded():
            fields = {name: getattr(report, name) for name in report.__struct_fields__}
            return [RecordOrderFill(**of, **fields)]
        case Ended():
            return [RecordOrderEnded(**of, status=report.status, filled=report.filled)]
        case NotFound():
            return [RecordOrderNotFound(**of, asked_at=report.asked_at, now=now)]
        case SendWindowMissed():
            return [RecordOrderNotSent(**of)]
