"""The matching core: orders against one moving price per symbol, pure and synchronous.

Nothing here reads a clock, waits or draws a random number: every time is an argument, and
ids are counters. The same calls always give the same reports.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Literal

import msgspec

from adapters.exchanges.simulated import refusals
from adapters.exchanges.simulated.account import Fill, LinearHoldings
from adapters.exchanges.simulated.admission import Counter, offered, refusal, takes
from adapters.exchanges.simulated.book import OrderBook, beyond
from adapters.exchanges.simulated.fees import FeeAsset, Liquidity
from adapters.exchanges.simulated.funding import funding_of
from adapters.exchanges.simulated.orders import EndedStatus, VenueOrder, ended_report, is_stop
from adapters.exchanges.simulated.orders import reported as report_of
from adapters.exchanges.simulated.spot_account import SpotHoldings
from adapters.exchanges.simulated.state import VenueState
from adapters.exchanges.simulated.sweep import Reached, Sweep, Waiting, reached
from adapters.exchanges.simulated.view import VenueView
from application.inputs import (
    Accepted,
    CancelRefused,
    Found,
    FundingReported,
    NotFound,
    OrderReported,
    Traded,
)
from application.ports import OrderTicket
from domain.instrument import Instrument, PositionMode, round_quantity
from domain.money import DECISION_CONTEXT, ONE, ZERO

FIRST_TRADE_NUMBER = 5_001


class MatchingCore(VenueView):
    """One account at the simulated venue, and the market as far as it concerns the account.

    `balance` is in units of `currency`. Raises ValueError if spot and linear are mixed.
    With `max_fill_quantity` (contracts) no order trades more than that per move.
    With a `fee_asset` fees are paid in it, at its price, while its balance lasts.
    """

    def __init__(  # noqa: PLR0913 - what an account is opened with, each by its name
        self,
        *,
        instruments: Sequence[Instrument],
        currency: str,
        balance: Decimal,
        leverage: Decimal = ONE,
        max_fill_quantity: Decimal | None = None,
        hedge_mode: bool = False,
        fee_asset: FeeAsset | None = None,
    ) -> None:
        super().__init__(currency, hedge_mode=hedge_mode)
        self.max_fill_quantity = max_fill_quantity
        self._leverage = leverage
        for instrument in instruments:
            self.add_instrument(instrument)
        self._holdings = self._empty_holdings(balance, fee_asset)
        self._sweep: Sweep | None = None
        self._met: set[str] = set()

    def add_instrument(self, instrument: Instrument) -> None:
        """List a market, or change its rules for orders yet to come."""
        kinds = {listed.kind for listed in self._instruments.values()} | {instrument.kind}
        if len(kinds) > 1:
            message = f"{instrument.symbol} was {instrument.kind}: an account trades one kind"
            raise ValueError(message)
        self._instruments[instrument.symbol] = instrument

    def set_hedge_mode(self, *, hedge_mode: bool) -> None:
        """Change the position mode. Raises ValueError unless flat without orders, as venues do."""
        if hedge_mode != self._hedge_mode and (self.held() or self._book.working):
            message = "the account had positions or working orders: change its mode while flat"
            raise ValueError(message)
        self._hedge_mode = hedge_mode

    def place(self, ticket: OrderTicket, at: datetime) -> list[OrderReported]:
        """Accepted, what traded at once, and Ended if nothing is left; or Refused.

        A stop whose trigger the price has passed on arrival fires at once at the current price.
        """
        with localcontext(DECISION_CONTEXT):
            refused = refusal(ticket, self._counter(ticket.symbol))
            if refused is not None:
                return [report_of(ticket.client_order_id, refused)]

            order = self._book.accept(ticket, at)
            reports = [
                report_of(ticket.client_order_id, Accepted(venue_order_id=order.venue_order_id))
            ]
            price = self._prices.get(ticket.symbol)
            if price is not None and takes(ticket, price):
                if is_stop(ticket):
                    return reports + self._fire(order, price, at)
                reports += self._trade(order, price, self._tradable(order), "taker", at)
            return reports + self._rest(ticket.client_order_id, at)

    def cancel(self, client_order_id: str, at: datetime) -> list[OrderReported]:
        """Ended with what had filled, or CancelRefused if no such order works."""
        if client_order_id not in self._book.working:
            code, message = refusals.unknown_order()
            return [report_of(client_order_id, CancelRefused(code=code, message=message))]
        return self._end(client_order_id, "cancelled", at)

    def query(
        self,
        client_order_id: str,
        at: datetime,
        symbol: str = "",
        position_side: PositionMode = "both",
    ) -> list[OrderReported]:
        """Every trade of the order, then whether it still works, ended, or was never here.

        `symbol` and `position_side` say which position goes with an order that was never here;
        in hedge mode it is not told without them.
        """
        order = self.order(client_order_id)
        if order is None:
            is_named = bool(symbol) and position_side in self.sides
            held = self.positions(position_side).get(symbol, ZERO) if is_named else None
            return [report_of(client_order_id, NotFound(asked_at=at, position=held))]

        reports = [report_of(client_order_id, trade) for trade in order.trades]
        if order.status == "working":
            found = Found(venue_order_id=order.venue_order_id, filled=order.filled)
            return [*reports, report_of(client_order_id, found)]
        return [*reports, report_of(client_order_id, ended_report(order))]

    def begin_move(
        self, symbol: str, price: Decimal, at: datetime, volume: Decimal | None = None
    ) -> None:
        """Start a sweep from the current price to `price`; call `next_fill` until None.

        The first price ever is simply set. With a `volume` (contracts) the resting orders on
        the way share it in the order in which they are reached; takers and stops don't use it.
        Raises ValueError for an unknown symbol, a price that is not positive or a volume below
        zero, RuntimeError while another sweep is under way.
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
        if volume is not None and not volume >= ZERO:
            message = f"volume of {symbol} was {volume}: give zero or more, or none for any amount"
            raise ValueError(message)

        level = self._prices.setdefault(symbol, price)
        direction: Literal["down", "up"] = "up" if price > level else "down"
        self._sweep = Sweep(symbol=symbol, target=price, at=at, direction=direction, volume=volume)
        self._met.clear()

    def next_fill(self, until: Decimal | None = None) -> list[OrderReported] | None:
        """Trade the next order the sweep reaches; the current price is then that level.

        A resting order fills at its limit, as maker; a stop at the price reached, as taker,
        clipped to what is held. None: the sweep is over and the price is its target. The caller
        may place and cancel between two calls.

        With `until` it goes no further than that price: None then means that every order up to
        and at it had its turn and the price stands there, the sweep still under way. Raises
        ValueError if `until` is not on the way.
        """
        sweep = self._sweep
        if sweep is None:
            return None

        way = (self._prices[sweep.symbol], sweep.target if until is None else until)
        if until is not None and not min(way[0], sweep.target) <= until <= max(
            way[0], sweep.target
        ):
            message = f"until was {until}: the sweep is between {way[0]} and {sweep.target}"
            raise ValueError(message)

        met = self._next_met(sweep, way)
        if met is None:
            self._prices[sweep.symbol] = way[1]
            if until is None:
                self._sweep = None
            return None
        self._prices[sweep.symbol] = met.level
        with localcontext(DECISION_CONTEXT):
            if is_stop(met.order.ticket):
                return self._fire(met.order, met.price, sweep.at)
            quantity = self._fillable(met.order, sweep)
            return self._trade(met.order, met.price, quantity, "maker", sweep.at)

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

    def fund(self, symbol: str, rate: Decimal, at: datetime) -> list[FundingReported]:
        """Settle funding of a symbol at its current price: one report a side that is held.

        `rate` is in percent of the notional; above zero longs pay it to shorts. Raises ValueError
        for a symbol without a price, a spot account, or funding already settled until `at`.
        """
        price = self._prices.get(symbol)
        holdings = self._holdings
        if price is None or isinstance(holdings, SpotHoldings):
            message = f"symbol was {symbol}: only a perpetual that has a price has funding"
            raise ValueError(message)
        last = self._funded_at.get(symbol)
        if last is not None and at <= last:
            message = f"funding of {symbol} was of {at}: it is settled until {last}, give a later"
            raise ValueError(message)

        self._funded_at[symbol] = at
        with localcontext(DECISION_CONTEXT):
            reports = [
                funding_of(self._instruments[symbol], holding, price, rate, at)
                for holding in self.held()
                if holding.symbol == symbol
            ]
            for report in reports:
                holdings.receive(report.amount)
        return reports

    def restore(self, state: VenueState) -> None:
        """Start again from `state`: a restart, or an account rebuilt from its own log.

        Orders that had ended are not known any more. Raises KeyError for a symbol not listed.
        """
        self._hedge_mode = state.hedge_mode
        self._holdings = self._empty_holdings(state.balance, state.fee_asset)
        for holding in state.holdings:
            instrument = self._instruments[holding.symbol]
            self._holdings.set_position(
                instrument, holding.side, holding.quantity, holding.entry_price
            )
        self._prices = dict(state.prices)
        self._trades_made = state.trades_made
        self._funded_at = dict(state.funded_at)
        self._sweep = None
        orders = [
            kept.at_venue(place - len(state.orders)) for place, kept in enumerate(state.orders)
        ]
        self._book = OrderBook(orders, state.orders_accepted)

    def _empty_holdings(
        self, balance: Decimal, fee_asset: FeeAsset | None
    ) -> LinearHoldings | SpotHoldings:
        if any(listed.kind == "spot" for listed in self._instruments.values()):
            return SpotHoldings(balance, self.currency, fee_asset)
        return LinearHoldings(balance, self._leverage, fee_asset)

    def _counter(self, symbol: str) -> Counter:
        return Counter(
            instruments=self._instruments,
            price=self._prices.get(symbol),
            holdings=self._holdings,
            book=self._book,
            hedge_mode=self._hedge_mode,
        )

    def _next_met(self, sweep: Sweep, way: tuple[Decimal, Decimal]) -> Reached | None:
        """What is left of the volume is nothing once it is less than a step."""
        limits = self._book.limits(sweep.symbol, skip=self._met)
        if sweep.volume is not None and self._in_steps(sweep.symbol, sweep.volume) == ZERO:
            limits = Waiting()
        return reached(sweep, way, limits, self._book.stops(sweep.symbol))

    def _fillable(self, order: VenueOrder, sweep: Sweep) -> Decimal:
        """What of a resting order the move fills, taken out of the move's volume."""
        quantity = self._tradable(order)
        if sweep.volume is None:
            return quantity
        quantity = min(quantity, self._in_steps(sweep.symbol, sweep.volume))
        self._sweep = msgspec.structs.replace(sweep, volume=sweep.volume - quantity)
        return quantity

    def _in_steps(self, symbol: str, quantity: Decimal) -> Decimal:
        instrument = self._instruments[symbol]
        return quantity if instrument.step == ZERO else round_quantity(instrument, quantity)

    def _tradable(self, order: VenueOrder) -> Decimal:
        if self.max_fill_quantity is None:
            return order.remaining
        return min(order.remaining, self.max_fill_quantity)

    def _rest(self, client_order_id: str, at: datetime) -> list[OrderReported]:
        """What becomes of the part that did not trade on arrival."""
        order = self._book.working.get(client_order_id)
        if order is None:
            return []
        ticket = order.ticket
        if not is_stop(ticket) and (ticket.price is None or ticket.time_in_force == "ioc"):
            return self._end(client_order_id, "cancelled", at)
        self._book.rest(order)
        return []

    def _fire(self, order: VenueOrder, price: Decimal, at: datetime) -> list[OrderReported]:
        """A stop trades at market, clipped to what the position still holds; its rest expires."""
        identity, ticket = order.client_order_id, order.ticket
        held = offered(self._holdings, ticket, self._instruments[ticket.symbol])
        quantity = min(self._tradable(order), held)
        reports = self._trade(order, price, quantity, "taker", at) if quantity > ZERO else []
        if identity in self._book.working:
            reports += self._end(identity, "expired", at)
        return reports

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
            position_side=ticket.position_side,
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
        reports = [report_of(ticket.client_order_id, traded)]
        if order.remaining == quantity:
            reports += self._end(ticket.client_order_id, "filled", at)
        return reports + self._trim(ticket.symbol, ticket.position_side, at)

    def _trim(self, symbol: str, side: PositionMode, at: datetime) -> list[OrderReported]:
        """Expire the newest reduce-only orders that the position does not cover any more."""
        instrument = self._instruments[symbol]
        if instrument.kind == "spot":
            return []
        held = self._holdings.quantity(instrument, side)
        uncovered = beyond(self._book.reserving(instrument, "sell", side), held)
        uncovered += beyond(self._book.reserving(instrument, "buy", side), -held)
        return [
            report
            for order in uncovered
            for report in self._end(order.client_order_id, "expired", at)
        ]

    def _end(self, client_order_id: str, status: EndedStatus, at: datetime) -> list[OrderReported]:
        ended = self._book.end(client_order_id, status, at)
        return [report_of(client_order_id, ended_report(ended))]
