"""What a stream's frames of orders and stops mean, told as reports of our own client ids."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

import msgspec

from adapters.exchanges.ccxt_exchange import CcxtExchange
from adapters.exchanges.ccxt_venue import OrderFrame, StopFrame
from adapters.exchanges.order_lookup import ended_reports
from application.inputs import Accepted, Ended, OrderReported, Report, Traded
from domain.message import MarkSeen

# Frames of orders that are nobody's yet: a stop's trades may come before the news that made
# them its own. The oldest are forgotten beyond these; a reconciliation wins them back.
STRANGERS_MAX = 100
FRAMES_PER_STRANGER_MAX = 50


def _nothing(_: object) -> None:
    """Nobody asked to hear of it."""


class StreamListeners(msgspec.Struct, frozen=True, kw_only=True):
    """Who hears of what. All are called in the event loop, in the order in which frames arrive.

    `on_report` gets doubled, late and reordered news as well, since only the log knows what is
    already counted. `on_reconnect` gets the reason why the venue's state must be compared with
    ours. `on_funding` gets the time of a settlement, whose amounts must be asked for.
    """

    on_report: Callable[[OrderReported], None]
    on_reconnect: Callable[[str], None]
    on_mark: Callable[[MarkSeen], None] = _nothing
    on_funding: Callable[[datetime], None] = _nothing


class OrderNews:
    """Reads the order frames of one account's stream."""

    def __init__(self, exchange: CcxtExchange, prefix: str, listeners: StreamListeners) -> None:
        self._exchange = exchange
        self._prefix = prefix
        self._listeners = listeners
        self._strangers: OrderedDict[str, list[OrderFrame]] = OrderedDict()

    def read_order(self, frame: OrderFrame) -> None:
        """Tell what an order became, if it is ours or what a stop of ours became."""
        owner = self._owner(frame)
        if owner is None:
            self._keep(frame)
            if frame.trade is not None:
                # A liquidation, or a trade by hand: the position is no longer what we think.
                self._listeners.on_reconnect(f"a foreign order traded {frame.order.symbol}")
            return
        self._exchange.remember_owner(frame.order.venue_order_id, owner)
        self._tell(owner, self._order_reports(frame))

    def read_stop(self, frame: StopFrame) -> None:
        """Tell what a stop of ours became, and the trades that were nobody's until now."""
        stop, owner = frame.stop, frame.stop.order.client_order_id
        if not owner.startswith(self._prefix):
            return
        if stop.made_order_id:
            self._exchange.remember_owner(stop.made_order_id, owner)
            for kept in self._strangers.pop(stop.made_order_id, []):
                self._tell(owner, self._order_reports(kept))
        if stop.is_unclear:
            self._listeners.on_reconnect(f"stop {owner} was triggered; what became of it is unsaid")
        elif stop.order.ended is not None:
            self._tell(owner, [Ended(status=stop.order.ended, filled=stop.order.filled)])
        elif frame.is_new:
            self._tell(owner, [Accepted(venue_order_id=stop.order.venue_order_id)])

    def _owner(self, frame: OrderFrame) -> str | None:
        """Our client id: the frame's own, or that of the stop which became this order."""
        for identity in (
            frame.order.client_order_id,
            self._exchange.owner(frame.order.venue_order_id) or "",
        ):
            if identity.startswith(self._prefix):
                return identity
        return None

    def _keep(self, frame: OrderFrame) -> None:
        kept = self._strangers.setdefault(frame.order.venue_order_id, [])
        if len(kept) < FRAMES_PER_STRANGER_MAX:
            kept.append(frame)
        while len(self._strangers) > STRANGERS_MAX:
            self._strangers.popitem(last=False)

    def _order_reports(self, frame: OrderFrame) -> list[Report]:
        order, reports = frame.order, list[Report]()
        # A post-only order that is taken and undone at once must end as refused, not as accepted.
        if frame.is_new and not frame.may_be_undone:
            reports.append(Accepted(venue_order_id=order.venue_order_id))
        if frame.trade is not None:
            reports.append(self._with_fee_asset(frame.trade, order.symbol))
        if order.ended is not None:
            reports.extend(ended_reports(order))
        return reports

    def _with_fee_asset(self, trade: Traded, venue_symbol: str) -> Traded:
        """A trade without commission names no asset; nothing was paid in the settle asset."""
        symbol = self._exchange.symbol_of(venue_symbol)
        if trade.fee_asset or symbol is None:
            return trade
        settle = self._exchange.instruments[symbol].settle
        return msgspec.structs.replace(trade, fee_asset=settle)

    def _tell(self, client_order_id: str, reports: list[Report]) -> None:
        for report in reports:
            reported = OrderReported(client_order_id=client_order_id, report=report)
            self._listeners.on_report(reported)
