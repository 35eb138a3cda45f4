"""The matching core: orders against one moving price per symbol, pure and synchronous.

Nothing here reads a clock, waits or draws a random number: every time is an argument, and
ids are counters. The same calls always give the same reports.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Literal

from adapters.exchanges.simulated import refusals
from adapters.exchanges.simulated.account import (
    Fill,
    Holdings,
    LinearHoldings,
    Liquidity,
    Position,
    SpotHoldings,
)
from adapters.exchanges.simulated.admission import Counter, refusal, takes
from adapters.exchanges.simulated.book import OrderBook
from adapters.exchanges.simulated.orders import VenueOrder
from adapters.exchanges.simulated.state import VenueState, WorkingOrder, held_positions
from adapters.exchanges.simulated.sweep import Sweep, reached
from application.inputs import (
    Accepted,
    CancelRefused,
    Ended,
    Found,
    NotFound,
    OrderReported,
    Report,
    Traded,
)
from application.ports import OrderTicket
from domain.instrument import Instrument
from domain.money import DECISION_CONTEXT, ONE, ZERO

FIRST_TRADE_NUMBER = 5_001


class MatchingCore:
    """One account at the simulated venue, and the market as far as it concerns the account.

    `balance` is in units of `currency`. Raises ValueError if spot and linear are mixed.
    With `max_fill_quantity` (contracts) no order trades more than that per move.
    """

    def __init__(
        self,
        *,
        instruments: Sequence[Instrument],
        currency: str,
        balance: Decimal,
        leverage: Decimal = ONE,
        max_fill_quantity: Decimal | None = None,
    ) -> None:
        self.max_fill_quantity = max_fill_quantity
        self.currency = currency
        self._leverage = leverage
        self._instruments: dict[str, Instrument] = {}
        for instrument in instruments:
            self.add_instrument(instrument)
        self._holdings = self._empty_holdings(balance)
        self._prices: dict[str, Decimal] = {}
        self._book = OrderBook()
        self._sweep: Sweep | None = None
        self._met: set[str] = set()
        self._trades_made = 0

    def add_instrument(self, instrument: Instrument) -> None:
        """List a market, or change its rules for orders yet to come."""
        kinds = {listed.kind for listed in self._instruments.values()} | {instrument.kind}
        if len(kinds) > 1:
            message = f"{instrument.symbol} was {instrument.kind}: an account trades one kind"
            raise ValueError(message)
        self._instruments[instrument.symbol] = instrument

    def place(self, ticket: OrderTicket, at: datetime) -> list[OrderReported]:
        """Accepted, what traded at once, and Ended if nothing is left; or Refused."""
        with localcontext(DECISION_CONTEXT):
            refused = refusal(ticket, self._counter(ticket.symbol))
            if refused is not None:
                return [_reported(ticket.client_order_id, refused)]

            order = self._book.accept(ticket, at)
            reports = [
                _reported(ticket.client_order_id, Accepted(venue_order_id=order.venue_order_id))
            ]
            price = self._prices.get(ticket.symbol)
            if price is not None and takes(ticket, price):
                reports += self._trade(order, price, self._tradable(order), "taker", at)
            return reports + self._rest(ticket.client_order_id, at)

    def cancel(self, client_order_id: str, at: datetime) -> list[OrderReported]:
        """Ended with what had filled, or CancelRefused if no such order works."""
        if client_order_id not in self._book.working:
            code, message = refusals.unknown_order()
            return [_reported(client_order_id, CancelRefused(code=code, message=message))]
        return self._end(client_order_id, "cancelled", at)

    def query(self, client_order_id: str, at: datetime, symbol: str = "") -> list[OrderReported]:
        """Every trade of the order, then whether it still works, ended, or was never here."""
        order = self.order(client_order_id)
        if order is None:
            held = self.positions().get(symbol, ZERO) if symbol else None
            return [_reported(client_order_id, NotFound(asked_at=at, position=held))]

        reports = [_reported(client_order_id, trade) for trade in order.trades]
        if order.status == "working":
            found = Found(venue_order_id=order.venue_order_id, filled=order.filled)
            return [*reports, _reported(client_order_id, found)]
        return [*reports, _reported(client_order_id, _ended(order))]

    def begin_move(self, symbol: str, price: Decimal, at: datetime) -> None:
        """Start a sweep from the current price to `price`; call `next_fill` until None.

        The first price ever is simply set. Raises ValueError for an unknown symbol or a price
        that is not positive, RuntimeError while another sweep is under way.
        """
        if self._sweep is not None:
            message = f"{symbol} was moved within a sweep of {self._sweep.symbol}: finish it"
            raise RuntimeError(message)
        if symbol not in self._instruments:
            message = f"symbol was {symbol}: list it with add_instrument first"
            raise ValueError(message)
        if not price.is_finite() or price <= ZERO:
            message = f"price of {symbol} was {price}: give a positive number"
            raise ValueError(message)

        level = self._prices.setdefault(symbol, price)
        direction: Literal["down", "up"] = "up" if price > level else "down"
        self._sweep = Sweep(symbol=symbol, target=price, at=at, direction=direction)
        self._met.clear()

    def next_fill(self) -> list[OrderReported] | None:
        """Fill the next resting order the sweep reaches, at its limit price, as maker.

        The current price is then that level, until the next call. None: the sweep is over and
        the price is its target. The caller may place and cancel between two calls.
        """
        sweep = self._sweep
        if sweep is None:
            return None

        buy = self._book.best(sweep.symbol, "buy", skip=self._met)
        sell = self._book.best(sweep.symbol, "sell", skip=self._met)
        met = reached(sweep, self._prices[sweep.symbol], buy, sell)
        if met is None:
            self._prices[sweep.symbol] = sweep.target
            self._sweep = None
            return None

        self._prices[sweep.symbol] = met.level
        with localcontext(DECISION_CONTEXT):
            quantity = self._tradable(met.order)
            return self._trade(met.order, met.limit, quantity, "maker", sweep.at)

    def fill(self, client_order_id: str, quantity: Decimal, at: datetime) -> list[OrderReported]:
        """Fill a part of a resting order at its limit price, as maker, the price standing still.

        Raises ValueError if no such order rests or `quantity` is more than it has left.
        """
        order = self._book.working.get(client_order_id)
        if order is None or order.ticket.price is None:
            message = f"order was {client_order_id}: none rests under this id"
            raise ValueError(message)
        if not ZERO < quantity <= order.remaining:
            message = f"quantity was {quantity}: give more than 0 and at most {order.remaining}"
            raise ValueError(message)
        with localcontext(DECISION_CONTEXT):
            return self._trade(order, order.ticket.price, quantity, "maker", at)

    def expire(self, client_order_id: str, at: datetime) -> list[OrderReported]:
        """End a working order as the venue itself does (self-trade prevention, a trim)."""
        if client_order_id not in self._book.working:
            message = f"order was {client_order_id}: none works under this id"
            raise ValueError(message)
        return self._end(client_order_id, "expired", at)

    def price(self, symbol: str) -> Decimal | None:
        """The current price; in a sweep the level reached."""
        return self._prices.get(symbol)

    def prices(self) -> dict[str, Decimal]:
        """The current price of every symbol that has one."""
        return dict(self._prices)

    def instrument(self, symbol: str) -> Instrument | None:
        """The rules of a listed market."""
        return self._instruments.get(symbol)

    def instruments(self) -> tuple[Instrument, ...]:
        """All listed markets, by symbol."""
        return tuple(self._instruments[symbol] for symbol in sorted(self._instruments))

    def order(self, client_order_id: str) -> VenueOrder | None:
        """The order that works, or last ended, under this id."""
        return self._book.find(client_order_id)

    def open_orders(self) -> tuple[VenueOrder, ...]:
        """The working orders, in order of arrival."""
        return tuple(self._book.working.values())

    def positions(self) -> dict[str, Decimal]:
        """Signed contracts per symbol (spot: base asset), flat ones left out."""
        return {holding.symbol: holding.quantity for holding in self.state().holdings}

    def position(self, symbol: str) -> Position:
        """Quantity and cost of one symbol. Raises KeyError for an unknown symbol."""
        return self._holdings.position(self._instruments[symbol])

    @property
    def holdings(self) -> Holdings:
        """The account itself: leverage, assets, margin."""
        return self._holdings

    @property
    def balance(self) -> Decimal:
        """Start + realized − fees in the account currency (spot: the currency owned)."""
        return self._holdings.balance

    @property
    def free(self) -> Decimal:
        """What neither positions nor working orders hold."""
        with localcontext(DECISION_CONTEXT):
            return self._holdings.free(self._book.working.values(), self._instruments)

    @property
    def unrealized(self) -> Decimal:
        """Profit of the open positions at current prices, in the account currency."""
        with localcontext(DECISION_CONTEXT):
            return sum((self._profit(instrument) for instrument in self.instruments()), ZERO)

    @property
    def equity(self) -> Decimal:
        """Balance + unrealized profit; on spot the balance + the worth of what was bought."""
        with localcontext(DECISION_CONTEXT):
            if isinstance(self._holdings, LinearHoldings):
                return self.balance + self.unrealized
            worth = (
                self._holdings.quantity(instrument) * self._prices.get(instrument.symbol, ZERO)
                for instrument in self.instruments()
            )
            return self.balance + sum(worth, ZERO)

    def state(self) -> VenueState:
        """What a core must be restored with to go on as this one would."""
        with localcontext(DECISION_CONTEXT):
            holdings = held_positions(self.instruments(), self._holdings)
        return VenueState(
            balance=self.balance,
            holdings=holdings,
            orders=tuple(
                WorkingOrder(
                    ticket=order.ticket,
                    venue_order_id=order.venue_order_id,
                    accepted_at=order.accepted_at,
                    trades=order.trades,
                )
                for order in self._book.working.values()
            ),
            prices=self.prices(),
            orders_accepted=self._book.accepted_count,
            trades_made=self._trades_made,
        )

    def restore(self, state: VenueState) -> None:
        """Start again from `state`: a restart, or an account rebuilt from its own log.

        Orders that had ended are not known any more. Raises KeyError for a symbol not listed.
        """
        self._holdings = self._empty_holdings(state.balance)
        for holding in state.holdings:
            instrument = self._instruments[holding.symbol]
            self._holdings.set_position(instrument, holding.quantity, holding.entry_price)
        self._prices = dict(state.prices)
        self._trades_made = state.trades_made
        self._sweep = None
        orders = [
            kept.at_venue(place - len(state.orders)) for place, kept in enumerate(state.orders)
        ]
        self._book = OrderBook(orders, state.orders_accepted)

    def _empty_holdings(self, balance: Decimal) -> LinearHoldings | SpotHoldings:
        if any(listed.kind == "spot" for listed in self._instruments.values()):
            return SpotHoldings(balance, self.currency)
        return LinearHoldings(balance, self._leverage)

    def _counter(self, symbol: str) -> Counter:
        return Counter(
            instruments=self._instruments,
            price=self._prices.get(symbol),
            holdings=self._holdings,
            working=self._book.working,
        )

    def _rest(self, client_order_id: str, at: datetime) -> list[OrderReported]:
        """What becomes of the part that did not trade on arrival."""
        order = self._book.working.get(client_order_id)
        if order is None:
            return []
        if order.ticket.price is None or order.ticket.time_in_force == "ioc":
            return self._end(client_order_id, "cancelled", at)
        self._book.rest(order)
        return []

    def _tradable(self, order: VenueOrder) -> Decimal:
        if self.max_fill_quantity is None:
            return order.remaining
        return min(order.remaining, self.max_fill_quantity)

    def _trade(
        self,
        order: VenueOrder,
        price: Decimal,
        quantity: Decimal,
        liquidity: Liquidity,
        at: datetime,
    ) -> list[OrderReported]:
        ticket = order.ticket
        fill = Fill(
            instrument=self._instruments[ticket.symbol],
            side=ticket.side,
            price=price,
            quantity=quantity,
            liquidity=liquidity,
        )
        booked = self._holdings.apply(fill)
        traded = Traded(
            trade_id=str(FIRST_TRADE_NUMBER + self._trades_made),
            price=price,
            quantity=quantity,
            fee=booked.fee,
            fee_asset=booked.fee_asset,
            liquidity=liquidity,
            traded_at=at,
        )
        self._trades_made += 1
        self._met.add(ticket.client_order_id)
        self._book.record(order, traded, booked.profit)
        reports = [_reported(ticket.client_order_id, traded)]
        if order.remaining == quantity:
            reports += self._end(ticket.client_order_id, "filled", at)
        return reports + self._trim(ticket.symbol, at)

    def _trim(self, symbol: str, at: datetime) -> list[OrderReported]:
        """Expire the newest reduce-only orders that the position does not cover any more."""
        instrument = self._instruments[symbol]
        if instrument.kind == "spot":
            return []
        held = self._holdings.quantity(instrument)
        beyond = self._book.uncovered(symbol, "sell", held)
        beyond += self._book.uncovered(symbol, "buy", -held)
        return [
            report for order in beyond for report in self._end(order.client_order_id, "expired", at)
        ]

    def _end(
        self, client_order_id: str, status: Literal["filled", "cancelled", "expired"], at: datetime
    ) -> list[OrderReported]:
        ended = self._book.end(client_order_id, status, at)
        return [_reported(client_order_id, _ended(ended))]

    def _profit(self, instrument: Instrument) -> Decimal:
        price = self._prices.get(instrument.symbol)
        position = self._holdings.position(instrument)
        if price is None:
            return ZERO
        return price * position.quantity * instrument.contract_size - position.cost


def _reported(client_order_id: str, report: Report) -> OrderReported:
    return OrderReported(client_order_id=client_order_id, report=report)


def _ended(order: VenueOrder) -> Ended:
    if order.status == "working":
        message = f"order {order.client_order_id} was working: only ended orders are reported so"
        raise ValueError(message)
    return Ended(status=order.status, filled=order.filled)
